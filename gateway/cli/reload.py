"""`flask config reload`: have a running gateway take its settings anew, without losing a request or a page."""

import json
import time
from collections.abc import Sequence
from typing import Final

import click

from gateway.reload.asked import ask
from gateway.reload.published import Worker, workers

LIMIT_S: Final = 20.0
PAUSE_S: Final = 0.05


@click.command(short_help="Have a running gateway read them anew.")
@click.option("--pid", type=click.IntRange(min=1), help="The main process of the server, where several gateways run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reload(pid: int | None, as_json: bool) -> None:  # noqa: FBT001 -- click passes options by name
    """Have every worker of a running gateway read settings and secrets anew, and tell what came of it.

    Its variables are those that it was started with, whatever is set here. It fails where the settings are faulty, so
    that those before stay in force, and where there is no gateway to be found.
    """
    asked = _workers_of(pid)
    for worker in asked:
        ask(worker.pid, worker.shown.asked)
    done = _wait_for(asked)
    faults = list(dict.fromkeys(fault for worker in done for fault in worker.shown.faults))
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise click.ClickException(f"The settings are faulty, and those before stay in force:\n{listed}")
    if len(done) < len(asked):
        silent = ", ".join(str(pid) for pid in sorted({w.pid for w in asked} - {w.pid for w in done}))
        raise click.ClickException(f"No word came within {LIMIT_S:.0f} s from process {silent}; look at its log.")
    if as_json:
        click.echo(json.dumps({"workers": [worker.pid for worker in done]}))
        return
    click.echo(f"Reloaded: {len(done)} {'worker serves' if len(done) == 1 else 'workers serve'} by the new settings.")


def _workers_of(pid: int | None) -> Sequence[Worker]:
    """Return the workers of the one gateway that is meant; ClickException if there is none, or more than one."""
    found = list(workers(pid))
    # A main process that has loaded the app before it forked shows something too, and serves nobody.
    found = [worker for worker in found if worker.pid not in {other.parent for other in found}]
    servers = sorted({worker.parent for worker in found})
    if not found:
        where = "on this machine" if pid is None else f"with the process id {pid}"
        raise click.ClickException(f"There is no gateway {where} that this user may look into and that is serving.")
    if len(servers) > 1:
        raise click.ClickException(
            f"Several gateways are running, their main processes are {', '.join(map(str, servers))}; "
            f"choose one: flask config reload --pid {servers[0]}"
        )
    return found


def _wait_for(asked: Sequence[Worker]) -> Sequence[Worker]:
    """Return those of `asked` that have reloaded since, as they are now; those that have ended do not count."""
    before = {worker.pid: worker.shown.reloads for worker in asked}
    give_up = time.monotonic() + LIMIT_S
    while True:
        now = [worker for worker in workers(asked[0].parent) if worker.pid in before]
        done = [worker for worker in now if worker.shown.reloads > before[worker.pid]]
        if len(done) == len(before) or time.monotonic() >= give_up:
            return done
        time.sleep(PAUSE_S)
