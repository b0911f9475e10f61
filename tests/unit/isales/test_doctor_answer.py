from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from gateway.errors import (
    UpstreamBrokenContract,
    UpstreamError,
    UpstreamFailed,
    UpstreamForbidden,
    UpstreamOverloaded,
    UpstreamResult,
    UpstreamUnreachable,
    leaves,
)
from gateway.isales.doctor_answer import answer_steps, hint_for, skew_of
from gateway.isales.doctor_ask import Exchange
from gateway.isales.doctor_step import Name, State, Step
from gateway.isales.transport import Reply
from gateway.model import CampaignPage
from tests.unit.isales.vendor import NOW, as_json, envelope, tenant

PAGE = CampaignPage((), 1, 1, 7, 0, 0)
NOON = NOW.replace(microsecond=0)


def exchange(status: int = 200, headers: dict[str, str] | None = None, **changes: Any) -> Exchange:
    """Return what came of a question that got a good page or, with another status, none; with `changes`."""
    good = Exchange(
        tenant=tenant(),
        host_header="isales.example.com",
        sent_at=NOON,
        received_at=NOON + timedelta(seconds=1),
        took_s=1.0,
        reply=Reply(status, headers or {}, as_json(envelope(resultDesc="well done", totalSize=7))),
        page=PAGE if status == 200 else None,
        error=None if status == 200 else UpstreamUnreachable(""),
        understood=status == 200,
        withheld=("hush-hush",),
    )
    return replace(good, **changes)


def steps_of(found: Exchange, accepted_hosts: Collection[str] = ()) -> dict[Name, Step]:
    """Return the steps by their names."""
    return {Name(step.name): step for step in answer_steps(found, accepted_hosts)}


def dated(seconds: float) -> dict[str, str]:
    """Return headers of an answer whose `Date` is so much after the middle of the exchange, cut to whole seconds."""
    return {"Date": format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)}


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (0, State.GOOD),
        (30, State.GOOD),
        (31, State.WARNING),
        (-31, State.WARNING),
        (1200, State.WARNING),
        (-86_400, State.WARNING),
    ],
)
def test_the_limits_of_the_clocks(seconds: int, state: State) -> None:
    """Above 30 seconds is a warning, however much it is and in both directions: no window is published."""
    found = exchange(headers=dated(seconds))
    assert skew_of(found) == timedelta(seconds=seconds)
    clock = steps_of(found)[Name.CLOCK]
    assert (clock.state, clock.facts["skew_s"], bool(clock.hint)) == (state, seconds, state is not State.GOOD)


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{1,2} (Jan|Dec) [0-9]{1,6} [0-9]{1,20}:59:59 [+-][0-9]{1,20}"))
def test_a_date_that_cannot_be_read(date: str) -> None:
    """Whatever stands in the place of a date, there is a step about the clocks."""
    assert steps_of(exchange(headers={"Date": date}))[Name.CLOCK].vdn == 1


@pytest.mark.parametrize("headers", [{}, {"Date": "soon"}, {"Date": "1 Jan 2026 99999999999999999999:0:0 GMT"}])
def test_no_date_at_all(headers: dict[str, str]) -> None:
    """Clocks that cannot be compared are a warning."""
    clock = steps_of(exchange(headers=headers))[Name.CLOCK]
    assert (clock.state, clock.seen, clock.facts["skew_s"]) == (State.WARNING, "the answer has no usable Date", None)


def test_a_good_answer() -> None:
    """The query says result code, description and total; one call's time is said once."""
    steps = steps_of(exchange(headers=dated(0)))
    assert [step.state for step in steps.values()] == [State.GOOD] * 4
    assert steps[Name.QUERY].seen == "0200000 well done, 7 campaigns"
    assert [step.took_s for step in steps.values()] == [1.0, None, None, None]
    uncounted = exchange(page=replace(PAGE, total_items=None))
    assert steps_of(uncounted)[Name.QUERY].seen.endswith("an unknown number of campaigns")


@pytest.mark.parametrize(
    ("changes", "headers", "accepted", "cause"),
    [
        ({}, dated(0), (), "key"),
        ({}, dated(3600), (), "clock"),
        ({}, dated(31), (), "clock"),
        ({}, dated(30), (), "key"),
        ({}, dated(3600), ("isales.example.com",), "clock"),
        ({}, dated(0), ("isales.example.com",), "key"),
        ({"tenant": tenant(host_header="isales.example.com")}, dated(0), (), "Host header"),
        ({"tenant": tenant(host_header="isales.example.com")}, dated(3600), (), "clock"),
        ({"tenant": tenant(host_header="isales.example.com")}, dated(0), ("isales.example.com",), "key"),
        ({"tenant": tenant(host_header="isales.example.com")}, dated(0), ("other.example.com",), "Host header"),
    ],
)
def test_the_likely_cause_of_a_refusal(
    changes: dict[str, Any], headers: dict[str, str], accepted: Collection[str], cause: str
) -> None:
    """A clock that is off counts first, then a Host that was good for another VDN, then one that was set."""
    signature = steps_of(exchange(401, headers, **changes), accepted)[Name.SIGNATURE]
    assert (signature.state, signature.facts) == (State.FAILED, {"likely_cause": cause})
    assert cause in signature.seen
    assert signature.hint


def test_a_refusal_without_a_date() -> None:
    """Where the clocks could not be compared they stay suspect."""
    assert "clock" in steps_of(exchange(401))[Name.SIGNATURE].hint


def test_a_refusal_that_nobody_signed_for() -> None:
    """An answer that is not CC-iSales' says nothing of the signature, good or bad."""
    signature = steps_of(exchange(403, dated(0)))[Name.SIGNATURE]
    assert (signature.state, signature.seen) == (State.SKIPPED, "the answer does not tell")


def test_what_the_other_end_says_is_made_safe() -> None:
    """Its controls are escaped, and what it echoes of our secrets is not shown."""
    http = steps_of(exchange(headers={"Content-Type": "text/hush-hush\x1b[31m"}))[Name.HTTP]
    assert http.seen == "HTTP 200, text/********\\x1b[31m"
    assert http.facts["content_type"] == "text/********\\x1b[31m"
    assert "hush-hush" not in repr(exchange())


def test_another_element_behind_the_url_is_named() -> None:
    """A result code of another element says where the URL leads, and what to set instead."""
    error = UpstreamFailed("CC-CMS answered.", upstream=UpstreamResult("0100001", "no"))
    query = steps_of(exchange(page=None, error=error))[Name.QUERY]
    assert query.state is State.FAILED
    assert query.hint.startswith("isales.base_url leads to CC-CMS,")


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (403, UpstreamForbidden("x"), ("allow list", "locked", "five minutes", "C2")),
        (418, UpstreamForbidden("x"), ("firewall", "isales.example.com", "host_header")),
        (404, UpstreamBrokenContract("x"), ("28050", "28080", "/rest")),
        (523, UpstreamFailed("x"), ("firewall", "back to itself")),
        (502, UpstreamFailed("x"), ("administrators",)),
    ],
)
def test_what_to_do_about_each_answer_that_is_none(status: int, error: UpstreamError, words: tuple[str, ...]) -> None:
    """The hint is that of the status; a page in HTML tells by server and title who answers."""
    page = b"<HTML><head><title>\n 4&#48;4 \x1b[31m hush-hush </title></head></HTML>"
    reply = Reply(status, CaseInsensitiveDict({"Content-Type": "text/html", "Server": "elb"}), page)
    steps = steps_of(exchange(status, error=error, reply=reply))
    assert all(word in steps[Name.QUERY].hint for word in words)
    http = steps[Name.HTTP]
    assert http.seen == f'HTTP {status}, text/html, server elb, a page titled "404 \\x1b[31m ********"'
    assert (http.facts["server"], http.facts["title"]) == ("elb", "404 \\x1b[31m ********")


def test_every_error_has_a_hint() -> None:
    """Whatever leaf of the tree an upstream may end in, there is something to do about it."""
    hints = [hint_for(leaf("")) for leaf in leaves(UpstreamError)]  # type: ignore[arg-type] # -- all are of it
    assert all(hints)
    assert "isales.concurrency" in hint_for(UpstreamOverloaded(""))
