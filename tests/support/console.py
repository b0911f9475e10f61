"""A console that is open in Chromium, steered by Playwright as a person would."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

PATIENCE_MS = 40_000.0
"""How long anything may take to show on a busy machine."""

# For each profile Chromium draws the lists below its address bar ahead of time, in a process of their own; nobody sees
# the bar, and that would cost more than the pages of most tests. Playwright adds its own features to these.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup"]

expect.set_options(timeout=PATIENCE_MS)

_HOTLINE = 'time_zone = "Asia/Shanghai", name = "Hotline"'
TENANTS = f"""[
    {{vdn = 1, access_key = "demo-access-key", secret_key = "demo-secret-key", {_HOTLINE}}},
    {{vdn = 2, access_key = "demo-access-key-2", secret_key = "demo-secret-key-2"}},
]"""
# What Chromium itself logs of answers that are no good; the page shows these, and the tests look there.
_ANSWERS = re.compile(r"Failed to load resource: (the server responded with a status of|net::ERR_)")


@dataclass
class Console:
    """A page of the gateway at `gateway`, in a profile. `faults` is what its scripts and its policy had to say."""

    context: BrowserContext
    gateway: str
    page: Page
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self._hear(said.type, said.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not _ANSWERS.match(text):
            self.faults.append(text)

    def open(self, query: str = "", key: str = "web-key") -> "Console":
        """Show the console, and enter this key unless the tab has one or it is empty."""
        self.page.goto(f"{self.gateway}/console{query}")
        if key:
            self.enter(key)
        return self

    def enter(self, key: str) -> None:
        """Enter a key or token as a person does."""
        self.page.get_by_label(re.compile("API key or token|API 密钥或令牌")).fill(key)
        self.page.keyboard.press("Enter")

    @property
    def line(self) -> Locator:
        """The freshness line."""
        return self.page.locator("#freshness")

    @property
    def rows(self) -> Locator:
        """The rows of the list."""
        return self.page.locator("table.list tbody tr")

    @property
    def names(self) -> Locator:
        """The names in the list."""
        return self.page.locator("table.list tbody button.name")

    def tab(self, status: str) -> Locator:
        """Return the tab of a status, `all` for all."""
        return self.page.locator(f"#tabs .{status}")

    def row(self, name: str) -> Locator:
        """Return the row of a campaign whose name has this in it."""
        return self.rows.filter(has=self.page.get_by_role("button", name=name))

    @property
    def query(self) -> dict[str, str]:
        """The query of the address that the browser shows."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def level(self, wanted: str) -> None:
        """Wait until the freshness line is at this level."""
        expect(self.line).to_have_attribute("data-level", wanted)

    def shows(self, rows: int) -> None:
        """Wait until the list has so many rows, and they are those that were asked for last."""
        expect(self.rows).to_have_count(rows)
        expect(self.page.locator("table.list")).to_have_attribute("aria-busy", "false")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run Debian's Chromium for as long as the context lasts; skip the test where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def new_profile(browser: Browser, **options: Any) -> BrowserContext:
    """Return a fresh profile, in English and of 1280 pixels width unless told otherwise."""
    settings = {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, "color_scheme": "light", **options}
    return browser.new_context(**settings)


@contextmanager
def profile(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Give one for as long as the context lasts."""
    context = new_profile(browser, **options)
    try:
        yield context
    finally:
        context.close()
