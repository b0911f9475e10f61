"""The interface on the wire: who is let in, in which order things are checked, and how that is said."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.keys import Tenant
from gateway.simulator.server import SimulatorServer

Ask = Callable[..., tuple[HTTPResponse, bytes]]
AskJson = Callable[..., Any]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_page_of_the_tenant(ask_json: AskJson) -> None:
    """A right call gets its page, with the rows of its own VDN only."""
    page = ask_json({"rowsPerPage": "100"}, vdn=3, key=2)
    assert page["resultCode"] == "0200000"
    assert page["totalSize"] == 250
    assert {row["id"] // 100_000 for row in page["data"]} == {3}


def test_all_pages_have_no_id_twice(ask_json: AskJson) -> None:
    """Walking the pages gives all 250 campaigns, each once."""
    ids = [row["id"] for page in range(1, 27) for row in ask_json({"curPage": str(page)})["data"]]
    assert len(ids) == len(set(ids)) == 250


def test_name_arrives_as_it_was_encoded(ask_json: AskJson) -> None:
    """A name full of separators finds just the campaigns that contain it."""
    page = ask_json({"name": "50% off & more=1"})
    assert page["totalSize"] == 20
    assert all("50% off & more=1" in row["name"] for row in page["data"])


def test_order_of_parameters_is_free(ask_json: AskJson) -> None:
    """The parameters may be sent in another order than the signed one."""
    assert ask_json("status=2&rowsPerPage=5&curPage=1&deviceType=0")["totalSize"] == 60


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Authorization": None}, "Authorization must be"),
        ({"Authorization": "auth-v2/ak-1/2026-03-01T12:00:00Z/host/" + "0" * 64}, "does not fit"),
        ({"Authorization": "auth-v2/who/2026-03-01T12:00:00Z/host/" + "0" * 64}, "unknown"),
        ({"Host": "elsewhere.example.com"}, "does not fit"),
    ],
)
def test_bad_signature_is_401(
    ask: Ask, simulator: SimulatorServer, headers: dict[str, str | None], reason: str
) -> None:
    """What is not signed right is answered 401 without an envelope, and counted as refused."""
    response, body = ask(headers=headers)
    assert response.status == 401
    assert b"resultCode" not in body
    assert reason.encode() in body
    assert simulator.calls.snapshot()["refused"] == 1


def test_wrong_clock_is_401_with_the_right_time(ask: Ask) -> None:
    """A call signed an hour ago is answered 401, and `Date` says what time it is here."""
    response, _ = ask(timestamp="2026-03-01T11:00:00Z")
    assert response.status == 401
    assert parsedate_to_datetime(response.headers["Date"]).isoformat() == "2026-03-01T12:00:00+00:00"


def test_milliseconds_are_taken(ask: Ask) -> None:
    """A timestamp with milliseconds is as good as one without."""
    assert ask(timestamp="2026-03-01T12:00:00.123Z")[0].status == 200


@pytest.mark.parametrize("vdn", [2, 4])
def test_key_of_another_vdn_is_401(ask: Ask, vdn: int) -> None:
    """A key is refused for a VDN that is another's or nobody's."""
    response, body = ask(vdn=vdn)
    assert response.status == 401
    assert f"VDN {vdn}".encode() in body


@pytest.mark.parametrize(("vdn", "code"), [("0", "02000007"), ("10000", "02000007"), ("x", "02000006")])
def test_vdn_is_checked_like_a_parameter(ask_json: AskJson, vdn: str, code: str) -> None:
    """A VDN that cannot be one has a result code, like any other parameter."""
    assert ask_json(vdn=vdn)["resultCode"] == code


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "application/json;  charset=UTF-8", "application/json; charset=utf-8", "text/plain"],
)
def test_content_type_is_exact(ask_json: AskJson, content_type: str | None) -> None:
    """Any other Content-Type is a parameter error that names it."""
    answer = ask_json(headers={"Content-Type": content_type, "locale": "en_US"})
    assert answer["resultCode"] == answer["returnCode"] == "0200001"
    assert "Content-Type" in answer["resultDesc"]
    assert "data" not in answer


@pytest.mark.parametrize(
    ("locale", "text"), [(None, "参数值超出范围"), ("zh_CN", "参数值超出范围"), ("en_US", "value out of range")]
)
def test_locale_chooses_the_language(ask_json: AskJson, locale: str | None, text: str) -> None:
    """Descriptions are Chinese, and English for en_US."""
    answer = ask_json({"rowsPerPage": "101"}, headers={"locale": locale})
    assert answer["resultCode"] == "02000007"
    assert answer["resultDesc"].startswith(text)
    assert answer["returnDesc"] == answer["resultDesc"]


def test_signature_comes_before_parameters(ask: Ask) -> None:
    """Who is not known learns nothing of the parameters."""
    response, _ = ask({"status": "9"}, headers={"Authorization": None})
    assert response.status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods_are_405(ask: Ask, simulator: SimulatorServer, method: str) -> None:
    """GET is the only method; the others are no calls."""
    response, _ = ask(method=method)
    assert (response.status, response.headers["Allow"]) == (405, "GET")
    assert simulator.calls.total == 0


@pytest.mark.parametrize(
    "path",
    [
        "/rest/isales/v1/openapi/campaigns",
        "/rest/isales/v1/openapi/campaigns/1/",
        "/rest/isales/v1/openapi//campaigns/1",
    ],
)
def test_other_paths_are_404(simulator: SimulatorServer, path: str) -> None:
    """There is one path; another, of one slash more too, is a short JSON 404 with a Date."""
    wire = HTTPConnection("127.0.0.1", simulator.port, timeout=10)
    wire.request("GET", path)
    response = wire.getresponse()
    assert (response.status, response.read()) == (404, b'{"error":"Not Found"}')
    assert response.headers.get_all("Date") == ["Sun, 01 Mar 2026 12:00:00 GMT"]
    wire.close()


def test_host_header_can_be_demanded(ask: Ask, simulator: SimulatorServer) -> None:
    """With `host_header`, a call with another Host is refused by name."""
    config = SimulatorConfig((Tenant((1,), "ak-1", "sk-1"),), host_header="isales.example.com")
    with SimulatorServer(config) as demanding:
        wire = HTTPConnection("127.0.0.1", demanding.port, timeout=10)
        response, body = ask(connection=wire)
        wire.close()
    assert response.status == 401
    assert b"only 'isales.example.com' is served here" in body


def test_each_call_is_logged_in_one_line(ask: Ask) -> None:
    """One line a call: method, target as sent, outcome; no credentials."""
    lines: list[str] = []
    with SimulatorServer(SimulatorConfig((Tenant((1,), "ak-1", "sk-1"),), log=lines.append)) as logging:
        wire = HTTPConnection("127.0.0.1", logging.port, timeout=10)
        ask("status=0&name=%0A", connection=wire)
        wire.close()
    assert len(lines) == 1
    assert lines[0].startswith("GET /rest/isales/v1/openapi/campaigns/1?status=0&name=%0A 401 ")
    assert "sk-1" not in lines[0]


def test_error_within_is_500_and_leaves_nothing_in_flight(ask: Ask) -> None:
    """A fault of the simulator's own is a short 500, and the call is over."""
    times = iter([None, NOW])

    def broken_at_first() -> datetime:
        time = next(times)
        if time is None:
            raise ArithmeticError
        return time

    config = SimulatorConfig((Tenant((1,), "ak-1", "sk-1"),), now=broken_at_first)
    with SimulatorServer(config) as broken:
        wire = HTTPConnection("127.0.0.1", broken.port, timeout=10)
        response, body = ask(connection=wire)
        wire.close()
        assert (response.status, body) == (500, b'{"error":"Internal Server Error"}')
        assert broken.calls.wait_for_in_flight(0, 10)
