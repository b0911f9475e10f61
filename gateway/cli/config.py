"""`flask config`: are the settings right, and what are they."""

import json
import os
import sys
import tomllib
from typing import Any

import click
from flask.cli import with_appcontext

from gateway.cli.app import Gateway, gateway_or_fault
from gateway.cli.endings import ToldEndingGroup
from gateway.cli.exit_codes import ExitCode
from gateway.cli.listening import require_free_port
from gateway.cli.reload import reload
from gateway.cli.text import TEXT
from gateway.settings import SettingsError, effective_toml


@click.group(cls=ToldEndingGroup)
def config() -> None:
    """Look at the settings, and have them taken anew."""


config.add_command(reload)


@config.command(short_help="Check the settings, and print them.")
@click.option("--host", default="127.0.0.1", show_default=True, type=TEXT, help="Address for --port.")
@click.option("--port", type=click.IntRange(1, 65535), help="Check too that nobody listens on this port.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, the faults too.")
@with_appcontext
def check(host: str, port: int | None, as_json: bool) -> None:  # noqa: FBT001 -- click passes options by name
    """Print the effective settings with secrets redacted, or every fault of them; it fails on faults."""
    gateway = gateway_or_fault()
    if as_json:
        document = _document(gateway)
        try:
            _require_free(host, port)
        except click.ClickException as fault:
            document = {"good": False, "faults": [*document.get("faults", ()), fault.message]}
        click.echo(json.dumps(document, ensure_ascii=False))
        sys.exit(ExitCode.DONE if document["good"] else ExitCode.FAILED)
    unset = "" if os.environ.get("GATEWAY_ENV") else "GATEWAY_ENV is not set, so this is about `development`."
    if isinstance(gateway, SettingsError):
        raise click.ClickException("\n".join(filter(None, (str(gateway), unset))))
    _require_free(host, port)
    settings = gateway.settings
    click.echo(f"# The settings of the environment {settings.environment!r} are good; secrets are not shown.")
    if unset:
        click.echo(f"# {unset}")
    click.echo(f"# Time zones are those of release {settings.time_zones.release}, in {settings.time_zones.folder}.")
    for warning in settings.warnings:
        click.echo(f"# Warning: {warning}")
    click.echo()
    click.echo(effective_toml(settings), nl=False)


def _require_free(host: str, port: int | None) -> None:
    if port is not None:
        require_free_port(host, port, f"Stop that, or choose another port: make serve PORT={port % 65535 + 1}")


def _document(gateway: Gateway | SettingsError) -> dict[str, Any]:
    """Return what `--json` prints. Keys may be added, none goes or changes."""
    if isinstance(gateway, SettingsError):
        return {"good": False, "faults": list(gateway.faults)}
    settings = gateway.settings
    return {
        "good": True,
        "environment": settings.environment,
        "warnings": list(settings.warnings),
        "time_zones": {"release": settings.time_zones.release, "folder": str(settings.time_zones.folder)},
        "settings": tomllib.loads(effective_toml(settings)),
    }
