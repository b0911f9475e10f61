"""Faults that are whole HTTP answers with something wrong in them. Each takes an `Exchange` and returns the answer."""

import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Response
from werkzeug.http import http_date

from gateway.simulator import envelope as envelopes
from gateway.simulator import result_codes
from gateway.simulator.envelope import Envelope, encode, json_response
from gateway.simulator.faults import Exchange

BOMB_BYTES = 200 * 1024 * 1024
ENDLESS_BYTES = 1024 * 1024 * 1024
ODD_ROWS: tuple[Any, ...] = (
    {"name": "no id", "status": 2, "deviceType": 2},
    {"id": None, "name": "null id", "status": 2, "deviceType": 2},
    {"id": "900001", "name": "id as text", "status": "2", "deviceType": "5", "callerNo": 10080},
    {"id": 900002, "name": None, "status": None, "strBeginTime": None, "deviceType": None, "callerNo": None},
    {"id": 900003, "name": "unknown codes", "status": 77, "deviceType": 4, "callerNo": "10080"},
    {"id": 900004, "name": "new keys", "status": 2, "deviceType": 2, "priority": 9, "owner": {"id": 1}},
    {"id": 900005, "name": "bad times", "strBeginTime": "soon", "strEndTime": "2026-13-45 99:00:00"},
    {"id": [], "name": ["list"], "status": {}, "deviceType": True},
    None,
    "row",
)

_CODES = ("resultCode", "resultDesc", "returnCode", "returnDesc")
_MEGABYTE_OF_SPACES = b" " * (1024 * 1024)
_STACK_TRACE = """<html><head><title>Error</title></head><body><h1>Internal error</h1><pre>
java.lang.NullPointerException: campaign
    at com.example.isales.campaign.CampaignService.query(CampaignService.java:214)
    at com.example.isales.openapi.CampaignController.list(CampaignController.java:87)
    at java.base/java.lang.Thread.run(Thread.java:834)
</pre></body></html>
"""


def latency(exchange: Exchange) -> Response:
    """Answer honestly, but after `seconds` (1)."""
    exchange.pause(exchange.fault.seconds_or(1.0))
    return json_response(encode(exchange.envelope))


def not_json(_: Exchange) -> Response:
    """Send JSON that stops in the middle, in a complete HTTP answer."""
    return json_response(b'{"resultCode": "0200000", "data": [')


def json_list(exchange: Exchange) -> Response:
    """Send the envelope inside a JSON list."""
    return json_response(b"[" + encode(exchange.envelope) + b"]")


def no_envelope(_: Exchange) -> Response:
    """Send a JSON object that is no envelope."""
    return json_response(b'{"message": "ok"}')


def no_data(exchange: Exchange) -> Response:
    """Send the envelope without `data`."""
    return json_response(encode(_without(exchange.envelope, "data")))


def null_data(exchange: Exchange) -> Response:
    """Send the envelope with `data` null."""
    return json_response(encode({**exchange.envelope, "data": None}))


def html(_: Exchange) -> Response:
    """Send status 200 with an HTML page."""
    return Response("<html><body><h1>Sign in</h1></body></html>", content_type="text/html;charset=UTF-8")


def gzip_bomb(_: Exchange) -> Response:
    """Send 200 KB of gzip that are 200 MiB of spaces."""
    response = json_response(_gzip_of_spaces())
    response.headers["Content-Encoding"] = "gzip"
    return response


def endless(_: Exchange) -> Response:
    """Send chunks of spaces without end, which is 1 GiB."""

    def spaces() -> Iterator[bytes]:
        piece = _MEGABYTE_OF_SPACES[: 64 * 1024]
        for _ in range(ENDLESS_BYTES // len(piece)):
            yield piece

    return Response(spaces(), content_type="application/json;charset=UTF-8")


def wrong_charset(exchange: Exchange) -> Response:
    """Send GBK bytes that are called UTF-8."""
    # The description makes sure that there is something that GBK writes in its own way.
    text = encode({**exchange.envelope, "resultDesc": "查询成功"}).decode()
    return json_response(text.encode("gbk", errors="replace"))


def bom(exchange: Exchange) -> Response:
    """Send a byte order mark before the JSON."""
    return json_response(b"\xef\xbb\xbf" + encode(exchange.envelope))


def nan(exchange: Exchange) -> Response:
    """Send NaN as `totalSize`."""
    return json_response(encode({**exchange.envelope, "totalSize": float("nan")}))


def duplicate_keys(exchange: Exchange) -> Response:
    """Send two `resultCode`, first 0200006 and then the honest one."""
    return json_response(b'{"resultCode":"0200006",' + encode(exchange.envelope)[1:])


def deep_nesting(_: Exchange) -> Response:
    """Send `data` that is 100,000 lists, each within the other."""
    return json_response(b'{"resultCode":"0200000","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def http_status(exchange: Exchange) -> Response:
    """Send `status` (500) with a stack trace in HTML, and Retry-After where `retry_after` is given."""
    response = Response(_STACK_TRACE, exchange.fault.status, content_type="text/html;charset=UTF-8")
    if exchange.fault.retry_after:
        response.headers["Retry-After"] = exchange.fault.retry_after
    return response


def redirect(exchange: Exchange) -> Response:
    """Send a 302 to `location` (/elsewhere)."""
    response = Response(status=302)
    response.autocorrect_location_header = False
    response.headers["Location"] = exchange.fault.location
    return response


def result_code(exchange: Exchange) -> Response:
    """Send a failure envelope with `result_code` (0200006)."""
    return json_response(encode(envelopes.failure(exchange.fault.result_code, exchange.locale)))


def no_result_code(exchange: Exchange) -> Response:
    """Send the page without any result code or return code."""
    return json_response(encode(_without(exchange.envelope, *_CODES)))


def only_return_code(exchange: Exchange) -> Response:
    """Send the page without `resultCode` and `resultDesc`, as older versions do."""
    return json_response(encode(_without(exchange.envelope, "resultCode", "resultDesc")))


def only_result_code(exchange: Exchange) -> Response:
    """Send the page without `returnCode` and `returnDesc`, as older versions do."""
    return json_response(encode(_without(exchange.envelope, "returnCode", "returnDesc")))


def odd_rows(exchange: Exchange) -> Response:
    """Send odd rows for the last ones: no id, id as text, nulls, unknown codes and keys, odd times, no objects."""
    rows = [*exchange.envelope.get("data", ()), *ODD_ROWS]
    size = exchange.envelope.get("rowsPerPage", len(rows))
    return json_response(encode({**exchange.envelope, "data": rows[-size:]}))


def vendor_sample(_: Exchange) -> Response:
    """Send the vendor's sample answer, byte for byte, whatever was asked."""
    return json_response(Path(__file__).with_name("vendor-sample.json").read_bytes())


def shifting_totals(exchange: Exchange) -> Response:
    """Have campaigns appear and vanish at the top, anew before each answer."""
    # Up and down, so that between two pages a row can come twice as well as slip through.
    shifts = (1, -1, 2, -2, 3, -3)
    return json_response(encode(exchange.envelope_with(shifts[(exchange.turn - 1) % len(shifts)])))


def wrong_clock(exchange: Exchange) -> Response:
    """Send a 401 for the timestamp, with a Date that is `seconds` (3600) ahead."""
    reason = "the timestamp is too far from this server's"
    response = refusal(reason, exchange.path, exchange.now)
    response.headers["Date"] = http_date(exchange.now + timedelta(seconds=exchange.fault.seconds_or(3600.0)))
    return response


def too_fast(exchange: Exchange) -> Response:
    """Send result code 0200022: called too fast."""
    return json_response(encode(envelopes.failure(result_codes.TOO_FAST, exchange.locale)))


def address_locked(exchange: Exchange) -> Response:
    """Send the 403 of an address that is locked."""
    return locked(exchange.path, exchange.now)


def firewall(exchange: Exchange) -> Response:
    """Send the HTML page of a web application firewall, with `status` 403 or else 418."""
    status = exchange.fault.status if exchange.fault.status == HTTPStatus.FORBIDDEN else HTTPStatus.IM_A_TEAPOT
    page = "<html><head><title>Request denied by the firewall</title></head><body>Event ID: 0</body></html>"
    return Response(page, status, content_type="text/html;charset=UTF-8", headers={"Server": "CloudWAF"})


def sample_of_2023(exchange: Exchange) -> Response:
    """Send campaigns with times as a sample of 2023 has them: a one-digit hour, and an end before the begin."""
    rows = [
        {**row, "strBeginTime": "2023-11-05 3:01:12", "strEndTime": "2023-11-04 23:59:59"}
        for row in exchange.envelope.get("data", ())
    ]
    return json_response(encode({**exchange.envelope, "data": rows}))


def whole_floats(exchange: Exchange) -> Response:
    """Send every number with a point, as `3.0`."""
    return json_response(encode(_floats(exchange.envelope)))


def refusal(reason: str, path: str, now: datetime) -> Response:
    """Return the 401 that says why a signature was refused."""
    return spring_error(HTTPStatus.UNAUTHORIZED, "Unauthorized", f"signature refused: {reason}", path, now)


def locked(path: str, now: datetime) -> Response:
    """Return the 403 of an address that is locked."""
    message = "the address is locked because of too many wrong signatures"
    return spring_error(HTTPStatus.FORBIDDEN, "Forbidden", message, path, now)


def spring_error(status: int, error: str, message: str, path: str, now: datetime) -> Response:
    """Return an error in the form that Spring gives it."""
    body = {"timestamp": int(now.timestamp() * 1000), "status": int(status), "error": error, "message": message}
    return json_response(encode({**body, "path": path}), status=status)


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_floats(inner) for inner in value]
    return float(value) if isinstance(value, int) else value


def _without(envelope: Envelope, *keys: str) -> Envelope:
    return {key: value for key, value in envelope.items() if key not in keys}


@cache
def _gzip_of_spaces() -> bytes:
    # A block that stands for itself, again and again (RFC 1951, RFC 1952): to compress it all takes seconds.
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = compressor.compress(_MEGABYTE_OF_SPACES) + compressor.flush(zlib.Z_FULL_FLUSH)
    times, checksum = BOMB_BYTES // len(_MEGABYTE_OF_SPACES), 0
    for _ in range(times):
        checksum = zlib.crc32(_MEGABYTE_OF_SPACES, checksum)
    trailer = struct.pack("<II", checksum, BOMB_BYTES)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * times + compressor.flush() + trailer
