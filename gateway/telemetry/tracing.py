"""Traces: whose work a call to CC-iSales is, told on by W3C Trace Context, and spans for those who collect them.

Without OpenTelemetry a trace is an id in log lines and in what goes to CC-iSales. `tracestate` is not passed on: what
callers' systems tell each other is none of CC-iSales' business, and may be left out (Trace Context, section 3.5).
"""

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

VDN: Final = "campaign_gateway.vdn"
"""The attribute of a span that names the VDN."""

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_VERSION = "00"
_NO_VERSION = "ff"
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a trace: its id (32 hexadecimal digits), that of a span in it (16), and whether it is sampled."""

    trace_id: str
    span_id: str
    sampled: bool = False

    @property
    def traceparent(self) -> str:
        """The header that tells it on (W3C Trace Context, section 3.2)."""
        return f"{_VERSION}-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


def trace_of(traceparent: str | None) -> Trace | None:
    """Return what a caller's header says, `None` for one that is absent or not as W3C Trace Context has it."""
    match = None if traceparent is None else _TRACEPARENT.match(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == _NO_VERSION or (version == _VERSION and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Trace(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


class Kind(Enum):
    """Whose work a span is: for a caller, of another server, or our own."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


class Span(Protocol):
    """A piece of work under way."""

    @property
    def trace(self) -> Trace:
        """Where it is in its trace."""
        ...

    def end(self, name: str, attributes: Mapping[str, str | int], problem: str = "") -> None:
        """Say what it was, and the name of the problem that it ended in, empty for none."""
        ...


class Tracer(Protocol):
    """Begins spans."""

    def begin(self, kind: Kind, parent: Trace | None) -> Span:
        """Return a span that begins now, in the trace of `parent` or in one of its own."""
        ...


@dataclass(frozen=True, slots=True)
class _UnseenSpan:
    trace: Trace

    def end(self, name: str, attributes: Mapping[str, str | int], problem: str = "") -> None:
        """Tell nobody."""


class NoTracer:
    """Keeps traces together, and tells nobody of them."""

    def begin(self, kind: Kind, parent: Trace | None) -> Span:
        """Return a span of which nothing will be seen but its ids."""
        trace_id = parent.trace_id if parent else _identifier(128)
        return _UnseenSpan(Trace(trace_id, _identifier(64), sampled=parent is not None and parent.sampled))


@dataclass(slots=True)
class Work:
    """One request, or one refresh in the background: its place in a trace, and what it took of CC-iSales.

    `in_vain` is what it has waited for in vain elsewhere, so as not to wait for it again.
    """

    trace: Trace
    calls: int = field(default=0)
    upstream_s: float = field(default=0.0)
    in_vain: set[object] = field(default_factory=set)

    def told(self) -> dict[str, str | int | float]:
        """Return what a log line says of it."""
        spent = {"upstream_calls": self.calls, "upstream_ms": round(self.upstream_s * 1000, 1)} if self.calls else {}
        return {"trace_id": self.trace.trace_id, **spent}


UNDER_WAY: Final[ContextVar[Work | None]] = ContextVar("UNDER_WAY", default=None)
"""What the current thread is at work for."""


@contextmanager
def under_way(work: Work) -> Iterator[None]:
    """Have the current thread work for `work`."""
    token = UNDER_WAY.set(work)
    try:
        yield
    finally:
        UNDER_WAY.reset(token)


def _identifier(bits: int) -> str:
    """Return a random id that is not 0, in hexadecimal."""
    return f"{random.getrandbits(bits) or 1:0{bits // 4}x}"  # nosec B311 -- it names a trace, nothing rests on it
