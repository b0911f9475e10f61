"""What the doctor finds: one `Step` for each thing that it looked at, on the way to CC-iSales and beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

Fact = str | int | float | None | tuple[str, ...]
"""A value that JSON has; times are RFC 3339 in UTC, durations seconds."""


class Name(StrEnum):
    """The steps, in the order in which they are taken: from `HTTP` on for each VDN, the last for each token issuer."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    HTTP = "http"
    CLOCK = "clock"
    SIGNATURE = "signature"
    QUERY = "query"
    LATENCY = "latency"
    ISSUER = "issuer"


class State(StrEnum):
    """How a step went. `SKIPPED` is one that could not be taken, or that there was nothing to take for."""

    GOOD = "good"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step and how it went.

    `seen` says in words what was seen, `hint` what to do about it (empty where there is nothing to do). Both are safe
    to print: no secret, no control character. `took_s` is `None` for a step that looks at what another one brought.
    `facts` holds what was seen by name, for programs; `vdn` is `None` for the steps that all VDNs share.
    """

    name: StrEnum
    state: State
    seen: str
    took_s: float | None = None
    hint: str = ""
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))
    vdn: int | None = None


def duration(seconds: float) -> str:
    """Return `seconds` for people, in milliseconds where they are less than one."""
    # What would be rounded to 1000.0 ms is a second.
    return f"{seconds * 1000:.1f} ms" if seconds < 0.99995 else f"{seconds:.1f} s"  # noqa: PLR2004 -- see above


def skipped(name: Name, failed: Name, vdn: int | None = None) -> Step:
    """Return the step `name` that was not taken because `failed`, which it depends on, failed."""
    return Step(name, State.SKIPPED, f"not examined, because {failed} failed", vdn=vdn)
