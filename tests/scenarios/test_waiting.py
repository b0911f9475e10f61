"""Callers who wait for a change of a page with `Prefer: wait`."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from werkzeug.test import TestResponse

from gateway.access.keys import key_hash
from gateway.api.waiting import WaitForChange
from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import KEYS, GatewayUnderTest, clients
from tests.support.reloading import ReloadedGateway
from tests.support.waiting import wait_until

LONG = {"http__longest_wait_s": "60"}
ANOTHER = Fault("shifting-totals")
GOOD_OR_BAD = ("changed", "unchanged", "ended", "problem", "not_applied")


class Waiters:
    """Callers of a gateway who wait, each in its own thread."""

    def __init__(self, gateway: GatewayUnderTest | ReloadedGateway, pool: ThreadPoolExecutor) -> None:
        self._gateway = gateway
        self._pool = pool

    def begin(
        self, etag: str, *, wait: int = 60, path: str = "/campaigns", key: str = "web-key", **headers: str
    ) -> "Future[TestResponse]":
        """Have one caller wait, and return as soon as it does, or is answered."""
        before = self.number
        sent = {"If-None-Match": etag, "Prefer": f"wait={wait}", **{n.replace("_", "-"): v for n, v in headers.items()}}
        answer = self._pool.submit(self._gateway.get, path, key=key, headers=sent)
        wait_until(lambda: self.number > before or answer.done())
        return answer

    @property
    def number(self) -> float:
        """How many wait, as the metrics tell."""
        return self._gateway.number("campaign_gateway_waiters")

    def ended(self, outcome: str) -> float:
        """Return how many waits ended so."""
        return self._gateway.number(f'campaign_gateway_waits_total{{outcome="{outcome}"}}')


@contextmanager
def waiters_of(gateway: GatewayUnderTest | ReloadedGateway) -> Iterator[Waiters]:
    """Return what has callers wait."""
    with ThreadPoolExecutor(64) as pool:
        yield Waiters(gateway, pool)


@pytest.fixture
def patient(make_gateway: Callable[..., GatewayUnderTest]) -> GatewayUnderTest:
    """Return a gateway that lets callers wait for a minute, on a clock that nobody moves but the test."""
    return make_gateway(**LONG)


def tag_of(gateway: GatewayUnderTest | ReloadedGateway, path: str = "/campaigns", **headers: str) -> str:
    """Return the tag of a page, as a caller gets it."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return gateway.get(path, headers=sent).headers["ETag"]


def change(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Have CC-iSales give another page, and somebody ask for it when it is time."""
    simulator.faults.arm(ANOTHER)
    gateway.clock.advance(15)
    gateway.get("/campaigns")


def test_who_waits_is_answered_when_the_page_is_another_one(
    simulator: SimulatorServer, patient: GatewayUnderTest
) -> None:
    """With that page, by one call for all, and each request is counted as the one that it is."""
    etag = tag_of(patient)
    with waiters_of(patient) as waiters:
        waits = [waiters.begin(etag, X_Request_Id=f"wait-{number}") for number in range(20)]
        assert waiters.number == 20
        change(simulator, patient)
        answers = [wait.result(10) for wait in waits]
        assert (waiters.number, waiters.ended("changed")) == (0, 20)
    for number, answer in enumerate(answers):
        assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=60")
        assert answer.headers["ETag"] != etag
        assert answer.headers["X-Request-Id"] == f"wait-{number}"
        assert answer.headers["Server-Timing"].startswith("wait;dur=")
        assert "Prefer" in answer.headers["Vary"]
    assert len({answer.get_data() for answer in answers}) == 1
    assert simulator.calls.total == 2
    listing = 'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status='
    assert (patient.number(f'{listing}"200"}}'), patient.number(f'{listing}"304"}}')) == (22, 0)


def test_when_its_time_is_over_the_page_is_the_same(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """304, as old as the page is by then; a wait that is too long is cut, and the answer says to what."""
    gateway = make_gateway(real_time=True, http__longest_wait_s="1")
    etag = tag_of(gateway)
    answer = gateway.get("/campaigns", headers={"If-None-Match": etag, "Prefer": "respond-async, wait=99999"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (304, "wait=1")
    assert answer.headers["ETag"] == etag
    assert answer.headers["Cache-Status"].startswith("campaign-gateway; hit; ttl=")
    assert gateway.number('campaign_gateway_waits_total{outcome="unchanged"}') == 1


def test_who_holds_an_older_page_is_answered_at_once(patient: GatewayUnderTest) -> None:
    """There is nothing to wait for."""
    patient.get("/campaigns")
    for path in ("/campaigns", "/campaigns?page=2"):
        answer = patient.get(path, headers={"If-None-Match": '"old"', "Prefer": "wait=60"})
        assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=60")
    assert patient.number('campaign_gateway_waits_total{outcome="changed"}') == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Prefer": "wait=60"},
        {"Prefer": "wait=0", "If-None-Match": "*"},
        {"Prefer": "wait=abc", "If-None-Match": "*"},
        {"Prefer": "return=minimal", "If-None-Match": "*"},
        # Who is gone before a second has passed does not wait.
        {"Prefer": "wait=60", "If-None-Match": "*", "X-Request-Timeout-Ms": "999"},
    ],
)
def test_what_is_no_wait_is_answered_at_once(patient: GatewayUnderTest, headers: dict[str, str]) -> None:
    """Without a tag there is nothing that could change, and preferences that mean nothing are passed over."""
    patient.get("/campaigns")
    answer = patient.get("/campaigns", headers=headers)
    assert answer.status_code == (304 if "If-None-Match" in headers else 200)
    assert "Preference-Applied" not in answer.headers
    assert sum(patient.number(f'campaign_gateway_waits_total{{outcome="{each}"}}') for each in GOOD_OR_BAD) == 0


def test_other_methods_and_paths_do_not_wait(patient: GatewayUnderTest) -> None:
    """It is for the page of campaigns, and for who reads it."""
    waiting = {"If-None-Match": "*", "Prefer": "wait=60"}
    assert patient.get("/campaigns", method="HEAD", headers=waiting).status_code == 304
    assert patient.get("/openapi.json", headers=waiting).status_code == 304


def test_more_than_may_wait_are_answered_at_once(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """It is no error, and shows: in the answer, and in the numbers."""
    gateway = make_gateway(http__most_waiters="1", **LONG)
    etag = tag_of(gateway)
    with waiters_of(gateway) as waiters:
        first = waiters.begin(etag)
        second = waiters.begin(etag).result(10)
        assert (second.status_code, waiters.number, waiters.ended("not_applied")) == (304, 1, 1)
        assert gateway.number("campaign_gateway_waiters_limit") == 1
        assert "Preference-Applied" not in second.headers
        drain(gateway)
        assert first.result(10).status_code == 304
    nobody = make_gateway(http__most_waiters="0")
    answer = nobody.get("/campaigns", headers={"If-None-Match": "*", "Prefer": "wait=5"})
    assert "Preference-Applied" not in answer.headers


def drain(gateway: GatewayUnderTest) -> None:
    """Do what is done when the process is told to end."""
    waiting = gateway.app.wsgi_app
    assert isinstance(waiting, WaitForChange)
    waiting.drain()


def test_who_waits_holds_up_nobody(simulator: SimulatorServer, patient: GatewayUnderTest) -> None:
    """More wait than requests are worked on at a time, and others ask Flask and CC-iSales meanwhile."""
    etag = tag_of(patient)
    with waiters_of(patient) as waiters:
        waits = [waiters.begin(etag) for _ in range(40)]
        assert waiters.number == 40
        assert patient.get("/campaigns?page=2").status_code == 200
        assert patient.get("/campaigns?page=0").status_code == 400
        drain(patient)
        assert {wait.result(10).status_code for wait in waits} == {304}


@pytest.mark.parametrize("accept", ["gzip", "identity"])
def test_each_coding_has_a_tag_that_can_be_waited_with(
    simulator: SimulatorServer, patient: GatewayUnderTest, accept: str
) -> None:
    """Also with what proxies append; the tag of the other coding is another one."""
    etag = tag_of(patient, Accept_Encoding=accept)
    other = tag_of(patient, Accept_Encoding="identity" if accept == "gzip" else "gzip")
    appended = f'{etag[:-1]}-br"' if accept == "identity" else f"W/{etag}"
    with waiters_of(patient) as waiters:
        assert waiters.begin(other, Accept_Encoding=accept).result(10).status_code == 200
        wait = waiters.begin(f'"x", {appended}', Accept_Encoding=accept)
        assert waiters.number == 1
        change(simulator, patient)
        assert wait.result(10).headers["ETag"] not in {etag, other}


def test_what_browsers_add_to_a_wait_fetches_nothing(simulator: SimulatorServer, patient: GatewayUnderTest) -> None:
    """They send `no-cache` with what is not to be stored: a thousand who wait would have a page fetched each time."""
    etag = tag_of(patient)
    patient.clock.advance(5)
    with waiters_of(patient) as waiters:
        wait = waiters.begin(etag, Cache_Control="no-cache", Pragma="no-cache")
        assert (waiters.number, simulator.calls.total) == (1, 1)
        drain(patient)
        assert wait.result(10).status_code == 304
    assert simulator.calls.total == 1


def test_what_is_asked_of_the_cache_counts_for_who_has_nothing_to_wait_for(
    simulator: SimulatorServer, patient: GatewayUnderTest
) -> None:
    """Who holds another page gets none older than it asks for, and none that is not at hand where it wants no call."""
    etag = tag_of(patient)
    simulator.faults.arm(ANOTHER)
    patient.clock.advance(5)
    wish = {"If-None-Match": '"old"', "Prefer": "wait=60"}
    at_hand = patient.get("/campaigns", headers={**wish, "Cache-Control": "max-age=5"})
    assert (at_hand.headers["ETag"], simulator.calls.total) == (etag, 1)
    fetched = patient.get("/campaigns", headers={**wish, "Cache-Control": "no-cache"})
    assert (fetched.status_code, fetched.headers["Preference-Applied"]) == (200, "wait=60")
    assert fetched.headers["ETag"] != etag
    none = patient.get("/campaigns?page=2", headers={**wish, "Cache-Control": "only-if-cached"})
    assert (none.status_code, simulator.calls.total) == (504, 2)


def test_who_turns_out_to_hold_the_page_waits(simulator: SimulatorServer, patient: GatewayUnderTest) -> None:
    """Also who asked for one that is fetched from now on; it is fetched once, and asked for as one request."""
    etag = tag_of(patient)
    simulator.faults.arm(ANOTHER)
    patient.clock.advance(5)
    newer = tag_of(patient, Cache_Control="no-cache")
    simulator.faults.clear()
    patient.clock.advance(5)
    with waiters_of(patient) as waiters:
        wait = waiters.begin(etag, Cache_Control="no-cache")
        wait_until(lambda: simulator.calls.total == 3)
        # Before the clock is moved: a page that lands after that would be of then.
        wait_until(lambda: tag_of(patient) == etag)
        assert not wait.done()
        change(simulator, patient)
        answer = wait.result(10)
    assert newer != etag
    assert (answer.status_code, answer.headers["ETag"] == etag) == (200, False)


def test_it_waits_on_through_trouble(simulator: SimulatorServer, patient: GatewayUnderTest) -> None:
    """A page that is stale because CC-iSales fails is the same page; when it changes after that, that is told."""
    etag = tag_of(patient)
    simulator.faults.arm(Fault("http-status", status=500))
    patient.clock.advance(100)
    with waiters_of(patient) as waiters:
        wait = waiters.begin(etag)
        assert patient.get("/campaigns").headers["Cache-Status"].endswith("detail=upstream-failed")
        assert waiters.number == 1
        simulator.faults.clear()
        simulator.faults.arm(ANOTHER)
        patient.clock.advance(60)
        patient.get("/campaigns")
        answer = wait.result(10)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=60")
    # Its first look found the stale page, which nobody was sent.
    same = 'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="304"}'
    assert patient.number(same) == 0


def test_the_end_of_a_wait_is_no_reason_to_fetch(simulator: SimulatorServer, patient: GatewayUnderTest) -> None:
    """A wait that ends past four fifths of the freshness refreshes nothing, unlike a request that comes then."""
    etag = tag_of(patient)
    patient.clock.advance(14.5)
    with waiters_of(patient) as waiters:
        wait = waiters.begin(etag)
        drain(patient)
        assert wait.result(10).status_code == 304
    assert patient.get("/campaigns?page=2").status_code == 200
    assert simulator.calls.total == 2


def test_who_can_have_no_page_is_told_why(simulator: SimulatorServer, patient: GatewayUnderTest) -> None:
    """Before it waits, and when CC-iSales refuses meanwhile what was asked."""
    refused = patient.get("/campaigns?page=0", headers={"If-None-Match": "*", "Prefer": "wait=60"})
    assert (refused.status_code, "Preference-Applied" in refused.headers) == (400, False)
    etag = tag_of(patient)
    with waiters_of(patient) as waiters:
        wait = waiters.begin(etag)
        simulator.faults.arm(Fault("result-code", times=None, result_code="0200001"))
        patient.clock.advance(15)
        patient.get("/campaigns")
        answer = wait.result(10)
        assert answer.status_code == 400, answer.headers
        assert answer.get_json()["type"] == "problems/upstream-rejected-parameters"
        assert "Preference-Applied" not in answer.headers
        assert waiters.ended("problem") == 2


def test_the_end_of_a_process_answers_all(patient: GatewayUnderTest) -> None:
    """They are told to close their connections, and who comes after that does not wait."""
    etag = tag_of(patient)
    with waiters_of(patient) as waiters:
        wait = waiters.begin(etag)
        drain(patient)
        answer = wait.result(10)
        assert (answer.status_code, answer.headers["Connection"]) == (304, "close")
        assert answer.headers["Preference-Applied"] == "wait=60"
        after = waiters.begin(etag).result(10)
        assert (after.status_code, "Preference-Applied" in after.headers) == (304, False)
        assert waiters.ended("ended") == 1


def test_a_limited_client_is_counted_once(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """A wait is one request, though it is looked for a page before and after."""
    gateway = make_gateway(clients=clients(web=2), **LONG)
    etag = tag_of(gateway)
    simulator.faults.arm(Fault("http-status", status=500))
    gateway.clock.advance(30)
    with waiters_of(gateway) as waiters:
        wait = waiters.begin(etag)
        assert waiters.number == 1
        drain(gateway)
        assert wait.result(10).status_code == 304
    assert gateway.get("/campaigns").status_code == 429


def test_a_reload_answers_all_by_the_new_settings(simulator: SimulatorServer) -> None:
    """Who may still read the page is told that it is the same; who may not any more is told that."""
    house = ReloadedGateway(simulator.base_url, http__longest_wait_s="60")
    etag = tag_of(house)
    for key in ("all-key", "web-key"):
        house.get("/campaigns?vdn=1", key)
    with waiters_of(house) as waiters:
        mine = waiters.begin(etag)
        others = waiters.begin(etag, key="all-key", path="/campaigns?vdn=1")
        assert waiters.number == 2
        kept = f'[{{name = "web", key_sha256 = "{key_hash(KEYS["web"])}", vdns = [1]}}]'
        assert house.reload(clients=kept)
        assert mine.result(10).status_code == 304
        assert mine.result(10).headers["Preference-Applied"] == "wait=60"
        revoked = others.result(10)
        assert (revoked.status_code, "Preference-Applied" in revoked.headers) == (401, False)
        mine, whichever = waiters.begin(etag, path="/campaigns?vdn=1"), waiters.begin(etag)
        assert waiters.number == 2
        assert house.reload(clients=kept.replace("[1]", "[2]"))
        assert mine.result(10).status_code == 403
        # Without a number the VDN is meant that it may read, which is another one by now.
        assert whichever.result(10).get_json()["data"][0]["id"] > 200_000
        assert waiters.number == 0
    house.close()


def test_a_reload_changes_how_long_and_how_many_wait(simulator: SimulatorServer) -> None:
    """`http.longest_wait_s` and `http.most_waiters` count from the reload on."""
    house = ReloadedGateway(simulator.base_url, http__longest_wait_s="60")
    etag = tag_of(house)
    with waiters_of(house) as waiters:
        wait = waiters.begin(etag)
        assert house.reload(http__longest_wait_s="20", http__most_waiters="1")
        assert wait.result(10).headers["Preference-Applied"] == "wait=60"
        wait = waiters.begin(etag)
        assert "Preference-Applied" not in waiters.begin(etag).result(10).headers
        assert house.number("campaign_gateway_waiters_limit") == 1
        house.served.drain()
        assert wait.result(10).headers["Preference-Applied"] == "wait=20"
    house.close()


def test_faulty_settings_disturb_nobody(simulator: SimulatorServer) -> None:
    """After a reload that fails callers go on waiting, because nothing has changed for them."""
    house = ReloadedGateway(simulator.base_url, http__longest_wait_s="60")
    etag = tag_of(house)
    with waiters_of(house) as waiters:
        wait = waiters.begin(etag)
        assert not house.reload(http__longest_wait_s="61")
        assert waiters.number == 1
        house.served.drain()
        assert wait.result(10).status_code == 304
    house.close()


def test_pages_are_kept_fresh_while_somebody_waits(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """Nobody else asks, and a change is told all the same; without anybody who waits CC-iSales is left alone."""
    gateway = make_gateway(real_time=True, cache__fresh_s="0.2", cache__min_refresh_s="0.1", **LONG)
    etag = tag_of(gateway)
    with waiters_of(gateway) as waiters:
        wait = waiters.begin(etag)
        wait_until(lambda: simulator.calls.total >= 3)
        # A change that lasts: another one might be over before a busy machine has looked at it.
        simulator.listings.show(1, campaigns_of(1, 251))
        assert wait.result(10).status_code == 200
    wait_until(lambda: "page-watch" in {thread.name for thread in threading.enumerate()})
    assert gateway.number("campaign_gateway_waiters") == 0
