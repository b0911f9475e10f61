"""What operators see: health, numbers, log lines."""

import json
import re
from collections.abc import Callable

import pytest
from flask import request

from gateway.settings.time_zones import time_zone_data
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest


def test_health_says_that_the_process_is_up(gateway: GatewayUnderTest) -> None:
    """Liveness needs no key and asks nobody."""
    answer = gateway.get("/healthz", key=None)
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_readiness_follows_what_callers_met(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """A VDN is unknown, then ok, then failing with its problem; the gateway stays ready all the time."""

    def ready() -> tuple[str, dict[str, dict[str, object]]]:
        answer = gateway.get("/readyz", key=None)
        assert answer.status_code == 200
        document = answer.get_json()
        assert document["dependencies"]["settings"] == {"status": "ok"}
        assert document["dependencies"]["shared_cache"] == {"status": "off"}
        assert document["dependencies"]["token_keys"] == {"status": "off"}
        assert document["dependencies"]["time_zones"] == {"status": "ok", "release": time_zone_data().release}
        return document["status"], document["dependencies"]["isales"]["vdns"]

    assert ready() == ("ready", {"1": {"status": "unknown"}, "2": {"status": "unknown"}})
    gateway.get("/campaigns")
    gateway.clock.advance(30)
    assert ready() == ("ready", {"1": {"status": "ok", "last_fetch_seconds_ago": 30.0}, "2": {"status": "unknown"}})
    simulator.faults.arm(Fault("result-code", times=1, result_code="0299999"))
    gateway.get("/campaigns?page=2")
    status, vdns = ready()
    assert (status, vdns["1"]["status"], vdns["1"]["problem"]) == ("degraded", "failing", "upstream-failed")
    simulator.faults.arm(Fault("result-code", times=1, result_code="0200001"))
    gateway.get("/campaigns?page=3")
    assert ready()[0] == "ready"
    assert simulator.calls.total == 3


def test_everything_is_counted(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Requests by endpoint and problem, look-ups by outcome, fetches by VDN."""
    for path in ("/campaigns", "/campaigns", "/campaigns?x=1", "/nothing"):
        gateway.get(path)
    numbers = gateway.get("/metrics", key=None).get_data(as_text=True)
    listing = 'endpoint="campaigns.list_campaigns"'
    for line in (
        f'campaign_gateway_requests_total{{{listing},problem="",status="200"}} 2.0',
        f'campaign_gateway_requests_total{{{listing},problem="invalid-parameters",status="400"}} 1.0',
        'campaign_gateway_requests_total{endpoint="none",problem="not-found",status="404"} 1.0',
        'campaign_gateway_cache_lookups_total{outcome="hit",rung="fresh",tier="process"} 1.0',
        'campaign_gateway_cache_lookups_total{outcome="miss",rung="",tier=""} 1.0',
        'campaign_gateway_upstream_fetches_total{outcome="ok",result_code="0200000",vdn="1"} 1.0',
    ):
        assert line in numbers


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Return the lines that were logged since the last call."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_line_a_request(
    simulator: SimulatorServer, gateway: GatewayUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    """A miss and a problem have one line each, with the request id; fresh hits and probes have none."""
    capsys.readouterr()
    gateway.get("/campaigns", headers={"X-Request-Id": "first"})
    gateway.get("/campaigns")
    gateway.get("/healthz")
    gateway.get("/campaigns?vdn=2", headers={"X-Request-Id": "second"})
    first, second = log_lines(capsys)
    assert (first["request_id"], first["client"], first["vdn"], first["cache"]) == ("first", "web", 1, "miss")
    assert (second["request_id"], second["status"], second["problem"]) == ("second", 403, "forbidden")


def test_a_path_with_more_slashes_is_told_as_it_was_sent(
    gateway: GatewayUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the answer, the log and the numbers `//campaigns` is no endpoint, and no probe is at `//healthz`."""
    capsys.readouterr()
    for path in ("//campaigns", "//healthz"):
        _, name, document = gateway.problem(path, headers={"X-Request-Id": "mine"})
        assert (name, document["instance"], document["request_id"]) == ("not-found", f"..{path}", "mine")
        assert document["detail"] == f"There is nothing at {path}. /openapi.json lists all paths."
        (line,) = log_lines(capsys)
        assert (line["event"], line["path"], line["status"], line["request_id"]) == ("request", path, 404, "mine")
    counted = 'campaign_gateway_requests_total{endpoint="none",problem="not-found",status="404"}'
    assert gateway.number(counted) == 2


def test_hits_are_logged_when_asked_for(
    make_gateway: Callable[..., GatewayUnderTest], capsys: pytest.CaptureFixture[str]
) -> None:
    """`log.hits` adds them."""
    gateway = make_gateway(log__hits="true")
    gateway.get("/campaigns")
    gateway.get("/campaigns")
    assert [line["cache"] for line in log_lines(capsys)] == ["miss", "hit"]


def test_the_console_format_is_for_people(
    make_gateway: Callable[..., GatewayUnderTest], capsys: pytest.CaptureFixture[str]
) -> None:
    """One readable line, not JSON."""
    gateway = make_gateway(log__format="console")
    gateway.get("/campaigns")
    assert re.search(r"\[info +\] request .*cache=miss", capsys.readouterr().err)


def test_warnings_of_settings_are_logged_at_the_start(
    make_gateway: Callable[..., GatewayUnderTest], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is allowed but probably not meant is said once."""
    make_gateway(jwt__audience="campaign-gateway")
    assert "jwt.audience is set" in str(log_lines(capsys)[0]["warning"])


def test_a_bug_of_ours_is_a_problem_and_a_traceback_in_the_log(
    gateway: GatewayUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    """The caller learns nothing of the inside; the log has all of it under the request id."""

    def broken() -> str:
        raise RuntimeError("the secret of the inside")

    gateway.app.add_url_rule("/broken", view_func=broken)
    status, name, document = gateway.problem("/broken")
    assert (status, name) == (500, "internal-error")
    assert "inside" not in str(document)
    lines = [line for line in log_lines(capsys) if "exception" in line]
    assert "the secret of the inside" in str(lines[0]["exception"])
    assert lines[0]["request_id"] == document["request_id"]


@pytest.mark.parametrize(("proxies", "logged"), [("0", "127.0.0.1"), ("1", "203.0.113.9"), ("2", "198.51.100.7")])
def test_exactly_the_trusted_hops_count(
    make_gateway: Callable[..., GatewayUnderTest], capsys: pytest.CaptureFixture[str], proxies: str, logged: str
) -> None:
    """The address in the log is the one that the trusted proxies saw, and no host comes from a header."""
    gateway = make_gateway(http__trusted_proxies=proxies)
    capsys.readouterr()
    forwarded = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Forwarded-Host": "evil.example.com"}
    answer = gateway.get("/campaigns", headers=forwarded)
    assert log_lines(capsys)[0]["remote"] == logged
    assert "evil" not in str(answer.headers)


def test_no_host_comes_from_a_forwarding_header(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """However many proxies are trusted, what they say of host, scheme and prefix is not taken, and is in no answer."""
    gateway = make_gateway(http__trusted_proxies="1")
    seen: list[str] = []
    gateway.app.before_request(lambda: seen.append(request.root_url))
    forwarded = {
        "X-Forwarded-Host": "evil.example.com",
        "X-Forwarded-Proto": "evil",
        "X-Forwarded-Port": "666",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Server": "evil.example.com",
        "Forwarded": "host=evil.example.com;proto=evil",
    }
    for path in ("/campaigns", "/campaigns?page=0", "/nothing", "/campaigns/", "/docs", "/problems"):
        for headers in (forwarded, {**forwarded, "Host": "evil.example.com"}):
            answer = gateway.get(path, headers=headers)
            assert "evil" not in answer.get_data(as_text=True)
            assert "evil" not in str(answer.headers)
    assert set(seen) == {"http://localhost/"}


def test_a_failed_call_says_in_the_log_what_happened(
    simulator: SimulatorServer, gateway: GatewayUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    """The detail and CC-iSales' result code are there, without secrets and numbers of callers."""
    simulator.faults.arm(Fault("result-code", times=1, result_code="0299999"))
    capsys.readouterr()
    _, _, document = gateway.problem("/campaigns")
    (line,) = log_lines(capsys)
    assert (line["detail"], line["result_code"]) == (document["detail"], "0299999")


def test_an_unusable_ca_file_is_a_fault_of_the_settings(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """It is named when the gateway is made, not when the first call fails."""
    with pytest.raises(Exception, match=r"isales\.ca_file") as caught:
        make_gateway(isales__ca_file="/nowhere/ca.pem")
    assert type(caught.value).__name__ == "SettingsError"
