"""What nginx keeps for a moment: who gets it, how good it is, and how long it stays."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.access.keys import key_hash
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.scenarios.nginx.conftest import VARY, page
from tests.scenarios.upstream.raw_server import RawServer, http, says
from tests.support.gateway import clients
from tests.support.nginx import Answer, DeployedNginx
from tests.support.programs import program
from tests.support.server import served_gateway
from tests.support.waiting import wait_until

KEPT_S = 2.0
"""How long an answer is kept at most, as README.md says."""

SLACK_S = 1.0
"""For a machine that is busy."""

OFTEN_S = 0.05
"""How often a hot page is asked for."""

MISSED = "Cache-Status: campaign-gateway; fwd=miss; stored; ttl=14; age=0"


def outcomes(nginx: DeployedNginx) -> list[str]:
    """Return what nginx' cache did for each request so far; empty where it was not asked."""
    return [line["cache"] for line in nginx.log()]


def at_the_beginning_of_a_second() -> None:
    """Wait for it: nginx counts whole seconds, so what is kept now stays for a second at least."""
    time.sleep(1.02 - time.time() % 1)


def warmed(nginx: DeployedNginx, path: str = "/campaigns", **options: Any) -> None:
    """Have nginx keep the answer to this request for a second at least."""
    nginx.get(path, **options)
    at_the_beginning_of_a_second()
    nginx.get(path, **options)


def hits(nginx: DeployedNginx, path: str = "/campaigns", number: int = 1) -> list[Answer]:
    """Return so many answers, one after the other, that are all what nginx had kept.

    It keeps them for a second or two, and a machine may be busy for as long: then they are asked for again.
    """
    for _ in range(20):
        asked = len(nginx.log())
        answers = [nginx.get(path) for _ in range(number)]
        if outcomes(nginx)[asked:] == ["HIT"] * number:
            return answers
    raise AssertionError(f"nginx keeps nothing of {path}: {outcomes(nginx)[-20:]}")


def test_hits_are_the_gateways_own_words(front: DeployedNginx) -> None:
    """The second hit comes from nginx with the bytes and headers of the first, but for the id of the request."""
    first, second = hits(front, "/campaigns?page=2", 2)
    assert (first.status, first.body) == (second.status, second.body)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    own = {"x-request-id", "date", "cache-control"}
    assert {name: value for name, value in first.headers.items() if name not in own} == {
        name: value for name, value in second.headers.items() if name not in own
    }
    assert first.headers["cache-status"].startswith("campaign-gateway; hit; ttl=")
    assert first.headers["strict-transport-security"] == "max-age=63072000"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["server"] == "nginx"


def test_conditions_heads_and_gzip_work_through_it(front: DeployedNginx) -> None:
    """304 for the tag of the coding that would be sent, no body for HEAD, and each coding for those who take it."""
    path, gzip = "/campaigns?page=3", {"Accept-Encoding": "gzip"}
    front.get(path)
    warmed(front, path, headers=gzip)
    for _ in range(2):
        plain, packed = front.get(path), front.get(path, headers=gzip)
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["etag"] == f'"gzip.{plain.headers["etag"][1:]}'
        head = front.get(path, method="HEAD")
        assert (head.status, head.body, head.headers["etag"]) == (200, b"", plain.headers["etag"])
        assert head.headers["content-length"] == str(len(plain.body))
        for held in (plain.headers["etag"], f"W/{plain.headers['etag']}", "*"):
            same = front.get(path, headers={"If-None-Match": held})
            assert (same.status, same.body, same.headers["etag"]) == (304, b"", plain.headers["etag"])
            assert {"cache-control", "campaigns-as-of", "vary", "cache-status"} <= same.headers.keys()
        assert front.get(path, headers={"If-None-Match": packed.headers["etag"]}).status == 200


@pytest.mark.parametrize(
    "condition",
    [{"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, {"Range": "bytes=0-3"}],
)
def test_what_the_gateway_does_not_look_at_changes_nothing(front: DeployedNginx, condition: dict[str, str]) -> None:
    """Nginx knows more conditions than the gateway; the answers are those of the gateway all the same."""
    warmed(front)
    answer = front.get("/campaigns", headers=condition)
    assert (answer.status, answer.body) == (200, front.get("/campaigns").body)


def test_who_wants_one_representation_alone_is_answered_by_the_gateway(front: DeployedNginx) -> None:
    """With a problem where it is another one by now, and not with a page of nginx' own."""
    warmed(front)
    etag = front.get("/campaigns").headers["etag"]
    assert front.get("/campaigns", headers={"If-Match": etag}).status == 200
    refused = front.get("/campaigns", headers={"If-Match": '"other"'})
    assert (refused.status, refused.headers["content-type"]) == (412, "application/problem+json")


def test_nobody_gets_a_page_that_it_may_not_read(front: DeployedNginx) -> None:
    """The same URL with other credentials, or none, is the gateway's to decide, however warm the page is."""
    warmed(front, "/campaigns?vdn=1")
    for _ in range(3):
        assert front.get("/campaigns?vdn=1").status == 200
        assert front.get("/campaigns?vdn=1", key="two-key").status == 403
        assert front.get("/campaigns?vdn=1", key="purger-key").status == 403
        for key in (None, "", "web-ke", "web-keyy", "WEB-KEY"):
            assert front.get("/campaigns?vdn=1", key=key).status == 401
        for odd in ({"Authorization": "Bearer web-key"}, {"Authorization": "web-key"}, {"Accept": "web-key"}):
            assert front.get("/campaigns?vdn=1", key=None, headers=odd).status == 401
            assert front.get("/campaigns?vdn=1", headers=odd).status in {401, 406, 200}


def test_the_same_url_means_another_page_for_another_caller(front: DeployedNginx) -> None:
    """A query that names no VDN, warm for both: each gets its own rows, from nginx too."""
    seen: dict[str, set[int]] = {}
    path, keys = "/campaigns?page=4", ("web-key", "two-key")

    def ask() -> list[str]:
        for key in keys:
            rows = {row["id"] for row in front.get(path, key=key).json["data"]}
            assert rows
            assert seen.setdefault(key, rows) == rows
        return outcomes(front)[-2:]

    for _ in range(3):
        ask()
    wait_until(lambda: ask() == ["HIT", "HIT"])
    assert seen["web-key"].isdisjoint(seen["two-key"])


def test_no_credentials_are_in_the_files(front: DeployedNginx) -> None:
    """Only a hash over them is; the files are for nginx alone."""
    warmed(front, "/campaigns?page=5", key="all-key", headers={"Accept": "*/*"})
    warmed(front, "/campaigns?page=5&vdn=1", key="all-key")
    files = [path for path in (front.folder / "run").rglob("*") if path.is_file()]
    kept = [path for path in files if b"KEY: /campaigns?page=5" in path.read_bytes()]
    assert kept
    assert all(b"all-key" not in path.read_bytes() for path in files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
    assert (front.folder / "run/campaign-gateway-pages").stat().st_mode & 0o077 == 0


NOT_KEPT = [
    page(cache_status=MISSED),
    page(cache_status="Cache-Status: campaign-gateway; fwd=miss; collapsed; ttl=14; age=0"),
    page(cache_status="Cache-Status: campaign-gateway; hit; ttl=1; age=13"),
    page(cache_status="Cache-Status: campaign-gateway; hit; ttl=0; age=14"),
    page(cache_status="Cache-Status: campaign-gateway; hit; ttl=-42; age=57; detail=stale-while-revalidate"),
    page(cache_status="Cache-Status: campaign-gateway; hit; ttl=12; age=2; detail=x"),
    page(cache_status="X-Other: x"),
    page(vary="Vary: Accept, Accept-Encoding"),
    page(vary="Vary: Accept, Authorization"),
    page(vary="Vary: *"),
    page(vary="X-Other: x"),
    page(vary=f"{VARY}\r\nSet-Cookie: a=b"),
    *(page(status=status) for status in ("400 BAD REQUEST", "401 UNAUTHORIZED", "403 FORBIDDEN", "404 NOT FOUND")),
    *(page(status=status) for status in ("429 TOO MANY REQUESTS", "500 X", "502 X", "503 X", "504 X", "203 X")),
]
"""Answers of the gateway that are for nobody else."""


def test_only_fresh_hits_that_vary_by_credentials_are_kept(recording: DeployedNginx, stand_in: RawServer) -> None:
    """No misses, nothing stale or about to be, no problems, and nothing that would not say whom it is for.

    What is kept stays for a second at least, and three requests take less.
    """
    for number, answer in enumerate(NOT_KEPT):
        stand_in.usually = says(answer)
        for asked in (1, 2, 3):
            recording.get(f"/campaigns?page={number}")
            assert len(stand_in.requests) == 3 * number + asked, answer
    assert "HIT" not in outcomes(recording)
    stand_in.usually = says(page())
    assert [kept.status for kept in hits(recording)] == [200], "others are kept"


@pytest.mark.parametrize("form", ["; hit; ttl=2; age=13", "; hit; ttl=3600; age=0", "; hit; ttl=14"])
def test_fresh_hits_are_kept(recording: DeployedNginx, stand_in: RawServer, form: str) -> None:
    """Those that have two seconds left at least, which is as long as they are kept."""
    stand_in.usually = says(page(cache_status=f"Cache-Status: campaign-gateway{form}"))
    assert [kept.status for kept in hits(recording)] == [200]


LIFETIMES = [
    *range(2, 32),
    *range(95, 125),
    199,
    200,
    201,
    299,
    300,
    301,
    310,
    311,
    999,
    1000,
    1001,
    3600,
    86399,
    86400,
]


def test_what_is_repeated_is_good_for_two_seconds_less(recording: DeployedNginx, stand_in: RawServer) -> None:
    """It may be two seconds older than when the gateway said how long it is good for: no cache behind keeps it longer.

    The rest of the header stays, and so does all of it in what comes from the gateway.
    """
    seen: dict[int, int] = {}
    for left in LIFETIMES:
        said = f"private, max-age={left}, stale-if-error=3600" if left % 2 else f"private, max-age={left}"
        stand_in.usually = says(page(good_for=f"Cache-Control: {said}"))
        assert recording.get(f"/campaigns?page={left}").headers["cache-control"] == said
        (repeated,) = hits(recording, f"/campaigns?page={left}")
        found = re.fullmatch(r"private, max-age=([0-9]+)(, stale-if-error=3600)?", repeated.headers["cache-control"])
        assert found
        assert bool(found[2]) == bool(left % 2)
        seen[left] = int(found[1])
    exact = {left: left - 2 for left in LIFETIMES}
    assert {left: said for left, said in seen.items() if said != exact[left]} == dict.fromkeys(
        (left for left in LIFETIMES if left > 100 and left % 100 < 2), 98
    )
    unknown = says(page(good_for="Cache-Control: max-age=20"))
    stand_in.usually = unknown
    assert recording.get("/campaigns?page=0").headers["cache-control"] == "max-age=20"
    assert hits(recording, "/campaigns?page=0")[0].headers["cache-control"] == "private, max-age=0"


@pytest.mark.parametrize(
    "wish",
    [
        *({"Cache-Control": wish} for wish in ("no-cache", "max-age=0", "only-if-cached", "stale-if-error=0")),
        {"Prefer": "wait=5"},
    ],
)
def test_what_callers_ask_of_caches_is_asked_of_the_gateway(
    recording: DeployedNginx, stand_in: RawServer, wish: dict[str, str]
) -> None:
    """Nginx would not look at it; what is at hand is not repeated to them, and a condition is passed on."""
    warmed(recording)
    before = len(stand_in.requests)
    for _ in range(3):
        recording.get("/campaigns", headers={**wish, "If-None-Match": '"tag"'})
    assert len(stand_in.requests) == before + 3
    assert all(b'\r\nIf-None-Match: "tag"\r\n' in request for request in stand_in.requests[before:])


def test_what_decides_an_answer_keeps_answers_apart(recording: DeployedNginx, stand_in: RawServer) -> None:
    """Each header that `Vary` names, in any of its lines, and the raw query string; `Origin` where it is named."""
    stand_in.usually = says(page(vary=f"{VARY}, Origin"))
    hits(recording)
    before = len(stand_in.requests)
    others: list[dict[str, object]] = [
        {"key": "other"},
        {"key": None},
        {"headers": {"Accept": "x"}},
        {"headers": {"Accept-Encoding": "x"}},
        {"headers": {"Authorization": "x"}},
        {"headers": {"Origin": "x"}},
        {"path": "/campaigns?"},
        {"path": "/campaigns?a"},
        {"path": "/%63ampaigns"},
    ]
    for number, other in enumerate(others, 1):
        recording.get(**{"path": "/campaigns", **other})  # type: ignore[arg-type]  # mypy does not see which value goes with which name
        assert len(stand_in.requests) == before + number, other
    two_keys = "GET /campaigns HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\nX-API-Key: web-key\r\n"
    recording.raw(f"{two_keys}X-API-Key: other\r\nConnection: close\r\n\r\n".encode())
    assert len(stand_in.requests) == before + len(others) + 1


def test_a_revoked_key_is_refused_within_two_seconds(recording: DeployedNginx, stand_in: RawServer) -> None:
    """From the moment at which the gateway refuses it, however hot it is, and never again after that."""
    at_the_beginning_of_a_second()
    assert [kept.status for kept in hits(recording)] == [200]
    stand_in.usually = says(http("401 UNAUTHORIZED", b"{}", "Content-Type: application/problem+json"))
    revoked = time.monotonic()
    while recording.get("/campaigns").status == 200:
        assert time.monotonic() - revoked < KEPT_S + SLACK_S
        time.sleep(OFTEN_S)
    assert {recording.get("/campaigns").status for _ in range(20)} == {401}


def test_a_client_that_a_reload_takes_away_is_refused_within_two_seconds(
    in_front_of: Callable[..., DeployedNginx], tmp_path: Path
) -> None:
    """The same with a real gateway; the other clients go on."""
    settings = tmp_path / "gateway.toml"
    settings.write_text(f"clients = {clients()}\n")
    from_file = {"GATEWAY_CONFIG": str(settings), "GATEWAY__CLIENTS": ""}
    with (
        SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as simulator,
        served_gateway(simulator.base_url, 1, **from_file) as gateway,
    ):
        nginx = in_front_of(gateway.url)
        warmed(nginx)
        assert [nginx.get("/campaigns?vdn=1", key=key).status for key in ("web-key", "all-key")] == [200, 200]
        settings.write_text(f"clients = {clients().replace(key_hash('web-key'), '0' * 64)}\n")
        (worker,) = gateway.worker_pids()
        os.kill(worker, signal.SIGHUP)
        asked, key = f"{gateway.url}/campaigns?vdn=1", {"X-API-Key": "web-key"}
        wait_until(lambda: requests.get(asked, headers=key, timeout=20).status_code == 401)
        revoked = time.monotonic()
        while nginx.get("/campaigns").status == 200:
            assert time.monotonic() - revoked < KEPT_S + SLACK_S
            time.sleep(OFTEN_S)
        assert {nginx.get("/campaigns").status for _ in range(20)} == {401}
        assert nginx.get("/campaigns?vdn=1", key="all-key").status == 200


def test_while_the_gateway_is_away_nothing_old_is_served(in_front_of: Callable[..., DeployedNginx]) -> None:
    """What nginx had kept is gone after its two seconds; callers get a problem, and pages when it is back."""
    with RawServer() as server:
        server.usually = says(page())
        nginx, port = in_front_of(server.url), server.port
        assert [kept.status for kept in hits(nginx)] == [200]
    time.sleep(KEPT_S)
    assert nginx.get("/campaigns").json["type"] == "problems/internal-error"
    with RawServer(port=port) as server:
        server.usually = says(page())
        assert nginx.get("/campaigns").status == 200


def test_http_2_is_spoken(front: DeployedNginx, tmp_path: Path) -> None:
    """Callers that offer it get it, with the same page and headers."""
    curl = [program("curl", "curl"), "--silent", "--http2", "--cacert", str(front.authority)]
    asked = [*curl, "--header", "X-API-Key: web-key", "--dump-header", str(tmp_path / "head")]
    for path in ("/campaigns?page=6", "/campaigns?page=6"):
        ran = subprocess.run([*asked, front.url + path], capture_output=True, timeout=20, check=True)
        assert ran.stdout == front.get(path).body
        head = (tmp_path / "head").read_text().splitlines()
        assert head[0] == "HTTP/2 200 "
        assert {"etag", "campaigns-as-of", "cache-control", "x-request-id"} <= {line.partition(":")[0] for line in head}


@pytest.mark.parametrize(("option", "taken"), [("--tls-max 1.1", False), ("--tls-max 1.2", True), ("--tlsv1.3", True)])
def test_old_tls_is_refused(front: DeployedNginx, option: str, taken: bool) -> None:  # noqa: FBT001 -- a column of the table
    """TLS 1.2 and 1.3 are spoken, and nothing older."""
    curl = [program("curl", "curl"), "--silent", "--cacert", str(front.authority), *option.split()]
    ran = subprocess.run([*curl, f"{front.url}/openapi.json"], capture_output=True, timeout=20, check=False)
    assert (ran.returncode == 0) is taken
