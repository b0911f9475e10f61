"""Our pages as axe-core sees them (WCAG 2.2 A and AA, and best practices), in both themes and both languages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.browser.conftest import NewConsole, a_campaign
from tests.support.console import Console

LOOKS = [("en-GB", "light"), ("zh-CN", "dark")]
"""Both themes and both languages; no colour depends on the language and no word on the theme."""

NARROWEST = {"width": 320, "height": 640}
"""1280 pixels at 400 % (WCAG 2.2, 1.4.10)."""

# It would send its script, of half a megabyte, for each run.
AXE = Axe(axe_script="undefined")
# Names what is wrong alone: to name all that is right, too, takes three times as long for a page as large as /docs.
ONLY_WRONG = {"resultTypes": ["violations"]}

OPEN_ALL = "document.querySelectorAll('details').forEach((each) => (each.open = true))"
HIDE_ALIKE = """() => {
  const seen = new Set();
  const decisive = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "visibility",
    "display", "position", "clipPath", "textDecorationLine", "borderBottomStyle", "borderBottomWidth"];
  const hidden = [];
  const isNew = (one, around) => {
    const looks = getComputedStyle(one);
    const texts = [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = texts.map((node) => node.data.trim()).join("");
    // axe passes over the colours of a single character, and of what is disabled.
    const judged = [Math.min(text.length, 2), one.matches(":disabled, [aria-disabled=true]")];
    const kind = [around, one.tagName, ...judged, ...decisive.map((property) => looks[property])].join();
    const isFirst = !seen.has(kind);
    seen.add(kind);
    const shown = [...one.children].filter((child) => isNew(child, kind));
    if (isFirst || shown.length > 0) return true;
    hidden.push(one);
    return false;
  };
  document.querySelectorAll(".part").forEach((part) => isNew(part, ""));
  hidden.forEach((one) => one.style.setProperty("display", "none", "important"));
}"""
"""Hides what in the parts of a page looks as what is before it does, and stands in what looks the same."""

LOOKS_ALONE = ["color-contrast", "link-in-text-block"]
"""Rules about nothing but how elements look. For a page as large as /docs they would take most of the time."""


def violations(page: Page) -> list[str]:
    """Return what axe-core finds, with the elements, where all that can be opened is open."""
    page.evaluate(OPEN_ALL)
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE_SCRIPT)

    def run(**options: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = AXE.run(page, options={**ONLY_WRONG, **options}).response["violations"]
        return found

    if page.locator(".part").count() == 0:
        found = run()
    else:
        found = run(rules={rule: {"enabled": False} for rule in LOOKS_ALONE})
        page.evaluate(HIDE_ALIKE)
        found += run(runOnly=LOOKS_ALONE)
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize(("locale", "color_scheme"), LOOKS)
def test_the_console(simulator: SimulatorServer, new_console: NewConsole, locale: str, color_scheme: str) -> None:
    """Asked for a key, with campaigns in every status, as a timeline, with details open, and in trouble."""
    statuses = [a_campaign(number, status=number, caller_no="") for number in (1, 2, 3, 4, 9)]
    simulator.listings.show(1, statuses)
    console = new_console(locale=locale, color_scheme=color_scheme)
    console.open(key="")
    found = violations(console.page)
    console.enter("web-key")
    console.shows(5)
    expect(console.page.locator("#attention li").first).to_be_visible()
    found += violations(console.page)
    console.names.first.click()
    found += violations(console.page)
    console.page.keyboard.press("Escape")
    console.page.locator("#shows a").nth(1).click()
    expect(console.page.locator(".bars li")).to_have_count(5)
    found += violations(console.page)
    simulator.faults.arm(Fault("http-status", times=None, status=500))
    console.page.locator("#name").fill("x")
    console.level("down")
    expect(console.line.locator(".more")).to_be_visible()
    found += violations(console.page)
    assert found == []


@pytest.mark.parametrize(("locale", "color_scheme"), LOOKS)
@pytest.mark.parametrize("path", ["docs", "problems", "problems/forbidden"])
def test_pages_to_read(
    tab: Callable[..., Page], console_gateway: str, path: str, locale: str, color_scheme: str
) -> None:
    """The documentation, and what explains problems."""
    page = tab(locale=locale, color_scheme=color_scheme)
    page.goto(f"{console_gateway}/{path}")
    assert page.get_attribute("html", "lang") == locale.removesuffix("-GB")
    assert violations(page) == []


BROKEN = """() => [...document.querySelectorAll(".tab span")].filter((one) => {
    const text = document.createRange();
    text.selectNodeContents(one);
    const [first, second] = text.getClientRects();
    return second || first.right > one.closest(".tab").getBoundingClientRect().right;
}).map((one) => one.textContent)"""
"""Words and numbers of tabs that take two lines, or that stand out of their tab."""


@pytest.mark.parametrize("query", ["?size=10", "?show=timeline&size=10", "?wall=1&size=10"])
def test_nothing_is_lost_at_400_percent(
    tab: Callable[..., Page], console_gateway: str, consoles: list[Console], query: str
) -> None:
    """The page is as wide as the window, in which all targets are at least 24 pixels high (WCAG 2.2, 1.4.10, 2.5.8)."""
    page = tab(viewport=NARROWEST, forced_colors="active")
    console = Console(page.context, console_gateway, page)
    consoles.append(console)
    console.open(query)
    expect(console.page.locator("#campaigns button.name").nth(9)).to_be_visible()
    assert console.page.evaluate("document.documentElement.scrollWidth") <= NARROWEST["width"]
    assert violations(console.page) == []
    small = """[...document.querySelectorAll("button, select, input, nav a, #wall")]
        .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"""
    assert console.page.evaluate(small) == []
    assert console.page.evaluate(BROKEN) == []


LONGEST: Any = {"caller_no": "0" * 24, "begin": "2024-12-28 10:08:58", "end": "2088-12-28 20:58:58", "device_type": 1}
OUTSIDE = """() => {
    const right = (selector) => document.querySelector(selector).getBoundingClientRect().right;
    const { paddingRight } = getComputedStyle(document.getElementById("campaigns"));
    const inside = right("#campaigns") - parseFloat(paddingRight);
    const widest = document.documentElement.scrollWidth;
    return Math.max(right("table.list") - inside, right(".place") - innerWidth, widest - innerWidth);
}"""
FIRST_LINES = """() => [...document.querySelectorAll(".list .c-name button, .list .c-begins time")].map((one) => {
    const text = document.createRange();
    text.selectNodeContents(one);
    return Math.round(text.getClientRects()[0].bottom);
})"""


@pytest.mark.parametrize("name", ["W" * 64, "Retention and win-back " * 2])
def test_what_is_long_fits_into_windows_of_any_width(
    simulator: SimulatorServer, new_console: NewConsole, name: str
) -> None:
    """The longest ids, numbers and times, and long names of VDNs and clients, are within their parts of the page."""
    great = 9_223_372_036_854_775_000
    simulator.listings.show(1, [a_campaign(great + number, name="W" * 100, **LONGEST) for number in range(2)])
    console = new_console()
    mine = {"client": name, "credential": "token", "limit": None, "scopes": ["campaigns:read"]}
    vdns = [{"vdn": 1, "name": name, "time_zone": "UTC"}, {"vdn": 2, "name": name, "time_zone": "UTC"}]
    console.page.route("**/me", lambda route: route.fulfill(json={**route.fetch().json(), **mine, "vdns": vdns}))
    console.open()
    console.shows(2)
    beyond = {}
    for width in (320, 640, 641, 801, 961, 1024, 1247, 1248, 1280, 1400):
        console.page.set_viewport_size({"width": width, "height": 800})
        beyond[width] = console.page.evaluate(OUTSIDE)
        assert console.page.evaluate(BROKEN) == [], width
    assert {width: by for width, by in beyond.items() if by > 1} == {}
    # What stands beside a name of several lines is beside the first.
    names, times = (lines := console.page.evaluate(FIRST_LINES))[::2], lines[1::2]
    assert all(abs(one - other) < 4 for one, other in zip(names, times, strict=True)), lines
    assert len(names) == 2


def test_on_paper(simulator: SimulatorServer, new_console: NewConsole) -> None:
    """It says of when it is, has nothing to press, and is light whatever the theme: paper has no dark background."""
    simulator.listings.show(1, [a_campaign(1)])
    console = new_console(color_scheme="dark")
    console.open()
    console.shows(1)
    console.page.get_by_label("Theme").select_option("dark")
    console.page.emulate_media(media="print")
    assert console.page.evaluate("getComputedStyle(document.body).color") == "rgb(23, 32, 43)"
    printed = re.compile(r"As of \d{1,2} \w+ \d{4}, \d\d:\d\d:\d\d GMT\+8")
    expect(console.line.locator(".printed")).to_have_text(printed)
    expect(console.line.locator(".printed")).to_be_visible()
    expect(console.page.locator("button:not(.name):visible")).to_have_count(0)


def test_a_campaign_has_a_name_to_press(simulator: SimulatorServer, console: Console) -> None:
    """Also one whose name is of nothing but blanks; another keeps those around it. One without an id has no row."""
    rows = [a_campaign(1, name=" \u3000\t"), a_campaign(2, name=" x "), a_campaign(3, id=None)]
    simulator.listings.show(1, rows)
    console.open()
    console.shows(2)
    assert console.names.all_text_contents() == ["(no name)", " x "]
    expect(console.page.locator("#shown")).to_contain_text("1 without a usable id is left out")


def test_axe_finds_what_is_wrong(console: Console) -> None:
    """Pale words, a picture without text and landmarks of one name are found, so that no finding means something."""
    pale = "<i style='color:#ddd'>hardly any contrast</i>"
    console.page.set_content(
        "<html lang=en><title>x</title><nav aria-label=Site>x</nav><nav aria-label=Site>y</nav>"
        "<main><h1>x</h1><img src='data:,'>"
        "<details><p style='color:#ddd;background:#fff'>hardly any contrast</p></details>"
        f"<div class=part><p style='background:#000'>{pale}</p></div><div class=part><p id=light>{pale}{pale}</p></div>"
        "<div class=part><b style='color:#ddd'>x</b><b style='color:#ddd' id=longer>more than a character</b></div>"
    )
    found = violations(console.page)
    assert {"color-contrast", "image-alt", "landmark-unique"} <= {one.partition(":")[0] for one in found}
    # On another ground than before; and once, for the second is as the first, but for what axe does not judge.
    assert [(one.count("light"), one.count("longer")) for one in found if one.startswith("color-contrast")] == [(1, 1)]
