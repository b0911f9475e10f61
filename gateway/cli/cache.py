"""`flask cache`: pages that are kept, and the Redis in which processes share them."""

import json
import sys
from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from gateway.cli.app import current_gateway
from gateway.cli.doctor import lines, step_document, summary, verdict
from gateway.cli.doctor_shared import examine_shared
from gateway.cli.endings import ToldEndingGroup
from gateway.cli.exit_codes import ExitCode
from gateway.cli.terminal import print_step
from gateway.counted import counted
from gateway.errors import InternalError
from gateway.isales.doctor_step import State, Step
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.clients import commands_of_connections
from gateway.shared_store.rights import set_user


@click.group(cls=ToldEndingGroup)
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


@cache.command(short_help="Examine the Redis that pages are shared by.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, when all is done.")
@with_appcontext
def doctor(as_json: bool) -> None:  # noqa: FBT001 -- click passes options by name
    """Examine the shared cache, from its name over rights, channel and memory to its clock.

    It prints the least rights of a user of Redis, ready to paste. It fails also where there is no shared cache.
    """
    settings = current_gateway().settings
    if not settings.cache.shared_url:
        raise click.ClickException("There is no shared cache: cache.shared_url is empty.")
    address = StoreAddress.of(settings.cache, settings.isales.base_url)
    taken: list[Step] = []
    for step in examine_shared(address, lambda: datetime.now(UTC)):
        taken.append(step)
        if not as_json:
            print_step("\n".join(lines(step)))
    also = commands_of_connections(address)
    rights = {kind: set_user(address.prefix, cluster=kind == "cluster", also=also) for kind in ("plain", "cluster")}
    if as_json:
        steps = [step_document(step) for step in taken]
        click.echo(json.dumps({"result": verdict(taken), "steps": steps, "acl": rights}, ensure_ascii=False))
    else:
        click.echo(f"\n{summary(taken)}\n\nThe least rights of a user, with a password of your own:")
        click.echo("".join(f"\n{kind}:\n{command}\n" for kind, command in rights.items()))
    sys.exit(ExitCode.FAILED if verdict(taken) is State.FAILED else ExitCode.DONE)
