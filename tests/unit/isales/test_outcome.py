from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import (
    GatewayError,
    UpstreamBrokenContract,
    UpstreamFailed,
    UpstreamForbidden,
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
        (403, FAILED, UpstreamForbidden),
        (403, HTML, UpstreamForbidden),
        (418, b"", UpstreamForbidden),
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
        ("21600", 21600),
        ("86401", 86400),
        ("9" * 5000, 86400),
        ("", None),
        ("-3", None),
        ("1.5", None),
        ("soon", None),
        ("７", None),
        ("Fri, 02 Jan 2026 03:05:05 +99999999999999999999", None),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=False), 30),
        (format_datetime(NOW - timedelta(days=1)), 1),
        (format_datetime(NOW + timedelta(days=9)), 86400),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 60),
        ("7, 9", 9),
        ("9,7", 9),
        (f"7, {format_datetime(NOW + timedelta(seconds=30))}", 30),
        (f"{format_datetime(NOW + timedelta(seconds=30))} , 40", 40),
        (", ".join(format_datetime(NOW + timedelta(seconds=each)) for each in (30, 50, 40)), 50),
        ("Friday, 02-Jan-26 03:04:35 GMT, Fri Jan  2 03:04:25 2026", 30),
        ("soon, 7", 7),
        (", ", None),
        ("Fri, 02 Jan 2026 99999999999999999999:05:05 GMT", None),
    ],
)
def test_retry_after(header: str, seconds: int | None) -> None:
    """Seconds and dates are understood, never too early, from one second to a day; callers get five for what is not."""
    assert retry_after(header, NOW) == seconds
    assert error_of(503, b"", **{"Retry-After": header}).retry_after_s == (seconds or 5)


@pytest.mark.parametrize(("status", "one_vdn"), [(429, True), (503, False)])
@pytest.mark.parametrize(("headers", "pause_s"), [({"Retry-After": "7"}, 7), ({}, None)])
def test_a_pause_is_what_the_header_asks_for(
    status: int, *, one_vdn: bool, headers: dict[str, str], pause_s: int | None
) -> None:
    """Too many requests are one VDN's matter, unavailable is the service; without the header there is no pause."""
    error = error_of(status, b"", **headers)
    assert isinstance(error, UpstreamOverloaded)
    assert (error.pause_s, error.one_vdn) == (pause_s, one_vdn)


def test_an_overload_carries_what_the_envelope_said() -> None:
    """The result of an envelope that came with HTTP 503 is passed on, as it is with any other failure."""
    assert error_of(503, FAILED).upstream == UpstreamResult("0200006", "database")
    assert error_of(503, HTML).upstream is None


TOO_FAST = as_json({"resultCode": "0200022", "resultDesc": "too fast"})


@pytest.mark.parametrize("status", [200, 400, 429, 500, 503])
def test_too_fast_is_a_short_pause_for_one_vdn(status: int) -> None:
    """Result code 0200022 asks this VDN for a moment's rest, whichever status it comes with, and is not tried again."""
    error = error_of(status, TOO_FAST)
    assert isinstance(error, UpstreamOverloaded)
    assert error.upstream == UpstreamResult("0200022", "too fast")
    assert (error.pause_s, error.retry_after_s, error.one_vdn, error.retryable_in_s) == (2, 2, True, None)
    assert error.asked_by == "result code 0200022"


@pytest.mark.parametrize("status", [200, 400, 429, 500, 503])
def test_a_retry_after_beside_too_fast_is_kept(status: int) -> None:
    """Where the answer says itself for how long, that counts; what cannot be read says nothing."""
    error = error_of(status, TOO_FAST, **{"Retry-After": "7"})
    assert isinstance(error, UpstreamOverloaded)
    assert error.upstream == UpstreamResult("0200022", "too fast")
    assert (error.pause_s, error.retry_after_s, error.asked_by, error.one_vdn) == (7, 7, "Retry-After", True)
    error = error_of(status, TOO_FAST, **{"Retry-After": "soon"})
    assert isinstance(error, UpstreamOverloaded)
    assert (error.pause_s, error.asked_by) == (2, "result code 0200022")


@pytest.mark.parametrize(
    ("status", "body", "header", "retryable_in_s"),
    [
        (200, FAILED, "", 0),
        (403, FAILED, "", None),
        (418, HTML, "3", None),
        (400, FAILED, "", 0),
        (502, HTML, "", 0),
        (503, HTML, "", 0),
        (504, REJECTED, "", 0),
        (502, HTML, "3", 3),
        (503, HTML, "3", 3),
        (504, HTML, "3", 3),
        (200, REJECTED, "", None),
        (200, as_json({"resultCode": "0200007"}), "", None),
        (200, HTML, "", None),
        (401, HTML, "", None),
        (404, HTML, "3", None),
        (429, HTML, "3", None),
        (500, FAILED, "3", None),
        (505, HTML, "", None),
    ],
)
def test_what_may_be_tried_again(status: int, body: bytes, header: str, retryable_in_s: int | None) -> None:
    """A database error and a gateway that is out of order may heal in a moment, or when they say; nothing else."""
    assert error_of(status, body, **{"Retry-After": header}).retryable_in_s == retryable_in_s


def forbidden(status: int, body: bytes = b"", **said: Any) -> UpstreamForbidden:
    """Return what an answer of a guard comes to."""
    headers = {"Retry-After": said.pop("after")} if "after" in said else {}
    with pytest.raises(UpstreamForbidden) as caught:
        envelope_of(Reply(status, headers, body), NOW, **said)
    return caught.value


def test_a_guard_is_named_by_what_it_may_mean() -> None:
    """403 is a lock, a list or a firewall; 418 a firewall, of which a search may be the reason."""
    assert all(word in forbidden(403).detail for word in ("locked", "wrong signatures", "allow list", "firewall"))
    assert "Host or the server name of TLS" in forbidden(418).detail
    assert "`name`" in forbidden(418, searched=True).detail
    told = [forbidden(status, searched=searched).of_query for status in (403, 418) for searched in (False, True)]
    assert told == [False, False, False, True]
    assert (forbidden(403).retry_after_s, forbidden(403, after="7").retry_after_s) == (None, 7)


def test_a_guards_own_words_are_shown_safely() -> None:
    """`error` and `message` of a body in JSON are shown, escaped, cut, and without what must not be repeated."""
    body = as_json({"status": 403, "error": "Forbidden", "message": "\x1b[31mAK-7 is locked" + "!" * 500, "path": "/x"})
    detail = forbidden(403, body, withheld=("AK-7",)).detail
    assert "It says: Forbidden: \\x1b[31m******** is locked!!" in detail
    assert "/x" not in detail
    assert len(detail) < 600
    for body in (HTML, b"[]", as_json({"error": 403, "message": None}), as_json({})):
        assert "It says" not in forbidden(403, body).detail
    assert forbidden(403, FAILED).upstream == UpstreamResult("0200006", "database")


@pytest.mark.parametrize(
    ("date", "ahead_s"),
    [
        ("Fri, 02 Jan 2026 03:04:05 GMT", 0.5 + 0.322),
        ("Fri, 02 Jan 2026 03:24:05 GMT", 1200.5 + 0.322),
        ("Friday, 02-Jan-26 02:04:05 GMT", -3599.5 + 0.322),
        ("Fri Jan  2 03:04:05 2026", 0.5 + 0.322),
        ("Fri, 02 Jan 2026 11:04:05 +0800", 0.5 + 0.322),
        ("", None),
        ("yesterday", None),
        ("Fri, 32 Jan 2026 03:04:05 GMT", None),
    ],
)
def test_the_clock_of_a_refusal(date: str, ahead_s: float | None) -> None:
    """A 401 tells how far its clock is ahead of the middle of the call, to half a second, if it has a date."""
    with pytest.raises(UpstreamRefusedCredentials) as caught:
        envelope_of(Reply(401, {"Date": date}, b""), NOW, took_s=2.0)
    assert caught.value.clock_ahead_s == (None if ahead_s is None else pytest.approx(ahead_s))


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,9} [0-9:]{3,9} [+-][0-9]{1,9}"))
def test_no_retry_after_raises(header: str) -> None:
    """Whatever the header says, what comes out is within its bounds."""
    assert 1 <= (retry_after(header, NOW) or 1) <= 86400
