"""Each fault that is a whole HTTP answer, as it arrives."""

import json
import zlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator.faults import Exchange, Fault
from gateway.simulator.server import SimulatorServer
from gateway.simulator.wrong_answers import BOMB_BYTES, ENDLESS_BYTES, ODD_ROWS, endless, latency

Ask = Callable[..., tuple[HTTPResponse, bytes]]
CODES = {"resultCode", "resultDesc", "returnCode", "returnDesc"}


@pytest.fixture
def faulty(ask: Ask, simulator: SimulatorServer) -> Callable[..., tuple[HTTPResponse, bytes]]:
    """Return a function that arms a fault for one call and makes that call."""

    def call(kind: str, **fields: Any) -> tuple[HTTPResponse, bytes]:
        simulator.faults.arm(Fault(kind, times=1, **fields))
        return ask()

    return call


def test_latency(faulty: Ask, exchange_of: Callable[..., Exchange]) -> None:
    """The answer is the honest one, after a pause of the seconds asked for."""
    assert json.loads(faulty("latency", seconds=0.01)[1])["totalSize"] == 250
    pauses: list[float] = []
    latency(exchange_of(fault=Fault("latency", seconds=3.5), pause=pauses.append))
    assert pauses == [3.5]


def test_not_json(faulty: Ask) -> None:
    """The body is complete for HTTP and incomplete for JSON."""
    response, body = faulty("not-json")
    assert response.status == 200
    assert len(body) == int(response.headers["Content-Length"])
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_json_list(faulty: Ask) -> None:
    """The body is a list with the page in it."""
    assert json.loads(faulty("json-list")[1])[0]["totalSize"] == 250


def test_no_envelope(faulty: Ask) -> None:
    """The body is an object with none of the envelope's keys."""
    assert json.loads(faulty("no-envelope")[1]) == {"message": "ok"}


def test_no_data(faulty: Ask) -> None:
    """The page has everything but data."""
    page = json.loads(faulty("no-data")[1])
    assert "data" not in page
    assert page["totalSize"] == 250


def test_null_data(faulty: Ask) -> None:
    """The page's data is null."""
    assert json.loads(faulty("null-data")[1])["data"] is None


def test_html(faulty: Ask) -> None:
    """Status 200 with an HTML page."""
    response, body = faulty("html")
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html;charset=UTF-8")
    assert body.startswith(b"<html>")


def test_gzip_bomb(faulty: Ask) -> None:
    """A small gzip body that becomes 200 MiB."""
    response, body = faulty("gzip-bomb")
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(body) < 300_000
    unpacker = zlib.decompressobj(wbits=31)
    size = len(unpacker.decompress(body, 1024 * 1024))
    while unpacker.unconsumed_tail:
        size += len(unpacker.decompress(unpacker.unconsumed_tail, 1024 * 1024))
    assert size == BOMB_BYTES


def test_endless(simulator: SimulatorServer, signed_headers: Callable[..., dict[str, str]]) -> None:
    """Chunks come for as long as they are read, and the call ends when the caller goes."""
    simulator.faults.arm(Fault("endless"))
    path = "/rest/isales/v1/openapi/campaigns/1"
    wire = HTTPConnection("127.0.0.1", simulator.port, timeout=10)
    wire.request("GET", path, headers=signed_headers(path, ""))
    response = wire.getresponse()
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.read(5 * 1024 * 1024) == b" " * (5 * 1024 * 1024)
    response.close()
    wire.close()
    assert simulator.calls.wait_for_in_flight(0, 10)


def test_endless_ends_at_last(exchange_of: Callable[..., Exchange]) -> None:
    """The endless body is bounded, so that a forgotten one does not run for ever."""
    assert sum(map(len, endless(exchange_of()).iter_encoded())) == ENDLESS_BYTES


def test_wrong_charset(faulty: Ask) -> None:
    """The body is GBK and says UTF-8."""
    response, body = faulty("wrong-charset")
    assert "UTF-8" in response.headers["Content-Type"]
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert json.loads(body.decode("gbk"))["resultDesc"] == "查询成功"


def test_bom(faulty: Ask) -> None:
    """The body begins with a byte order mark."""
    body = faulty("bom")[1]
    assert body.startswith(b"\xef\xbb\xbf{")
    assert json.loads(body[3:])["totalSize"] == 250


def test_nan(faulty: Ask) -> None:
    """The total is NaN, which is no JSON."""
    assert b'"totalSize":NaN,' in faulty("nan")[1]


def test_duplicate_keys(faulty: Ask) -> None:
    """The result code is there twice, with two values."""
    pairs = json.loads(faulty("duplicate-keys")[1], object_pairs_hook=list)
    assert [value for key, value in pairs if key == "resultCode"] == ["0200006", "0200000"]


def test_deep_nesting(faulty: Ask) -> None:
    """The data is nested deeper than a recursive parser can go."""
    with pytest.raises(RecursionError):
        json.loads(faulty("deep-nesting")[1])


@pytest.mark.parametrize(("status", "retry_after"), [(500, ""), (503, "21600"), (429, "7"), (403, "")])
def test_http_status(faulty: Ask, status: int, retry_after: str) -> None:
    """The status and Retry-After are those asked for, over an HTML page with a stack trace."""
    response, body = faulty("http-status", status=status, retry_after=retry_after)
    assert response.status == status
    assert response.headers.get("Retry-After", "") == retry_after
    assert b"java.lang.NullPointerException" in body


def test_redirect(faulty: Ask) -> None:
    """A 302 to just the place asked for."""
    response, _ = faulty("redirect", location="http://127.0.0.1:1/there?a=b")
    assert (response.status, response.headers["Location"]) == (302, "http://127.0.0.1:1/there?a=b")


def test_result_code(faulty: Ask) -> None:
    """A failure envelope under HTTP 200, with the code asked for in both pairs and no data."""
    response, body = faulty("result-code", result_code="02000011")
    answer = json.loads(body)
    assert response.status == 200
    assert answer.keys() == CODES
    assert answer["resultCode"] == answer["returnCode"] == "02000011"
    assert json.loads(faulty("result-code")[1])["resultCode"] == "0200006"


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        ("no-result-code", set()),
        ("only-return-code", {"returnCode", "returnDesc"}),
        ("only-result-code", {"resultCode", "resultDesc"}),
    ],
)
def test_pairs_that_are_left(faulty: Ask, kind: str, left: set[str]) -> None:
    """The page is whole but for the pairs of code and description that are left out."""
    page = json.loads(faulty(kind)[1])
    assert page.keys() & CODES == left
    assert len(page["data"]) == 10


def test_odd_rows(faulty: Ask) -> None:
    """The odd rows take the places of the last honest ones, so that the page keeps its size."""
    rows = json.loads(faulty("odd-rows")[1])["data"]
    assert tuple(rows) == ODD_ROWS


def test_vendor_sample(faulty: Ask) -> None:
    """The answer is the vendor's sample to the byte."""
    sample = Path(__file__).parents[2] / "vendor" / "campaigns-sample.json"
    assert faulty("vendor-sample")[1] == sample.read_bytes()


def test_shifting_totals(ask: Ask, simulator: SimulatorServer) -> None:
    """Totals and the top row change from call to call, up and down."""
    simulator.faults.arm(Fault("shifting-totals"))
    pages = [json.loads(ask()[1]) for _ in range(7)]
    totals = [page["totalSize"] for page in pages]
    assert totals == [251, 249, 252, 248, 253, 247, 251]
    assert [page["data"][0]["id"] - 100_000 for page in pages] == totals


def test_wrong_clock(faulty: Ask, simulator: SimulatorServer) -> None:
    """A well signed call is answered 401 with a Date that differs by the seconds asked for."""
    response, body = faulty("wrong-clock", seconds=300.0)
    assert response.status == 401
    assert b"timestamp" in body
    assert parsedate_to_datetime(response.headers["Date"]).isoformat() == "2026-03-01T12:05:00+00:00"
    assert simulator.calls.snapshot()["refused"] == 1


def test_faults_are_for_signed_calls_only(ask: Ask, simulator: SimulatorServer) -> None:
    """A call that is refused does not use a fault up."""
    simulator.faults.arm(Fault("html", times=1))
    assert ask(headers={"Authorization": None})[0].status == 401
    assert simulator.faults.armed == Fault("html", times=1)


@pytest.mark.parametrize("kind", ["odd-rows", "no-data", "only-return-code", "shifting-totals", "nan", "drip"])
def test_faults_over_a_failure(ask: Ask, simulator: SimulatorServer, kind: str) -> None:
    """A fault that changes the page also works where the honest answer is a failure."""
    simulator.faults.arm(Fault(kind, times=1, seconds=0.0))
    response, body = ask({"status": "9"})
    assert response.status == 200
    assert b"02000007" in body
