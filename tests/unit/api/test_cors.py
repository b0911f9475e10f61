"""Which answers pages of other origins may read."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import Client, TestResponse

from gateway.api.cors import cors_headers, varying, with_cors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

APP = "https://app.example.com"
LOCAL = "http://localhost:3000"


def plain(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer every path, those that end in `x` with a problem; some answers vary already."""
    failed = environ["PATH_INFO"].endswith("x")
    media_type = "application/problem+json" if failed else "application/json"
    vary = [] if failed else [("Vary", "Accept")]
    start_response("404 Not Found" if failed else "200 OK", [("Content-Type", media_type), *vary])
    return [environ["REQUEST_METHOD"].encode()]


CLIENT = Client(with_cors(plain, cors_headers([APP, LOCAL])))


def permissions(headers: Headers) -> set[str]:
    """Return the names of the headers that permit something."""
    permitting = ("Access-Control", "Timing-Allow")
    return {name for name in headers.keys() if name.startswith(permitting)}  # noqa: SIM118 -- iteration yields pairs


def preflight(origin: str | None, path: str = "/campaigns", **headers: str) -> TestResponse:
    """Ask as a browser does before it sends a request with a header of its own."""
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key", **headers}
    return CLIENT.options(path, headers={**asked, **({} if origin is None else {"Origin": origin})})


@pytest.mark.parametrize("origin", [APP, LOCAL])
@pytest.mark.parametrize("path", ["/campaigns", "/campaigns/x", "/openapi.json", "/problems/not-found", "/cache/x"])
def test_a_listed_origin_may_read(origin: str, path: str) -> None:
    """It is named, the headers that it needs are exposed, and caches are told."""
    answer = CLIENT.get(path, headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    needed = {"Cache-Status", "Campaigns-As-Of", "Date", "ETag", "Link", "Preference-Applied", "RateLimit"}
    assert needed | {"RateLimit-Policy", "Retry-After", "Vary", "X-Request-Id"} <= exposed
    assert "Age" not in exposed
    assert answer.headers["Timing-Allow-Origin"] == origin
    assert "Origin" in answer.headers["Vary"].split(", ")
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", [None, "https://evil.example.com", "null", "*", "", "https://app.example.com.evil"])
def test_nobody_else_may(origin: str | None) -> None:
    """Who is not listed gets the answer without a permission, and caches are told all the same."""
    headers = {} if origin is None else {"Origin": origin}
    for path in ("/campaigns", "/campaigns/x"):
        answer = CLIENT.get(path, headers=headers)
        assert permissions(answer.headers) == set()
        assert answer.headers["Vary"] in {"Accept, Origin", "Origin"}
    assert permissions(preflight(origin).headers) == set()


@pytest.mark.parametrize(
    "origin",
    [
        f"{APP}/",
        f"{APP}:443",
        APP.upper(),
        f"{APP}, {LOCAL}",
        f" {APP}",
        "http://app.example.com",
        "https://app.example.comx",
        "https://xapp.example.com",
        "https://sub.app.example.com",
    ],
)
def test_nearly_listed_is_not_listed(origin: str) -> None:
    """Origins are compared as texts."""
    assert permissions(CLIENT.get("/campaigns", headers={"Origin": origin}).headers) == set()
    assert permissions(preflight(origin).headers) == set()


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/cache/explain", "/docs", "/campaignsx/", "//campaigns"])
def test_what_frontends_do_not_need_is_not_shared(path: str) -> None:
    """Numbers, health and diagnostics are for nobody's pages, nor is their answer any other for an origin."""
    answer = CLIENT.get(path, headers={"Origin": APP})
    assert permissions(answer.headers) == set()
    assert answer.headers["Vary"] == "Accept"


def test_preflights_are_answered_here() -> None:
    """The app is not asked; what may be sent is said, and for how long that is true."""
    answer = preflight(APP)
    assert (answer.status_code, answer.data) == (204, b"")
    assert permissions(answer.headers) == {
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Headers",
        "Access-Control-Max-Age",
    }
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    allowed = set(answer.headers["Access-Control-Allow-Headers"].lower().split(", "))
    read = {"x-api-key", "authorization", "x-request-id", "if-none-match", "x-request-timeout-ms", "accept-language"}
    read |= {"cache-control", "prefer", "traceparent", "range", "if-range", "if-match"}
    added_by_tools = {"baggage", "content-type", "expires", "pragma", "sentry-trace", "tracestate", "x-requested-with"}
    assert allowed == read | added_by_tools
    assert answer.headers["Vary"] == "Origin"


def test_an_options_that_is_no_preflight_is_the_apps() -> None:
    """Without `Access-Control-Request-Method` somebody wants to know the methods."""
    assert CLIENT.options("/campaigns", headers={"Origin": APP}).data == b"OPTIONS"
    assert CLIENT.options("/campaigns", headers={"Access-Control-Request-Method": "GET"}).data == b"OPTIONS"
    assert preflight("https://evil.example.com").data == b"OPTIONS"
    assert CLIENT.post("/campaigns", headers={"Origin": APP, "Access-Control-Request-Method": "GET"}).data == b"POST"


def test_vary_stays_one_line() -> None:
    """Where there is a line it is extended in its place, else there is a new one."""
    assert varying([("Vary", "Accept"), ("Link", "x")]) == [("Vary", "Accept, Origin"), ("Link", "x")]
    assert varying([("Link", "x")]) == [("Link", "x"), ("Vary", "Origin")]
