"""`flask simulator`: a CC-iSales to try things on."""

import ssl
from dataclasses import replace

import click

from gateway.cli.endings import ToldEndingGroup
from gateway.cli.text import TEXT
from gateway.simulator.guesses import NAME_COMPARISONS, Guesses
from gateway.simulator.server import DEFAULT_HOST, DEFAULT_PORT, demo_config
from gateway.simulator.server import run as run_simulator


@click.group(cls=ToldEndingGroup)
def simulator() -> None:
    """Run a CC-iSales look-alike that checks signatures and has 250 campaigns."""


@simulator.command(short_help="Run a CC-iSales look-alike.")
@click.option("--host", default=DEFAULT_HOST, show_default=True, type=TEXT, help="Address to listen on.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
@click.option(
    "--latency", default=0.0, show_default=True, type=click.FloatRange(0, 60), help="Seconds an answer takes."
)
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False), help="PEM file: serve HTTPS with it.")
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False), help="PEM file of its key, if not in the same file."
)
@click.option(
    "--clock-window",
    default=Guesses.clock_window_s,
    show_default=True,
    type=click.FloatRange(0),
    help="A guess: seconds that a signature's time may be off; 0: any.",
)
@click.option(
    "--lock-after",
    default=Guesses.lock_after,
    show_default=True,
    type=click.IntRange(0),
    help="A guess: refused signatures in a row after which an address is locked (403); 0: never.",
)
@click.option(
    "--lock-for",
    default=Guesses.lock_s,
    show_default=True,
    type=click.FloatRange(0),
    help="A guess: seconds for which it is.",
)
@click.option(
    "--name-comparison",
    default=Guesses.name_comparison,
    show_default=True,
    type=click.Choice(list(NAME_COMPARISONS)),
    help="A guess: how the filter compares names.",
)
@click.option(
    "--require-status-v2", is_flag=True, help="A guess: a query without statusV2 is 02000001; it has no effect."
)
@click.option(
    "--call-every",
    default=Guesses.call_every_s,
    show_default=True,
    type=click.FloatRange(0),
    help="A guess: seconds between two calls of a VDN, else 429 (300 is the rule of a sibling); 0: any.",
)
def run(
    host: str,
    port: int,
    latency: float,
    certificate: str | None,
    key: str | None,
    clock_window: float,
    lock_after: int,
    lock_for: float,
    name_comparison: str,
    require_status_v2: bool,  # noqa: FBT001 -- click passes options by name
    call_every: float,
) -> None:
    """Run it until Ctrl-C. Faults are switched on by `PUT /simulator/faults`; `GET` lists them.

    What the vendor has not published is a guess and can be set; that the two counts of a page are the tenant's and not
    the filter's, and the form of 401 and 403, are guesses too.
    """
    guesses = Guesses(clock_window, lock_after, lock_for, name_comparison, require_status_v2, call_every)
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            tls.load_cert_chain(certificate, key, password="")
        except OSError as fault:
            raise click.ClickException(
                f"{certificate} and its key cannot be used ({fault.strerror}); give both in PEM, not encrypted."
            ) from fault
    run_simulator(replace(demo_config(), latency_s=latency, guesses=guesses), host, port, tls)
