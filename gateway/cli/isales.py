"""`flask isales`: what goes over the wire to CC-iSales."""

import json
import re
import shlex
from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from gateway.cli.app import current_gateway
from gateway.cli.campaigns import query_of, with_query_options
from gateway.cli.doctor import doctor
from gateway.cli.endings import ToldEndingGroup
from gateway.isales.endpoint import Endpoint
from gateway.isales.request import campaigns_request, sign_request
from gateway.settings.model import IsalesSettings


@click.group(cls=ToldEndingGroup)
def isales() -> None:
    """Look at the way to CC-iSales."""


isales.add_command(doctor)


@isales.command(name="explain-signature", short_help="Show how a request is signed.")
@with_appcontext
@with_query_options
@click.option("--at", help="Sign for this time, RFC 3339 in UTC such as 2026-01-02T03:04:05Z; default: now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain_signature(at: str | None, as_json: bool, **options: str | None) -> None:  # noqa: FBT001 -- click passes options by name
    """Show how a request is signed: canonical request, prefix, signature, and a curl line that sends it.

    The secret key is never shown; compare the canonical request with the one that CC-iSales logs.
    """
    gateway = current_gateway()
    query = query_of(gateway, options)
    tenant = gateway.settings.tenants[query.vdn]
    endpoint = Endpoint.parse(gateway.settings.isales.base_url)
    signed = sign_request(campaigns_request(query, tenant), endpoint, _moment(at))
    parts = {
        "url": signed.url,
        "canonical_request": signed.signature.canonical_request,
        "prefix": signed.signature.prefix,
        "signature": signed.signature.signature,
        "authorization": signed.signature.authorization,
        "curl": _curl(signed.url, dict(signed.headers), gateway.settings.isales),
    }
    if as_json:
        click.echo(json.dumps(parts, ensure_ascii=False))
        return
    click.echo("Canonical request (what is signed; it ends with the newline before the empty body):")
    click.echo("\n".join(f"  | {line}" for line in parts["canonical_request"].split("\n")))
    click.echo("\nsigning key   = hex(HMAC-SHA256(key = secret key, message = prefix)); not shown")
    click.echo("signature     = hex(HMAC-SHA256(key = signing key, message = canonical request))\n")
    for name in ("prefix", "signature", "authorization"):
        click.echo(f"{name:13} = {parts[name]}")
    click.echo(f"\nTo send it, soon (how old a signature may be is not published):\n\n{parts['curl']}")


def _moment(at: str | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z", at):
        raise click.UsageError(f"--at {at!r}: write a time in UTC such as 2026-01-02T03:04:05Z.")
    try:
        return datetime.fromisoformat(at)
    except ValueError as fault:
        raise click.UsageError(f"--at {at!r}: there is no such time ({fault}).") from fault


def _curl(url: str, headers: dict[str, str], isales_settings: IsalesSettings) -> str:
    parts = ["curl", "--globoff", "--path-as-is"]
    files = {"--cacert": "ca_file", "--cert": "client_cert_file", "--key": "client_key_file"}
    for option, setting in files.items():
        if path := getattr(isales_settings, setting):
            parts += [option, path]
    for name, value in headers.items():
        parts += ["-H", f"{name}: {value}"]
    return shlex.join([*parts, url])
