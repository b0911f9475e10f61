"""The documentation in Chromium: what its scripts do, and whether everybody can use it (WCAG 2.2 AA, by axe-core)."""

import itertools
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.server import served_gateway

PAGES = ["/docs", "/problems", "/problems/upstream-timeout"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE_MS = 90_000
"""How long a page may take on a busy machine."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return where a gateway is whose CC-iSales is the simulator."""
    with SimulatorServer(demo_config()) as isales, served_gateway(isales.base_url) as served:
        yield served.url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"], timeout=PATIENCE_MS
        )
        yield launched
        launched.close()


def shown(chromium: Browser, url: str, **context: Any) -> Page:
    """Return a page of a browser that knows nothing yet."""
    page = chromium.new_context(**context).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    return page


def violations(page: Page) -> list[str]:
    """Return what axe-core finds on a page, with all that can be opened open."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


@pytest.mark.parametrize(
    ("path", "theme", "language"), list(itertools.product(PAGES, ["light", "dark"], ["en", "zh-CN"]))
)
def test_everybody_can_use_it(chromium: Browser, address: str, path: str, theme: Any, language: str) -> None:
    """axe-core finds nothing, in both themes and languages."""
    page = shown(chromium, f"{address}{path}", color_scheme=theme, locale=language)
    assert page.get_attribute("html", "lang") == language
    assert violations(page) == []


def test_violations_would_be_found(chromium: Browser, address: str) -> None:
    """What the test above looks for is found where it is: pale words, and landmarks that share a name."""
    page = shown(chromium, f"{address}/docs")
    page.evaluate("""() => {
        const paint = new CSSStyleSheet();
        paint.replaceSync(".lead p { color: #bbb }");
        document.adoptedStyleSheets = [paint];
        for (const nav of document.querySelectorAll("nav")) nav.setAttribute("aria-label", "Site");
    }""")
    assert {"color-contrast", "landmark-unique"} <= {each.partition(":")[0] for each in violations(page)}


@pytest.mark.parametrize("width", [320, 360, 1280, 1920])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_has_to_be_scrolled_sideways(chromium: Browser, address: str, path: str, width: int) -> None:
    """The page is as wide as the window, from a phone (and 400 % of 1280 px) to a wall."""
    page = shown(chromium, f"{address}{path}", viewport=ViewportSize(width=width, height=800))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_target_can_be_hit(chromium: Browser, address: str) -> None:
    """Links outside of sentences, buttons and choices are 24 px high (WCAG 2.5.8)."""
    page = shown(chromium, f"{address}/docs")
    targets = page.locator("button, select, summary, .top a, .contents a, .samples label, input:not([type=radio])")
    heights = {
        each["text"]: each["height"]
        for each in targets.evaluate_all(
            "(all) => all.map((each) => ({ text: each.textContent.trim(), height: each.offsetHeight }))"
        )
        if each["height"]
    }
    assert len(heights) > 20
    assert {text: height for text, height in heights.items() if height < 24} == {}


def test_samples_are_copied_with_the_real_address(chromium: Browser, address: str) -> None:
    """What is copied can be run as it is; a language that was chosen once is chosen everywhere."""
    page = shown(chromium, f"{address}/docs", permissions=["clipboard-read", "clipboard-write"])
    page.check('#listCampaigns input[value="python"]')
    expect(page.locator('#explainQuery input[value="python"]')).to_be_checked()
    expect(page.locator("#explainQuery .in-curl")).to_be_hidden()
    page.click("#listCampaigns .in-python + .copy")
    expect(page.locator("#listCampaigns .in-python + .copy")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f'"{address}/campaigns?status=running"' in copied
    assert copied == page.locator("#listCampaigns .in-python").text_content()


def test_the_search_leaves_what_has_the_words(chromium: Browser, address: str) -> None:
    """Parts without them go, from the contents too, and it is said how many are left."""
    page = shown(chromium, f"{address}/docs")
    page.fill("#find-words", "freshness ENDED")
    expect(page.locator("#schema-Purge")).to_be_visible()
    for gone in ("#listCampaigns", "#operators", "#rules", '.contents a[href="#operators"]'):
        expect(page.locator(gone)).to_be_hidden()
    expect(page.locator("#find-found")).to_have_text(f"1 of {page.locator('.part').count()} parts have it")
    page.fill("#find-words", "")
    expect(page.locator("#listCampaigns")).to_be_visible()
    expect(page.locator("#find-found")).to_be_empty()


def test_where_an_answer_leads_can_be_followed(chromium: Browser, address: str) -> None:
    """The next page is asked for with the same key, and the page about a problem opens in the language of this one."""
    page = shown(chromium, f"{address}/docs?lang=zh-CN")
    page.fill("#try-key", "web-key")
    page.fill('#try input[name="page_size"]', "2")
    page.click('#try button[type="submit"]')
    page.get_by_role("button", name="next", exact=True).click()
    expect(page.locator("#try-body")).to_contain_text('"number": 2')
    expect(page.locator('#try input[name="page"]')).to_have_value("2")
    page.get_by_role("button", name="prev", exact=True).click()
    expect(page.locator("#try-body")).to_contain_text('"number": 1')
    page.fill('#try input[name="page_size"]', "200")
    page.click('#try button[type="submit"]')
    page.locator("#try-links a").click()
    expect(page.locator("h1")).to_have_text("查询无效")
    assert page.url == f"{address}/problems/invalid-parameters?lang=zh-CN"


def test_the_language_can_be_switched(chromium: Browser, address: str) -> None:
    """And stays what it was switched to from page to page, whatever the browser prefers."""
    page = shown(chromium, f"{address}/docs", locale="en")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("#rules-title")).to_have_text("规则")
    page.get_by_role("link", name="问题类型", exact=True).click()
    expect(page.locator("h1")).to_have_text("问题类型")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Problems")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_it_can_be_read_without_scripts(chromium: Browser, address: str, language: str) -> None:
    """All but the form, the search and the buttons is there, and a choice of language shows its sample."""
    page = shown(chromium, f"{address}/docs", java_script_enabled=False, locale=language)
    for there in ("#first-call pre", "#listCampaigns .in-curl", "#rules", "noscript"):
        expect(page.locator(there).first).to_be_visible()
    for gone in ("#try", "#find"):
        expect(page.locator(gone)).to_be_hidden()
    page.check('#listCampaigns input[value="go"]')
    expect(page.locator("#listCampaigns .in-go")).to_be_visible()
    expect(page.locator("#listCampaigns .in-curl")).to_be_hidden()
