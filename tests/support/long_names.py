"""A result of few pages that is large: campaigns with long names."""

from dataclasses import replace

from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.server import SimulatorServer

ROWS = 3000
NAME = "n" * 4000
BYTES = ROWS * len(NAME)
"""The least that they take, which is more than a gateway keeps in memory for a result."""


def show_long_names(simulator: SimulatorServer) -> None:
    """Have VDN 1 list `ROWS` campaigns with long names, until it is arranged anew."""
    simulator.listings.show(1, [replace(each, name=NAME) for each in campaigns_of(1, ROWS)])
