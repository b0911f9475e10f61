"""The documentation in Chromium: what its scripts do, at every width."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.console import PATIENCE_MS

Shown = Callable[..., Page]


@pytest.fixture
def shown(tab: Callable[..., Page], console_gateway: str) -> Shown:
    """Return a function that shows what is at a path, in a browser that knows nothing yet."""

    def show(path: str, **options: Any) -> Page:
        page = tab(**options)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{console_gateway}{path}")
        return page

    return show


@pytest.mark.parametrize("path", ["/docs", "/problems", "/problems/upstream-timeout"])
def test_nothing_has_to_be_scrolled_sideways(shown: Shown, path: str) -> None:
    """The page is as wide as the window, from a phone (and 400 % of 1280 px) to a wall."""
    page = shown(path, viewport={"width": 320, "height": 800})
    found = {}
    for width in (320, 360, 1280, 1920):
        page.set_viewport_size(ViewportSize(width=width, height=800))
        found[width] = page.evaluate("document.documentElement.scrollWidth")
    assert {width: needed for width, needed in found.items() if needed > width} == {}


def test_every_target_can_be_hit(shown: Shown) -> None:
    """Links outside of sentences, buttons and choices are 24 px high (WCAG 2.5.8)."""
    page = shown("/docs")
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


def test_samples_are_copied_with_the_real_address(shown: Shown, console_gateway: str) -> None:
    """What is copied can be run as it is; a language that was chosen once is chosen everywhere."""
    page = shown("/docs", permissions=["clipboard-read", "clipboard-write"])
    page.check('#listCampaigns input[value="python"]')
    expect(page.locator('#explainQuery input[value="python"]')).to_be_checked()
    expect(page.locator("#explainQuery .in-curl")).to_be_hidden()
    page.click("#listCampaigns .in-python + .copy")
    expect(page.locator("#listCampaigns .in-python + .copy")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f'"{console_gateway}/campaigns?status=running"' in copied
    assert copied == page.locator("#listCampaigns .in-python").text_content()


def test_the_search_leaves_what_has_the_words(shown: Shown) -> None:
    """Parts without them go, from the contents too, and it is said how many are left."""
    page = shown("/docs")
    page.fill("#find-words", "freshness ENDED")
    expect(page.locator("#schema-Purge")).to_be_visible()
    for gone in ("#listCampaigns", "#operators", "#rules", '.contents a[href="#operators"]'):
        expect(page.locator(gone)).to_be_hidden()
    expect(page.locator("#find-found")).to_have_text(f"1 of {page.locator('.part').count()} parts have it")
    page.fill("#find-words", "")
    expect(page.locator("#listCampaigns")).to_be_visible()
    expect(page.locator("#find-found")).to_be_empty()


def test_where_an_answer_leads_can_be_followed(shown: Shown, console_gateway: str) -> None:
    """The next page is asked for with the same key, and the page about a problem opens in the language of this one."""
    page = shown("/docs?lang=zh-CN")
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
    assert page.url == f"{console_gateway}/problems/invalid-parameters?lang=zh-CN"


def test_the_language_can_be_switched(shown: Shown) -> None:
    """And stays what it was switched to from page to page, whatever the browser prefers."""
    page = shown("/docs", locale="en")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("#rules-title")).to_have_text("规则")
    page.get_by_role("link", name="问题类型", exact=True).click()
    expect(page.locator("h1")).to_have_text("问题类型")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Problems")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_it_can_be_read_without_scripts(shown: Shown, language: str) -> None:
    """All but the form, the search and the buttons is there, and a choice of language shows its sample."""
    page = shown("/docs", java_script_enabled=False, locale=language)
    for there in ("#first-call pre", "#listCampaigns .in-curl", "#rules", "noscript"):
        expect(page.locator(there).first).to_be_visible()
    for gone in ("#try", "#find"):
        expect(page.locator(gone)).to_be_hidden()
    page.check('#listCampaigns input[value="go"]')
    expect(page.locator("#listCampaigns .in-go")).to_be_visible()
    expect(page.locator("#listCampaigns .in-curl")).to_be_hidden()
