"""The documentation as it is served."""

import gzip
import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.api.docs import documentation_blueprint
from gateway.api.html import code_spans, prose
from gateway.api.openapi import openapi_document
from gateway.errors import leaves
from tests.support.gateway import PROJECT

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = ["/docs", "/docs/", "/problems", "/problems/", "/problems/not-found", "/problems/not-found/"]


class Page(HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def values(self, attribute: str) -> list[str]:
        """Return all values of one attribute."""
        return [attributes[attribute] or "" for _, attributes in self.tags if attribute in attributes]


def test_the_document_is_served(reader: FlaskClient) -> None:
    """The document comes as JSON, may be kept, and is the one that was made."""
    response = reader.get("/openapi.json")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.get_json() == openapi_document()
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert response.headers["Vary"] == "Accept-Encoding"


def test_the_document_is_made_once_in_a_process() -> None:
    """Reloads make a new app each time, and the document is the same."""
    made: list[dict[str, Any]] = []

    def make() -> dict[str, Any]:
        made.append(openapi_document())
        return made[-1]

    for _ in range(2):
        app = Flask("test", static_folder=None)
        app.register_blueprint(documentation_blueprint(make))
        assert all(app.test_client().get(path).status_code == 200 for path in ("/openapi.json", "/docs"))
    assert len(made) == 1


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/problems"])
def test_documents_are_packed_and_compared(reader: FlaskClient, path: str) -> None:
    """Gzip comes under a tag of its own, and the tag of the coding that is asked for gives 304 without a body."""
    plain = reader.get(path)
    packed = reader.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert plain.headers["Cache-Control"].startswith("public, max-age=")
    for coding, held, other in (("identity", plain, packed), ("gzip", packed, plain)):
        tag = held.headers["ETag"]
        unchanged = reader.get(path, headers={"If-None-Match": tag, "Accept-Encoding": coding})
        assert (unchanged.status_code, unchanged.data, unchanged.headers["ETag"]) == (304, b"", tag)
        assert "Content-Type" not in unchanged.headers
        headers = {"If-None-Match": other.headers["ETag"], "Accept-Encoding": coding}
        assert reader.get(path, headers=headers).data == held.data


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_harmless(reader: FlaskClient, path: str) -> None:
    """Pages send a strict policy and hold nothing that it forbids: no inline script or style, nothing from outside."""
    response = reader.get(path, headers=BROWSER)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert policy.endswith("frame-ancestors 'none'")
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    page = Page(response.text)
    assert not page.values("style")
    assert not [tag for tag, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    assert not [tag for tag, _ in page.tags if tag == "style"]
    assert all(attributes.get("src") for tag, attributes in page.tags if tag == "script")
    for url in [*page.values("src"), *page.values("href")]:
        assert re.match(r"data:,\Z|#|\?lang=|(\.\./)*(docs|problems|openapi\.json)\b", url), url


def test_pages_that_did_not_change_stay_harmless(reader: FlaskClient) -> None:
    """A 304 carries the same policy, because browsers put its headers in the place of those that they hold."""
    page = reader.get("/docs")
    unchanged = reader.get("/docs", headers={"If-None-Match": page.headers["ETag"]})
    assert unchanged.status_code == 304
    policy = "Content-Security-Policy"
    assert unchanged.headers[policy] == page.headers[policy]


def test_pages_do_not_know_where_they_are_mounted(reader: FlaskClient) -> None:
    """They are the same bytes whatever the server says of a prefix, of which it often knows nothing."""
    for path in PAGES:
        plain = reader.get(path, headers=BROWSER).data
        assert reader.get(path, headers=BROWSER, environ_overrides={"SCRIPT_NAME": "/isales"}).data == plain


@pytest.mark.parametrize("path", PAGES)
def test_every_link_works(reader: FlaskClient, path: str) -> None:
    """Every link and asset of a page exists, and every fragment has its target."""
    page = Page(reader.get(path, headers=BROWSER).text)
    for url in {*page.values("src"), *page.values("href")} - {"data:,"}:
        if url.startswith("#"):
            assert url[1:] in page.values("id")
        else:
            with reader.get(urljoin(path, url)) as response:
                assert response.status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_pages_can_be_used_without_a_mouse(reader: FlaskClient, path: str) -> None:
    """Pages say their language, skip to their content, name every field and have each id once."""
    page = Page(reader.get(path, headers=BROWSER).text)
    assert ("html", {"lang": "en"}) in page.tags
    assert ("a", {"class": "skip", "href": "#content"}) in page.tags
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert len(set(page.values("id"))) == len(page.values("id"))


def test_the_page_shows_the_whole_document(reader: FlaskClient) -> None:
    """Every endpoint, parameter, field, header and problem is on the page, without JavaScript."""
    html = reader.get("/docs").text
    document = openapi_document()
    for path, operations in document["paths"].items():
        assert f"<code>{path}</code>" in html
        for parameter in (parameter for operation in operations.values() for parameter in operation["parameters"]):
            name = parameter.get("name") or parameter["$ref"].rpartition("/")[2]
            assert f"<code>{name}</code>" in html
    for schema in document["components"]["schemas"].values():
        assert all(f"<code>{name}</code>" in html for name in [*schema.get("properties", ()), *schema.get("enum", ())])
    assert all(f"<code>{name}</code>" in html for name in document["components"]["headers"])
    assert all(f'href="problems/{error.name}"' in html for error in leaves())
    assert "undefined" not in html.lower()


def test_the_form_has_every_parameter_and_never_sends_or_keeps_the_key(reader: FlaskClient) -> None:
    """Each parameter has a field; the key's field has no name to be sent by, and the script stores nothing."""
    html = reader.get("/docs").text
    start = html.index('<form id="try"')
    form = Page(html[start : html.index("</form>", start)])
    parameters = openapi_document()["paths"]["/campaigns"]["get"]["parameters"]
    names = [parameter["name"] for parameter in parameters if parameter.get("in") == "query"]
    assert form.values("name") == names
    (key,) = [attributes for tag, attributes in form.tags if tag == "input" and attributes.get("id") == "try-key"]
    assert (key["type"], key["autocomplete"], "name" in key) == ("password", "off", False)
    with reader.get("/docs/static/try.js") as response:
        script = response.get_data(as_text=True)
    assert not re.search(r"localStorage|sessionStorage|cookie|innerHTML|eval", script)
    assert "$API_KEY" in script
    assert "$TOKEN" in script
    (scheme,) = [
        attributes for tag, attributes in form.tags if tag == "select" and attributes.get("id") == "try-scheme"
    ]
    assert "name" not in scheme
    assert {"X-API-Key", "Authorization"} <= set(form.values("value"))


def test_what_is_said_of_caches_is_of_the_versions_that_are_measured(reader: FlaskClient) -> None:
    """Each cache has the version that `make caches` installs."""
    folder = PROJECT / "tests" / "benchmarks" / "caches"
    measured = {
        f"{name} {version}"
        for name, version in json.loads((folder / "package.json").read_text())["dependencies"].items()
    }
    measured |= {line.replace("==", " ") for line in (folder / "requirements.txt").read_text().splitlines()}
    section = reader.get("/docs").text.partition('id="caches"')[2].partition("</section>")[0]
    told = re.findall(r'<th scope="row">([^<]+)</th>', section)
    assert told
    assert set(told) <= measured


def test_texts_are_escaped() -> None:
    """Markup in texts stays text."""
    assert code_spans("<b> & `x<y`") == "&lt;b&gt; &amp; <code>x&lt;y</code>"
    assert prose("**a** <i>\n\n- `b`\n- c\n  d") == (
        "<p><strong>a</strong> &lt;i&gt;</p>\n<ul><li><code>b</code></li><li>c\n  d</li></ul>"
    )
