"""`flask config`: are the settings right, and what are they."""

import os

import click

from gateway.settings import SettingsError, effective_toml, load_settings


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
def check() -> None:
    """Print the effective settings with secrets redacted, or every fault of them; exit code 1 on faults."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as fault:
        raise click.ClickException(str(fault)) from fault
    click.echo(f"# The settings of the environment {settings.environment!r} are good; secrets are not shown.")
    for warning in settings.warnings:
        click.echo(f"# Warning: {warning}")
    click.echo()
    click.echo(effective_toml(settings), nl=False)
