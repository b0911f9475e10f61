"""`flask config`: are the settings right, and what are they."""

import os

import click
from flask.cli import with_appcontext

from gateway.cli.app import gateway_or_fault
from gateway.cli.listening import require_free_port
from gateway.cli.reload import reload
from gateway.cli.text import TEXT
from gateway.settings import SettingsError, effective_toml


@click.group()
def config() -> None:
    """Look at the settings, and have them taken anew."""


config.add_command(reload)


@config.command()
@click.option("--host", default="127.0.0.1", show_default=True, type=TEXT, help="Address for --port.")
@click.option("--port", type=click.IntRange(1, 65535), help="Check too that nobody listens on this port.")
@with_appcontext
def check(host: str, port: int | None) -> None:
    """Print the effective settings with secrets redacted, or every fault of them; exit code 1 on faults."""
    gateway = gateway_or_fault()
    unset = "" if os.environ.get("GATEWAY_ENV") else "GATEWAY_ENV is not set, so this is about `development`."
    if isinstance(gateway, SettingsError):
        raise click.ClickException("\n".join(filter(None, (str(gateway), unset))))
    if port is not None:
        require_free_port(host, port, f"Stop that, or choose another port: make serve PORT={port % 65535 + 1}")
    settings = gateway.settings
    click.echo(f"# The settings of the environment {settings.environment!r} are good; secrets are not shown.")
    if unset:
        click.echo(f"# {unset}")
    click.echo(f"# Time zones are those of release {settings.time_zones.release}, in {settings.time_zones.folder}.")
    for warning in settings.warnings:
        click.echo(f"# Warning: {warning}")
    click.echo()
    click.echo(effective_toml(settings), nl=False)
