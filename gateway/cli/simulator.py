"""`flask simulator`: a CC-iSales to try things on."""

import ssl
from dataclasses import replace

import click

from gateway.cli.text import TEXT
from gateway.simulator.server import DEFAULT_HOST, DEFAULT_PORT, demo_config
from gateway.simulator.server import run as run_simulator


@click.group()
def simulator() -> None:
    """Run a CC-iSales look-alike that checks signatures and has 250 campaigns."""


@simulator.command()
@click.option("--host", default=DEFAULT_HOST, show_default=True, type=TEXT, help="Address to listen on.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
@click.option(
    "--latency", default=0.0, show_default=True, type=click.FloatRange(0, 60), help="Seconds an answer takes."
)
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False), help="PEM file: serve HTTPS with it.")
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False), help="PEM file of its key, if not in the same file."
)
def run(host: str, port: int, latency: float, certificate: str | None, key: str | None) -> None:
    """Run it until Ctrl-C. Faults are switched on by `PUT /simulator/faults`; `GET` lists them."""
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            tls.load_cert_chain(certificate, key, password="")
        except OSError as fault:
            raise click.ClickException(
                f"{certificate} and its key cannot be used ({fault.strerror}); give both in PEM, not encrypted."
            ) from fault
    run_simulator(replace(demo_config(), latency_s=latency), host, port, tls)
