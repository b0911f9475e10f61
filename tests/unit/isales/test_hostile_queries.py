"""Questions that a firewall took for an attack."""

import pytest

from gateway.errors import UpstreamForbidden
from gateway.isales.hostile_queries import MOST_REMEMBERED, HostileQueries, refuse_hostile
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.send import Send, VendorAnswer
from gateway.model import CampaignQuery, Deadline
from tests.support.clock import FakeClock
from tests.unit.isales.vendor import TENANT

STOPPED = UpstreamForbidden("stopped", of_query=True)


class Firewall:
    """Stops what is called `hostile`, and counts all calls that come to it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.calls = 0
        self.error = STOPPED
        self.send: Send = refuse_hostile(self._send, HostileQueries(300.0, self.clock))

    def _send(self, request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        self.calls += 1
        if ("name", "hostile") in request.params:
            raise self.error
        return VendorAnswer({})

    def ask(self, name: str, page: int = 1) -> UpstreamForbidden | None:
        """Ask for a name; return what was raised."""
        try:
            self.send(
                campaigns_request(CampaignQuery(1, name=name, page=page), TENANT), Deadline.after(8.0, self.clock)
            )
        except UpstreamForbidden as error:
            return error
        return None


@pytest.fixture
def firewall() -> Firewall:
    """Return one that has stopped nothing yet."""
    return Firewall()


def test_it_is_not_asked_again_for_a_while_and_all_others_are(firewall: Firewall) -> None:
    """The question waits for its time, which each caller is told; other names and no name are answered."""
    first = firewall.ask("hostile")
    assert first is not None
    assert (first.retry_after_s, first.sent, first.detail) == (300, True, "stopped")
    firewall.clock.advance(100.5)
    again = firewall.ask("hostile")
    assert again is not None
    assert (again.retry_after_s, again.sent, again.detail) == (200, False, "stopped")
    assert firewall.calls == 1
    assert (firewall.ask("harmless"), firewall.ask("")) == (None, None)
    firewall.clock.advance(200)
    third = firewall.ask("hostile")
    assert third is not None
    assert (third.sent, firewall.calls) == (True, 4)


def test_what_it_says_itself_of_the_time_is_kept(firewall: Firewall) -> None:
    """A longer `Retry-After` counts."""
    firewall.error = STOPPED.again(retry_after_s=900)
    first = firewall.ask("hostile")
    assert first is not None
    assert first.retry_after_s == 900


def test_what_is_not_of_the_query_is_passed_on(firewall: Firewall) -> None:
    """A lock of the address is no fault of the query, so the same query may be asked again."""
    firewall.error = UpstreamForbidden("locked", retry_after_s=7)
    assert firewall.ask("hostile") is firewall.error
    assert firewall.ask("hostile") is firewall.error


def test_it_remembers_so_many(firewall: Firewall) -> None:
    """Callers with ever new questions take no memory for ever."""
    for page in range(1, MOST_REMEMBERED + 2):
        firewall.ask("hostile", page)
    asked = firewall.calls
    second, first = firewall.ask("hostile", 2), firewall.ask("hostile", 1)
    assert second is not None
    assert first is not None
    assert (second.sent, first.sent, firewall.calls) == (False, True, asked + 1)
