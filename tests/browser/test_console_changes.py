"""What the console makes of changes: what is new, and that all that it shows is of one moment."""

from typing import Any

import requests
from playwright.sync_api import expect

from gateway.simulator.server import SimulatorServer
from tests.browser.conftest import a_campaign, wait_for_the_next_second
from tests.support.console import Console
from tests.support.waiting import wait_until


def test_what_is_seen_first_is_not_new(simulator: SimulatorServer, console: Console) -> None:
    """Nothing is when the console is opened, on whichever page; what comes up later is."""
    rows = [a_campaign(number) for number in range(1, 41)]
    simulator.listings.show(1, rows)
    console.open()
    console.shows(20)
    expect(console.page.locator("#attention .calm")).to_be_visible()
    console.page.get_by_role("link", name="Next").click()
    expect(console.row("Campaign 40")).to_be_visible()
    expect(console.rows.locator(".mark")).to_have_count(0)
    wait_for_the_next_second()
    simulator.listings.show(1, [*rows[:-1], a_campaign(41)])
    expect(console.row("Campaign 41").locator(".mark")).to_have_text("new")
    expect(console.page.locator("[aria-live=polite]")).to_have_text("Campaign 41 is new, Running.")
    expect(console.rows.locator(".mark")).to_have_count(1)


def test_what_is_shown_beside_a_change_is_no_older(
    simulator: SimulatorServer, lasting_gateway: str, console: Console
) -> None:
    """Tabs and what needs attention are read anew for its sake, however fresh the pages are that they are made of."""
    rows = [a_campaign(1), a_campaign(2)]
    simulator.listings.show(1, rows)
    console.gateway = lasting_gateway
    console.open()
    console.shows(2)
    expect(console.page.locator("#attention .calm")).to_be_visible()
    expect(console.tab("running").locator(".count")).to_have_text("2")
    wait_for_the_next_second()
    simulator.listings.show(1, [rows[0], a_campaign(2, status=3)])
    console.page.get_by_role("button", name="Now").click()
    expect(console.tab("paused").locator(".count")).to_have_text("1")
    expect(console.page.locator("#attention li.due")).to_contain_text("Campaign 2")


def test_counts_of_different_moments(simulator: SimulatorServer, console: Console) -> None:
    """One that has stopped running meanwhile is none of the others: what can be counted is not what is left."""
    simulator.listings.show(1, [a_campaign(1), a_campaign(2, status=3)])
    counts = {"running": 0, "paused": 1, "completed": 0, "other": 1}
    told: Any = {
        "json": {"total": 2, "by_status": counts},
        "headers": {"Campaigns-As-Of": "Thu, 01 Jan 2026 00:00:00 GMT"},
    }
    console.page.route("**/campaigns/summary?*", lambda route: route.fulfill(**told))
    console.open()
    console.shows(2)
    expect(console.page.locator("#attention li.due")).to_contain_text("Campaign 2")
    expect(console.tab("running").locator(".count")).to_have_text("1")
    expect(console.tab("other").locator(".count")).to_have_text("0")


def test_who_works_by_keyboard_stays_where_they_are(simulator: SimulatorServer, console: Console) -> None:
    """The focus is on what stands in the place of what has gone: a campaign, or the link to a page after the last."""
    rows = [a_campaign(number) for number in range(1, 31)]
    simulator.listings.show(1, rows)
    console.open()
    console.shows(20)
    console.names.nth(2).focus()
    simulator.listings.show(1, [*rows[:2], *rows[3:]])
    expect(console.row("Campaign 3")).to_have_count(0)
    expect(console.page.get_by_role("button", name="Campaign 4", exact=True)).to_be_focused()
    console.page.get_by_role("link", name="Next").press("Enter")
    console.shows(9)
    expect(console.page.get_by_role("link", name="Back")).to_be_focused()


def test_details_are_those_of_now(simulator: SimulatorServer, console: Console) -> None:
    """What changes while they are open is seen there, and the focus is given back to the name that opened them."""
    rows = [a_campaign(1), a_campaign(2)]
    simulator.listings.show(1, rows)
    console.open()
    console.shows(2)
    console.names.nth(1).press("Enter")
    details = console.page.locator("#details")
    expect(details.locator(".badge")).to_have_text("Running")
    simulator.listings.show(1, [rows[0], a_campaign(2, name="Campaign 2 renamed", status=3)])
    expect(details.locator(".badge")).to_have_text("Paused")
    expect(details.locator(".reasons")).to_contain_text("not running")
    expect(details.get_by_role("button", name="Close")).to_be_focused()
    console.page.keyboard.press("Escape")
    expect(console.page.get_by_role("button", name="Campaign 2 renamed").last).to_be_focused()


def test_tabs_of_a_type(simulator: SimulatorServer, console: Console) -> None:
    """The summary knows nothing of types by status, so those are counted of all campaigns where these are there."""
    simulator.listings.show(1, [a_campaign(1), a_campaign(2, device_type=1), a_campaign(3, device_type=1, status=3)])
    console.open("?type=intelligent_ivr&status=running")
    console.shows(1)
    expect(console.page.locator("#tabs .count")).to_have_text(["2", "1", "1", "0", "0"])


def test_one_that_leaves_a_tab_is_counted_in_another(
    simulator: SimulatorServer, lasting_gateway: str, console: Console
) -> None:
    """Soon, and not when the counts are looked at again within a minute: no campaign that is shown has changed."""
    rows = [a_campaign(1), a_campaign(2)]
    simulator.listings.show(1, rows)
    console.gateway = lasting_gateway
    console.open("?status=running")
    console.shows(2)
    expect(console.page.locator("#attention .calm")).to_be_visible()
    simulator.listings.show(1, [rows[0], a_campaign(2, status=3)])
    fetched = {"X-API-Key": "web-key", "Cache-Control": "no-cache"}
    again = f"{lasting_gateway}/campaigns?vdn=1&status=running&page=1&page_size=20"
    # At callers' wish once a second at most.
    wait_until(lambda: requests.get(again, headers=fetched, timeout=20).json()["page"]["total_items"] == 1)
    console.shows(1)
    expect(console.tab("running").locator(".count")).to_have_text("1")
    expect(console.tab("paused").locator(".count")).to_have_text("1")
