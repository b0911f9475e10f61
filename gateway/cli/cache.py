"""`flask cache`: pages that are kept."""

import click
from flask.cli import with_appcontext

from gateway.cli.app import current_gateway
from gateway.counted import counted
from gateway.errors import InternalError


@click.group()
def cache() -> None:
    """Look after the pages that are kept."""


@cache.command()
@click.option("--vdn", type=click.IntRange(1, 9999), help="Only the pages of this VDN.")
@with_appcontext
def purge(vdn: int | None) -> None:
    """Forget pages in the shared cache and in all processes that share it."""
    gateway = current_gateway()
    if gateway.shared_state() == "off":
        raise click.ClickException(
            "There is no shared cache (cache.shared_url is empty), so every process keeps pages for itself and this "
            "command cannot reach them. Send `DELETE /cache` to each process, or restart them."
        )
    try:
        purged = gateway.purge(vdn)
    except InternalError as fault:
        raise click.ClickException(str(fault)) from fault
    of = "of all VDNs" if vdn is None else f"of VDN {vdn}"
    click.echo(f"Purged {counted(purged, 'page')} {of}.")
