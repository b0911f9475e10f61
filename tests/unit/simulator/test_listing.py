"""Campaigns that shift while somebody reads them."""

import json
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

import pytest

from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.listing import Arrangement, Listings

Control = Callable[..., tuple[int, bytes]]
ALL = {"status": "0", "deviceType": "0", "curPage": "1", "rowsPerPage": "100"}


def ids(page: dict[str, Any]) -> list[int]:
    """Return the ids of one answer."""
    return [row["id"] for row in page["data"]]


def test_nothing_shifts_unless_that_is_set(ask_json: Callable[..., Any]) -> None:
    """Every call gets the same 250."""
    first, second = ask_json(ALL), ask_json(ALL)
    assert first == second
    assert first["totalSize"] == 250


def test_a_listing_shifts_after_each_call(ask_json: Callable[..., Any], control: Control) -> None:
    """New ones come on top with ids of their own, others go; totals, filters and the order are as ever."""
    assert control("PUT", "/listing", {"count": 90, "appear": 2, "vanish": 3, "change": 5}) == (204, b"")
    first, second = ask_json(ALL), ask_json(ALL)
    assert (first["totalSize"], second["totalSize"]) == (90, 89)
    assert len(ids(second)) == 89
    assert ids(first) == [row.id for row in campaigns_of(1, 90)]
    assert ids(second) == sorted(ids(second), reverse=True)
    assert len(set(ids(second)) - set(ids(first))) == 2
    assert len(set(ids(first)) - set(ids(second))) == 3
    assert first["curSkillQueueCount"] + first["curIvrCount"] == 90
    known = {row["id"]: row["status"] for row in first["data"]}
    changed = [row for row in second["data"] if known.get(row["id"], row["status"]) != row["status"]]
    assert 1 <= len(changed) <= 5
    shown = json.loads(control("GET", "/listing/1")[1])
    assert set(shown["always"]) < set(ids(first)) & set(ids(second))
    assert set(ids(first)) | set(ids(second)) < set(shown["ever"])
    assert len(shown["ids"]) == 88


def test_each_vdn_shifts_for_itself(ask_json: Callable[..., Any], control: Control) -> None:
    """A call for one VDN changes nothing of another."""
    control("PUT", "/listing", {"count": 10, "appear": 1})
    for _ in range(3):
        ask_json(ALL)
    assert ask_json(ALL, vdn=2, key=2)["totalSize"] == 10
    assert ask_json(ALL)["totalSize"] == 13


def test_it_is_shown_and_put_back(ask_json: Callable[..., Any], control: Control) -> None:
    """What is set can be seen, and deleting it brings the 250 back."""
    fields = {"count": 5, "appear": 0, "vanish": 1, "change": 0, "seed": 7}
    control("PUT", "/listing", fields)
    assert json.loads(control("GET", "/listing")[1]) == fields
    assert [ask_json(ALL)["totalSize"] for _ in range(7)] == [5, 4, 3, 2, 1, 0, 0]
    assert control("DELETE", "/listing") == (204, b"")
    assert ask_json(ALL)["totalSize"] == 250


@pytest.mark.parametrize(
    "fields",
    [{"count": -1}, {"count": 1_000_001}, {"count": 1, "vanish": -1}, {"appear": 1}, {"count": 1, "change": 1.5}],
)
def test_what_cannot_be_arranged(control: Control, fields: dict[str, object]) -> None:
    """Numbers out of range, fractions and a missing count are refused with a sentence."""
    status, body = control("PUT", "/listing", fields)
    assert status == 400
    assert body.endswith(b"\n")


def test_the_same_seed_shifts_in_the_same_way() -> None:
    """So that what was seen once can be seen again."""
    runs = []
    for _ in range(2):
        listings = Listings()
        listings.arrange(Arrangement(100, 1, 1, 1, seed=3))
        for _ in range(20):
            listings.called(1)
        runs.append(listings.of(1))
    assert runs[0] == runs[1]
    assert listings.always(1) <= {row.id for row in campaigns_of(1, 100)}
    assert listings.of(1, -10) == campaigns_of(1, 90)


def test_a_vdn_may_have_very_many(ask: Callable[..., tuple[HTTPResponse, bytes]], control: Control) -> None:
    """The last page is as good as the first."""
    control("PUT", "/listing", {"count": 3001})
    answer = json.loads(ask({**ALL, "curPage": "31"})[1])
    assert (answer["totalSize"], len(answer["data"])) == (3001, 1)
