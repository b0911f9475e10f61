"""Limits of clients end to end: what counts, what does not, and two gateways that share a count or lose it."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest, clients
from tests.support.identity_provider import AUDIENCE, ISSUER, claims, provider, token
from tests.support.redis_server import RedisServer

Make = Callable[..., GatewayUnderTest]
POLICY = '"default";q=3;w=60'


@pytest.fixture
def limited(make_gateway: Make) -> GatewayUnderTest:
    """Return a gateway whose client "web" may make three requests a minute."""
    return make_gateway(clients=clients(web=3))


def number(gateway: GatewayUnderTest, name: str) -> float:
    """Return one number of the metrics, 0 while it is not there; what all their names begin with is left out."""
    return gateway.number(f"campaign_gateway_rate_limit{name}")


def left(gateway: GatewayUnderTest, path: str, **options: str) -> tuple[int, int | None]:
    """Ask for something; return the status and, if the answer counted, how many more requests are possible."""
    headers = {"Accept": options.pop("accept", "*/*")}
    answer = gateway.get(path, headers=headers, **options)
    told = answer.headers.get("RateLimit")
    assert (told is None) is ("RateLimit-Policy" not in answer.headers)
    return answer.status_code, None if told is None else int(re.fullmatch(r'"default";r=(\d+);t=\d+', told)[1])  # type: ignore[index]  # -- a mismatch fails the test


def use_up(gateway: GatewayUnderTest) -> None:
    """Make three requests for pages that are not there."""
    assert [left(gateway, f"/campaigns?page={page}") for page in (1, 2, 3)] == [(200, 2), (200, 1), (200, 0)]


def test_a_client_over_its_limit_is_told_when_to_come_back(limited: GatewayUnderTest) -> None:
    """The fourth page in a minute is refused with the seconds to wait, and after them it is served."""
    use_up(limited)
    limited.clock.advance(20)
    status, name, document = limited.problem("/campaigns?page=4")
    assert (status, name) == (429, "rate-limited")
    assert "'web' may make 3 requests a minute" in document["detail"]
    answer = limited.get("/campaigns?page=4")
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("40", "no-store")
    assert (answer.headers["RateLimit-Policy"], answer.headers["RateLimit"]) == (POLICY, '"default";r=0;t=40')
    assert (number(limited, 'ed_total{client="web"}'), number(limited, "_faults_total")) == (2, 0)
    limited.clock.advance(39)
    assert left(limited, "/campaigns?page=4") == (429, 0)
    limited.clock.advance(1)
    assert left(limited, "/campaigns?page=4") == (200, 2)


def test_fresh_pages_are_free(simulator: SimulatorServer, limited: GatewayUnderTest) -> None:
    """On the fast path and beside it, 200 and 304, before the limit is reached and after, and without a word of it."""
    first = limited.get("/campaigns")
    assert (first.headers["RateLimit-Policy"], first.headers["RateLimit"]) == (POLICY, '"default";r=2;t=60')
    for _ in range(2):
        for path in ("/campaigns", "/campaigns?page=1", "/campaigns?page_size=10"):
            assert [left(limited, path) for _ in range(3)] == [(200, None)] * 3
        assert left(limited, "/campaigns", method="HEAD") == (200, None)
        for tag in (first.headers["ETag"], f"W/{first.headers['ETag']}", "*"):
            answer = limited.get("/campaigns", headers={"If-None-Match": tag})
            assert (answer.status_code, "RateLimit" in answer.headers) == (304, False)
        left(limited, "/campaigns?page=2")
        left(limited, "/campaigns?page=3")
    assert left(limited, "/campaigns?page=4") == (429, 0)
    assert simulator.calls.total == 3


def test_stale_pages_count(simulator: SimulatorServer, limited: GatewayUnderTest) -> None:
    """They cost a refresh, so whoever is over the limit neither gets one nor has it refreshed."""
    use_up(limited)
    limited.clock.advance(20)
    calls = simulator.calls.total
    assert [left(limited, "/campaigns?page=1") for _ in range(3)] == [(429, 0)] * 3
    assert '"fetch_under_way":false' in limited.get("/cache/explain", key="doctor-key").get_data(as_text=True)
    assert simulator.calls.total == calls
    limited.clock.advance(40)
    answer = limited.get("/campaigns?page=1")
    assert "detail=stale-while-revalidate" in answer.headers["Cache-Status"]
    assert answer.headers["RateLimit"] == '"default";r=2;t=60'


def test_a_stale_page_while_cc_isales_fails_counts(simulator: SimulatorServer, limited: GatewayUnderTest) -> None:
    """Served for want of a better one, each time."""
    assert left(limited, "/campaigns") == (200, 2)
    simulator.faults.arm(Fault("result-code", result_code="0299999"))
    limited.clock.advance(59)
    assert [left(limited, "/campaigns") for _ in range(3)] == [(200, 1), (200, 0), (429, 0)]


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/campaigns?page=0", "*/*", 400),
        ("/campaigns?vdn=2", "*/*", 403),
        ("/campaigns", "text/html", 406),
    ],
)
def test_what_is_refused_counts(limited: GatewayUnderTest, path: str, accept: str, status: int) -> None:
    """A faulty query, a VDN of others, an impossible media type: no fresh page answers them."""
    assert [left(limited, path, accept=accept) for _ in range(5)] == [
        *((status, remaining) for remaining in (2, 1, 0)),
        *((429, 0), (429, 0)),
    ]


def test_failures_count(simulator: SimulatorServer, limited: GatewayUnderTest) -> None:
    """A call to CC-iSales was made for it, whatever came of it."""
    simulator.faults.arm(Fault("result-code", result_code="0299999"))
    assert [left(limited, "/campaigns") for _ in range(4)] == [(502, 2), (502, 1), (502, 0), (429, 0)]


def test_nothing_else_counts(make_gateway: Make) -> None:
    """Other endpoints and methods, bad keys and clients without a limit."""
    gateway = make_gateway(clients=clients(web=1, operator=1))
    assert left(gateway, "/campaigns") == (200, 0)
    for _ in range(3):
        assert left(gateway, "/campaigns?page=2", key="wrong") == (401, None)
        assert left(gateway, "/campaigns", method="POST") == (405, None)
        assert left(gateway, "/campaigns", method="OPTIONS") == (204, None)
        assert left(gateway, "/campaigns?page=2", key="all-key") == (400, None)
        assert left(gateway, "/campaigns?page=2&vdn=1", key="all-key") == (200, None)
        assert left(gateway, "/cache", key="operator-key", method="DELETE") == (200, None)
        assert left(gateway, "/cache/explain", key="operator-key") == (200, None)
    assert left(gateway, "/campaigns", key="operator-key") == (200, 0)


def test_each_caller_of_a_page_that_is_fetched_once_counts(simulator: SimulatorServer, make_gateway: Make) -> None:
    """Of ten who want the same page at once three get it, by one call, and the others do not wait."""
    gateway = make_gateway(real_time=True, clients=clients(web=3))
    simulator.faults.arm(Fault("hang", times=1))
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(gateway.get, "/campaigns", headers={"X-Request-Timeout-Ms": "2000"}) for _ in range(10)]
        statuses = sorted(answer.result(20).status_code for answer in waiting)
    assert statuses == [429] * 7 + [504] * 3
    assert simulator.calls.total <= 3


def test_bearer_tokens_have_no_limit(make_gateway: Make) -> None:
    """Not even those of a client that has the name of one with a limit."""
    with provider() as identity:
        jwt = {"jwt__issuer": ISSUER, "jwt__audience": AUDIENCE, "jwt__jwks_url": identity.url}
        gateway = make_gateway(clients=clients(web=1), **jwt)
        bearer = f"Bearer {token(claims(client_id='web'))}"
        for page in range(1, 5):
            answer = gateway.get(f"/campaigns?page={page}", key=None, headers={"Authorization": bearer})
            assert (answer.status_code, "RateLimit" in answer.headers) == (200, False)
        assert left(gateway, "/campaigns?page=5") == (200, 0)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from([0, 1, 14, 16, 30, 60]), st.integers(1, 4)), max_size=25))
def test_answers_in_a_minute(make_gateway: Make, steps: list[tuple[int, int]]) -> None:
    """For any sequence: no more than three that count in any minute, and a fresh page is never refused."""
    # Without refreshes in the background, whose moment of landing nobody can foretell.
    gateway = make_gateway(clients=clients(web=3), cache__stale_while_revalidate_s="0")
    counted, fetched = list[float](), dict[int, float]()
    for pause, page in steps:
        gateway.clock.advance(pause)
        now = gateway.clock()
        fresh = now - fetched.get(page, -1000.0) < 15
        recent = [moment for moment in counted if moment > now - 60]
        status, remaining = left(gateway, f"/campaigns?page={page}")
        if fresh:
            assert (status, remaining) == (200, None)
        elif len(recent) < 3:
            assert (status, remaining) == (200, 2 - len(recent))
            counted.append(now)
            fetched[page] = now
        else:
            assert (status, remaining) == (429, 0)


def test_gateways_that_share_a_redis_share_the_count(
    simulator: SimulatorServer, make_gateway: Make, redis_to_hurt: RedisServer
) -> None:
    """Three requests are three, whichever process answers, and a fresh page of another process is free."""
    shared = {"cache__shared_url": redis_to_hurt.url.reveal(), "clients": clients(web=3)}
    one, two = (make_gateway(real_time=True, **shared) for _ in range(2))
    assert [left(one, "/campaigns?page=1"), left(two, "/campaigns?page=2"), left(one, "/campaigns?page=3")] == [
        *((200, 2), (200, 1), (200, 0)),
    ]
    assert [left(gateway, "/campaigns?page=4") for gateway in (one, two)] == [(429, 0)] * 2
    assert [left(two, f"/campaigns?page={page}") for page in (1, 2, 3)] == [(200, None)] * 3
    assert 1 <= int(two.get("/campaigns?page=4").headers["Retry-After"]) <= 60
    assert simulator.calls.total == 3


@pytest.mark.parametrize("trouble", ["hung", "killed"])
def test_trouble_with_redis_refuses_nobody_wrongly(
    make_gateway: Make, redis_to_hurt: RedisServer, trouble: str
) -> None:
    """Each process goes on with what it has let pass itself, soon, counts that, and it is said once in the log."""
    shared = {"cache__shared_url": redis_to_hurt.url.reveal(), "clients": clients(web=3), "cache__fresh_s": "0"}
    one, two = (make_gateway(real_time=True, **shared) for _ in range(2))
    assert [left(one, "/campaigns"), left(two, "/campaigns"), left(two, "/campaigns")] == [(200, 2), (200, 1), (200, 0)]
    # Before the trouble begins: a thread that listens for purges may be the first to meet it.
    with structlog.testing.capture_logs() as said:
        if trouble == "hung":
            redis_to_hurt.pause()
        else:
            redis_to_hurt.kill()
        began = time.monotonic()
        assert [left(one, "/campaigns") for _ in range(3)] == [(200, 1), (200, 0), (429, 0)]
        # Each try ends after 0.2 s, and after three none is made; the rest is room for a busy machine.
        assert time.monotonic() - began < 4
        assert left(two, "/campaigns") == (200, 0)
    warnings = [event for event in said if event["event"] == "shared cache failing"]
    assert len(warnings) == 2
    assert all("counts calls and requests for itself" in warning["consequence"] for warning in warnings)
    assert (number(one, "_faults_total"), number(two, "_faults_total")) == (3, 1)
    assert number(one, 'ed_total{client="web"}') == 1
    if trouble == "hung":
        redis_to_hurt.resume()
