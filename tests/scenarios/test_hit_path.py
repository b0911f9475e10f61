"""The hit path answers as the ordinary way does, only sooner, and decides about access as strictly."""

import re
from collections.abc import Callable

import pytest
from flask import request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from gateway.factory import create_app
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest, clients, settings_for
from tests.support.waiting import wait_until


def ordinary_requests(gateway: GatewayUnderTest) -> list[str]:
    """Return a list that grows by one query string for each request that reaches Flask."""
    seen: list[str] = []
    gateway.app.before_request(lambda: seen.append(request.environ["QUERY_STRING"]))
    return seen


def test_a_hit_does_not_reach_flask(gateway: GatewayUnderTest) -> None:
    """The first request of a query string does, the next ones do not while everything about them is usual."""
    seen = ordinary_requests(gateway)
    for _ in range(3):
        assert gateway.get("/campaigns?page=2").status_code == 200
    assert seen == ["page=2"]
    gateway.get("/campaigns?page=2&page_size=10")
    gateway.get("/campaigns?page=2&page_size=10")
    assert seen == ["page=2", "page=2&page_size=10"]


def test_stale_pages_do_not_reach_flask_either(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """While a page is refreshed behind, and while fetching it fails, it is served at the speed of a hit."""
    seen = ordinary_requests(gateway)
    gateway.get("/campaigns")
    seen.clear()
    gateway.clock.advance(20)
    assert "detail=stale-while-revalidate" in gateway.get("/campaigns").headers["Cache-Status"]
    wait_until(lambda: gateway.get("/campaigns").headers["Age"] == "0")
    assert seen == []


@pytest.mark.parametrize(
    "unusual",
    [
        {"method": "HEAD"},
        {"method": "POST"},
        {"headers": {"Accept": "text/html"}},
        {"headers": {"If-None-Match": '"other"'}},
        {"headers": {"If-None-Match": "*"}},
        {"key": "wrong-key"},
        {"key": None},
        {"key": "two-key"},
        {"key": "purger-key"},
        {"key": "all-key"},
    ],
)
def test_what_is_unusual_takes_the_ordinary_way(gateway: GatewayUnderTest, unusual: dict[str, str]) -> None:
    """Another method, an odd condition, another caller: Flask decides."""
    seen = ordinary_requests(gateway)
    gateway.get("/campaigns")
    seen.clear()
    gateway.get("/campaigns", **unusual)  # type: ignore[arg-type]  # -- the table holds what `get` takes
    assert seen == [""]


def test_a_page_that_changed_is_learned_anew(gateway: GatewayUnderTest, simulator: SimulatorServer) -> None:
    """When the page behind a query string is another one, its links may be others too."""
    seen = ordinary_requests(gateway)
    gateway.get("/campaigns")
    simulator.faults.arm(Fault("shifting-totals"))
    gateway.get("/cache", method="DELETE", key="purger-key")
    seen.clear()
    for _ in range(3):
        gateway.get("/campaigns")
    assert seen == [""]


def test_a_vdn_of_another_caller_is_never_served(gateway: GatewayUnderTest) -> None:
    """A query string that names no VDN means another page for another caller, and one that does is refused."""
    for _ in range(3):
        one = gateway.get("/campaigns", key="web-key").get_json()["data"]
        two = gateway.get("/campaigns", key="two-key").get_json()["data"]
        assert {row["id"] for row in one}.isdisjoint({row["id"] for row in two})
        gateway.get("/campaigns?vdn=1", key="all-key")
        assert gateway.get("/campaigns?vdn=1", key="two-key").status_code == 403


def test_ids_of_requests_differ(gateway: GatewayUnderTest) -> None:
    """Each answer has an id of its own, as long and plain as those of the ordinary way."""
    ids = [gateway.get("/campaigns").headers["X-Request-Id"] for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


KEYS = st.sampled_from(["web-key", "all-key", "two-key", "purger-key", "wrong", None])
QUERIES = st.lists(
    st.sampled_from(
        [
            "vdn=1",
            "vdn=2",
            "vdn=77",
            "page=2",
            "page=1",
            "page_size=3",
            "status=running",
            "status=x",
            "name=",
            "x=1",
            "page=2",
        ]
    ),
    max_size=3,
).map("&".join)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["*/*", "application/json", "text/html", "application/*;q=0.1, text/html"]),
        "Accept-Encoding": st.sampled_from(
            ["gzip", "identity", "gzip;q=0", "br, gzip;q=0.5", "identity;q=0", "x" * 300]
        ),
        "Accept-Language": st.sampled_from(["en", "zh-CN"]),
        "X-Request-Id": st.sampled_from(["mine", "not sane", "x" * 200]),
        "If-None-Match": st.sampled_from(["held", "W/held", '"other"', "*", "garbage"]),
        "Origin": st.sampled_from(["https://app.example.com", "https://other.example.com", "null"]),
    },
)
REQUESTS = st.lists(st.tuples(KEYS, QUERIES, HEADERS, st.sampled_from([0, 3, 20])), min_size=1, max_size=8)


def essence(answer: TestResponse) -> tuple[object, ...]:
    """Return all of an answer but what differs from request to request by nature."""
    headers = sorted(each for each in answer.headers.items() if each[0] not in {"Server-Timing", "X-Request-Id"})
    timings = re.sub(r"dur=[0-9.]+", "dur", answer.headers["Server-Timing"])
    body = re.sub(rb'"request_id":"[^"]*"', b"", answer.data)
    mine = answer.headers["X-Request-Id"] == "mine"
    return answer.status, body, headers, timings, mine


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=REQUESTS, origins=st.sampled_from(["[]", '["https://app.example.com", "http://localhost:3000"]']))
def test_both_ways_give_the_same_answer(
    make_gateway: Callable[..., GatewayUnderTest],
    requests: list[tuple[str | None, str, dict[str, str], int]],
    origins: str,
) -> None:
    """Status, body and headers are the same with the hit path and without, for any sequence of requests."""
    # Without refreshes in the background, whose moment of landing nobody can foretell.
    variables = {
        "cache__stale_while_revalidate_s": "0",
        "clients": clients(web=5),
        "http__cors_origins": origins,
    }
    quick, slow = make_gateway(**variables), make_gateway(log__hits="true", **variables)
    for key, query, offered, seconds in requests:
        path = f"/campaigns?{query}"
        etag = slow.get(path, key=key).headers.get("ETag", '"none"')
        quick.get(path, key=key)
        headers = {name: value.replace("held", etag) for name, value in offered.items()}
        for _ in range(2):
            assert essence(quick.get(path, key=key, headers=headers)) == essence(
                slow.get(path, key=key, headers=headers)
            )
        for gateway in (quick, slow):
            gateway.clock.advance(seconds)
            if seconds == 20:
                gateway.get("/cache", method="DELETE", key="operator-key")


def test_revoking_a_client_takes_effect_at_once(simulator: SimulatorServer) -> None:
    """A gateway with the new settings refuses the key, whatever the old one has learned."""
    before = create_app(settings_for(simulator.base_url)).test_client()
    key = {"X-API-Key": "web-key"}
    assert [before.get("/campaigns", headers=key).status_code for _ in range(2)] == [200, 200]
    after = create_app(settings_for(simulator.base_url, clients="[]")).test_client()
    assert after.get("/campaigns", headers=key).status_code == 401


def test_hits_are_counted_once_each(gateway: GatewayUnderTest) -> None:
    """Whichever way an answer takes, and if the hit path leaves it to Flask at the last moment."""
    etag = gateway.get("/campaigns").headers["ETag"]
    for condition in ({}, {"If-None-Match": etag}, {"If-None-Match": '"other"'}, {"If-None-Match": f'"x", {etag}'}):
        gateway.get("/campaigns", headers=condition)
    numbers = gateway.get("/metrics", key=None).get_data(as_text=True).splitlines()
    for line in (
        'campaign_gateway_cache_lookups_total{outcome="hit",rung="fresh",tier="process"} 4.0',
        'campaign_gateway_cache_lookups_total{outcome="miss",rung="",tier=""} 1.0',
        'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="200"} 3.0',
        'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="304"} 2.0',
        'campaign_gateway_request_duration_seconds_count{endpoint="campaigns.list_campaigns"} 5.0',
    ):
        assert line in numbers
