"""What is wrong with an answer whatever the moment."""

import json
from collections.abc import Mapping
from gzip import compress
from typing import Any

import pytest

from gateway.simulator.campaigns import campaigns_of
from tests.soak.answers import how, look_at
from tests.soak.clients import Client
from tests.soak.mix import Page, Request, content

CLIENT = Client("one-1", dict, (1,))
PAGE = Page(1, "running", "", 2, 10)
OTHER = Page(2, "running", "", 2, 10)
EMPTY = Page(1, "running", "preview", 5, 25)
ASKED = Request(CLIENT, PAGE.query(with_vdn=False), PAGE, conditional=True)
REFUSED = Request(CLIENT, "vdn=2", None, "forbidden")
HEADERS = {"cache-status": "campaign-gateway; hit; ttl=3; age=0", "etag": '"a"'}


def page_body(vdn: int = 1, page: Page = PAGE, *, without: int | None = None) -> bytes:
    """Return `page` with rows of `vdn`, without the one of this index."""
    ids, total = content(page)
    known = {campaign.id: campaign for campaign in campaigns_of(vdn)}
    rows: list[dict[str, Any]] = []
    for position, number in enumerate(ids):
        campaign = known[number % 100_000 + vdn * 100_000]
        row = {"id": campaign.id, "name": campaign.name, "caller_number": campaign.caller_no}
        if position != without:
            rows.append(row)
    return json.dumps({"data": rows, "page": {"total_items": total}}).encode()


def test_a_right_page_is_right_in_both_codings() -> None:
    """Its rows are counted, and its tag is known from then on."""
    plain = look_at(ASKED, 200, HEADERS, page_body(), {})
    packed = look_at(ASKED, 200, {**HEADERS, "content-encoding": "gzip"}, compress(page_body()), {})
    assert plain == packed
    assert (plain.kind, plain.problem, plain.wrong, plain.rows, plain.foreign, plain.tag) == (
        "200 hit",
        "",
        "",
        10,
        0,
        '"a"',
    )


def test_rows_of_another_vdn_are_counted() -> None:
    """A page of another VDN is foreign in all its rows, and is not what was asked for either."""
    seen = look_at(ASKED, 200, HEADERS, page_body(2), {})
    assert (seen.rows, seen.foreign) == (10, 10)
    assert seen.wrong


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (page_body(without=3), HEADERS),
        (page_body(), {"cache-status": "campaign-gateway; hit; ttl=3; age=0"}),
        (b"<html>", HEADERS),
        (b"{}", HEADERS),
        (page_body()[:-1], HEADERS),
        (page_body(), {**HEADERS, "content-encoding": "gzip"}),
    ],
)
def test_what_is_no_right_page_is_wrong(body: bytes, headers: Mapping[str, str]) -> None:
    """A row less, no tag, another body, half of one, a coding that it is not in."""
    assert look_at(ASKED, 200, headers, body, {}).wrong


def test_a_page_instead_of_a_refusal_is_foreign() -> None:
    """Whoever may not read a VDN sees none of its rows."""
    seen = look_at(REFUSED, 200, HEADERS, page_body(2), {})
    assert seen.wrong == "a page where there should be forbidden"
    assert seen.foreign == 10


@pytest.mark.parametrize(
    ("tags", "body", "foreign"),
    [({'"a"': PAGE}, b"", 0), ({'"a"': OTHER}, b"", 1), ({}, b"", 0), ({'"a"': PAGE}, b"{}", 0)],
)
def test_a_304_has_the_tag_of_its_page(tags: dict[str, Page], body: bytes, foreign: int) -> None:
    """The tag of another page is foreign, one that nobody has seen and a body are wrong."""
    seen = look_at(ASKED, 304, HEADERS, body, tags)
    assert (seen.wrong == "") == (tags == {'"a"': PAGE} and not body)
    assert seen.foreign == foreign


def test_empty_pages_are_the_same_for_all_vdns() -> None:
    """Where there are no rows, there are none to go astray."""
    asked = Request(CLIENT, "", EMPTY, conditional=True)
    assert content(EMPTY)[0] == ()
    alike = Page(2, "running", "preview", 5, 25)
    assert look_at(asked, 304, HEADERS, b"", {'"a"': alike}).wrong == ""


def problem(status: int, name: str, /, **changes: Any) -> tuple[int, dict[str, str], bytes]:
    """Return a problem as the gateway sends it."""
    headers = {"content-type": "application/problem+json", "x-request-id": "7", "retry-after": "1"}
    document = {"type": f"/problems/{name}", "status": status, "request_id": "7"}
    return status, headers, json.dumps({**document, **changes}).encode()


def test_a_problem_is_known_by_its_type() -> None:
    """Whether it is announced is another question."""
    seen = look_at(ASKED, *problem(502, "upstream-failed"), {})
    assert (seen.kind, seen.problem, seen.wrong) == ("502 upstream-failed", "upstream-failed", "")


@pytest.mark.parametrize(
    "answer",
    [
        problem(502, "upstream-timeout"),
        problem(502, "unheard-of"),
        problem(502, "upstream-failed", status=503),
        problem(502, "upstream-failed", request_id="8"),
        problem(502, "upstream-failed", detail={"caller_number": "00010001"}),
        (
            503,
            {"content-type": "application/problem+json", "x-request-id": "7"},
            problem(503, "upstream-overloaded")[2],
        ),
        (502, {"content-type": "text/html", "x-request-id": "7"}, problem(502, "upstream-failed")[2]),
        (502, {"content-type": "text/html"}, b"<html>Bad Gateway"),
        (500, {}, b""),
    ],
)
def test_what_only_looks_like_a_problem_is_wrong(answer: tuple[int, dict[str, str], bytes]) -> None:
    """Status, type, request id, media type and Retry-After have to fit, and nothing of a page may be in it."""
    assert look_at(ASKED, *answer, {}).wrong


@pytest.mark.parametrize(
    ("cache_status", "expected"),
    [
        ("campaign-gateway; hit; ttl=3; age=0", "hit"),
        ("campaign-gateway; hit; ttl=2; age=1", "hit"),
        ("campaign-gateway; hit; ttl=1; age=2", "hit, late"),
        ("campaign-gateway; hit; ttl=7; age=0", "hit"),
        ("campaign-gateway; hit; ttl=-2; age=6; detail=upstream-failed", "stale, upstream-failed"),
        ("campaign-gateway; fwd=miss; stored; ttl=4; age=0", "miss"),
        ("campaign-gateway; fwd=stale; collapsed; ttl=4; age=0", "miss, waited for another's"),
        ("campaign-gateway; hit; ttl=3", "cache status 'campaign-gateway; hit; ttl=3'"),
        ("campaign-gateway; hit; ttl=x; age=0", "cache status 'campaign-gateway; hit; ttl=x; age=0'"),
        ("nginx; hit; ttl=3; age=0", "cache status 'nginx; hit; ttl=3; age=0'"),
        ("", "cache status ''"),
    ],
)
def test_how_a_page_came_is_in_its_cache_status(cache_status: str, expected: str) -> None:
    """Of other caches nothing is taken, and what does not say how old and how good a page is is told as it stands."""
    assert how(cache_status) == expected
