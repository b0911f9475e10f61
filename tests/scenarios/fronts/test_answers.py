"""What callers get through each proxy is what the gateway says."""

import gzip
import json
from typing import Any

import pytest

from tests.support.fronts import Front
from tests.support.nginx import OUTSIDE
from tests.support.server import ServedGateway
from tests.support.waiting import wait_until

CODINGS = [None, "identity", "gzip", "gzip, deflate, br", "gzip, deflate, br, zstd", "*"]


def direct(gateway: ServedGateway) -> Front:
    """Return the gateway without any proxy, to be asked likewise."""
    return Front("none", gateway.url)


@pytest.mark.parametrize("accepted", CODINGS)
def test_tags_are_good_for_a_304(proxy: Front, accepted: str | None) -> None:
    """The tag that came with an answer, strong or weak, brings 304 for the same request, and another one does not."""
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    first = proxy.ask("/campaigns?page=2", headers)
    assert first.status == 200
    tag = first.headers["etag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}'):
        again = proxy.ask("/campaigns?page=2", {**headers, "If-None-Match": held})
        assert (again.status, again.body) == (304, b""), held
        assert again.headers["etag"] == tag
        assert {"cache-control", "vary", "cache-status", "x-request-id"} <= again.headers.keys()
    assert proxy.ask("/campaigns?page=2", {**headers, "If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("accepted", CODINGS)
def test_compression_is_the_gateways(proxy: Front, gateway: ServedGateway, accepted: str | None) -> None:
    """The same bytes and tags as without the proxy, compressed for those alone who take it."""
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    through, without = (one.ask("/campaigns?page=3", headers) for one in (proxy, direct(gateway)))
    assert (through.status, through.body) == (200, without.body)
    for name in ("etag", "content-encoding", "content-type", "content-length", "link"):
        assert through.headers.get(name) == without.headers.get(name), name
    # Apache leaves out the blanks.
    assert through.headers["vary"].replace(" ", "") == without.headers["vary"].replace(" ", "")
    coded = through.headers.get("content-encoding")
    assert coded == ("gzip" if accepted and accepted != "identity" else None)
    assert json.loads(gzip.decompress(through.body) if coded else through.body)["page"]["number"] == 3


def test_problems_are_the_gateways(proxy: Front, gateway: ServedGateway) -> None:
    """No page of the proxy's own takes the place of an answer, whatever its status."""
    for path, options in (
        ("/campaigns?page=0", {}),
        ("/campaigns", {"key": None}),
        ("/campaigns?vdn=2", {}),
        ("/campaigns", {"method": "PATCH"}),
        ("/campaigns", {"headers": {"Accept": "text/csv"}}),
    ):
        arguments: dict[str, Any] = {"headers": {}, **options}
        arguments["headers"] = {**arguments["headers"], "X-Request-Id": "the-same"}
        through, without = (one.ask(path, **arguments) for one in (proxy, direct(gateway)))
        assert through.headers["content-type"] == "application/problem+json", path
        assert (through.status, through.json) == (without.status, without.json)
        for name in ("allow", "www-authenticate", "cache-control", "x-request-id", "x-content-type-options"):
            assert through.headers.get(name) == without.headers.get(name), name


def test_the_address_is_the_callers(proxy: Front, gateway: ServedGateway) -> None:
    """Whatever callers say of their way, in headers with hyphens or underscores, the log has where they came from."""
    identifier = f"address-{proxy.name}"
    said = {"X-Forwarded-For": "6.6.6.6, 7.7.7.7", "X_Forwarded_For": "8.8.8.8", "Forwarded": "for=9.9.9.9"}
    assert proxy.ask("/campaigns?page=0", {**said, "X-Request-Id": identifier}, source=OUTSIDE).status == 400
    wait_until(lambda: identifier in gateway.log.read_text())
    (line,) = [line for line in gateway.log.read_text().splitlines() if identifier in line]
    assert json.loads(line)["remote"] == OUTSIDE


def test_a_key_with_underscores_is_none(proxy: Front) -> None:
    """WSGI could not tell it from the other."""
    assert proxy.ask("/campaigns", {"X_API_Key": "web-key"}, key=None).status == 401
    assert proxy.ask("/campaigns", {"x_api_key": "web-key"}, key=None).status == 401


@pytest.mark.parametrize("path", ["/cache/explain?page=1", "/healthz", "/metrics", "/readyz"])
def test_what_is_for_us_is_closed(proxy: Front, path: str) -> None:
    """Strangers get 403 for what is for operators, under the prefix too."""
    bases = [proxy.url, *([proxy.prefixed] if proxy.prefixed else [])]
    assert {proxy.ask(path, key="operator-key", source=OUTSIDE, base=base).status for base in bases} == {403}
    assert proxy.ask("/campaigns", source=OUTSIDE).status == 200


def test_it_is_there_under_a_prefix(proxy: Front) -> None:
    """With the same answers, where the proxy can take a prefix away."""
    if proxy.prefixed is None:
        assert proxy.name in {"nginx", "squid"}
        return
    at_the_root, below = proxy.ask("/campaigns?page=4"), proxy.ask("/campaigns?page=4", base=proxy.prefixed)
    assert (below.status, below.body) == (200, at_the_root.body)
    assert below.headers["etag"] == at_the_root.headers["etag"]
    assert proxy.ask("/openapi.json", base=proxy.prefixed).status == 200
