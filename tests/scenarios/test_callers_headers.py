"""No answer depends on what a caller calls us, or on what anybody says of where the call came by."""

from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.support.gateway import GatewayUnderTest

NAMES = (
    *("Host", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"),
    *("X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Uri", "X-Forwarded-Method"),
    *("X-Original-URL", "X-Original-Host", "X-Rewrite-URL", "X-Host", "X-Real-IP", "X-Client-IP", "True-Client-IP"),
    *("X-Script-Name", "X-HTTP-Method-Override", "X-Method-Override", "Front-End-Https", "Via", "Referer", "Cookie"),
    *("User-Agent", "Origin", "Sec-Fetch-Site", "X-Requested-With", "Destination", "Content-Location", "From"),
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "evil.example.com",
            "evil.example.com:666",
            "https://evil.example.com/x",
            "//evil.example.com",
            "host=evil.example.com;proto=http;for=6.6.6.6",
            "6.6.6.6, 7.7.7.7",
            "/metrics",
            "DELETE",
            "[::1",
            "a b",
            "evil.example.com\x00",
            "<script>alert(1)</script>",
            "x" * 5000,
            "",
        ]
    ),
    st.text(st.characters(max_codepoint=0xFF, blacklist_characters="\r\n"), max_size=30),
)
PATHS = (
    *("/campaigns", "/campaigns?page=2&vdn=1", "/campaigns?page=0", "/campaigns?vdn=2", "/campaigns/", "/nothing"),
    *("//campaigns", "/docs", "/openapi.json", "/problems", "/problems/not-found", "/problems//not-found"),
    *("/docs/static/try.js", "/healthz", "/me", "/cache/explain", "/docs/", "/docs/static/../x"),
)
METHODS = ("GET", "GET", "HEAD", "OPTIONS", "POST")


def essence(answer: TestResponse) -> tuple[object, ...]:
    """Return all of an answer but what tells of the time that it took."""
    headers = [each for each in answer.headers.items() if each[0] not in {"Server-Timing", "Date"}]
    return answer.status, answer.data, headers


@pytest.fixture
def gateways(make_gateway: Callable[..., GatewayUnderTest]) -> Callable[[str], GatewayUnderTest]:
    """Return what returns the gateway behind so many proxies, with all its pages at hand."""
    made: dict[str, GatewayUnderTest] = {}

    def behind(proxies: str) -> GatewayUnderTest:
        if proxies not in made:
            made[proxies] = make_gateway(http__trusted_proxies=proxies)
            for path in PATHS:
                with made[proxies].get(path):
                    pass
        return made[proxies]

    return behind


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(PATHS),
    method=st.sampled_from(METHODS),
    headers=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)),
    proxies=st.sampled_from(["0", "1", "2"]),
)
def test_no_byte_depends_on_them(
    gateways: Callable[[str], GatewayUnderTest], path: str, method: str, headers: dict[str, str], proxies: str
) -> None:
    """Status, headers and body are those of the same request without them, however many proxies are trusted."""
    gateway = gateways(proxies)
    known = {"X-Request-Id": "mine"}
    with (
        closing(gateway.get(path, method=method, headers=known)) as plain,
        closing(gateway.get(path, method=method, headers={**headers, **known})) as answer,
    ):
        assert essence(answer) == essence(plain)
        assert plain.status_code < 500
        assert plain.status_code == 404 or not path.startswith("//")
