"""What stands where in the documentation: callers first, and in their words."""

import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.api.docs import OF_OPERATORS, documentation_blueprint
from gateway.api.document_language import in_language
from gateway.api.language import Language
from gateway.api.openapi import openapi_document
from gateway.errors import leaves
from tests.support.gateway import PROJECT

DOCUMENT = openapi_document()
BROWSER = {"Accept": "text/html"}
CHINESE = {**BROWSER, "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
VOID = {"meta", "link", "input", "br"}
CHINESE_TEXTS = dict(tomllib.loads((PROJECT / "gateway" / "api" / "docs_zh.toml").read_text(encoding="utf-8"))["texts"])


class Words(HTMLParser):
    """The texts of a page that people read: not those that are code, and not those of options."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where we are, and what is read out in the place of a text."""
        self.texts += [value or "" for name, value in attrs if name in {"aria-label", "title"} or name[:5] == "data-"]
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note where we are."""
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if not {"code", "pre", "option"} & set(self.inside):
            self.texts.append(data)


def words(part: Any) -> Iterator[str]:
    """Yield what a document says in words; titles of problems, as links, are none of its own."""
    if isinstance(part, list):
        for each in part:
            yield from words(each)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in {"description", "summary"} and isinstance(value, str):
                yield from () if "](problems/" in value else (value,)
            elif name not in {"enum", "example", "value"}:
                yield from words(value)


def settings() -> Iterator[str]:
    """Yield the names of all settings, as operators write them."""
    for section, table in tomllib.loads((PROJECT / "config" / "default.toml").read_text(encoding="utf-8")).items():
        if isinstance(table, dict):
            yield from (f"{section}.{name}" for name in table)


def test_it_begins_with_a_first_call_and_its_answer(reader: FlaskClient) -> None:
    """Whoever reads no further knows how to ask for campaigns, and what comes."""
    html = reader.get("/docs").text
    first = html[html.index('id="first-call"') : html.index('id="callers"')]
    assert "X-API-Key: $API_KEY" in first
    assert "gateway.example/campaigns&#39;" in first
    assert "&#34;total_items&#34;: 3" in first


def test_callers_come_before_operators_and_rules_after_both(reader: FlaskClient) -> None:
    """Each operation stands with those whom it is for."""
    html = reader.get("/docs").text
    callers, operators, rules = (html.index(f'<section id="{part}"') for part in ("callers", "operators", "rules"))
    assert callers < operators < rules
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            start = html.index(f'<article class="operation part" id="{operation["operationId"]}"')
            of_operators = bool(OF_OPERATORS.intersection(operation["tags"]))
            assert operators < start < rules if of_operators else callers < start < operators


def test_callers_are_told_of_no_setting(reader: FlaskClient) -> None:
    """Names of settings are for operators: a caller cannot look them up."""
    named = set(settings())
    assert "isales.deadline_s" in named
    assert not [name for name in named if name in str(DOCUMENT) or name in reader.get("/docs").text]


@pytest.mark.parametrize("path", ["/docs", "/problems", "/problems/forbidden"])
def test_the_language_is_that_of_the_reader_or_of_the_link(reader: FlaskClient, path: str) -> None:
    """`Accept-Language` chooses, `lang` in the URL before it, and what is no language counts for nothing."""
    for headers, lang, expected in (
        (BROWSER, "", "en"),
        (CHINESE, "", "zh-CN"),
        (CHINESE, "en", "en"),
        (BROWSER, "zh-CN", "zh-CN"),
        (CHINESE, "xx", "zh-CN"),
    ):
        answer = reader.get(f"{path}?lang={lang}" if lang else path, headers=headers)
        assert answer.headers["Content-Language"] == expected
        assert f'<html lang="{expected}">' in answer.text
        assert "Accept-Language" in answer.headers["Vary"]
        # A language that was chosen stays; one that was preferred needs no word.
        chosen = lang if lang in list(Language) else ""
        assert re.findall(r'href="(?:\.\./)*problems(\?lang=[^"]*)?"', answer.text)[0] == (chosen and f"?lang={chosen}")
        (current,) = re.findall(r'<a href="\?lang=([^"]+)"[^>]*aria-current="true"', answer.text)
        assert current == expected


def test_every_text_of_the_document_has_a_chinese_form() -> None:
    """A text that is new or changed has to be so in `gateway/api/docs_zh.toml` too, each paragraph and item."""
    told = list(words(in_language(DOCUMENT, Language.CHINESE)))
    assert len(told) > len(CHINESE_TEXTS)
    parts = [part for text in told for part in re.split(r"\n\n(?:- )?|\n- ", text)]
    assert [part for part in parts if not re.search("[\u4e00-\u9fff]", part)] == []


def test_there_is_no_chinese_for_what_nobody_says() -> None:
    """What was taken out of the document goes there too."""
    told = " ".join(str(DOCUMENT).replace("\\n", " ").split())
    assert [text for text in CHINESE_TEXTS if text not in told and repr(text)[1:-1] not in told] == []


def test_chinese_texts_name_the_same_things() -> None:
    """Names, values and headers, which stand between backticks, are those of the English text."""
    english, chinese = str(DOCUMENT), str(in_language(DOCUMENT, Language.CHINESE))
    assert set(re.findall("`[^`]+`", chinese)) == set(re.findall("`[^`]+`", english))


@pytest.mark.parametrize("path", ["/docs", "/problems", *(f"/problems/{error.name}" for error in leaves())])
def test_nothing_on_a_page_in_chinese_is_english(reader: FlaskClient, path: str) -> None:
    """Beside names and code: no three words in a row are English."""
    words = Words(reader.get(path, headers=CHINESE).text)
    english = [text for text in words.texts if re.search(r"[A-Za-z]{2,} [a-z]+ [a-z]+", text)]
    assert english == []
    assert any("原因" in text or "问题" in text for text in words.texts)


def test_english_would_be_seen(reader: FlaskClient) -> None:
    """The test above finds a sentence where there is one."""
    assert any(re.search(r"[A-Za-z]{2,} [a-z]+ [a-z]+", text) for text in Words(reader.get("/docs").text).texts)


def test_what_csv_loses_is_told_where_there_is_csv() -> None:
    """The chapter comes with the first operation that answers with CSV."""
    document = openapi_document()
    assert 'id="csv"' in _page(document)
    del document["paths"]["/campaigns/export"]
    assert 'id="csv"' not in _page(document)


def _page(document: dict[str, Any]) -> str:
    app = Flask("test", static_folder=None)
    app.register_blueprint(documentation_blueprint(lambda: document))
    return app.test_client().get("/docs").text
