"""The same gateway whichever WSGI server serves it: pages, crowds, reload, log, numbers and the end."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException

import click.testing
import pytest
import requests

from gateway.cli.reload import reload
from gateway.simulator.server import SimulatorServer
from tests.support.server import ServedGateway
from tests.support.waiting import wait_until
from tests.support.wsgi_servers import (
    CHEROOT,
    GEVENT,
    GRANIAN,
    GTHREAD,
    HYPERCORN,
    MOD_WSGI,
    PRELOAD,
    UWSGI,
    UWSGI_ALONE,
    UWSGI_FORKED,
    WAITRESS,
    WsgiServer,
    name_of,
    serving,
    workers_of,
)

LIMIT_S = 30.0
KEY = {"X-API-Key": "web-key"}
DRAIN_S = 1.0
SETTINGS = {
    "GATEWAY__HTTP__TRUSTED_PROXIES": "1",
    "GATEWAY__HTTP__DRAIN_S": str(DRAIN_S),
    "GATEWAY__ISALES__DEADLINE_S": "25",
    "GATEWAY__ISALES__READ_TIMEOUT_S": "25",
}
SERVERS = (GRANIAN, GTHREAD, GEVENT, UWSGI, WAITRESS, MOD_WSGI, HYPERCORN, CHEROOT)
OTHER_WAYS = (PRELOAD, UWSGI_FORKED, UWSGI_ALONE)
COUNTED = re.compile(r'^campaign_gateway_requests_total\{.*status="404"\} (\S+)$', re.MULTILINE)


@pytest.fixture(scope="module", params=SERVERS, ids=name_of)
def server(request: pytest.FixtureRequest) -> WsgiServer:
    """Return each of the servers."""
    found: WsgiServer = request.param
    return found


@pytest.fixture(scope="module")
def served(server: WsgiServer, _simulator: SimulatorServer) -> Iterator[ServedGateway]:
    """Return a gateway that is served by it, behind one proxy."""
    with serving(server, _simulator.base_url, **SETTINGS) as made:
        yield made


def get(served: ServedGateway, path: str, method: str = "GET", **headers: str) -> requests.Response:
    """Send one request on a connection of its own."""
    sent = {**KEY, "Connection": "close", **headers}
    return requests.request(method, f"{served.url}{path}", headers=sent, timeout=LIMIT_S)


def status(served: ServedGateway, path: str) -> int:
    """Return the status of an answer, by a client that costs less than the gateway."""
    with closing(HTTPConnection(served.url.removeprefix("http://"), timeout=LIMIT_S)) as connection:
        connection.request("GET", path, headers={**KEY, "Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def test_pages_and_what_is_empty(served: ServedGateway, server: WsgiServer, simulator: SimulatorServer) -> None:
    """A page comes once, then from the cache; HEAD, 304 and 204 are what they are, and nothing follows them."""
    path = "/campaigns?page_size=7"
    first, *hits = [get(served, path) for _ in range(6)]
    assert (first.status_code, {hit.content for hit in hits}) == (200, {first.content})
    assert simulator.calls.total <= server.workers
    assert any("; hit; " in hit.headers["Cache-Status"] for hit in hits)
    tag = first.headers["ETag"]
    with requests.Session() as session:
        for _ in range(2):
            head = session.head(f"{served.url}{path}", headers=KEY, timeout=LIMIT_S)
            assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", tag)
            assert int(head.headers["Content-Length"]) == int(first.headers["Content-Length"])
            same = session.get(f"{served.url}{path}", headers={**KEY, "If-None-Match": tag}, timeout=LIMIT_S)
            assert (same.status_code, same.content, "Content-Length" in same.headers) == (304, b"", False)
            for probe in ("/healthz", "/readyz", "/openapi.json"):
                empty = session.head(f"{served.url}{probe}", timeout=LIMIT_S)
                assert (empty.status_code, empty.content) == (200, b"")
            options = session.options(f"{served.url}/campaigns", timeout=LIMIT_S)
            assert (options.status_code, options.content) == (204, b"")


def test_crowds(served: ServedGateway, server: WsgiServer, simulator: SimulatorServer) -> None:
    """A herd is one call for each worker; beside a hundred callers who wait, a page at hand comes at once.

    Beside fewer, where the server works on fewer requests at once.
    """
    # Each worker has a page of its own.
    wait_until(lambda: get(served, "/campaigns?page=2").ok and simulator.calls.total == server.workers, LIMIT_S)
    simulator.calls.reset()
    simulator.latency_s = 0.5
    with ThreadPoolExecutor(50) as pool:
        herd = list(pool.map(lambda _: status(served, "/campaigns?page=3"), range(50)))
    assert set(herd) == {200}
    assert simulator.calls.total <= server.workers
    # Until a page at hand has come, and within what a call may take.
    simulator.latency_s = 20.0
    crowd = range(min(100, server.at_once - 1))
    with ThreadPoolExecutor(100) as pool:
        waiting = [pool.submit(status, served, f"/campaigns?page_size={20 + number % 10}") for number in crowd]
        wait_until(lambda: simulator.calls.total >= min(10, len(crowd)), LIMIT_S)
        at_hand = {get(served, "/campaigns?page=2").status_code for _ in range(4)}
        still = [not answer.done() for answer in waiting]
        simulator.latency_s = 0.0
        assert (at_hand, all(still)) == ({200}, True)
        assert {answer.result() for answer in waiting} == {200}


def test_reload_log_and_numbers(served: ServedGateway, server: WsgiServer) -> None:
    """All workers reload, which ends none; each line is there, with the address of the caller; numbers are of all."""
    check_reload_log_and_numbers(served, server)


def test_requests_under_way_at_the_end(served: ServedGateway, server: WsgiServer, simulator: SimulatorServer) -> None:
    """They are answered where the server can, and callers are told before where it lets us. The last test of each."""
    check_the_end(served, server, simulator)


@pytest.mark.parametrize("other", OTHER_WAYS, ids=name_of)
def test_the_same_however_workers_come_to_be(simulator: SimulatorServer, other: WsgiServer) -> None:
    """Also where the app is loaded before workers are forked, and where there is one process alone."""
    with serving(other, simulator.base_url, **SETTINGS) as served:
        check_reload_log_and_numbers(served, other)
        check_the_end(served, other, simulator)


def check_reload_log_and_numbers(served: ServedGateway, server: WsgiServer) -> None:
    """Reload twice, send requests, and find them in the log and among the numbers."""
    # So many that each worker has answered some.
    wait_until(lambda: get(served, "/healthz").ok and len(workers_of(served)) == server.workers, LIMIT_S)
    for _ in range(2):
        reloaded = click.testing.CliRunner().invoke(reload, ["--pid", str(served.process.pid)])
        workers = f"{server.workers} {'worker serves' if server.workers == 1 else 'workers serve'}"
        assert (reloaded.exit_code, workers in reloaded.output) == (0, True)
    for number in range(10):
        get(served, "/nothing", **{"X-Forwarded-For": "192.0.2.7", "X-Request-Id": f"asked-for-{number}"})
    wait_until(lambda: len(re.findall("asked-for-", served.log.read_text())) == 10, LIMIT_S)
    wait_until(lambda: server.drains or '"no_drain"' in served.log.read_text(), LIMIT_S)
    lines = [json.loads(line) for line in served.log.read_text().splitlines() if line.startswith('{"')]
    assert {line["remote"] for line in lines if line.get("request_id", "").startswith("asked-for-")} == {"192.0.2.7"}
    said = [line["event"] for line in lines]
    assert said.count("settings_reloaded") == 2 * server.workers
    assert ("no_drain" in said, said.count("no_drain") <= server.workers) == (not server.drains, True)
    assert ("one_request_at_a_time" in said) == (server.at_once == 1)

    def counted() -> float:
        return sum(map(float, COUNTED.findall(get(served, "/metrics").text)))

    # Whichever worker answers; what it knows of another one is at most a second old.
    wait_until(lambda: {counted() for _ in range(6)} == {10.0}, LIMIT_S)


def check_the_end(served: ServedGateway, server: WsgiServer, simulator: SimulatorServer) -> None:
    """End the server while five callers wait for CC-iSales, for longer than it drains."""
    simulator.latency_s = 2 * DRAIN_S

    def status_of(page: int) -> int:
        try:
            return status(served, f"/campaigns?page_size=9&page={page}")
        except (OSError, HTTPException):
            return 0

    some = min(5, server.at_once)
    with ThreadPoolExecutor(some) as pool:
        waiting = [pool.submit(status_of, page) for page in range(1, some + 1)]
        assert simulator.calls.wait_for_in_flight(some, LIMIT_S)
        served.process.send_signal(server.stop)
        if server.drains:
            seen = [200]

            def fails() -> bool:
                seen.append(get(served, "/readyz").status_code)
                return seen[-1] != 200

            wait_until(fails, LIMIT_S)
            assert seen[-1] == 503
        answered = {answer.result() for answer in waiting}
    assert answered == ({200} if server.finishes else {0})
    assert served.process.wait(LIMIT_S) == server.ended
