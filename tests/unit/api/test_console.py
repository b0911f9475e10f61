"""The console as it is sent: its page, its files, and what these may hold."""

import gzip
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.api.console import FOLDER, START, console_blueprint
from gateway.api.html import SECURITY_HEADERS

SCRIPTS = sorted(FOLDER.glob("*.js"))
MOST_BYTES = 120_000


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client of an app that has the console too."""
    app.register_blueprint(console_blueprint())
    return app.test_client()


def files_of(html: str) -> list[str]:
    """Return the paths of the files that a page names, as seen from the mount."""
    return ["/" + file for file in re.findall(r'(?:href|src)="(console/[^"]+)"', html)]


@pytest.mark.parametrize(("accept_language", "language"), [("en", "en"), ("zh-CN, en;q=0.5", "zh-CN")])
def test_the_page_keeps_to_its_policy(client: FlaskClient, accept_language: str, language: str) -> None:
    """Nothing in it is inline, it is asked for again each time, and it is in the language that is preferred."""
    answer = client.get("/console", headers={"Accept-Language": accept_language})
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert (answer.headers["Content-Language"], answer.headers["Cache-Control"]) == (language, "public, max-age=0")
    assert answer.headers["Vary"] == "Accept-Language, Accept-Encoding"
    assert f'<html lang="{language}">' in answer.text
    assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=", answer.text)
    again = client.get(
        "/console", headers={"Accept-Language": accept_language, "If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_its_files_are_kept_for_good(client: FlaskClient) -> None:
    """Under the name of their version; under that of another one they are sent too, and asked for again each time."""
    files = files_of(client.get("/console").text)
    assert len(files) > 15
    for file in files:
        answer = client.get(file)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000")
        assert answer.mimetype == ("text/css" if file.endswith(".css") else "text/javascript")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert client.get(file, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        other = client.get(re.sub(r"/console/\w+/", "/console/0123456789abcdef/", file))
        assert (other.data, other.headers["Cache-Control"]) == (answer.data, "public, max-age=0")


@pytest.mark.parametrize("name", ["nothing.js", "console.html", "..%2Fstyle.css", "__init__.py"])
def test_there_are_no_other_files(client: FlaskClient, name: str) -> None:
    """What is not one of them is not found, whatever it is called."""
    assert client.get(f"/console/x/{name}").status_code == 404


def test_it_is_small(client: FlaskClient) -> None:
    """A first visit takes less than 120 KB over the wire."""
    page = client.get("/console", headers={"Accept-Encoding": "gzip"})
    files = files_of(gzip.decompress(page.data).decode())
    sent = sum(len(client.get(file, headers={"Accept-Encoding": "gzip"}).data) for file in files)
    assert len(page.data) + sent < MOST_BYTES


def test_all_scripts_come_with_the_page(client: FlaskClient) -> None:
    """Each module is named in it, so that none has to be found out by another; of words, those of its language."""
    for tag, words_needed in (("en", "words-en.js"), ("zh-CN", "words-zh.js")):
        page = client.get("/console", headers={"Accept-Language": tag}).text
        named = {file.rpartition("/")[2] for file in files_of(page)}
        assert named - {words_needed} == {path.name for path in FOLDER.iterdir() if not path.name.startswith("words-")}
        assert words_needed in named


def test_the_module_that_starts_comes_before_those_that_it_does_not_need(client: FlaskClient) -> None:
    """With the words; browsers ask for few files at a time, and it has the first request sent."""
    needed, reached = {START[0]}, [START[0]]
    for name in reached:
        found = re.findall(r'^import .* from "\./([\w.-]+)";$', (FOLDER / name).read_text(), re.MULTILINE)
        reached += [each for each in found if each not in needed]
        needed |= set(found)
    assert needed == set(START)
    page = client.get("/console", headers={"Accept-Language": "en"}).text
    preloaded = re.findall(r'<link rel="modulepreload" href=".*/([\w.-]+)">', page)
    assert preloaded[: len(START) + 1] == ["words-en.js", *START]
    assert re.search(r'<script type="module" async src="[^"]*/start\.js">', page)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_write_text_only(script: str) -> None:
    """None can make HTML or code of a text, whatever a campaign is called."""
    source = (FOLDER / script).read_text(encoding="utf-8")
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser|createContextualFragment"
    )
    assert not re.search(forbidden, source)
    assert "http" not in re.sub(r'"http://www\.w3\.org/2000/svg"|over plain HTTP', "", source)


def words(language: str) -> dict[str, str]:
    """Return the words of a language by their keys."""
    source = (FOLDER / f"words-{language}.js").read_text(encoding="utf-8")
    return dict(re.findall(r'^  "?([\w.]+)"?: "(.*)",$', source, re.MULTILINE))


def test_both_languages_say_the_same() -> None:
    """Each key is in both, with the same values to fill in; English has some more, for single ones."""
    english, chinese = words("en"), words("zh")
    assert {key for key in english if not key.endswith(".one")} == set(chinese)
    for key, text in chinese.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key


def test_all_words_are_used() -> None:
    """No key is left over, and what scripts say in full is there."""
    source = "".join(path.read_text() for path in SCRIPTS if not path.name.startswith("words-"))
    page = (FOLDER.parents[1] / "templates" / "console.html").read_text()
    said = set(re.findall(r'\bsay\(\s*"([\w.]+)"', source)) | set(re.findall(r'data-say="([\w.]+)"', page))
    made = {re.sub(r"\$\{[^}]+\}", "", start) for start in re.findall(r"`([a-z]+\.)\$\{", source)}
    english = words("en")
    assert said <= set(english)
    unused = {
        key for key in english
        if key not in said and f'"{key}"' not in source and key.removesuffix(".one") not in said
        and not any(key.startswith(start) for start in made)
    }  # fmt: skip
    assert unused == set()
