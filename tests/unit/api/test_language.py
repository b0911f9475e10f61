"""The gateway's own words in Chinese: who gets them, and that there are some for everything that callers are told."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.language import Language, described, forms, preferred_language, said
from gateway.errors import GatewayError, leaves
from tests.support.gateway import PROJECT

STOPPED = (
    "Calls to CC-iSales for VDN 1 were stopped 3 s ago because too many failed, the last one with upstream-timeout: "
    "Gave up on CC-iSales after 2.00 s while connecting: the deadline passed. 2 attempts were made. "
    "The next one is tried in 5 s."
)
HAN = re.compile("[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"\{[#+]?([a-z]+)\}")
NOT_FOR_CALLERS = ("doctor", "openapi", "public", "cors", "representation")
"""Modules, by how they begin, whose sentences are for operators, or are documentation."""


@pytest.mark.parametrize(
    ("header", "preferred"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("fr", "en"),
        ("zh", "zh-CN"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("ZH-hant-TW", "zh-CN"),
        ("fr, zh;q=0.1", "zh-CN"),
        ("en-GB, zh;q=0.9", "en"),
        ("zh, en", "zh-CN"),
        ("en, zh", "en"),
        ("en;q=0, zh;q=0.1", "zh-CN"),
        ("zh;q=0", "en"),
        ("zh_CN, en;q=0.5", "zh-CN"),
        ("zh, " + "fr;q=0.1, " * 100, "en"),
        ("\xff\x00;;q=,", "en"),
    ],
)
def test_the_language_that_a_caller_prefers(header: str | None, preferred: str) -> None:
    """Any kind of Chinese is Chinese; nothing, anything else, and what nobody would send is English."""
    assert preferred_language(header) == preferred


@pytest.mark.parametrize("error", list(leaves()), ids=lambda error: error.name)
def test_every_problem_is_explained_in_both(error: type[GatewayError]) -> None:
    """In words of its own, which name the same settings, headers and members."""
    english, chinese = described(error, Language.ENGLISH), described(error, Language.CHINESE)
    assert english == {"title": error.title, "meaning": error.meaning, "remedy": error.remedy}
    assert chinese.keys() == english.keys()
    for part, text in chinese.items():
        assert HAN.search(text)
        assert set(re.findall("`[^`]+`", text)) == set(re.findall("`[^`]+`", english[part]))
        assert ("Operators:" in english[part]) == ("运维人员：" in text)


def test_the_forms_of_a_sentence_fit_each_other() -> None:
    """A sentence is there once, and what is filled in of it is in both."""
    english = [form for form, _ in forms()]
    assert len(set(english)) == len(english)
    for form, chinese in forms():
        assert set(re.findall(r"\{([a-z]+)\}", chinese)) == set(PLACEHOLDER.findall(form)), form
        assert chinese != form


def texts(module: Path) -> Iterator[str]:
    """Yield all texts of a module but its documentation, with `7` where something is filled in."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    passed_over: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed_over.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg == "description":
            passed_over.update(ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            passed_over.update(set(ast.walk(node)) - {node})
    for node in (each for each in ast.walk(tree) if each not in passed_over):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
            yield "".join(map(str, parts))


def sentences() -> Iterator[str]:
    """Yield every sentence of the code that a caller may be told."""
    for folder in ("api", "access", "isales", "pages"):
        for module in sorted((PROJECT / "gateway" / folder).glob("*.py")):
            if not module.name.startswith(NOT_FOR_CALLERS):
                for text in texts(module):
                    # Two words or more of which the first is a word, or was filled in, up to a full stop.
                    if re.match(r'["A-Z7][^\n]* [^\n]*[A-Za-z0-9)`"][.?]( |$)', text):
                        yield text


def test_everything_that_callers_are_told_is_in_the_catalogue() -> None:
    """A sentence that is new or changed has to be so in `gateway/api/zh.toml` too."""
    told = set(sentences())
    assert len(told) > 100
    missing = []
    for sentence in told:
        # What is filled in before or behind it may be a sentence of its own.
        behind = sentence.removeprefix("7 ")
        alone = {sentence, behind, sentence.removesuffix(" 7"), behind.removesuffix(" 7")}
        if not any(HAN.search(said(each, Language.CHINESE)) for each in alone):
            missing.append(sentence)
        assert said(sentence, Language.ENGLISH) == sentence
    assert missing == [], "gateway/api/zh.toml has no form of these"


def test_the_catalogue_has_no_words_that_nobody_says() -> None:
    """What was taken out of the code goes there too."""
    modules = (module for module in (PROJECT / "gateway").rglob("*.py") if module.name != "language.py")
    templates = (PROJECT / "gateway" / "api" / "templates").glob("*.html")
    code = " ".join(file.read_text(encoding="utf-8") for file in [*modules, *templates])
    known = set(re.findall("[A-Za-z]+", code))
    for form, _ in forms():
        assert set(re.findall("[A-Za-z]+", PLACEHOLDER.sub(" ", form))) <= known, form


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ('page: "x" is not UTF-8. Percent-encode UTF-8 bytes, such as %C3%A9 for é.', "page：“x”不是 UTF-8。"),
        ('"the deadline passed" is not known. Send one of a, b, in lower case.', "“the deadline passed”无法识别。"),
        ('"a" is not known. Send one of "b" is not known. Send one of c, in lower case.', '“a”无法识别。请发送 "b" is'),
        ("There is nothing at /a. /openapi.json lists all paths.. /openapi.json lists all paths.", "/a. /openapi.json"),
        ("CC-iSales answered HTTP 503. 2 attempts were made.", "CC-iSales 应答了 HTTP 503。共尝试了 2 次。"),
        (
            STOPPED,
            "2.00 秒后放弃等待 CC-iSales（正在建立连接）：已过截止时间。共尝试了 2 次。",
        ),
        (STOPPED, "因失败过多，对 VDN 1 的 CC-iSales 调用已于 3 秒前停止，"),
        (STOPPED, "5 秒后再尝试一次。"),
        ("Something that nobody has ever said.", "Something that nobody has ever said."),
        ("", ""),
    ],
)
def test_sentences_are_found_whatever_is_filled_in(english: str, chinese: str) -> None:
    """Sentences within sentences too; what callers wrote stays as it is, and what is not known stays English."""
    assert chinese in said(english, Language.CHINESE)


@given(st.text(st.characters(exclude_characters='"'), min_size=1) | st.sampled_from([form for form, _ in forms()]))
def test_what_callers_wrote_is_told_as_they_wrote_it(text: str) -> None:
    """Whatever it is, also where it is a sentence of ours."""
    quoted = text.replace('"', "'")
    told = said(f'"{quoted}" is not known. Send one of a, b, in lower case.', Language.CHINESE)
    assert told == f"“{quoted}”无法识别。请发送 a, b 之一，用小写字母。"
