"""Pages for people: one way to render them, and the headers that keep them harmless."""

import functools
import re
from typing import Any, Final

import flask
from markupsafe import Markup, escape

from gateway.api.language import Language, said

LANGUAGES: Final = {Language.ENGLISH: "English", Language.CHINESE: "中文"}
"""Each by the name that it has for those who speak it."""
NOSNIFF: Final = ("X-Content-Type-Options", "nosniff")
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    NOSNIFF[0]: NOSNIFF[1],
    "Referrer-Policy": "no-referrer",
    # For browsers that do not know `frame-ancestors`.
    "X-Frame-Options": "DENY",
}


def html_page(template: str, *, up: str, language: Language, chosen: Language | None = None, **context: Any) -> bytes:
    """Return the page that `template` makes of `context`, in UTF-8. It is to be sent with `SECURITY_HEADERS`.

    Its links begin with `up`, which leads from the page to where we are mounted; its own words are in `language`. Where
    that was `chosen` by the URL, so do the links to other pages choose it.
    """
    context |= {"up": up, "language": language, "languages": LANGUAGES, "in_it": f"?lang={chosen}" if chosen else ""}
    context["say"] = functools.partial(said, language=language)
    return flask.render_template(template, code_spans=code_spans, **context).encode()


def code_spans(text: str) -> Markup:
    """Return `text` as HTML, with what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped right here


def prose(text: str) -> Markup:
    """Return the little Markdown that the API document's texts use as HTML: paragraphs, one-level lists, bold, code."""
    blocks = []
    for block in text.strip().split("\n\n"):
        if block.startswith("- "):
            items = block.removeprefix("- ").split("\n- ")
            blocks.append(
                Markup("<ul>{}</ul>").format(
                    Markup("").join(Markup("<li>{}</li>").format(_spans(item)) for item in items)
                )
            )
        else:
            blocks.append(Markup("<p>{}</p>").format(_spans(block)))
    return Markup("\n").join(blocks)


def _spans(text: str) -> Markup:
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", str(code_spans(text))))  # noqa: S704 -- escaped there
