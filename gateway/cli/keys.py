"""`flask keys`: API keys for callers."""

import json

import click
from marshmallow import ValidationError

from gateway.access.keys import key_hash, new_key
from gateway.cli.endings import ToldEndingGroup
from gateway.settings.fields import CLIENT_NAME


@click.group(cls=ToldEndingGroup)
def keys() -> None:
    """Make API keys."""


def _client_name(_context: click.Context, _option: click.Parameter, name: str) -> str:
    try:
        CLIENT_NAME(name)
    except ValidationError as fault:
        raise click.BadParameter(f"{name!r}: {fault.messages[0]}") from fault
    return name


@keys.command(short_help="Make an API key for a caller.")
@click.option(
    "--name", default="my-client", show_default=True, callback=_client_name, help="The client that gets the key."
)
@click.option("--vdn", "vdns", multiple=True, type=click.IntRange(1, 9999), help="A VDN that it may read; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def new(name: str, vdns: tuple[int, ...], as_json: bool) -> None:  # noqa: FBT001 -- click passes options by name
    """Make a key. It is shown once and kept nowhere; only its hash goes into the settings."""
    key = new_key()
    if as_json:
        click.echo(json.dumps({"key": key, "key_sha256": key_hash(key)}))
        return
    click.echo(f"Key, for the caller, shown only now:  {key}\n")
    click.echo("For the settings of the gateway:\n")
    click.echo(f'[[clients]]\nname = {json.dumps(name)}\nkey_sha256 = "{key_hash(key)}"')
    click.echo(f'vdns = {list(vdns or (1,))}\nscopes = ["campaigns:read"]')
