"""CC-iSales, or what guards it, does not let the gateway through: HTTP 403 and 418, end to end."""

from collections.abc import Iterator

import pytest

from tests.scenarios.upstream.raw_server import GOOD_BODY, RawServer, good, http, says
from tests.support.clock import FakeClock
from tests.support.doctor import examined
from tests.support.gateway import GatewayUnderTest
from tests.unit.isales.vendor import as_json

LOCKED = says(
    http(
        "403 Forbidden",
        as_json({"timestamp": 1767323045000, "status": 403, "error": "Forbidden", "message": "address locked\x07"}),
        "Content-Type: application/json",
    )
)
FIREWALL = says(http("418 I'm a teapot", b"<html><title>Request denied</title></html>", "Content-Type: text/html"))


@pytest.fixture
def gateway(upstream: RawServer) -> Iterator[GatewayUnderTest]:
    """Return a gateway whose clock stands still."""
    gateway = GatewayUnderTest(upstream.url, FakeClock())
    yield gateway
    gateway.close()


def test_a_lock_of_the_address(upstream: RawServer, gateway: GatewayUnderTest) -> None:
    """Each VDN learns of it once, then nobody calls for five minutes; known pages are shown, and it ends by itself."""
    assert gateway.get("/campaigns").status_code == 200
    gateway.clock.advance(100)
    upstream.usually = LOCKED
    status, problem, document = gateway.problem("/campaigns?page=2")
    assert (status, problem) == (502, "upstream-forbidden")
    assert "It says: Forbidden: address locked\\x07" in document["detail"]
    assert gateway.get("/campaigns?page=2").headers["Retry-After"] == "300"
    assert gateway.problem("/campaigns?vdn=2", key="all-key")[1] == "upstream-forbidden"
    assert gateway.get("/readyz", key=None).get_json()["dependencies"]["isales"]["circuit"] == "locked"
    asked = len(upstream.requests)
    assert asked == 3
    for _ in range(29):
        gateway.clock.advance(10)
        assert gateway.get("/campaigns").status_code == 200
        assert gateway.problem("/campaigns?page=2")[1] == "upstream-forbidden"
        assert gateway.problem("/campaigns?vdn=2", key="all-key")[1] == "upstream-forbidden"
    assert len(upstream.requests) == asked
    gateway.clock.advance(10)
    upstream.usually = good
    assert gateway.get("/campaigns?page=2").status_code == 200
    assert gateway.get("/campaigns?vdn=2", key="all-key").status_code == 200


def test_a_search_that_looks_like_an_attack(upstream: RawServer, gateway: GatewayUnderTest) -> None:
    """It alone is not asked again, whoever asks, and nobody else notices."""
    upstream.will(FIREWALL)
    for _ in range(5):
        status, problem, document = gateway.problem("/campaigns?name=O%27Brien%20(VIP)*!")
        assert (status, problem) == (502, "upstream-forbidden")
        assert "`name`" in document["detail"]
    assert len(upstream.requests) == 1
    assert gateway.get("/campaigns").status_code == 200
    assert gateway.get("/campaigns?name=O%27Brien").status_code == 200
    gateway.clock.advance(300)
    assert gateway.get("/campaigns?name=O%27Brien%20(VIP)*!").status_code == 200


def test_the_doctor_on_a_lock(upstream: RawServer) -> None:
    """It says what to do in which order, shows the words of the guard, and asks for no other VDN."""
    upstream.usually = LOCKED
    report = examined(upstream.url, vdn=None)
    assert report.exit_code == 1
    assert len(upstream.requests) == 1
    (failed,) = (step for step in report.steps if step["state"] == "failed")
    assert (failed["step"], failed["vdn"], failed["facts"]["problem"]) == ("query", 1, "upstream-forbidden")
    assert "It says: Forbidden: address locked\\x07" in failed["seen"]
    order = [failed["hint"].index(word) for word in ("address", "allow list", "no calls", "keys")]
    assert order == sorted(order)
    of_other = [step for step in report.steps if step["vdn"] == 2]
    assert {step["state"] for step in of_other} == {"skipped"}
    assert all("VDN 1 was not let through" in step["seen"] for step in of_other)


def test_the_doctor_on_a_firewall(upstream: RawServer) -> None:
    """It names the Host that was sent, and who answered."""
    upstream.usually = FIREWALL
    report = examined(upstream.url)
    assert 'a page titled "Request denied"' in report.step("http")["seen"]
    assert f"127.0.0.1:{upstream.port}" in report.step("query")["hint"]
    assert GOOD_BODY.decode() not in report.text
