"""The API document in the words of a language, for `/docs`: programs get it in English, whoever asks.

Its texts are long and fixed, so they are looked up whole (`docs_zh.toml`), not by patterns as errors are. A text that
has no Chinese form stays English; a test holds every text of the document to have one.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from gateway.api.language import Language, described, said
from gateway.errors import leaves

_CHINESE: Final = Path(__file__).with_name("docs_zh.toml")
_WORDS: Final = {"description", "summary"}
_DATA: Final = {"enum", "example", "value"}
"""Members whose values are told as they are."""
_LINKS: Final = "](problems/"
"""Stands in what answers with problems are described by: their titles, with links, which `/docs` makes itself."""
_PROBLEMS: Final = {error.name: error for error in leaves()}


def in_language(document: dict[str, Any], language: Language) -> dict[str, Any]:
    """Return an OpenAPI document with its texts in `language`; names, members and examples stay."""
    if language is Language.ENGLISH:
        return document
    told: dict[str, Any] = _told(document, language)
    return told


def _told(part: Any, language: Language) -> Any:
    if isinstance(part, list):
        return [_told(each, language) for each in part]
    if not isinstance(part, dict):
        return part
    told: dict[str, Any] = {}
    for name, value in part.items():
        if name in _WORDS and isinstance(value, str):
            told[name] = value if _LINKS in value else _chinese(value)
        elif name == "examples" and isinstance(value, dict):
            told[name] = {example: _example(example, each, language) for example, each in value.items()}
        else:
            told[name] = value if name in _DATA else _told(value, language)
    return told


def _example(name: str, example: dict[str, Any], language: Language) -> dict[str, Any]:
    """Return the example of an answer: a problem as who prefers `language` gets it, anything else as it is."""
    if name not in _PROBLEMS:
        return {**example, "summary": _chinese(example["summary"])}
    words, value = described(_PROBLEMS[name], language), example["value"]
    meant = value["detail"] == _PROBLEMS[name].meaning
    problem = {
        **value,
        "title": words["title"],
        "detail": words["meaning"] if meant else said(value["detail"], language),
    }
    if "errors" in value:
        problem["errors"] = [{**fault, "message": said(fault["message"], language)} for fault in value["errors"]]
    return {"summary": words["title"], "value": problem}


def _chinese(text: str) -> str:
    """Return `text` in Chinese, with the same paragraphs and lists."""
    return "".join(_catalogue().get(_plain(piece), piece) for piece in _pieces(text))


def _pieces(text: str) -> list[str]:
    """Return paragraphs and items, and in between what divides them."""
    return re.split(r"(\A- |\n\n(?:- )?|\n- )", text.strip())


def _plain(text: str) -> str:
    return " ".join(text.split())


@cache
def _catalogue() -> dict[str, str]:
    return dict(tomllib.loads(_CHINESE.read_text(encoding="utf-8"))["texts"])
