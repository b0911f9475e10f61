"""What is noted of each call to CC-iSales, and told to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from gateway.errors import UpstreamFailed
from gateway.isales.endpoint import Endpoint
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.send import VendorAnswer
from gateway.isales.traced import traced
from gateway.model import Deadline
from gateway.telemetry.tracing import Kind, Span, Trace, Work, under_way
from tests.support.clock import FakeClock
from tests.unit.isales.vendor import QUERY, TENANT

CALLER = Trace("a" * 32, "b" * 16, sampled=True)
REQUEST = campaigns_request(QUERY, TENANT)
ENDPOINT = Endpoint.parse("https://isales.example.com/base")


@dataclass
class Noted:
    """Begins spans with running numbers, and keeps what they say in the end."""

    ended: list[tuple[str, str, str]] = field(default_factory=list)
    begun: int = 0

    def begin(self, kind: Kind, parent: Trace | None) -> Span:
        """Begin one."""
        self.begun += 1
        return NotedSpan(self, Trace(parent.trace_id if parent else "c" * 32, f"{self.begun:016x}"))


@dataclass
class NotedSpan:
    """One of them."""

    noted: Noted
    trace: Trace

    def end(self, name: str, attributes: Mapping[str, str | int], problem: str = "") -> None:
        """Keep it."""
        self.noted.ended.append((self.trace.span_id, name, problem))


def test_each_call_has_a_span_of_its_own_in_the_callers_trace() -> None:
    """Also those after a failure; time and number are those of the request that they are made for."""
    clock, noted, told = FakeClock(), Noted(), list[str]()

    def send(request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        told.append(request.traceparent)
        clock.advance(0.5)
        if len(told) == 1:
            raise UpstreamFailed("No.")
        return VendorAnswer({})

    send_traced, work = traced(send, noted, ENDPOINT, clock), Work(CALLER)
    with under_way(work):
        with pytest.raises(UpstreamFailed):
            send_traced(REQUEST, Deadline.after(5, clock))
        send_traced(REQUEST, Deadline.after(5, clock))
    assert told == [f"00-{'a' * 32}-{number:016x}-00" for number in (1, 2)]
    name = "GET /rest/isales/v1/openapi/campaigns/{vdn}"
    assert noted.ended == [(f"{1:016x}", name, "upstream-failed"), (f"{2:016x}", name, "")]
    assert work.told() == {"trace_id": "a" * 32, "upstream_calls": 2, "upstream_ms": 1000.0}


def test_a_call_for_nobody_is_a_trace_of_its_own() -> None:
    """Commands make such; a bug of ours ends its span too."""
    noted = Noted()

    def send(request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        raise RuntimeError(request.traceparent)

    with pytest.raises(RuntimeError, match=r"00-c{32}-0{15}1-00"):
        traced(send, noted, ENDPOINT, FakeClock())(REQUEST, Deadline.after(5))
    assert noted.ended[0][2] == "internal-error"
