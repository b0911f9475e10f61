"""`flask cache`: pages that are kept."""

import json

import click
from flask.cli import with_appcontext

from gateway.cli.app import current_gateway
from gateway.counted import counted
from gateway.errors import InternalError


@click.group()
def cache() -> None:
    """Look after the pages that are kept."""


@cache.command(short_help="End the freshness of pages that are shared.")
@click.option("--vdn", type=click.IntRange(1, 9999), help="Only the pages of this VDN.")
@click.option("--hard", is_flag=True, help="Forget them, so that they are not there in trouble either.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def purge(vdn: int | None, hard: bool, as_json: bool) -> None:  # noqa: FBT001 -- click passes options by name
    """End the freshness of pages in the shared cache and in all processes that share it.

    The next caller of each waits for a new one; while CC-iSales fails or is slow the old one is still there.
    """
    gateway = current_gateway()
    if gateway.shared_state() == "off":
        raise click.ClickException(
            "There is no shared cache (cache.shared_url is empty), so every process keeps pages for itself and this "
            "command cannot reach them. Send `DELETE /cache` to each process, or restart them."
        )
    try:
        purged = gateway.purge(vdn, hard=hard)
    except InternalError as fault:
        raise click.ClickException(str(fault)) from fault
    if as_json:
        click.echo(json.dumps({"purged": purged, "vdn": vdn, "hard": hard}))
        return
    of = "of all VDNs" if vdn is None else f"of VDN {vdn}"
    click.echo(f"{'Forgot' if hard else 'Purged'} {counted(purged, 'page')} {of}.")
