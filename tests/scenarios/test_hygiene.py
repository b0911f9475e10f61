"""What callers and CC-iSales send does not get into log lines and headers but as plain, printable text."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scenarios.upstream.raw_server import RawServer, http, says_and_closes
from tests.support.gateway import GatewayUnderTest
from tests.unit.isales.vendor import envelope, row

NUMBER = "13800138000"
NASTY = st.text(
    st.sampled_from("aé推 \t\r\n\x00\x1b\x7f\x85\x9b\u061c\u200e\u2028\u2029\u202e\u2066\ufeff\ud800\"'=[%"),
    max_size=12,
)
NUMBERS = st.sampled_from([NUMBER, int(NUMBER), f"+86{NUMBER}", f"\n{NUMBER}\x1b", float(NUMBER), [NUMBER]])
VALUES = st.one_of(NASTY, NUMBERS, st.none(), st.integers(-5, 5), st.lists(NASTY, max_size=2))
ROWS = st.builds(
    lambda number, more, name: row(callerNo=number, name=name, **more),
    NUMBERS,
    st.dictionaries(st.one_of(NASTY, st.just(NUMBER)).filter(lambda name: name != "name"), VALUES, max_size=3)
    | st.fixed_dictionaries(
        {}, optional={"id": VALUES, "status": VALUES, "deviceType": VALUES, "strBeginTime": VALUES}
    ),
    NASTY,
)
BODIES = st.one_of(
    st.builds(
        lambda rows, code, description, more: json.dumps(
            {**envelope(data=rows, totalSize=len(rows), resultCode=code, resultDesc=description), **more}
        ),
        st.lists(ROWS, max_size=3),
        st.one_of(st.just("0200000"), st.sampled_from(["0200001", "0200006", "0299999"]), NASTY),
        st.one_of(NASTY, st.just(f"database error of {NUMBER}")),
        st.dictionaries(NASTY, VALUES, max_size=2),
    ),
    NASTY,
)
UPSTREAM_HEADERS = st.lists(
    st.sampled_from(
        [
            f"X-Number: {NUMBER}",
            f"no header {NUMBER}",
            f" folded {NUMBER}",
            ": nameless",
            "Bad Name: \x1b[2J",
            "Retry-After: \x1b[2J",
            "Retry-After: 3",
            "Date: \x9b",
            "Content-Encoding: gzip",
            "Transfer-Encoding: chunked",
            "WWW-Authenticate: \u00ff",
            f"Location: http://{NUMBER}/",
        ]
    ),
    max_size=3,
)
STATUSES = st.sampled_from(["200 OK", "200 OK", "200 \x1b[2J", "401 No", "429 Slow", "500 Oh", "503 Busy", "302 There"])
CALLER_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        name: NASTY.filter(lambda text: not re.search("[\r\n]", text)).map(
            lambda text: text.encode("utf-8", "replace").decode("latin-1")
        )
        for name in ("X-Request-Id", "X-Forwarded-For", "Accept-Language", "If-None-Match", "User-Agent", "X-API-Key")
    },
)
PATHS = st.one_of(
    NASTY.map(lambda text: "/" + quote(text.encode("utf-8", "surrogatepass"))),
    NASTY.map(lambda text: "/campaigns?name=" + quote(text.encode("utf-8", "surrogatepass"))),
    st.integers(1, 99).map("/campaigns?page={}".format),
)


@pytest.fixture
def upstream() -> Iterator[RawServer]:
    """Return a CC-iSales that says whatever a test wants."""
    with RawServer() as server:
        yield server


@pytest.fixture
def logged(upstream: RawServer, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., list[str]]]:
    """Return what sends one request to a gateway of a log format and returns the lines that it logged."""
    gateways: dict[str, GatewayUnderTest] = {}

    def send(form: str, answer: bytes, path: str, headers: dict[str, str]) -> list[str]:
        if form not in gateways:
            gateways[form] = GatewayUnderTest(
                upstream.url, log__format=form, http__trusted_proxies="1", isales__max_attempts="1"
            )
        # Far enough for pages to be gone and for circuits to be closed.
        gateways[form].clock.advance(100_000)
        upstream.usually = says_and_closes(answer)
        capsys.readouterr()
        answered = gateways[form].get(path, headers=headers, key=headers.get("X-API-Key", "web-key"))
        for name, value in answered.headers:
            assert (name + value).isascii(), name
            assert (name + value).isprintable(), name
        return capsys.readouterr().err.splitlines()

    yield send
    for gateway in gateways.values():
        with closing(gateway):
            pass


def encoded(status: str, body: str, headers: list[str]) -> bytes:
    """Return an HTTP answer of these parts."""
    answer = http(status, body.encode("utf-8", "surrogatepass"))
    head, _, rest = answer.partition(b"\r\n\r\n")
    return b"\r\n".join([head, *(header.encode("latin-1") for header in headers), b"", rest])


def texts(value: Any) -> Iterator[str]:
    """Yield every text within JSON data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status=STATUSES, body=BODIES, said=UPSTREAM_HEADERS, path=PATHS, headers=CALLER_HEADERS)
def test_every_json_line_is_one_harmless_object(
    logged: Callable[..., list[str]], status: str, body: str, said: list[str], path: str, headers: dict[str, str]
) -> None:
    """Whatever both sides send, a line is one JSON object, printable as it is and when decoded, without numbers."""
    lines = logged("json", encoded(status, body, said), path, headers)
    assert lines
    for line in lines:
        document = json.loads(line)
        assert isinstance(document, dict)
        assert line.isprintable()
        assert all(text.isprintable() for text in texts(document))
        assert NUMBER not in line


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status=STATUSES, body=BODIES, said=UPSTREAM_HEADERS, path=PATHS, headers=CALLER_HEADERS)
def test_every_line_for_people_is_harmless(
    logged: Callable[..., list[str]], status: str, body: str, said: list[str], path: str, headers: dict[str, str]
) -> None:
    """In the console format too, and each line begins with a time: none is made up by others."""
    lines = logged("console", encoded(status, body, said), path, headers)
    assert lines
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+Z \[(info|warning) +\] ", line)
        assert line.isprintable()
        assert NUMBER not in line


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, min_size=1, max_size=3), more=st.dictionaries(NASTY, VALUES, max_size=2))
def test_no_drift_tells_a_number(
    upstream: RawServer, capsys: pytest.CaptureFixture[str], rows: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    """Each departure is said once by a gateway that is new, so here one is made for each page."""
    body = json.dumps({**envelope(data=rows, totalSize=len(rows)), **more})
    upstream.usually = says_and_closes(encoded("200 OK", body, []))
    with closing(GatewayUnderTest(upstream.url)) as gateway:
        capsys.readouterr()
        gateway.get("/campaigns")
    said = capsys.readouterr().err
    assert '"event": "request"' in said
    assert NUMBER not in said
