"""Which language the gateway's own words are in: English, or Chinese where `Accept-Language` prefers it.

Errors are made in English, wherever they are made, and travel as plain text: between threads, within other sentences,
and to other processes. So a sentence is found by its English form (`zh.toml`), when it is told to a caller, and nothing
else in the house knows that there are languages. What has no Chinese form is told in English.
"""

import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from werkzeug.http import parse_accept_header

from gateway.api.representation import hint
from gateway.errors import GatewayError

LONGEST: Final = 700
"""Characters of a text that is looked up. Ours are shorter, and not to find a long one takes long."""

_CHINESE: Final = Path(__file__).with_name("zh.toml")
_PLACEHOLDER: Final = re.compile(r"\{([#+]?)([a-z]+)\}")
_ANY: Final = {"": ".+?", "+": ".+?", "#": r"[0-9]+(?:\.[0-9]+)?"}


class Language(StrEnum):
    """The languages that there are, as `Content-Language` names them (RFC 9110, section 8.5)."""

    ENGLISH = "en"
    CHINESE = "zh-CN"


def preferred_language(accept_language: str | None) -> Language:
    """Return which language `Accept-Language` (RFC 9110, section 12.5.4) prefers; English where it is no help."""
    return named_language(accept_language) or Language.ENGLISH


def named_language(accept_language: str | None) -> Language | None:
    """Return which of the languages that there are `Accept-Language` likes best, `None` where it names neither."""
    return _named(hint(accept_language))


# Callers send a handful of different headers over and over.
@lru_cache(maxsize=256)
def _named(accept_language: str | None) -> Language | None:
    # Not werkzeug's `best_match`, which prefers what is written exactly so to what is liked better: `en-GB, zh;q=0.1`.
    for tag, weight in parse_accept_header(accept_language):
        # With an underscore it is no tag, but how locales of Java and POSIX are written.
        primary = tag.replace("_", "-").partition("-")[0].lower()
        if weight > 0 and primary in {"en", "zh"}:
            return Language.CHINESE if primary == "zh" else Language.ENGLISH
    return None


def said(text: str, language: Language) -> str:
    """Return a sentence of ours, or several, in `language`."""
    if language is Language.ENGLISH or len(text) > LONGEST:
        return text
    return _chinese(text) or text


def described(error: type[GatewayError], language: Language) -> Mapping[str, str]:
    """Return `title`, `meaning` and `remedy` of a leaf of the error tree in `language`."""
    if language is Language.ENGLISH:
        return {"title": error.title, "meaning": error.meaning, "remedy": error.remedy}
    words: Mapping[str, str] = _catalogue()["problems"][error.name]
    return words


def forms() -> list[tuple[str, str]]:
    """Return the English and the Chinese form of each sentence."""
    return [(english, chinese) for english, chinese in _catalogue()["sentences"]]


def _chinese(text: str) -> str | None:
    """Return `text`, one sentence or several, in Chinese, `None` where a part of it is not known."""
    end = len(text)
    while (end := text.rfind(". ", 0, end)) > 0:
        last = _sentence(text[end + 2 :])
        before = last and _chinese(text[: end + 1])
        if last and before:
            return before + last
    return _sentence(text)


def _sentence(text: str) -> str | None:
    for pattern, chinese, parts in _patterns():
        found = pattern.fullmatch(text)
        if found:
            values = found.groupdict()
            return chinese.format_map(
                {name: (_chinese(value) or value) if name in parts else value for name, value in values.items()}
            )
    return None


@cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads(_CHINESE.read_text(encoding="utf-8"))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str, frozenset[str]]]:
    """Return for each sentence what matches it, its Chinese form, and the placeholders that are looked up again."""
    return [
        (
            re.compile(_pattern(english), re.DOTALL),
            chinese,
            frozenset(name for kind, name in _PLACEHOLDER.findall(english) if kind == "+"),
        )
        for english, chinese in forms()
    ]


def _pattern(english: str) -> str:
    """Return the regular expression for a form, a named group for each placeholder."""
    literal, *rest = _PLACEHOLDER.split(english)
    groups = (
        f"(?P<{name}>{_ANY[kind]}){re.escape(after)}"
        for kind, name, after in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
    )
    return re.escape(literal) + "".join(groups)
