"""`GET /campaigns/export` end to end, in front of the simulator."""

import base64
import csv
import gzip
import hashlib
import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from structlog.testing import capture_logs

from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.faults import Fault
from gateway.simulator.listing import Arrangement
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import HELD_S, HOLDING, GatewayUnderTest, clients
from tests.support.waiting import wait_until

Make = Callable[..., GatewayUnderTest]
EXPORT = "/campaigns/export"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def listed(gateway: GatewayUnderTest, query: str = "") -> list[dict[str, Any]]:
    """Return all campaigns that pages of a hundred show."""
    rows: list[dict[str, Any]] = []
    for page in (1, 2, 3):
        rows += gateway.get(f"/campaigns?page_size=100&page={page}{query}").get_json()["data"]
    return rows


def test_all_campaigns_in_one_file(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """A campaign a line in the shape of the list, with length, rows, digest, age and name; kept for who comes back."""
    answer = gateway.get(EXPORT)
    assert answer.status_code == 200
    rows = [json.loads(line) for line in answer.data.splitlines()]
    assert rows == listed(gateway)
    assert answer.data.endswith(b"}\n")
    headers = answer.headers
    assert headers["Content-Type"] == "application/x-ndjson"
    assert headers["Content-Length"] == str(len(answer.data))
    assert headers["X-Total-Count"] == "250"
    assert headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(answer.data).digest()).decode()}:"
    assert headers["Content-Disposition"].startswith('attachment; filename="campaigns-1-20')
    assert headers["Content-Disposition"].endswith('.ndjson"')
    assert headers["Cache-Status"] == "campaign-gateway; fwd=miss; stored; ttl=60; age=0"
    assert headers["Cache-Control"] == "private, max-age=60, stale-if-error=0"
    assert headers["Vary"] == "Accept, Accept-Encoding, Authorization, X-API-Key, Prefer"
    calls = simulator.calls.total
    gateway.clock.advance(20)
    again = gateway.get(EXPORT)
    assert (again.data, again.headers["ETag"]) == (answer.data, headers["ETag"])
    assert again.headers["Cache-Status"] == "campaign-gateway; hit; ttl=40; age=20"
    assert again.headers["Campaigns-As-Of"] == headers["Campaigns-As-Of"]
    assert simulator.calls.total == calls
    gateway.clock.advance(40)
    assert gateway.get(EXPORT).headers["Cache-Status"].startswith("campaign-gateway; fwd=miss")
    gateway.clock.advance(1)
    anew = gateway.get(EXPORT, headers={"Cache-Control": "no-cache"})
    assert anew.headers["Cache-Status"] == "campaign-gateway; fwd=request; stored; ttl=60; age=0"


def test_filters_are_those_of_the_list(gateway: GatewayUnderTest) -> None:
    """Status, type, name and period leave what they leave there; nothing at all is a file too."""
    for query in ("&status=running", "&device_type=preview&name=sale", "&begins_from=2026-03-01&ends_to=2026-09-01"):
        rows = [json.loads(line) for line in gateway.get(f"{EXPORT}?{query[1:]}").data.splitlines()]
        assert rows == listed(gateway, query)
        assert rows
    empty = gateway.get(f"{EXPORT}?name=nothing+like+it&format=csv")
    assert empty.data == b"id,name,status,device_type,begins_at,ends_at,caller_number\r\n"
    assert empty.headers["X-Total-Count"] == "0"


def test_csv_for_spreadsheets_and_for_programs(gateway: GatewayUnderTest) -> None:
    """RFC 4180 with CRLF; a mark in front where it is asked for."""
    answer = gateway.get(f"{EXPORT}?format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    head, *rows = csv.reader(io.StringIO(answer.data.decode(), newline=""))
    assert head == ["id", "name", "status", "device_type", "begins_at", "ends_at", "caller_number"]
    expected = [["" if value is None else str(value) for value in row.values()] for row in listed(gateway)]
    assert rows == expected
    assert answer.data.count(b"\r\n") == 251
    marked = gateway.get(f"{EXPORT}?format=csv&bom=true&dialect=plain")
    assert marked.data.startswith(b"\xef\xbb\xbfid,name,")


def test_a_workbook_of_texts(gateway: GatewayUnderTest) -> None:
    """Read back by another program, all cells are the texts that they were, leading zeros included."""
    answer = gateway.get(f"{EXPORT}?format=xlsx", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Type"] == XLSX
    assert "Content-Encoding" not in answer.headers
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    head, *rows = sheet.iter_rows(values_only=True)
    assert list(head) == ["id", "name", "status", "device_type", "begins_at", "ends_at", "caller_number"]
    expected = [tuple(None if value is None else str(value) for value in row.values()) for row in listed(gateway)]
    assert rows == expected
    assert all(isinstance(cell, str | None) for row in rows for cell in row)
    assert str(rows[0][6]).startswith("000")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/x-ndjson"),
        ("*/*", "application/x-ndjson"),
        ("text/csv", "text/csv"),
        (XLSX, XLSX),
        ("text/csv;q=0.5, application/x-ndjson;q=0.4", "text/csv"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/x-ndjson"),
    ],
)
def test_accept_chooses_the_form(gateway: GatewayUnderTest, accept: str | None, media_type: str) -> None:
    """What it likes best, and NDJSON where it has no preference."""
    answer = gateway.get(EXPORT, headers={} if accept is None else {"Accept": accept})
    assert answer.mimetype == media_type


def test_a_line_at_the_end_for_those_who_can_compare_nothing(gateway: GatewayUnderTest) -> None:
    """It is no campaign, and not counted as one."""
    answer = gateway.get(f"{EXPORT}?end_line=true")
    assert json.loads(answer.data.splitlines()[-1]) == {"complete": True, "rows": 250}
    assert answer.headers["X-Total-Count"] == "250"
    assert len(answer.data.splitlines()) == 251


def test_what_is_about_another_format_is_passed_over(gateway: GatewayUnderTest) -> None:
    """So that whatever the API document allows is answered, and is the same file."""
    plain = gateway.get(f"{EXPORT}?format=csv")
    assert gateway.get(f"{EXPORT}?format=csv&end_line=true").data == plain.data
    lines = gateway.get(EXPORT)
    assert gateway.get(f"{EXPORT}?dialect=plain&bom=true").headers["ETag"] == lines.headers["ETag"]


def test_a_second_form_costs_no_call(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Whoever wants it, as long as the result is kept: also another client that may read the VDN."""
    gateway.get(EXPORT)
    calls = simulator.calls.total
    for form in ("csv", "xlsx"):
        assert gateway.get(f"{EXPORT}?vdn=1&format={form}", key="all-key").status_code == 200
    assert gateway.get(EXPORT, method="HEAD").status_code == 200
    assert simulator.calls.total == calls
    assert gateway.get(f"{EXPORT}?vdn=1", key="two-key").status_code == 403


def test_a_part_is_one_of_the_plain_file(gateway: GatewayUnderTest) -> None:
    """A part of a file in gzip could not be read by itself."""
    plain = gateway.get(EXPORT)
    part = gateway.get(EXPORT, headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, plain.data[:10])
    assert "Content-Encoding" not in part.headers


def test_gzip_has_a_length_a_digest_and_a_tag_of_its_own(gateway: GatewayUnderTest) -> None:
    """They are of the bytes that are sent (RFC 9530)."""
    plain = gateway.get(EXPORT)
    packed = gateway.get(EXPORT, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Content-Length"] == str(len(packed.data))
    assert packed.headers["ETag"] == f'"gzip.{plain.headers["ETag"][1:]}'
    digest = base64.b64encode(hashlib.sha256(packed.data).digest()).decode()
    assert packed.headers["Repr-Digest"] == f"sha-256=:{digest}:"


def test_parts_and_conditions(gateway: GatewayUnderTest) -> None:
    """206 with the part, 416 beyond the end, all of it where it is another file by now, 304 for who has it."""
    whole = gateway.get(EXPORT)
    size, etag = len(whole.data), whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = gateway.get(EXPORT, headers={"Range": "bytes=100-199", "If-Range": etag})
    assert (part.status_code, part.data) == (206, whole.data[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{size}"
    assert part.headers["Content-Length"] == "100"
    assert part.headers["Repr-Digest"] == whole.headers["Repr-Digest"]
    rest = gateway.get(EXPORT, headers={"Range": f"bytes={size - 5}-"})
    assert (rest.status_code, rest.data) == (206, whole.data[-5:])
    assert gateway.get(EXPORT, headers={"Range": "bytes=-7"}).data == whole.data[-7:]
    for ranges, if_range in (
        ("bytes=0-9", '"another"'),
        ("bytes=0-9", f"W/{etag}"),
        ("bytes=0-1,5-6", etag),
        ("x=1", etag),
    ):
        answer = gateway.get(EXPORT, headers={"Range": ranges, "If-Range": if_range})
        assert (answer.status_code, answer.data) == (200, whole.data)
    status, name, document = gateway.problem(EXPORT, headers={"Range": f"bytes={size}-"})
    assert (status, name, document["title"]) == (416, "about:blank", "Range Not Satisfiable")
    beyond = gateway.get(EXPORT, headers={"Range": f"bytes={size}-"})
    assert beyond.headers["Content-Range"] == f"bytes */{size}"
    held = gateway.get(EXPORT, headers={"If-None-Match": etag})
    assert (held.status_code, held.data, held.headers["ETag"]) == (304, b"", etag)
    head = gateway.get(EXPORT, method="HEAD")
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(size))


def test_a_range_is_part_of_get_alone(gateway: GatewayUnderTest) -> None:
    """`HEAD` tells of all of the file, in the coding that it is sent in, whatever range it names."""
    asked = {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    whole = gateway.get(EXPORT, headers={"Accept-Encoding": "gzip"})
    head = gateway.get(EXPORT, "web-key", asked, "HEAD")
    assert (head.status_code, head.headers["ETag"]) == (200, whole.headers["ETag"])
    assert head.headers["Content-Length"] == str(len(whole.data))
    assert "Content-Range" not in head.headers
    assert gateway.get(EXPORT, "web-key", {"Range": "bytes=999999-"}, "HEAD").status_code == 200


def test_a_range_beyond_the_end_is_told_in_the_callers_language(gateway: GatewayUnderTest) -> None:
    """416 is a problem in the language of `Accept-Language`, as every other one."""
    headers = {"Range": "bytes=999999-", "Accept-Language": "zh"}
    answer = gateway.get(EXPORT, headers=headers)
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("zh-CN", "Accept-Language")
    assert "个字节" in answer.get_json()["detail"]
    assert answer.headers["X-Request-Id"] == answer.get_json()["request_id"]


@pytest.mark.parametrize(
    ("path", "options", "status", "name"),
    [
        (EXPORT, {"key": None}, 401, "unauthenticated"),
        (EXPORT, {"key": "purger-key"}, 403, "forbidden"),
        (f"{EXPORT}?vdn=2", {}, 403, "forbidden"),
        (EXPORT, {"key": "all-key"}, 400, "invalid-parameters"),
        (f"{EXPORT}?page=1", {}, 400, "invalid-parameters"),
        (f"{EXPORT}?format=pdf", {}, 400, "invalid-parameters"),
        (EXPORT, {"headers": {"Accept": "text/html"}}, 406, "not-acceptable"),
        (EXPORT, {"method": "POST"}, 405, "method-not-allowed"),
        (EXPORT, {"headers": {"Cache-Control": "only-if-cached"}}, 504, "not-cached"),
    ],
)
def test_what_it_refuses(
    simulator: SimulatorServer, gateway: GatewayUnderTest, path: str, options: dict[str, Any], status: int, name: str
) -> None:
    """Before anything is read."""
    assert gateway.problem(path, **options)[:2] == (status, name)
    assert simulator.calls.total == 0


def test_too_many_rows_are_refused(make_gateway: Make, simulator: SimulatorServer) -> None:
    """With both numbers, after one page."""
    gateway = make_gateway(export__most_rows="249")
    status, name, document = gateway.problem(EXPORT)
    assert (status, name) == (400, "invalid-parameters")
    assert document["detail"] == "The result has 250 rows, and 249 are allowed. Ask for less with filters."
    assert simulator.calls.total == 1


def test_one_at_a_time_for_a_client_and_two_in_all(simulator: SimulatorServer, make_gateway: Make) -> None:
    """Others are told when to come again, and who reads is not disturbed."""
    gateway = make_gateway(real_time=True, **HOLDING)
    simulator.latency_s = HELD_S
    with ThreadPoolExecutor(2) as crowd:
        first = crowd.submit(gateway.get, EXPORT)
        assert simulator.calls.wait_for_in_flight(1, 10)
        status, name, document = gateway.problem(f"{EXPORT}?name=x")
        assert (status, name) == (503, "upstream-overloaded")
        assert "one at a time is allowed" in document["detail"]
        assert gateway.get(f"{EXPORT}?name=x").headers["Retry-After"] == "5"
        second = crowd.submit(gateway.get, f"{EXPORT}?vdn=1&name=x", "all-key")
        assert simulator.calls.wait_for_in_flight(2, 10)
        _, name, document = gateway.problem(f"{EXPORT}?name=y", key="operator-key")
        assert (name, "2 at a time are allowed" in document["detail"]) == ("upstream-overloaded", True)
        simulator.latency_s = 0.0
        assert (first.result().status_code, second.result().status_code) == (200, 200)
    assert gateway.get(f"{EXPORT}?name=y").status_code == 200


@pytest.mark.parametrize("seed", range(3))
def test_a_list_that_shifts_with_every_call(simulator: SimulatorServer, gateway: GatewayUnderTest, seed: int) -> None:
    """No id twice, nothing that was there all the time is missing, nothing that never was."""
    simulator.listings.arrange(Arrangement(1500, appear=1, vanish=1, change=3, seed=seed))
    answer = gateway.get(EXPORT)
    ids = [json.loads(line)["id"] for line in answer.data.splitlines()]
    assert len(ids) == len(set(ids)) == int(answer.headers["X-Total-Count"])
    assert simulator.listings.always(1) <= set(ids) <= simulator.listings.ever(1)


def test_a_list_that_never_holds_still_is_a_problem(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """In words, with a line in the log, and no bytes."""
    simulator.listings.arrange(Arrangement(1500, appear=400, vanish=400))
    with capture_logs() as events:
        status, name, document = gateway.problem(EXPORT)
    assert (status, name) == (502, "upstream-broken-contract")
    assert "shifted faster than it could be read" in document["detail"]
    assert "result_never_still" in [event["event"] for event in events]


def test_a_failure_is_a_problem_and_never_half_a_file(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """A CC-iSales that breaks after the first page."""
    simulator.listings.arrange(Arrangement(1500))
    assert gateway.get("/campaigns").status_code == 200
    simulator.faults.arm(Fault("not-json"))
    assert gateway.problem(EXPORT)[:2] == (502, "upstream-broken-contract")
    simulator.faults.clear()
    assert gateway.get(EXPORT).headers["X-Total-Count"] == "1500"


def test_callers_go_first(simulator: SimulatorServer, make_gateway: Make) -> None:
    """While an export waits for its pages, one call at a time, a caller's page is the next that is fetched."""
    gateway = make_gateway(real_time=True, isales__concurrency="1", **HOLDING)
    gateway.get("/campaigns?name=known")
    simulator.calls.reset()
    simulator.listings.arrange(Arrangement(1000))
    simulator.latency_s = HELD_S
    with ThreadPoolExecutor(2) as others:
        export = others.submit(gateway.get, EXPORT)
        assert simulator.calls.wait_for_in_flight(1, 10)
        caller = others.submit(gateway.get, "/campaigns?name=now")
        wait_until(lambda: gateway.number('campaign_gateway_upstream_slots_waiting{priority="interactive"}') == 1)
        simulator.latency_s = 0.0
        assert caller.result().status_code == 200
        assert "name=now" in list(simulator.calls.snapshot()["by_query"])[1]
        assert export.result().headers["X-Total-Count"] == "1000"


def test_its_pages_do_not_fill_the_cache(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Nobody asks for them again."""
    gateway.get(EXPORT)
    assert gateway.number('campaign_gateway_cache_entries{tier="process"}') == 0
    calls = simulator.calls.total
    gateway.get("/campaigns?page_size=100")
    assert simulator.calls.total == calls + 1


def test_it_counts_unless_it_is_at_hand(make_gateway: Make) -> None:
    """Against the limit of its client, as one request."""
    limited = make_gateway(clients=clients(web=1))
    assert limited.get(EXPORT).headers["RateLimit"].startswith('"default";r=0;')
    assert "RateLimit" not in limited.get(f"{EXPORT}?format=csv").headers
    assert limited.problem(f"{EXPORT}?name=x")[:2] == (429, "rate-limited")


@pytest.mark.parametrize("how", ["", "&hard=true"])
def test_a_purge_ends_what_is_kept(simulator: SimulatorServer, gateway: GatewayUnderTest, how: str) -> None:
    """Who asks after it gets what there is now; of a file that stops half way, a part of the new one is not sent."""
    before = gateway.get(EXPORT)
    simulator.listings.arrange(Arrangement(count=3))
    assert gateway.get(EXPORT).data == before.data
    assert gateway.get(f"/cache?vdn=1{how}", method="DELETE", key="purger-key").status_code == 200
    assert gateway.problem(EXPORT, headers={"Cache-Control": "only-if-cached"})[:2] == (504, "not-cached")
    after = gateway.get(EXPORT, headers={"Range": "bytes=10-", "If-Range": before.headers["ETag"]})
    assert (after.status_code, after.headers["X-Total-Count"]) == (200, "3")


def test_many_at_once_read_the_same_file(gateway: GatewayUnderTest) -> None:
    """Each gets all of it, from one spool."""
    whole = gateway.get(EXPORT).data
    met = threading.Barrier(8)

    def get(_: int) -> bytes:
        met.wait(10)
        return bytes(gateway.get(EXPORT).data)

    with ThreadPoolExecutor(8) as crowd:
        assert set(crowd.map(get, range(8))) == {whole}


def test_rows_that_are_left_out_are_told(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """As on a page: how many there are, and nothing where there are none."""
    assert "X-Left-Out-Count" not in gateway.get(EXPORT).headers
    odd, *others = campaigns_of(1, 250)
    simulator.listings.show(1, [replace(odd, id=-1), *others])
    gateway.clock.advance(60)
    answer = gateway.get(EXPORT)
    assert (answer.headers["X-Total-Count"], answer.headers["X-Left-Out-Count"]) == ("249", "1")
