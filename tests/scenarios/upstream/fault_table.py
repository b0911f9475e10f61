"""What can go wrong on the way to CC-iSales, as one table: what happens, and what has to come of it.

`test_faults.py` goes through it with the gateway in this process, `make faults` with one that is served.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import trustme

from tests.scenarios.upstream.fault_behaviours import (
    CHUNKED,
    JSON,
    LEAK,
    TRACE,
    Behave,
    answers,
    answers_late,
    answers_well,
    claims_another_clock,
    closes_after,
    counts_down,
    drips,
    floods,
    has_another_clock,
    never_answers,
    resets_after,
    says_of_itself,
    sends_a_bomb,
)
from tests.scenarios.upstream.raw_server import GOOD_BODY
from tests.scenarios.upstream.tls_server import CA, OTHER_CA
from tests.unit.isales.vendor import as_json, envelope, row

PAGE = (200, "")
REJECTED = (400, "upstream-rejected-parameters")
FAILED = (502, "upstream-failed")
REFUSED_CREDENTIALS = (502, "upstream-refused-credentials")
FORBIDDEN = (502, "upstream-forbidden")
UNREACHABLE = (502, "upstream-unreachable")
BROKEN_CONTRACT = (502, "upstream-broken-contract")
OVERLOADED = (503, "upstream-overloaded")
TIMEOUT = (504, "upstream-timeout")

HEAD = f"HTTP/1.1 200 OK\r\n{JSON}\r\nContent-Length: 5000\r\n\r\n".encode()
SIX_HOURS = 21_600
GOOD_CERTIFICATE = CA.issue_cert("127.0.0.1")


@dataclass(frozen=True)
class Fault:
    """What `behave` does to each request, or `greet` to each connection, while the fault lasts.

    `answer` is the caller's, status and problem; `attempts` how many requests have to arrive at the other end for it.
    `retry_after` is what the caller is told, seconds; `pauses` says that nobody calls for so long, or for `quiet_s`.
    With `certificate` the other end speaks TLS with that one.
    """

    name: str
    answer: tuple[int, str]
    behave: Behave = answers_well
    attempts: int = 1
    retry_after: int | None = None
    pauses: bool = False
    quiet_s: int | None = None
    certificate: trustme.LeafCert | None = None
    greet: Behave | None = None


def fault_table(slow_s: float) -> list[Fault]:
    """Return all faults; a slow answer takes `slow_s`."""
    return [*_late(slow_s), *_broken_off(), *_not_pages(), *_statuses(), *_result_codes(), *_odd_pages(), *_tls()]


def _late(slow_s: float) -> list[Fault]:
    return [
        Fault(f"slow: answers after {slow_s:g} s", PAGE, answers_late(slow_s)),
        Fault("accepts and never answers", TIMEOUT, never_answers),
        Fault("TLS: accepts and never answers", TIMEOUT, attempts=0, certificate=GOOD_CERTIFICATE, greet=never_answers),
        Fault("status line: one byte every 200 ms", TIMEOUT, drips(b"", b"H")),
        Fault("headers: one byte every 200 ms", TIMEOUT, drips(b"HTTP/1.1 200 OK\r\nX: ", b"x")),
        Fault("body: one byte every 200 ms", TIMEOUT, drips(HEAD, b" ")),
        Fault("chunked body: one byte every 200 ms", TIMEOUT, drips(CHUNKED, b"1\r\n \r\n")),
    ]


def _broken_off() -> list[Fault]:
    return [
        Fault("reset before the answer", UNREACHABLE, resets_after(b""), attempts=2),
        Fault("reset in the middle of the headers", UNREACHABLE, resets_after(b"HTTP/1.1 200 OK\r\nX-H"), attempts=2),
        Fault("reset in the middle of the body", UNREACHABLE, resets_after(HEAD + GOOD_BODY[:9]), attempts=2),
        Fault("closed without an answer", UNREACHABLE, closes_after(b""), attempts=2),
        Fault("body shorter than Content-Length", BROKEN_CONTRACT, closes_after(HEAD + GOOD_BODY)),
        Fault("chunked body without its end", BROKEN_CONTRACT, closes_after(CHUNKED + b"2\r\n{}\r\n")),
        Fault("body without a length, cut short", BROKEN_CONTRACT, closes_after(b"HTTP/1.1 200 OK\r\n\r\n{")),
    ]


def _not_pages() -> list[Fault]:
    gbk = '{"resultCode": "0200000", "resultDesc": "成功", "totalSize": 0, "data": []}'.encode("gbk")
    bodies = {
        "invalid JSON": b'{"resultCode": "0200000", "data": [',
        "JSON that is a list": b"[" + GOOD_BODY + b"]",
        "JSON that is no envelope": as_json({"message": LEAK}),
        "NaN": GOOD_BODY.replace(b"0,", b"NaN,"),
        "a key twice": b'{"resultCode": "0200006",' + GOOD_BODY[1:],
        "60,000 lists in lists": b"[" * 60_000,
        "a number of 5,000 digits": GOOD_BODY.replace(b" 0,", b" " + b"9" * 5000 + b","),
        "GBK that is called UTF-8": gbk,
        "BOM": b"\xef\xbb\xbf" + GOOD_BODY,
    }
    return [
        *(Fault(name, BROKEN_CONTRACT, answers(body)) for name, body in bodies.items()),
        Fault("UTF-8 that is called ISO-8859-1", PAGE, answers(GOOD_BODY, "200 OK", JSON.replace("UTF-8", "latin1"))),
        Fault("envelope without data, 250 campaigns", BROKEN_CONTRACT, says_of_itself(totalSize=250, data=...)),
        Fault("data null, 250 campaigns", BROKEN_CONTRACT, says_of_itself(totalSize=250, data=None)),
        Fault("envelope without data, no campaigns", PAGE, says_of_itself(data=...)),
        Fault("data null, no campaigns", PAGE, says_of_itself(data=None)),
        Fault("HTML with 200", BROKEN_CONTRACT, answers(TRACE, "200 OK", "Content-Type: text/html")),
        Fault("gzip bomb, 200 MiB", BROKEN_CONTRACT, sends_a_bomb),
        Fault("endless body", BROKEN_CONTRACT, floods(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536)),
        Fault("endless chunk", BROKEN_CONTRACT, floods(CHUNKED + b"ffffffffff\r\n", b" " * 65536)),
    ]


def _statuses() -> list[Fault]:
    def says(status: str, *headers: str) -> Behave:
        return answers(TRACE, status, "Content-Type: text/html", *headers)

    soon, late = "Retry-After: 7", f"Retry-After: {SIX_HOURS}"
    many, busy = "429 Too Many Requests", "503 Service Unavailable"
    return [
        Fault("HTTP 401", REFUSED_CREDENTIALS, says("401 Unauthorized"), pauses=True, quiet_s=2),
        Fault("HTTP 401, its clock five minutes off", PAGE, has_another_clock(300), attempts=2),
        Fault(
            "HTTP 401, whatever its Date leads to",
            REFUSED_CREDENTIALS,
            claims_another_clock,
            attempts=2,
            pauses=True,
            quiet_s=2,
        ),
        Fault("HTTP 403", FORBIDDEN, says("403 Forbidden"), retry_after=300, pauses=True),
        Fault("HTTP 418", FORBIDDEN, says("418 I'm a teapot"), retry_after=300, pauses=True),
        Fault("HTTP 523", FAILED, says("523 Origin Loop")),
        Fault("HTTP 404", BROKEN_CONTRACT, says("404 Not Found")),
        Fault("HTTP 429", OVERLOADED, says(many), retry_after=5),
        Fault("HTTP 429, Retry-After 7 s", OVERLOADED, says(many, soon), retry_after=7, pauses=True),
        Fault("HTTP 429, Retry-After 6 h", OVERLOADED, says(many, late), retry_after=SIX_HOURS, pauses=True),
        Fault("HTTP 503", OVERLOADED, says(busy), attempts=2, retry_after=5),
        Fault("HTTP 503, Retry-After 7 s", OVERLOADED, says(busy, soon), attempts=2, retry_after=7, pauses=True),
        Fault("HTTP 503, Retry-After 6 h", OVERLOADED, says(busy, late), retry_after=SIX_HOURS, pauses=True),
        Fault("HTTP 500 with a stack trace", FAILED, says("500 Oops")),
        Fault("HTTP 500, cut short", FAILED, closes_after(HEAD.replace(b"200 OK", b"500 Oops") + b"{")),
        Fault("HTTP 502", FAILED, says("502 Bad Gateway"), attempts=2),
        Fault("HTTP 504", FAILED, says("504 Gateway Timeout"), attempts=2),
        Fault("HTTP 204", BROKEN_CONTRACT, answers(b"", "204 No Content")),
        # To this very server, where another request would count as one.
        Fault("HTTP 302", BROKEN_CONTRACT, lambda server: says("302 Found", f"Location: {server.url}/x")(server)),
    ]


def _result_codes() -> list[Fault]:
    rejected = ["0200001", *(f"020000{number:02}" for number in range(1, 12))]
    return [
        *(Fault(f"result code {code}", REJECTED, says_of_itself(resultCode=code, data=...)) for code in rejected),
        Fault("result code 0200006", FAILED, says_of_itself(resultCode="0200006", data=...), attempts=2),
        Fault("result code 0200022", OVERLOADED, says_of_itself(resultCode="0200022"), retry_after=2, pauses=True),
        Fault("result code 0299999", FAILED, says_of_itself(resultCode="0299999")),
        Fault("no result code", BROKEN_CONTRACT, says_of_itself(resultCode=...)),
    ]


def _odd_pages() -> list[Fault]:
    without_id = [{"name": LEAK}, row(id=None), row(id=[]), row(id=-1), None, LEAK, 7]
    whole_floats = answers(GOOD_BODY.replace(b"[]", b'[{"id": 3.0, "status": 2.0}]').replace(b" 0,", b" 1.0,"))
    odd = row(id=1, name=["x"], status={}, deviceType=True, callerNo=10080, strBeginTime=7, strEndTime="soon")
    unknown = row(status=77, deviceType=4, y=2)
    return [
        Fault("rows without an id", PAGE, answers(as_json(envelope(totalSize=8, data=[*without_id, row()])))),
        Fault("no row with an id", BROKEN_CONTRACT, answers(as_json(envelope(totalSize=7, data=without_id)))),
        Fault("ids and counts as 3.0", PAGE, whole_floats),
        Fault("rows of odd types", PAGE, answers(as_json(envelope(totalSize="1", curIvrCount=[], data=[odd])))),
        Fault("unknown codes and keys", PAGE, answers(as_json(envelope(x=1, data=[unknown])))),
        Fault("the first page for every question", BROKEN_CONTRACT, says_of_itself(curPage=7, totalSize=250)),
        Fault("pages of another size", BROKEN_CONTRACT, says_of_itself(rowsPerPage=50)),
        Fault("more campaigns than were asked for", BROKEN_CONTRACT, says_of_itself(data=[row()] * 11)),
        Fault("totals that change between pages", PAGE, counts_down),
    ]


def _tls() -> list[Fault]:
    began, ended = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2021))
    certificates = {
        "TLS: unknown CA": OTHER_CA.issue_cert("127.0.0.1"),
        "TLS: expired": CA.issue_cert("127.0.0.1", not_before=began, not_after=ended),
        "TLS: wrong name": CA.issue_cert("isales.example.com"),
    }
    return [Fault(name, UNREACHABLE, attempts=0, certificate=certificate) for name, certificate in certificates.items()]
