"""Pages for people: one way to render them and the headers that keep them harmless."""

import re
from typing import Any, Final

import flask
from flask import Response
from markupsafe import Markup, escape

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def html_page(template: str, **context: Any) -> Response:
    """Return the page that `template` makes of `context`, in UTF-8, with `SECURITY_HEADERS`."""
    response = Response(flask.render_template(template, code_spans=code_spans, **context), mimetype="text/html")
    response.headers.update(SECURITY_HEADERS)
    return response


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
