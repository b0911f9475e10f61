"""The console in a real browser: what it shows, and what can be done with it."""

import re

from playwright.sync_api import Route, expect

from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.listing import Arrangement
from gateway.simulator.server import SimulatorServer
from tests.browser.conftest import NewConsole, a_campaign, wait_for_the_next_second
from tests.support.console import Console
from tests.support.waiting import wait_until

A_BROWSER_AN_HOUR_AHEAD = """
const True = Date;
globalThis.Date = class extends True {
  constructor(...given) { given.length ? super(...given) : super(True.now() + 3_600_000); }
  static now() { return True.now() + 3_600_000; }
};
"""


def test_the_first_visit_asks_for_a_key_once(new_console: NewConsole) -> None:
    """The form is one for password managers; the key is this tab's alone, in no address, and there after a reload."""
    console = new_console().open(key="")
    field = console.page.locator("#credential")
    expect(field).to_be_focused()
    assert (field.get_attribute("type"), field.get_attribute("autocomplete")) == ("password", "current-password")
    assert console.page.locator("form#enter").get_attribute("method") == "post"
    expect(console.page.locator("#board")).to_be_hidden()
    console.enter("web-key")
    console.shows(20)
    expect(console.page.locator("#client")).to_have_text("web, by API key")
    expect(console.page.locator("#place")).to_contain_text("Hotline")
    expect(console.page.locator("#zone")).to_have_text("Asia/Shanghai (GMT+8)")
    console.page.reload()
    console.shows(20)
    stored = "JSON.stringify([{...localStorage}, document.cookie, location.href])"
    assert "web-key" not in console.page.evaluate(stored)
    another_tab = Console(console.context, console.gateway, console.context.new_page()).open(key="")
    expect(another_tab.page.locator("#credential")).to_be_visible()
    console.page.get_by_role("button", name="Sign out").click()
    expect(console.page.locator("#credential")).to_be_visible()
    assert console.page.evaluate("sessionStorage.length") == 0


def test_a_key_that_is_no_good(console: Console) -> None:
    """What no header can carry is told at once; of another the gateway says why. The form takes the next one."""
    alert = console.page.get_by_role("alert")
    console.open(key="密钥")
    expect(alert).to_contain_text("ASCII only, and no spaces")
    assert console.page.evaluate("sessionStorage.length") == 0
    console.enter("wrong-key")
    expect(alert).to_contain_text("That does not work.")
    expect(alert).to_contain_text("key")
    expect(console.page.locator("#credential")).to_have_attribute("aria-invalid", "true")
    console.enter("Bearer web-key")
    expect(alert).to_contain_text("ASCII only, and no spaces")
    assert console.page.evaluate("sessionStorage.length") == 0
    console.enter("web-key")
    console.shows(20)


def test_a_vdn_without_campaigns(simulator: SimulatorServer, console: Console) -> None:
    """That there are none at all is not put down to filters that nobody has set."""
    simulator.listings.show(1, [])
    console.open()
    nothing = console.page.locator("#nothing")
    expect(nothing).to_have_text("This VDN has no campaigns.")
    console.tab("running").click()
    expect(nothing).to_have_text("No campaign is like that.")


def test_whose_the_key_is_is_asked_before_all_modules_are_there(console: Console) -> None:
    """A tab that has a key asks `/me`, and shows words, before the modules have come that neither needs."""
    console.open()
    console.shows(20)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    console.page.route("**/timeline.js", hold)
    with console.page.expect_response("**/me") as heard:
        console.page.reload(wait_until="commit")
    assert heard.value.ok
    expect(console.rows).to_have_count(0)
    for route in held:
        route.continue_()
    console.shows(20)


def test_a_key_that_is_refused_when_the_page_is_loaded_again(console: Console) -> None:
    """It is asked about once, and the form says why it is no good any more."""
    console.open()
    console.shows(20)
    console.page.evaluate("sessionStorage.setItem('campaign-gateway.credential', 'wrong-key')")
    asked: list[str] = []
    console.page.on("response", lambda answer: asked.append(answer.url))
    console.page.reload()
    expect(console.page.get_by_role("alert")).to_contain_text("That does not work.")
    assert sum(url.endswith("/me") for url in asked) == 1
    console.enter("web-key")
    console.shows(20)


def test_tabs_and_filters_are_in_the_address(console: Console) -> None:
    """Counters are tabs; what is chosen narrows the list, stands in the URL, and is undone by the back button."""
    console.open()
    for status, count in (("all", 250), ("running", 60), ("paused", 70), ("completed", 80), ("other", 40)):
        expect(console.tab(status).locator(".count")).to_have_text(str(count))
    console.tab("running").click()
    expect(console.page.locator("#shown")).to_have_text("1 to 20 of 60")
    expect(console.tab("running")).to_have_attribute("aria-current", "page")
    assert console.query == {"status": "running"}
    console.page.keyboard.press("/")
    expect(console.page.locator("#name")).to_be_focused()
    console.page.keyboard.type("回访")
    wanted = [row.name for row in campaigns_of(1) if row.status == 2 and "回访" in row.name]
    console.shows(len(wanted))
    assert console.names.all_inner_texts() == wanted
    assert console.query == {"status": "running", "name": "回访"}
    console.page.get_by_label("Type").select_option("preview")
    wanted = [row.name for row in campaigns_of(1) if row.status == 2 and row.device_type == 5 and "回访" in row.name]
    console.shows(len(wanted))
    assert console.query == {"status": "running", "name": "回访", "type": "preview"}
    console.page.get_by_role("button", name="Clear").click()
    expect(console.page.locator("#shown")).to_have_text("1 to 20 of 60")
    expect(console.page.locator("#name")).to_be_focused()
    console.page.go_back()
    console.shows(len(wanted))
    expect(console.page.locator("#name")).to_have_value("回访")


def test_own_dates_are_those_between_two(console: Console) -> None:
    """From a later day to an earlier one is no trouble: it is the time between them."""
    console.open("?period=own&from=2026-05-31&to=2026-04-01&size=50")
    begins, ends = "2026-04-01 00:00:00", "2026-05-31 23:59:59"
    wanted = [row for row in campaigns_of(1) if row.first_second >= begins and row.last_second <= ends]
    console.shows(len(wanted))


def test_what_cannot_be_asked_for_is_found(console: Console) -> None:
    """Drafts, for which CC-iSales has no filter, are picked out of all campaigns, with pages of their own."""
    console.open("?status=other")
    console.shows(20)
    expect(console.page.locator("#shown")).to_have_text("1 to 20 of 40")
    console.page.get_by_role("link", name="Next").click()
    expect(console.page.locator("#shown")).to_have_text("21 to 40 of 40")
    drafts = [row.name for row in campaigns_of(1) if row.status == 1]
    assert console.names.all_inner_texts() == drafts[20:]


def test_a_view_is_a_link(console: Console, new_console: NewConsole) -> None:
    """The address of one person shows the same to another one, in a profile that has never been here."""
    one = console.open("?status=paused")
    one.page.get_by_label("Rows").select_option("50")
    expect(one.page.locator("#shown")).to_have_text("1 to 50 of 70")
    one.page.get_by_role("link", name="Next").click()
    one.shows(20)
    other = new_console(locale="zh-CN")
    other.page.goto(one.page.url)
    other.enter("web-key")
    other.shows(20)
    assert other.names.all_inner_texts() == one.names.all_inner_texts()
    expect(other.tab("paused")).to_have_attribute("aria-current", "page")


def test_language_and_theme(new_console: NewConsole) -> None:
    """They begin as the browser has them, can be switched at any time, and stay; only the words change."""
    console = new_console(locale="zh-CN", color_scheme="dark").open()
    page = console.page
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(console.tab("running")).to_contain_text("运行中")
    dark = "getComputedStyle(document.body).backgroundColor"
    darkest = page.evaluate(dark)
    page.get_by_role("button", name="English").click()
    expect(console.tab("running")).to_contain_text("Running")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_label("Theme").select_option("light")
    assert page.evaluate(dark) != darkest
    page.reload()
    console.shows(20)
    expect(console.tab("running")).to_contain_text("Running")
    assert page.evaluate(dark) != darkest


def test_a_change_is_seen_without_a_reload(simulator: SimulatorServer, console: Console) -> None:
    """The row says so for a while, and screen readers are told; the tabs and what needs attention follow."""
    rows = [a_campaign(number) for number in range(1, 6)]
    simulator.listings.show(1, rows)
    console.open()
    console.shows(5)
    expect(console.page.locator("#attention .calm")).to_be_visible()
    wait_for_the_next_second()
    rows[2] = a_campaign(3, status=3)
    simulator.listings.show(1, rows)
    row = console.row("Campaign 3")
    expect(row.locator(".badge")).to_have_text("Paused")
    expect(row.locator(".mark")).to_have_text("status changed")
    expect(console.page.locator("[aria-live=polite]")).to_have_text("Campaign 3 is Paused now.")
    expect(console.tab("paused").locator(".count")).to_have_text("1")
    expect(console.page.locator("#attention li.due")).to_contain_text("Campaign 3")
    expect(console.rows.locator(".mark")).to_have_count(1)


def test_many_consoles_are_one_caller_to_cc_isales(
    isales: SimulatorServer, lasting_gateway: str, console: Console, new_console: NewConsole
) -> None:
    """No console has anything fetched that is at hand: Chromium's own `no-cache` would fetch for each look."""
    console.gateway = lasting_gateway
    console.open()
    console.shows(20)
    expect(console.page.locator("#attention .number")).to_be_visible()
    before = isales.calls.total
    another = new_console(lasting_gateway).open()
    another.shows(20)
    expect(another.page.locator("#attention .number")).to_be_visible()
    assert isales.calls.total == before

    def is_fetched_again() -> bool:
        another.page.get_by_role("button", name="Now").click()
        return isales.calls.total > before

    # At callers' wish once a second at most.
    wait_until(is_fetched_again, least_s=0.2)
    expect(another.line).to_contain_text(re.compile("^[0-3] s old"))


def test_a_thousand_campaigns(simulator: SimulatorServer, console: Console) -> None:
    """All can be reached, and all are looked through for what needs attention; of more, the first thousand."""
    simulator.listings.arrange(Arrangement(count=1000))
    console.open("?size=100")
    console.shows(100)
    expect(console.tab("all").locator(".count")).to_have_text("1,000")
    expect(console.page.locator("#attention .note")).to_contain_text("Of all 1,000 campaigns")
    console.page.get_by_role("link", name="Last").click()
    expect(console.page.locator("#shown")).to_have_text("901 to 1,000 of 1,000")
    assert console.names.first.inner_text() == campaigns_of(1, 1000)[900].name
    simulator.listings.arrange(Arrangement(count=1100))
    console.page.get_by_role("button", name="Sign out").click()
    console.open("?vdn=2", key="all-key")
    expect(console.page.locator("#attention .note")).to_contain_text("Of the first 1,000 of 1,100 campaigns")


def test_names_are_text(simulator: SimulatorServer, console: Console) -> None:
    """HTML and formulas are shown as they are written and do nothing, wherever a name stands."""
    names = (
        "<img src=x onerror=document.title='owned'>",
        "<b>bold</b>",
        "=1+1",
        "${7*7}{{7*7}}",
        "'\"><script>1</script>",
    )
    simulator.listings.show(1, [a_campaign(number, name=name, status=3) for number, name in enumerate(names)])
    console.open()
    console.shows(len(names))
    assert console.names.all_inner_texts() == list(names)
    expect(console.page.locator("#attention li")).to_have_count(len(names))
    console.names.first.click()
    expect(console.page.locator("#details-title")).to_have_text(names[0])
    for made in ("img", "b", "main script"):
        expect(console.page.locator(made)).to_have_count(0)
    expect(console.page).to_have_title("Hotline · Campaigns · Campaign Gateway")


def test_details_keys_and_copies(simulator: SimulatorServer, new_console: NewConsole) -> None:
    """Arrows go from row to row, Enter opens all about one; ids above 2^53 and leading zeros are whole everywhere."""
    great = 9_007_199_254_740_993
    simulator.listings.show(1, [a_campaign(1), a_campaign(great, name="Great", caller_no="007", begin="2026-03-01")])
    console = new_console(permissions=["clipboard-read", "clipboard-write"]).open("?name=a")
    console.shows(2)
    console.names.first.focus()
    console.page.keyboard.press("ArrowDown")
    expect(console.names.nth(1)).to_be_focused()
    console.page.keyboard.press("Enter")
    dialog = console.page.locator("#details")
    expect(dialog).to_contain_text(str(great))
    expect(dialog).to_contain_text("007")
    expect(dialog.locator("dd", has_text="Asia/Shanghai").first).to_contain_text("1 Mar 2026, 00:00:00")
    expect(dialog.locator(".in-zone", has_text="UTC").first).to_have_text("28 Feb 2026, 16:00:00 UTC")
    console.page.get_by_role("button", name="Copy the command").click()
    command = console.page.evaluate("navigator.clipboard.readText()")
    assert command.startswith('curl -i --compressed -H "X-API-Key: $API_KEY" \'http://')
    assert "name=a" in command
    assert "web-key" not in command
    console.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(console.names.nth(1)).to_be_focused()
    console.rows.nth(1).get_by_role("button", name="Copy id").click()
    expect(console.page.locator("#announcements")).to_have_text(f"Copied {great}")
    assert console.page.evaluate("navigator.clipboard.readText()") == str(great)


def test_a_clock_that_is_an_hour_off_does_not_matter(
    simulator: SimulatorServer, console: Console, new_console: NewConsole
) -> None:
    """The time shown, the age and what is due are by the gateway's clock, not by that of the machine."""
    simulator.listings.show(1, [a_campaign(1)])
    right, wrong = console.open(), new_console(init_script=A_BROWSER_AN_HOUR_AHEAD).open()
    right.shows(1)
    wrong.shows(1)
    shown = [one.page.locator("#there").inner_text()[:2] for one in (right, wrong, right)]
    assert shown[1] in {shown[0], shown[2]}
    expect(wrong.line).to_contain_text(re.compile(r"^\d s old"))
    expect(wrong.page.locator("#attention .calm")).to_be_visible()


def test_the_timeline(simulator: SimulatorServer, console: Console) -> None:
    """Bars from begin to end on the axis of a week or day, with now as a line, and words for what is not on it."""
    rows = [a_campaign(1), a_campaign(2, end="2026-01-02", status=4), a_campaign(3, begin="2099-01-01", status=1)]
    simulator.listings.show(1, rows)
    console.open("?show=timeline")
    bars = console.page.locator(".bars li")
    expect(bars).to_have_count(3)
    expect(bars.nth(0).locator(".bar.running.cut-before.cut-after")).to_be_visible()
    expect(bars.nth(1).locator(".bar")).to_have_count(0)
    expect(bars.nth(1).locator(".outside")).to_contain_text("ended 2 Jan, 23:59")
    expect(bars.nth(2).locator(".outside")).to_contain_text("begins 1 Jan 2099")
    expect(console.page.locator(".tick")).to_have_count(7)
    now = console.page.locator(".now-line").first
    assert now.evaluate("line => parseFloat(line.style.insetInlineStart) > 0")
    console.page.get_by_role("link", name="Day", exact=True).click()
    expect(console.page.locator(".tick")).to_have_count(8)
    console.page.get_by_role("link", name="Later").click()
    expect(console.page.locator(".now-line")).to_have_count(0)
    assert console.query == {"show": "timeline", "axis": "day", "shift": "1"}


def test_the_wallboard(simulator: SimulatorServer, new_console: NewConsole) -> None:
    """It shows the same larger, with nothing to press but the way out."""
    simulator.listings.show(1, [a_campaign(1, status=3)])
    console = new_console(viewport={"width": 1920, "height": 1080}).open("?wall=1")
    console.shows(1)
    console.level("good")
    expect(console.page.locator("#attention li.due")).to_be_visible()
    expect(console.page.locator(".filters")).to_be_hidden()
    expect(console.page.get_by_role("button", name="Pause")).to_be_hidden()
    size = float(
        console.tab("paused").locator(".count").evaluate("count => parseFloat(getComputedStyle(count).fontSize)")
    )
    assert size > 50
    console.page.get_by_role("link", name="Leave the wallboard").click()
    expect(console.page.locator(".filters")).to_be_visible()
    assert console.query == {}
