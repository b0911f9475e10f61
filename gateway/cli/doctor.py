"""`flask isales doctor`: where on the way to CC-iSales, or to keys of tokens, something is wrong, and what to do."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click
from flask.cli import with_appcontext

from gateway.cli.app import Gateway, current_gateway
from gateway.cli.columns import wrapped
from gateway.cli.doctor_issuers import examine_issuers
from gateway.cli.exit_codes import ExitCode
from gateway.cli.terminal import print_step
from gateway.isales.doctor import examine
from gateway.isales.doctor_step import State, Step, duration
from gateway.settings.model import Tenant, TimeZoneData

COLUMNS: Final = 100
INDENT: Final = 30
"""Where the words of a step begin: behind its state, its name and how long it took."""


@click.command(short_help="Examine the way there, step by step.")
@click.option(
    "--vdn", type=click.IntRange(1, 9999), help="Ask for this VDN only; default: for each that is configured."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, when all is done.")
@with_appcontext
def doctor(vdn: int | None, as_json: bool) -> None:  # noqa: FBT001 -- click passes options by name
    """Examine the way to CC-iSales: DNS, TCP, TLS, HTTP, clock, signature, a query of ten rows, latency.

    It makes one call at a time, at most four for a VDN. Then it reads the keys of each identity provider.
    """
    gateway = current_gateway()
    isales, tenants = gateway.settings.isales, _tenants(gateway, vdn)
    zones = gateway.settings.time_zones
    taken: list[Step] = []
    if not as_json:
        click.echo(f"The way to {isales.base_url}\nTimes are read by the time zones of release {zones.release}\n")
    for step in examine(isales, tenants, lambda: datetime.now(UTC)):
        taken.append(step)
        # Where the way itself is bad, a line for each step of each VDN would say the same.
        if not as_json and not (step.vdn and the_way_is_bad(taken)):
            if step.vdn and taken[-2].vdn != step.vdn:
                click.echo(f"\nVDN {step.vdn}")
            print_step("\n".join(lines(step)))
    if not as_json and tenants and the_way_is_bad(taken):
        click.echo(f"\nNo VDN was asked for: {', '.join(str(tenant.vdn) for tenant in tenants)}")
    issuers = gateway.settings.issuers
    if issuers and not as_json:
        click.echo("\nBearer tokens")
    for step in examine_issuers(issuers):
        taken.append(step)
        if not as_json:
            print_step("\n".join(lines(step)))
    told = json.dumps(document(isales.base_url, zones, taken), ensure_ascii=False) if as_json else f"\n{summary(taken)}"
    click.echo(told)
    sys.exit(ExitCode.FAILED if verdict(taken) is State.FAILED else ExitCode.DONE)


def _tenants(gateway: Gateway, vdn: int | None) -> Sequence[Tenant]:
    tenants = gateway.settings.tenants
    if vdn is None:
        return [tenants[known] for known in sorted(tenants)]
    if vdn not in tenants:
        listed = ", ".join(map(str, sorted(tenants))) or "none"
        raise click.UsageError(f"VDN {vdn} is not configured; configured are: {listed}.")
    return [tenants[vdn]]


def lines(step: Step) -> Iterator[str]:
    """Yield the line of `step`, more where its words need more, and those of its hint, all within `COLUMNS`."""
    columns = COLUMNS - INDENT
    first, *others = wrapped(step.seen, columns)
    took = "" if step.took_s is None else duration(step.took_s)
    yield f"{step.state:8} {step.name:10} {took:>8}  {first}"
    for line in others:
        yield " " * INDENT + line
    if step.hint:
        for line in wrapped(f"-> {step.hint}", columns):
            yield " " * INDENT + line


def the_way_is_bad(steps: Sequence[Step]) -> bool:
    """Tell whether one of `steps` failed that all VDNs share."""
    return any(step.state is State.FAILED and step.vdn is None for step in steps)


def verdict(steps: Sequence[Step]) -> State:
    """Return `FAILED` if any of `steps` failed, else `WARNING` if any is one, else `GOOD`."""
    states = {step.state for step in steps}
    return next((state for state in (State.FAILED, State.WARNING) if state in states), State.GOOD)


def summary(steps: Sequence[Step]) -> str:
    """Return how many of `steps` went how."""
    counts = Counter(step.state for step in steps)
    return ", ".join(f"{counts[state]} {state}" for state in State if counts[state])


def document(base_url: str, zones: TimeZoneData, steps: Sequence[Step]) -> dict[str, Any]:
    """Return what `--json` prints; `deploy/README.md` describes it. Keys may be added, none goes or changes."""
    return {
        "base_url": base_url,
        "result": verdict(steps),
        "time_zones": {"release": zones.release, "folder": zones.folder},
        "steps": [step_document(step) for step in steps],
    }


def step_document(step: Step) -> dict[str, Any]:
    """Return what `--json` prints of one step."""
    return {
        "step": step.name,
        "vdn": step.vdn,
        "state": step.state,
        "seen": step.seen,
        "hint": step.hint,
        "seconds": None if step.took_s is None else round(step.took_s, 6),
        "facts": dict(step.facts),
    }
