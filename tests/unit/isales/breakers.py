"""Breakers around an upstream that the test holds in its hands."""

from datetime import UTC, datetime

from gateway.errors import UpstreamFailed, UpstreamOverloaded, UpstreamResult, UpstreamUnreachable
from gateway.isales.breaker import Breakers, refuse_while_open, with_breaker
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.send import Send, VendorAnswer
from gateway.model import CampaignQuery, Deadline
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.clock import FakeClock
from tests.unit.isales.vendor import isales_settings, tenant

ANSWER = VendorAnswer({})
DEAD = UpstreamUnreachable("CC-iSales refused the connection.")
DATABASE = UpstreamFailed("CC-iSales failed with result code 0200006.", upstream=UpstreamResult("0200006", ""))
MIN_CALLS = 3


class House:
    """Breakers for the VDNs 1 and 2 around an upstream that ends each call as `outcome` says."""

    def __init__(self, min_calls: int = MIN_CALLS) -> None:
        self.clock = FakeClock()
        self.numbers = UpstreamNumbers()
        settings = isales_settings("http://127.0.0.1", breaker_min_calls=min_calls)
        self.breakers = Breakers(
            settings, (1, 2), self.numbers, self.clock, lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        )
        self.outcome: BaseException | None = None
        self.calls = 0
        self.send: Send = refuse_while_open(with_breaker(self._send, self.breakers), self.breakers)

    def _send(self, _request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        self.calls += 1
        if self.outcome is not None:
            raise self.outcome
        return ANSWER

    def call(self, vdn: int = 1, *, shortened: bool = False) -> BaseException | None:
        """Make a call; return what it raised."""
        request = campaigns_request(CampaignQuery(vdn), tenant(vdn=vdn))
        try:
            self.send(request, self.deadline(shortened=shortened))
        except BaseException as error:  # noqa: BLE001 -- the wrappers pass everything on
            return error
        return None

    def deadline(self, *, shortened: bool = False) -> Deadline:
        """Return the deadline of a call that begins now."""
        return Deadline(self.clock() + 8.0, self.clock, shortened=shortened)

    def refused(self, vdn: int = 1) -> UpstreamOverloaded:
        """Make a call that must be refused; return how."""
        before = self.calls
        error = self.call(vdn)
        assert isinstance(error, UpstreamOverloaded)
        assert (self.calls, error.sent, error.pause_s) == (before, False, None)
        return error

    def fail(self, error: BaseException, vdn: int = 1, times: int = MIN_CALLS) -> None:
        """Have calls fail."""
        self.outcome = error
        for _ in range(times):
            assert self.call(vdn) is error
        self.outcome = None
