"""The console while nobody does anything with it: what it asks for, what it tells, and that fronts let it."""

import re
from pathlib import Path

import requests
from playwright.sync_api import Route, expect

from gateway.simulator.server import SimulatorServer
from tests.browser.conftest import NewConsole, a_campaign, wait_for_the_next_second
from tests.support.console import Console
from tests.support.nginx import deployed_nginx

MORE_THAN_A_MINUTE_MS = 81_000
"""Consoles look at counts together once a minute, each at some time within ten seconds: so long at most apart."""

# Chromium without a window has no desktop to show anything on.
A_DESKTOP = """
const told = [];
globalThis.Notification = class {
  static permission = "granted";
  static requestPermission = async () => "granted";
  constructor(title, { body }) {
    told.push([title, body]);
    document.documentElement.dataset.told = JSON.stringify(told);
  }
};
"""
# Playwright has all its pages visible.
TURN = """({ isHidden }) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def requests_of(console: Console) -> list[str]:
    """Return a list to which the address of each request is added that the page sends from now on."""
    asked: list[str] = []
    # Playwright marks what it calls, and methods of lists cannot be marked.
    console.page.on("request", lambda request: asked.append(request.url))
    return asked


def test_all_campaigns_are_read_when_counts_have_changed(
    simulator: SimulatorServer, empty_gateway: str, new_console: NewConsole
) -> None:
    """Counts are asked for each minute, of which there is one answer for everybody; all campaigns are only then."""
    rows = [a_campaign(number) for number in range(1, 31)]
    simulator.listings.show(1, rows)
    console = new_console()
    console.page.clock.install()
    console.open()
    console.shows(20)
    expect(console.page.locator("#attention .calm")).to_be_visible()
    expect(console.tab("running").locator(".count")).to_have_text("30")
    asked = requests_of(console)
    with console.page.expect_response("**/campaigns/summary?*"):
        console.page.clock.fast_forward(MORE_THAN_A_MINUTE_MS)
    # By the answer to another request it would have asked.
    console.page.evaluate("fetch('healthz').then((answer) => answer.text())")
    assert not any("page_size=100" in url for url in asked)
    simulator.listings.show(1, [*rows[:24], a_campaign(25, status=3), *rows[25:]])
    purged = requests.delete(f"{empty_gateway}/cache", headers={"X-API-Key": "operator-key"}, timeout=20)
    assert purged.status_code == 200
    # After five minutes they would be read anyhow.
    with console.page.expect_response("**/campaigns?*page_size=100*"):
        console.page.clock.fast_forward(MORE_THAN_A_MINUTE_MS)
    expect(console.page.locator("#attention li.due")).to_contain_text("Campaign 25")


def test_what_is_refreshed_behind_is_good_and_looked_at_again_soon(
    simulator: SimulatorServer, new_console: NewConsole
) -> None:
    """Pages that nobody has asked for lately come stale (RFC 5861), and a newer one is there in a moment."""
    simulator.listings.show(1, [a_campaign(1)])
    console = new_console()
    console.page.clock.install()

    def stale(route: Route) -> None:
        answer = route.fetch()
        detail = "campaign-gateway; hit; ttl=-5; age=20; detail=stale-while-revalidate"
        route.fulfill(response=answer, headers={**answer.headers, "cache-status": detail})

    for path in ("campaigns", "campaigns/summary"):
        console.page.route(f"**/{path}?*", stale)
    console.open()
    console.shows(1)
    console.level("good")
    expect(console.line).to_contain_text(re.compile(r"2\d s old"))
    expect(console.page.locator("#attention .calm")).to_be_visible()
    asked = requests_of(console)
    console.page.clock.fast_forward(5_000)
    # By the answer to another request it has asked.
    console.page.evaluate("fetch('healthz').then((answer) => answer.text())")
    assert any("campaigns/summary" in url for url in asked)
    console.page.unroute_all(behavior="wait")


def test_a_hidden_tab_asks_nothing(simulator: SimulatorServer, new_console: NewConsole) -> None:
    """However long nobody looks; who looks again sees what is there now."""
    simulator.listings.show(1, [a_campaign(1)])
    console = new_console()
    console.page.clock.install()
    console.open()
    console.shows(1)
    expect(console.page.locator("#attention .calm")).to_be_visible()
    console.page.evaluate(TURN, {"isHidden": True})
    asked = requests_of(console)
    simulator.listings.show(1, [a_campaign(1), a_campaign(2)])
    for _ in range(5):
        console.page.clock.fast_forward(MORE_THAN_A_MINUTE_MS)
    assert asked == []
    console.page.evaluate(TURN, {"isHidden": False})
    console.shows(2)


def test_the_desktop_is_told_of_changes_of_status(simulator: SimulatorServer, new_console: NewConsole) -> None:
    """For who wants that, and of nothing else."""
    rows = [a_campaign(1), a_campaign(2)]
    simulator.listings.show(1, rows)
    console = new_console(permissions=["notifications"], init_script=A_DESKTOP)
    console.page.clock.install()
    console.open()
    console.shows(2)
    wait_for_the_next_second()
    with console.page.expect_response("**/campaigns?*page_size=100*"):
        simulator.listings.show(1, [a_campaign(1, status=3), rows[1]])
        expect(console.row("Campaign 1").locator(".badge")).to_have_text("Paused")
    wait_for_the_next_second()
    console.page.get_by_label("desktop").check()
    simulator.listings.show(1, [a_campaign(1, status=3, name="Campaign 1 renamed"), a_campaign(2, status=4)])
    told = '[["Campaign 2","Running → Completed"]]'
    expect(console.page.locator("html")).to_have_attribute("data-told", told)
    expect(console.row("Campaign 1 renamed")).to_be_visible()


def test_an_older_answer_to_another_question_is_no_change(
    simulator: SimulatorServer, console_gateway: str, new_console: NewConsole
) -> None:
    """Pages are of different ages: what one tells of a campaign from before another one did is passed over."""
    simulator.listings.show(1, [a_campaign(1)])
    console = new_console(permissions=["notifications"], init_script=A_DESKTOP)
    console.page.clock.install()
    console.open()
    console.shows(1)
    expect(console.page.locator("#attention .calm")).to_be_visible()
    wait_for_the_next_second()
    everything = f"{console_gateway}/campaigns?vdn=1&page_size=100"
    older = requests.get(everything, headers={"X-API-Key": "web-key"}, timeout=20)
    simulator.listings.show(1, [a_campaign(1, status=3)])
    expect(console.row("Campaign 1").locator(".badge")).to_have_text("Paused")
    kept = {name: older.headers[name] for name in ("Campaigns-As-Of", "Cache-Status", "Content-Type")}
    console.page.route("**/campaigns?*page_size=100*", lambda route: route.fulfill(body=older.text, headers=kept))
    with console.page.expect_response("**/campaigns?*page_size=100*"):
        console.page.get_by_label("desktop").check()
    simulator.listings.show(1, [a_campaign(1, status=4)])
    expect(console.page.locator("html")).to_have_attribute("data-told", '[["Campaign 1","Paused → Completed"]]')


def test_it_works_behind_nginx(
    simulator: SimulatorServer, empty_gateway: str, new_console: NewConsole, tmp_path: Path
) -> None:
    """With the files of `deploy/nginx`, over HTTP/2: all its files come, a change is seen, and a file is whole."""
    rows = [a_campaign(1), a_campaign(2)]
    simulator.listings.show(1, rows)
    with deployed_nginx(tmp_path, empty_gateway) as nginx:
        console = new_console(nginx.url, ignore_https_errors=True).open()
        console.shows(2)
        expect(console.page.locator("#attention .calm")).to_be_visible()
        simulator.listings.show(1, [rows[0], a_campaign(2, status=3)])
        expect(console.row("Campaign 2").locator(".mark")).to_have_text("status changed")
        expect(console.page.locator("#attention li.due")).to_contain_text("Campaign 2")
        with console.page.expect_download() as saved:
            console.page.get_by_role("button", name="CSV", exact=True).click()
        assert len(saved.value.path().read_bytes().splitlines()) == 3
        expect(console.page.locator("#download-state")).to_contain_text("2 rows, checked by rows and digest")
        over = "performance.getEntriesByType('resource').map((one) => one.nextHopProtocol)"
        assert set(console.page.evaluate(over)) == {"h2"}
