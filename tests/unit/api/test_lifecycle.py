"""The log line of a request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import structlog
from flask import Flask

from gateway.api.lifecycle import end_span, register_lifecycle
from gateway.api.problems import register_problems
from gateway.errors import (
    GatewayError,
    InvalidParameters,
    ParameterFault,
    UpstreamFailed,
    UpstreamRejectedParameters,
    UpstreamResult,
    UpstreamTimeout,
)
from gateway.telemetry.log import configure_logging
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import NoTracer, Trace


def logged(error: GatewayError, capsys: pytest.CaptureFixture[str], form: str = "json") -> str:
    """Return the line that a request leaves whose view raises `error`."""
    configure_logging("info", form)
    app = Flask("test", static_folder=None)
    register_lifecycle(app, Metrics(), NoTracer())
    register_problems(app)

    @app.get("/fails")
    def fail() -> str:
        raise error

    capsys.readouterr()
    assert app.test_client().get("/fails?name=secret").status_code == error.status
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_failure_says_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of a failed call has the detail and CC-iSales' result code, so that nobody has to ask the caller."""
    result = UpstreamResult("0200006", "database error of caller 10080")
    line = logged(UpstreamFailed("CC-iSales failed with result code 0200006.", upstream=result), capsys)
    said = json.loads(line)
    assert (said["status"], said["problem"]) == (502, "upstream-failed")
    assert said["detail"] == "CC-iSales failed with result code 0200006."
    assert said["result_code"] == "0200006"
    # The vendor's words may hold anything, numbers of people too.
    assert "10080" not in line


def test_a_failure_without_an_answer_has_no_result_code(capsys: pytest.CaptureFixture[str]) -> None:
    """What CC-iSales did not say is not in the line."""
    said = json.loads(logged(UpstreamTimeout("Gave up after 8.00 s."), capsys))
    assert said["detail"] == "Gave up after 8.00 s."
    assert "result_code" not in said


def test_what_the_caller_can_mend_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """The detail of a 400 may hold the caller's own text and stays out; the vendor's result code is there."""
    line = logged(InvalidParameters('name: "secret" is bad.', errors=(ParameterFault("name", "Bad."),)), capsys)
    assert "secret" not in line
    assert "detail" not in json.loads(line)
    refused = UpstreamRejectedParameters("Refused: secret.", upstream=UpstreamResult("02000002", "secret"))
    line = logged(refused, capsys)
    assert json.loads(line)["result_code"] == "02000002"
    assert "secret" not in line


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_text_of_others_acts_on_a_terminal(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """Control characters, separators of lines and bidi controls are escaped, long texts are cut."""
    nasty = "a\x1b[2Jb\nc\x9bd\x7fe\u2028f\u202eg"
    line = logged(UpstreamFailed(nasty + "x" * 1000, upstream=UpstreamResult(nasty, "")), capsys, form)
    assert all(char.isprintable() for char in line)
    assert "\\u202eg" in line
    assert 400 < line.count("x") < 600


def test_the_request_id_ends_with_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    """What the same thread logs afterwards does not carry the id of a request that is over."""
    logged(UpstreamTimeout("Late."), capsys)
    structlog.get_logger().info("after")
    assert "request_id" not in json.loads(capsys.readouterr().err)


@dataclass
class Seen:
    """A span that tells what it was ended with."""

    trace: Trace = field(default_factory=lambda: Trace("1" * 32, "1" * 16))
    name: str = ""
    attributes: Mapping[str, str | int] = field(default_factory=dict)

    def end(self, name: str, attributes: Mapping[str, str | int], problem: str = "") -> None:
        """Keep what it was."""
        self.name, self.attributes = name, {**attributes, "problem": problem}


@pytest.mark.parametrize(
    ("method", "route", "name", "told", "original"),
    [
        ("GET", "/campaigns", "GET /campaigns", "GET", None),
        ("POST", "", "POST", "POST", None),
        ("BREW", "", "HTTP", "_OTHER", "BREW"),
        ("get", "/campaigns", "HTTP /campaigns", "_OTHER", "get"),
    ],
)
def test_a_span_is_not_named_by_what_callers_make_up(
    method: str, route: str, name: str, told: str, original: str | None
) -> None:
    """Methods are those that are known, others are `_OTHER` (semantic conventions for HTTP spans)."""
    span = Seen()
    end_span(span, method, "/campaigns", "http", route, 405)
    assert (span.name, span.attributes["http.request.method"]) == (name, told)
    assert span.attributes.get("http.request.method_original") == original
