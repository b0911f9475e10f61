"""The gateway's own pages in a real browser, which enforces their policy."""

import re

import pytest
import requests
from playwright.sync_api import expect

from gateway.api.html import SECURITY_HEADERS
from tests.browser.conftest import Browser, Site
from tests.support.console import Console

VIOLATION = re.compile("Content Security Policy|Refused to|Uncaught|ERR_")


def violations(browser: Browser) -> list[str]:
    """Return what the browser said of things that are refused or missing."""
    return [text for text in browser.console if VIOLATION.search(text)]


@pytest.mark.parametrize(
    ("mount", "path"),
    [
        *(("console_gateway", path) for path in ("/docs", "/problems", "/problems/forbidden")),
        *(("prefixed_gateway", path) for path in ("/docs", "/docs/")),
    ],
)
def test_pages_work_under_their_policy(browser: Browser, request: pytest.FixtureRequest, mount: str, path: str) -> None:
    """No script, style or request of theirs is refused or missing, and the script of the form has run."""
    url = request.getfixturevalue(mount)
    dom = browser.dom(f"{url}{path}")
    assert violations(browser) == []
    assert "<h1" in dom
    if path.startswith("/docs"):
        (form,) = re.findall(r'<form id="try"[^>]*>', dom)
        assert "hidden" not in form
        assert "curl -i --compressed" in dom
        assert f"'{url}/campaigns'" in dom


def test_the_console_works_under_a_prefix(console: Console, prefixed_gateway: str) -> None:
    """All that it refers to is relative, with or without a slash at the end of its address."""
    console.page.goto(f"{prefixed_gateway}/")
    assert console.page.url == f"{prefixed_gateway}/console"
    console.enter("web-key")
    console.shows(20)
    console.page.goto(f"{prefixed_gateway}/console/?status=paused")
    expect(console.page.locator("#shown")).to_have_text("1 to 20 of 70")


def test_the_browser_tells_of_violations(browser: Browser, site: Site) -> None:
    """What the test above looks for is there when a page does break the policy."""
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    site.html = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><h1>x</h1><script>a = 1</script>'
    browser.dom(site.origin)
    assert violations(browser)


def test_the_form_shows_the_digits_of_the_answer(browser: Browser, site: Site, console_gateway: str) -> None:
    """What is shown is the body with line breaks: ids above 2^53, which JavaScript cannot hold, and odd texts too."""
    body = r"""{"data":[{"id":9007199254740993,"name":"a \"b\": {[1,2]}, \\","x":-1.50e+3},[],{}],"total":null}"""
    html = requests.get(f"{console_gateway}/docs", headers={"Accept": "text/html"}, timeout=20).text
    script = requests.get(f"{console_gateway}/docs/static/try.js", timeout=20).text
    asking = """
        new MutationObserver(() => fetch("/found", { method: "POST", body: JSON.stringify(part("body").textContent) }))
            .observe(part("body"), { childList: true });
        form.requestSubmit();
    """
    # In the place of the script, so that it runs on an origin where the answer is ours.
    site.html = re.sub(r"<script src=[^>]*></script>", lambda _: f"<script type=module>{script}{asking}</script>", html)
    site.json["/campaigns"] = body.encode()
    shown = browser.until(site.origin, site.next_found)
    assert "9007199254740993" in shown
    assert re.sub(r"\n *", "", shown).replace('": ', '":') == body.replace('": ', '":')
    assert shown.splitlines()[-6:] == ["    },", "    [],", "    {}", "  ],", '  "total": null', "}"]


def test_pages_cannot_be_framed(browser: Browser, site: Site, console_gateway: str) -> None:
    """A page of another origin sees an empty frame in the place of the form that takes keys."""
    site.html = f'<h1>Prize</h1><iframe src="{console_gateway}/docs"></iframe>'
    browser.dom(site.origin)
    assert re.search("frame-ancestors|X-Frame-Options", " ".join(browser.console)), browser.console


def test_scripts_of_pages_are_for_themselves(browser: Browser, site: Site, console_gateway: str) -> None:
    """No other origin can run or show what belongs to our pages."""
    site.html = f"""<h1>Thief</h1><script>
        const tell = (what) => fetch("/found", {{method: "POST", body: JSON.stringify(what)}});
        const script = document.createElement("script");
        script.src = "{console_gateway}/docs/static/try.js";
        script.onload = () => tell("loaded");
        script.onerror = () => tell("refused");
        document.head.append(script);
    </script>"""
    assert browser.until(site.origin, site.next_found) == "refused"
