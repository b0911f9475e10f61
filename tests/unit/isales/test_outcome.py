from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import (
    GatewayError,
    UpstreamBrokenContract,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamRejectedParameters,
    UpstreamResult,
)
from gateway.isales.outcome import envelope_of, retry_after
from gateway.isales.transport import Reply
from tests.unit.isales.vendor import NOW, as_json, envelope

GOOD = as_json(envelope())
FAILED = as_json({"resultCode": "0200006", "resultDesc": "database"})
REJECTED = as_json({"resultCode": "0200001", "resultDesc": "status"})
HTML = b"<html>java.lang.NullPointerException at com.huawei</html>"


def error_of(status: int, body: bytes, **headers: str) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        envelope_of(Reply(status, headers, body), NOW)
    return caught.value


def test_a_good_answer_is_its_envelope() -> None:
    """HTTP 200 with success is the envelope."""
    assert envelope_of(Reply(200, {}, GOOD), NOW) == envelope()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, FAILED, UpstreamFailed),
        (200, REJECTED, UpstreamRejectedParameters),
        (200, HTML, UpstreamBrokenContract),
        (201, GOOD, UpstreamBrokenContract),
        (204, b"", UpstreamBrokenContract),
        (301, GOOD, UpstreamBrokenContract),
        (304, b"", UpstreamBrokenContract),
        (302, REJECTED, UpstreamBrokenContract),
        (400, REJECTED, UpstreamRejectedParameters),
        (400, HTML, UpstreamBrokenContract),
        (401, REJECTED, UpstreamRefusedCredentials),
        (403, FAILED, UpstreamFailed),
        (404, HTML, UpstreamBrokenContract),
        (404, GOOD, UpstreamBrokenContract),
        (429, GOOD, UpstreamOverloaded),
        (500, HTML, UpstreamFailed),
        (500, GOOD, UpstreamFailed),
        (500, REJECTED, UpstreamFailed),
        (502, b"", UpstreamFailed),
        (503, HTML, UpstreamOverloaded),
        (504, FAILED, UpstreamFailed),
        (999, HTML, UpstreamFailed),
    ],
)
def test_each_status_and_body_is_one_error(status: int, body: bytes, error: type[GatewayError]) -> None:
    """The status decides, then the result code, and nothing of a body that is no envelope gets out."""
    raised = error_of(status, body)
    assert type(raised) is error
    assert "java" not in raised.detail


def test_a_failed_status_carries_what_the_envelope_said() -> None:
    """The result of an envelope that came with HTTP 500 is passed on."""
    assert error_of(500, FAILED).upstream == UpstreamResult("0200006", "database")
    assert error_of(500, HTML).upstream is None
    assert error_of(500, GOOD).upstream is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 1),
        ("21600", 3600),
        ("9" * 5000, 3600),
        ("", 5),
        ("-3", 5),
        ("1.5", 5),
        ("soon", 5),
        ("７", 5),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=False), 29),
        (format_datetime(NOW - timedelta(days=1)), 1),
        (format_datetime(NOW + timedelta(days=1)), 3600),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 59),
        ("Fri, 02 Jan 2026 99999999999999999999:05:05 GMT", 5),
    ],
)
def test_retry_after(header: str, seconds: int) -> None:
    """Seconds and dates are understood, from one second to an hour, and five stand for what is not."""
    assert retry_after(header, NOW) == seconds
    assert error_of(503, b"", **{"Retry-After": header}).retry_after_s == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,9} [0-9:]{3,9} [+-][0-9]{1,9}"))
def test_no_retry_after_raises(header: str) -> None:
    """Whatever the header says, what comes out is within its bounds."""
    assert 1 <= retry_after(header, NOW) <= 3600
