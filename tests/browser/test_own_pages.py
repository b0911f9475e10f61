"""The gateway's own pages in a real browser, which enforces their policy."""

import re

import pytest
import requests

from gateway.api.html import SECURITY_HEADERS
from gateway.simulator.server import SimulatorServer
from tests.browser.conftest import Browser, Site
from tests.support.server import served_gateway

VIOLATION = re.compile(r"CONSOLE.*(Content Security Policy|Refused to|Uncaught|ERR_)")


@pytest.mark.parametrize(
    ("prefix", "path"),
    [("", "/docs"), ("", "/problems"), ("", "/problems/forbidden"), ("/isales", "/docs"), ("/isales", "/docs/")],
)
def test_pages_work_under_their_policy(browser: Browser, isales: SimulatorServer, prefix: str, path: str) -> None:
    """No script, style or request of theirs is refused or missing, and the script of the form has run."""
    with served_gateway(isales.base_url, GRANIAN_URL_PATH_PREFIX=prefix) as served:
        dom = browser.dom(f"{served.url}{path}")
    assert not VIOLATION.search(browser.console), browser.console
    assert "<h1" in dom
    if path.startswith("/docs"):
        (form,) = re.findall(r'<form id="try"[^>]*>', dom)
        assert "hidden" not in form
        assert "curl -i --compressed" in dom
        assert f"'{served.url}/campaigns'" in dom


def test_the_browser_tells_of_violations(browser: Browser, site: Site) -> None:
    """What the test above looks for is there when a page does break the policy."""
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    site.html = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><h1>x</h1><script>a = 1</script>'
    browser.dom(site.origin)
    assert VIOLATION.search(browser.console), browser.console


def test_the_form_shows_the_digits_of_the_answer(browser: Browser, site: Site, isales: SimulatorServer) -> None:
    """What is shown is the body with line breaks: ids above 2^53, which JavaScript cannot hold, and odd texts too."""
    body = r"""{"data":[{"id":9007199254740993,"name":"a \"b\": {[1,2]}, \\","x":-1.50e+3},[],{}],"total":null}"""
    with served_gateway(isales.base_url) as served:
        html = requests.get(f"{served.url}/docs", headers={"Accept": "text/html"}, timeout=20).text
        script = requests.get(f"{served.url}/docs/static/try.js", timeout=20).text
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


def test_pages_cannot_be_framed(browser: Browser, site: Site, isales: SimulatorServer) -> None:
    """A page of another origin sees an empty frame in the place of the form that takes keys."""
    with served_gateway(isales.base_url) as served:
        site.html = f'<h1>Prize</h1><iframe src="{served.url}/docs"></iframe>'
        browser.dom(site.origin)
    assert re.search(r"Refused to (frame|display)|frame-ancestors|X-Frame-Options", browser.console), browser.console


def test_scripts_of_pages_are_for_themselves(browser: Browser, site: Site, isales: SimulatorServer) -> None:
    """No other origin can run or show what belongs to our pages."""
    with served_gateway(isales.base_url) as served:
        site.html = f"""<h1>Thief</h1><script>
            onerror = onload = null;
            const tell = (what) => fetch("/found", {{method: "POST", body: JSON.stringify(what)}});
            const script = document.createElement("script");
            script.src = "{served.url}/docs/static/try.js";
            script.onload = () => tell("loaded");
            script.onerror = () => tell("refused");
            document.head.append(script);
        </script>"""
        assert browser.until(site.origin, site.next_found) == "refused"
