"""The fast path answers as the ordinary way does, only sooner, and decides about access as strictly."""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product

import pytest
from flask import Flask, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client, EnvironBuilder, TestResponse, run_wsgi_app

from gateway.api.answer import Answers
from gateway.api.cors import cors_headers, with_cors
from gateway.api.fair_semaphore import FairSemaphore, in_order
from gateway.api.fast_path import MADE_BYTES, Made
from gateway.api.proxies import behind_proxies
from gateway.api.representation import PROXY_SUFFIXES
from gateway.factory import create_app
from gateway.factory.pages import LEARNING_SHARE
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from gateway.telemetry.metrics import Metrics
from tests.support.gateway import GatewayUnderTest, clients, settings_for
from tests.support.page_cache import House
from tests.support.waiting import wait_until


def test_an_answer_kept_ready_counts_as_what_it_holds_on_to() -> None:
    """It may be there for longer than its page, so its bytes are among those that all may take."""
    house = House()
    served = house.ask()
    body = served.rendered.identity.body
    prepared = Answers(Metrics(), log_hits=False).prepare(served, "", None, None)
    assert len(Made(prepared, (None, None), 0, 0.0)) >= len(body) + MADE_BYTES


@pytest.mark.parametrize("share_of_page", [0.5, 2])
def test_what_a_query_means_is_known_also_where_its_answer_is_too_large_to_be_kept(
    make_gateway: Callable[..., GatewayUnderTest], gateway: GatewayUnderTest, share_of_page: float
) -> None:
    """Only the first request reaches Flask, whatever there is room for."""
    page = len(gateway.get("/campaigns?page_size=100").data)
    max_bytes = round(LEARNING_SHARE * (page * share_of_page + 5000))
    small = make_gateway(cache__max_bytes=str(max_bytes), cache__shared_url="")
    seen = ordinary_requests(small)
    for _ in range(4):
        assert small.get("/campaigns?page_size=100").status_code == 200
    assert len(seen) == 1


def test_answers_kept_ready_take_no_room_from_what_queries_mean(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """Of many pages, each asked for often, each reaches Flask once."""
    pages = [f"/campaigns?name=n{number}" for number in range(100)]
    gateway = make_gateway(cache__max_bytes=str(LEARNING_SHARE * 1200 * len(pages)), cache__shared_url="")
    seen = ordinary_requests(gateway)
    for _ in range(4):
        assert all(gateway.get(path).status_code == 200 for path in pages)
    assert len(seen) == len(pages)


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


def test_what_is_known_does_not_reach_flask_while_there_is_a_page(
    simulator: SimulatorServer, gateway: GatewayUnderTest
) -> None:
    """Neither do stale pages, fetches, conditions and wishes of the caller, nor pages that are shown in trouble."""
    seen = ordinary_requests(gateway)
    etag = gateway.get("/campaigns").headers["ETag"]
    seen.clear()
    for condition in ('"other"', "*", f'"x", W/{etag}', "garbage", f'{etag[:-1]}-gzip"'):
        gateway.get("/campaigns", headers={"If-None-Match": condition})
    gateway.clock.advance(20)
    assert "detail=stale-while-revalidate" in gateway.cache_status()
    wait_until(lambda: gateway.cache_status() == "hit; ttl=15; age=0")
    gateway.clock.advance(2)
    assert gateway.cache_status(control="no-cache") == "fwd=request; stored; ttl=15; age=0"
    gateway.clock.advance(5)
    assert gateway.cache_status(control="max-age=9") == "hit; ttl=10; age=5"
    gateway.clock.advance(100)
    assert gateway.cache_status() == "fwd=stale; stored; ttl=15; age=0"
    gateway.clock.advance(100)
    simulator.faults.arm(Fault("result-code", result_code="0299999"))
    assert gateway.cache_status() == "hit; ttl=-85; age=100; detail=upstream-failed"
    assert seen == []


def test_a_request_without_a_query_string_may_leave_the_variable_out(gateway: GatewayUnderTest) -> None:
    """PEP 3333 lets a server do that; it means the same as an empty one."""
    known = gateway.get("/campaigns")
    for headers in (dict[str, str](), {"HTTP_CACHE_CONTROL": "max-age=9"}):
        environ = EnvironBuilder("/campaigns", environ_overrides={"HTTP_X_API_KEY": "web-key", **headers}).get_environ()
        del environ["QUERY_STRING"]
        body, status, answered = run_wsgi_app(gateway.app, environ)
        assert (status, b"".join(body), answered["ETag"]) == ("200 OK", known.data, known.headers["ETag"])


def test_a_prefix_changes_nothing(gateway: GatewayUnderTest) -> None:
    """A server that mounts the app somewhere (`SCRIPT_NAME`, PEP 3333) gets the same from the fast path."""
    seen = ordinary_requests(gateway)
    client = gateway.app.test_client()
    mounted = {"SCRIPT_NAME": "/isales/v2"}
    answers = [
        client.get("/campaigns?page=2", headers={"X-API-Key": "web-key"}, environ_overrides=where)
        for where in (mounted, mounted, {}, mounted)
    ]
    assert seen == ["page=2"]
    assert {answer.data for answer in answers} == {answers[0].data}
    assert {answer.headers["Link"] for answer in answers} == {answers[0].headers["Link"]}
    assert answers[0].headers["Link"].startswith('<?page=1>; rel="first", ')


@pytest.mark.parametrize("suffix", PROXY_SUFFIXES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_holds_a_page_that_a_proxy_compressed_holds_it(gateway: GatewayUnderTest, method: str, suffix: str) -> None:
    """The proxy asks for what its callers hold, under the tag that it gave them: 304, by either way."""
    known = gateway.get("/campaigns").headers["ETag"]
    for _ in range(2):
        answer = gateway.get("/campaigns", headers={"If-None-Match": f'W/{known[:-1]}{suffix}"'}, method=method)
        assert (answer.status_code, answer.headers["ETag"], answer.data) == (304, known, b"")


def test_caddys_own_conditions_are_understood(gateway: GatewayUnderTest) -> None:
    """It takes `-gzip` off the end of any tag; there is none on ours, so what its callers send is what they got."""
    gzip = {"Accept-Encoding": "gzip"}
    got = gateway.get("/campaigns", headers=gzip)
    told = got.headers["ETag"]
    assert got.headers["Content-Encoding"] == "gzip"
    # What caddyserver/caddy 2.11 does in `encode` with each tag of `If-None-Match`.
    passed_on = f'{told[:-1].removesuffix("-gzip")}"'
    answer = gateway.get("/campaigns", headers={**gzip, "If-None-Match": passed_on})
    assert (answer.status_code, answer.headers["ETag"]) == (304, told)


@pytest.mark.parametrize(
    "unusual",
    [
        {"method": "HEAD"},
        {"method": "POST"},
        {"headers": {"Accept": "text/html"}},
        {"headers": {"Cache-Control": "only-if-cached, max-age=0"}},
        {"key": "wrong-key"},
        {"key": None},
        {"key": "two-key"},
        {"key": "purger-key"},
        {"key": "all-key"},
    ],
)
def test_what_is_unusual_takes_the_ordinary_way(gateway: GatewayUnderTest, unusual: dict[str, str]) -> None:
    """Another method, another caller, what is refused: Flask decides, and makes the problems."""
    seen = ordinary_requests(gateway)
    gateway.get("/campaigns")
    gateway.clock.advance(5)
    seen.clear()
    gateway.get("/campaigns", **unusual)  # type: ignore[arg-type]  # -- the table holds what `get` takes
    assert seen == [""]


def test_a_page_that_changed_has_other_links(gateway: GatewayUnderTest, simulator: SimulatorServer) -> None:
    """When the page behind a query string is another one, its links may be others too."""
    before = gateway.get("/campaigns").headers["Link"]
    simulator.faults.arm(Fault("shifting-totals"))
    gateway.get("/cache", method="DELETE", key="purger-key")
    after = [gateway.get("/campaigns").headers["Link"] for _ in range(3)]
    assert len(set(after)) == 1
    assert after[0] != before


def test_answers_that_are_made_once_go_with_their_page(gateway: GatewayUnderTest, simulator: SimulatorServer) -> None:
    """Whatever ends a page's freshness ends the answers that were made of it: a purge, a newer page, a second more."""
    first = gateway.get("/campaigns")
    assert [gateway.cache_status() for _ in range(3)] == ["hit; ttl=15; age=0"] * 3
    gateway.clock.advance(0.5)
    assert gateway.cache_status() == "hit; ttl=14; age=0"
    gateway.clock.advance(0.5)
    assert gateway.cache_status() == "hit; ttl=14; age=1"
    gateway.clock.advance(0.25)
    assert [gateway.cache_status() for _ in range(2)] == ["hit; ttl=13; age=1"] * 2
    simulator.faults.arm(Fault("shifting-totals", times=1))
    gateway.get("/cache", method="DELETE", key="purger-key")
    # The same request as before, at the same moment.
    assert gateway.cache_status() == "fwd=stale; stored; ttl=15; age=0"
    answers = [gateway.get("/campaigns", headers={"If-None-Match": first.headers["ETag"]}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.data for answer in answers} - {first.data}) == 1
    simulator.faults.arm(Fault("result-code", result_code="0200001", times=1))
    gateway.clock.advance(2)
    assert gateway.problem("/campaigns", headers={"Cache-Control": "no-cache"})[1] == "upstream-rejected-parameters"
    assert gateway.cache_status() == "fwd=miss; stored; ttl=15; age=0"


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


KEYS = st.sampled_from(
    ["web-key", "operator-key", "operator-key", "operator-key", "all-key", "two-key", "purger-key", "wrong", None]
)
QUERIES = st.sampled_from(
    [
        *("", "", "", "vdn=1", "vdn=1", "page=2", "page_size=3&vdn=1", "vdn=1&name=", "status=running", "vdn=2"),
        *("vdn=77", "status=x", "x=1", "page=2&page=2", "page=1&x=1&vdn=x"),
    ]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["*/*", "application/json", "text/html", "application/*;q=0.1, text/html"]),
        "Accept-Encoding": st.sampled_from(
            ["gzip", "identity", "gzip;q=0", "br, gzip;q=0.5", "identity;q=0", "x" * 300]
        ),
        "Accept-Language": st.sampled_from(["en", "zh-CN"]),
        "Cache-Control": st.sampled_from(
            [
                "no-cache",
                "max-age=0",
                "max-age=5",
                "only-if-cached",
                "only-if-cached, max-age=2",
                "stale-if-error=9",
                "x",
            ]
        ),
        "X-Request-Id": st.sampled_from(["mine", "not sane", "x" * 200]),
        "X-Request-Timeout-Ms": st.sampled_from(["7999", "60000", "x"]),
        "If-None-Match": st.sampled_from(
            ['"held"', 'W/"held"', '"held-gzip"', 'W/"held;gzip"', '"other"', "*", "garbage"]
        ),
        "Origin": st.sampled_from(["https://app.example.com", "https://other.example.com", "null"]),
    },
)
STEPS = st.lists(
    st.tuples(
        KEYS, QUERIES, HEADERS, st.sampled_from([0, 0.5, 3, 20]), st.sampled_from(["", "", "soft", "hard", "fault"])
    ),
    min_size=1,
    max_size=15,
)
ORIGINS = ["https://app.example.com", "http://localhost:3000"]


class Ways:
    """The same gateway three times: as it is, with `log.hits`, and with nothing in front of Flask that answers."""

    def __init__(self, make_gateway: Callable[..., GatewayUnderTest], origins: list[str]) -> None:
        # Without refreshes in the background, whose moment of landing nobody can foretell.
        variables = {
            "cache__stale_while_revalidate_s": "0",
            "cache__refresh_ahead": "1",
            # A wait for a retry takes time, and not always the same.
            "isales__max_attempts": "1",
            "clients": clients(web=5),
            "http__cors_origins": json.dumps(origins),
        }
        quick, logged, plain = (make_gateway(log__hits=hits, **variables) for hits in ("false", "true", "false"))
        ordinary = behind_proxies(in_order(partial(Flask.wsgi_app, plain.app), FairSemaphore(), plain.clock), 0)
        by_origin = cors_headers(origins)
        view = Client(with_cors(ordinary, by_origin) if by_origin else ordinary)
        self.gateways = quick, logged, plain
        self._get: list[Callable[..., TestResponse]] = [
            quick.get,
            logged.get,
            lambda path, key, headers: view.get(path, headers={**headers, **({"X-API-Key": key} if key else {})}),
        ]

    def answers(self, path: str, key: str | None, headers: Mapping[str, str]) -> list[TestResponse]:
        """Return the three answers, when whatever they have begun behind is done."""
        answers = [get(path, key=key, headers=headers) for get in self._get]
        for gateway, answer in zip(self.gateways, answers, strict=True):
            if "detail=" in answer.headers.get("Cache-Status", ""):
                wait_until(partial(self._is_quiet, gateway, path))
        return answers

    def pass_time(self, seconds: float, purge: str) -> None:
        """Let time pass on all clocks, and purge where that is `soft` or `hard`."""
        for gateway in self.gateways:
            gateway.clock.advance(seconds)
            if purge in {"soft", "hard"}:
                path = f"/cache?hard={'true' if purge == 'hard' else 'false'}"
                assert gateway.get(path, method="DELETE", key="operator-key").status_code == 200

    def _is_quiet(self, gateway: GatewayUnderTest, path: str) -> bool:
        explained = path.replace("/campaigns", "/cache/explain")
        return gateway.get(explained, key="operator-key").get_json().get("fetch_under_way") is not True


def essence(answer: TestResponse) -> tuple[object, ...]:
    """Return all of an answer but what differs from request to request by nature."""
    own = {"Campaigns-As-Of", "Server-Timing", "X-Request-Id"}
    headers = sorted((name, "" if name in own else value) for name, value in answer.headers.items())
    timings = re.sub(r"dur=[0-9.]+", "dur", answer.headers["Server-Timing"])
    body = re.sub(rb'"request_id":"[^"]*"', b"", answer.data)
    mine = answer.headers["X-Request-Id"] == "mine"
    return answer.status, body, headers, timings, mine


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, origins=st.sampled_from([[], ORIGINS]))
def test_all_ways_give_the_same_answer(
    make_gateway: Callable[..., GatewayUnderTest],
    simulator: SimulatorServer,
    steps: list[tuple[str | None, str, dict[str, str], float, str]],
    origins: list[str],
) -> None:
    """Status, body and headers are the same in front of Flask and in it, for any sequence of requests and events."""
    ways = Ways(make_gateway, origins)
    simulator.faults.clear()
    tag = "none"
    for key, query, offered, seconds, event in steps:
        headers = {name: value.replace("held", tag) for name, value in offered.items()}
        for _ in range(2):
            answers = ways.answers(f"/campaigns?{query}", key, headers)
            quick, logged, plain = map(essence, answers)
            assert quick == plain
            assert logged == plain
            tag = answers[0].headers.get("ETag", tag).strip('"').removeprefix("gzip.")
        ways.pass_time(seconds, event)
        if event == "fault":
            simulator.faults.arm(Fault("result-code", result_code="0200006"))
        else:
            simulator.faults.clear()


CASES = [
    {},
    *({"Cache-Control": asked} for asked in ("no-cache", "max-age=9", "only-if-cached", "stale-if-error=9", "x")),
    {"Cache-Control": "only-if-cached, max-age=9"},
    *({"If-None-Match": held} for held in ('"held"', 'W/"held-br"', '"other", "held;gzip"', "*", '"gzip.held"')),
    {"Accept-Encoding": "gzip"},
    {"Accept-Encoding": "gzip", "If-None-Match": '"gzip.held"'},
    {"Accept-Encoding": "identity;q=0", "X-Request-Id": "mine"},
    {"Accept-Language": "en", "Cache-Control": "no-cache, stale-if-error=0"},
    {"X-Request-Timeout-Ms": "7999"},
    {"Accept": "text/html"},
]
"""Headers of requests, each for a page of its own."""


@pytest.mark.parametrize("fault", [False, True], ids=["well", "failing"])
@pytest.mark.parametrize(
    ("age_s", "purge"),
    # A page that is forgotten was of no age.
    [*product([0, 5.25, 20, 100], ["", "soft"]), (5.25, "hard")],
)
def test_all_ways_give_the_same_answer_in_every_situation(
    make_gateway: Callable[..., GatewayUnderTest], simulator: SimulatorServer, age_s: float, purge: str, *, fault: bool
) -> None:
    """Whatever page is at hand, and whatever of it the caller wants, before anything is known and after."""
    ways = Ways(make_gateway, [])
    paths = [f"/campaigns?page={page}" for page in range(1, len(CASES) + 1)]
    tags = [ways.answers(path, "operator-key", {})[0].headers["ETag"].strip('"') for path in paths]
    assert "hit" in ways.answers(paths[0], "operator-key", {})[0].headers["Cache-Status"]
    ways.pass_time(age_s, purge)
    if fault:
        simulator.faults.arm(Fault("result-code", result_code="0200006"))
    for path, tag, case in zip(paths, tags, CASES, strict=True):
        headers = {name: value.replace("held", tag) for name, value in case.items()}
        for _ in range(2):
            quick, logged, plain = map(essence, ways.answers(path, "operator-key", headers))
            assert quick == plain, case
            assert logged == plain, case


def test_revoking_a_client_takes_effect_at_once(simulator: SimulatorServer) -> None:
    """A gateway with the new settings refuses the key, whatever the old one has learned."""
    before = create_app(settings_for(simulator.base_url)).test_client()
    key = {"X-API-Key": "web-key"}
    assert [before.get("/campaigns", headers=key).status_code for _ in range(2)] == [200, 200]
    after = create_app(settings_for(simulator.base_url, clients="[]")).test_client()
    assert after.get("/campaigns", headers=key).status_code == 401


def test_hits_are_counted_once_each(gateway: GatewayUnderTest) -> None:
    """Whichever way an answer takes, and whatever its condition."""
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
