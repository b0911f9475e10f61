"""A page in a real browser that calls the gateway at another origin."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.simulator.server import SimulatorServer
from tests.browser.conftest import Browser, Site, a_site
from tests.support.server import served_gateway

PAGE = """<!doctype html>
<title>A frontend</title>
<script type="module">
const read = async (path, headers, options = {}) => {
  try {
    const answer = await fetch(GATEWAY + path, {headers, ...options});
    return {status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text()};
  } catch (error) {
    return {error: error.name};
  }
};
const key = {"X-API-Key": "web-key"};
const found = {};
found.first = await read("/campaigns?page_size=3", {...key, "X-Request-Id": "mine", "X-Request-Timeout-Ms": "9000"});
found.again = await read("/campaigns?page_size=3", key, {cache: "no-store"});
found.unchanged = await read("/campaigns?page_size=3", {...key, "If-None-Match": found.again.headers?.etag ?? '""'});
found.traced = await read("/campaigns?page_size=3", {
  ...key, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b", baggage: "a=b",
  "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "Cache-Control": "max-age=60",
  Pragma: "no-cache", Expires: "0", "Content-Type": "application/json", "X-Requested-With": "XMLHttpRequest",
  Prefer: "wait=1",
});
found.timed = {status: performance.getEntriesByType("resource").at(-1).responseStatus};
found.refused = await read("/campaigns?page_size=3", {"X-API-Key": "wrong"});
found.wrong = await read("/campaigns?page=0", {...key, "Accept-Language": "zh-CN"});
found.nothing = await read("/nothing", key);
found.document = await read("/openapi.json", {});
found.explained = await read("/problems/forbidden", {Accept: "application/json"});
found.health = await read("/readyz", {});
found.numbers = await read("/metrics", {});
found.removed = await read("/cache", {"X-API-Key": "operator-key"}, {method: "DELETE"});
found.cookies = await read("/campaigns?page_size=3", key, {credentials: "include", cache: "no-store"});
await fetch("/found", {method: "POST", body: JSON.stringify(found)});
</script>
"""


@pytest.fixture(scope="module")
def listed() -> Iterator[Site]:
    """Serve a page from an origin that the gateway lists."""
    yield from a_site()


@pytest.fixture(scope="module")
def gateway(isales: SimulatorServer, listed: Site) -> Iterator[str]:
    """Return the URL of a gateway that lists one origin."""
    with served_gateway(isales.base_url, GATEWAY__HTTP__CORS_ORIGINS=json.dumps([listed.origin])) as served:
        yield served.url


def what_a_page_finds(browser: Browser, site: Site, gateway: str) -> dict[str, Any]:
    """Return what the page at `site` could read of each answer."""
    site.html = PAGE.replace("GATEWAY", json.dumps(gateway))
    found: dict[str, Any] = browser.until(f"{site.origin}/", site.next_found)
    return found


def test_a_listed_origin_reads_what_it_needs(browser: Browser, listed: Site, gateway: str) -> None:
    """Hits, misses, 304 and problems with their headers; no numbers, nothing to change, nothing with cookies."""
    found = what_a_page_finds(browser, listed, gateway)
    statuses = {name: answer.get("status") for name, answer in found.items()}
    assert statuses == {
        "first": 200,
        "again": 200,
        "unchanged": 304,
        "traced": 200,
        "timed": 200,
        "refused": 401,
        "wrong": 400,
        "nothing": 404,
        "document": 200,
        "explained": 200,
        "health": None,
        "numbers": None,
        "removed": None,
        "cookies": None,
    }
    assert len(json.loads(found["first"]["body"])["data"]) == 3
    assert found["first"]["headers"]["x-request-id"] == "mine"
    for name in ("campaigns-as-of", "cache-status", "etag", "link", "server-timing", "vary", "x-request-id"):
        assert name in found["again"]["headers"]
    assert "hit" in found["again"]["headers"]["cache-status"]
    assert json.loads(found["refused"]["body"])["type"] == "problems/unauthenticated"
    assert json.loads(found["explained"]["body"])["remedy"]


def test_any_other_origin_reads_nothing(browser: Browser, site: Site, gateway: str) -> None:
    """Not a status, not a word of a problem."""
    found = what_a_page_finds(browser, site, gateway)
    assert found.pop("timed") == {"status": 0}
    assert {name: answer.get("error") for name, answer in found.items()} == dict.fromkeys(found, "TypeError")
    assert "CORS" in " ".join(browser.console)
