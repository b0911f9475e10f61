"""What callers see of the page cache."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest


def upstream_calls(simulator: SimulatorServer) -> int:
    """Return how many calls the simulator has counted."""
    total = simulator.calls.snapshot()["total"]
    assert isinstance(total, int)
    return total


def test_a_page_ages_until_it_is_fetched_again(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Miss, hits that age, and a miss when the page is no longer fresh; the headers say so."""
    answer = gateway.get("/campaigns")
    assert answer.headers["Cache-Status"] == "campaign-gateway; fwd=miss; stored; ttl=15"
    assert (answer.headers["Age"], answer.headers["Cache-Control"]) == ("0", "private, max-age=15")
    gateway.clock.advance(9.5)
    answer = gateway.get("/campaigns")
    assert answer.headers["Cache-Status"] == "campaign-gateway; hit; ttl=5"
    assert (answer.headers["Age"], answer.headers["Cache-Control"]) == ("9", "private, max-age=5")
    assert upstream_calls(simulator) == 1
    gateway.clock.advance(5.5)
    assert "fwd=miss" in gateway.get("/campaigns").headers["Cache-Status"]
    assert upstream_calls(simulator) == 2


def test_completed_campaigns_are_fresh_for_longer(gateway: GatewayUnderTest) -> None:
    """A page asked for with `status=completed` has a lifetime of its own."""
    assert gateway.get("/campaigns?status=completed").headers["Cache-Control"] == "private, max-age=300"


@pytest.mark.parametrize(
    "other",
    [
        "vdn=1",
        "page=1&page_size=10",
        "page_size=10&page=1&vdn=1&name=",
        "%70age=%31",
    ],
)
def test_the_same_question_is_one_page(simulator: SimulatorServer, gateway: GatewayUnderTest, other: str) -> None:
    """Order, defaults and encodings do not matter."""
    gateway.get("/campaigns")
    assert "hit" in gateway.get(f"/campaigns?{other}").headers["Cache-Status"]
    assert upstream_calls(simulator) == 1


def test_callers_share_pages_and_languages_do_not_split_them(
    simulator: SimulatorServer, gateway: GatewayUnderTest
) -> None:
    """Another caller of the same VDN, in another language, gets the page that is there."""
    gateway.get("/campaigns", headers={"Accept-Language": "zh-CN"})
    answer = gateway.get("/campaigns?vdn=1", key="all-key", headers={"Accept-Language": "en"})
    assert "hit" in answer.headers["Cache-Status"]
    assert upstream_calls(simulator) == 1


def test_etag_and_304(gateway: GatewayUnderTest) -> None:
    """The entity tag is that of the bytes; who has them gets 304 with the same headers and no body."""
    answer = gateway.get("/campaigns")
    etag = answer.headers["ETag"]
    assert etag.startswith('"')
    not_modified = gateway.get("/campaigns", headers={"If-None-Match": f'"other", W/{etag}'})
    assert (not_modified.status_code, not_modified.data) == (304, b"")
    for name in ("ETag", "Cache-Control", "Age", "Vary", "Link"):
        assert name in not_modified.headers
    assert "Content-Type" not in not_modified.headers
    assert gateway.get("/campaigns", headers={"If-None-Match": '"other"'}).status_code == 200
    gateway.clock.advance(100)
    assert gateway.get("/campaigns").headers["ETag"] == etag
    assert gateway.get("/campaigns?page=2").headers["ETag"] != etag


def test_gzip_when_asked_for(gateway: GatewayUnderTest) -> None:
    """A page that is worth it is compressed for who asks, with a tag of its own; both tags give 304."""
    plain = gateway.get("/campaigns")
    packed = gateway.get("/campaigns", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    for answer in (plain, packed):
        again = gateway.get("/campaigns", headers={"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"})
        assert again.status_code == 304


def test_concurrent_callers_of_a_cold_page_make_one_call(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """Forty callers at once make one upstream call; all get the same bytes."""
    gateway = make_gateway(real_time=True)
    simulator.latency_s = 0.3
    barrier = threading.Barrier(40)

    def call() -> tuple[int, bytes, str]:
        barrier.wait(10)
        answer = gateway.get("/campaigns")
        return answer.status_code, answer.data, answer.headers["Cache-Status"]

    with ThreadPoolExecutor(40) as pool:
        answers = [future.result(20) for future in [pool.submit(call) for _ in range(40)]]
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, body, _ in answers}) == 1
    assert sum("stored" in status for _, _, status in answers) == 1
    assert sum("collapsed" in status for _, _, status in answers) >= 1
    assert upstream_calls(simulator) == 1


def test_an_error_is_never_cached(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """After an error the next request asks again and gets the page."""
    simulator.faults.arm(Fault("result-code", times=1, result_code="0200006"))
    assert gateway.problem("/campaigns")[:2] == (502, "upstream-failed")
    answer = gateway.get("/campaigns")
    assert (answer.status_code, answer.headers["Cache-Status"]) == (200, "campaign-gateway; fwd=miss; stored; ttl=15")


def test_pages_of_different_vdns_never_mix(gateway: GatewayUnderTest) -> None:
    """Two VDNs have different rows, cold and from the cache."""
    for _ in range(2):
        one = gateway.get("/campaigns?vdn=1", key="all-key").get_json()["data"]
        two = gateway.get("/campaigns?vdn=2", key="all-key").get_json()["data"]
        assert {row["id"] for row in one}.isdisjoint({row["id"] for row in two})
