"""Documents, which say the same to everybody until the gateway is another version: they are kept and compared."""

from typing import Any, Final

import flask
from flask import Response
from werkzeug.http import parse_accept_header

from gateway.api.html import SECURITY_HEADERS
from gateway.api.language import Language, preferred_language
from gateway.api.preconditions import require_match
from gateway.api.public import json_bytes
from gateway.api.relative import way_up
from gateway.api.representation import choose, held_tag, hint, media_type_quality
from gateway.model import RenderedPage

HTML: Final = "text/html"
JSON: Final = "application/json"


def document_response(rendered: RenderedPage, media_type: str, *, max_age_s: int, vary: str = "") -> Response:
    """Return the answer to the current request with a document.

    `max_age_s` is for how long anybody may keep it without asking, `vary` what it depends on beside the content coding.
    """
    response = negotiated(rendered, media_type)
    response.headers["Vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
    response.headers["Cache-Control"] = f"public, max-age={max_age_s}"
    if media_type == HTML:
        response.headers.update(SECURITY_HEADERS)
    return response


def negotiated(rendered: RenderedPage, media_type: str) -> Response:
    """Return the answer to the current request with `rendered`: 200, or 304 for who holds it (RFC 9110, 15.4.5).

    Raises werkzeug's PreconditionFailed as `require_match` does.
    """
    headers = flask.request.headers
    coding = choose(rendered, headers.get("Accept-Encoding"))
    require_match(coding.etag)
    held = held_tag(headers.get("If-None-Match"), coding)
    response = Response(status=304) if held else Response(coding.body, mimetype=media_type)
    if held:
        del response.headers["Content-Type"]
    elif coding.content_encoding:
        response.headers["Content-Encoding"] = coding.content_encoding
    response.headers["ETag"] = coding.etag
    return response


def unkept_json(content: Any) -> Response:
    """Return the answer that says `content` in JSON, and that nobody is to keep."""
    return Response(json_bytes(content), mimetype=JSON, headers={"Cache-Control": "no-store"})


def prefers_html(accept: str | None) -> bool:
    """Return whether `Accept` names `text/html`, as browsers do, and likes it best; JSON counts more if named as well.

    Programs name JSON or nothing, and mean it: `application/json, text/plain, */*` is what axios says by itself, and
    generated clients name all that the API document tells of, and can read JSON only.
    """
    named = {item.partition(";")[0].strip(" \t").lower() for item, _ in parse_accept_header(hint(accept))}
    html, json = media_type_quality(HTML, accept), media_type_quality(JSON, accept)
    return HTML in named and html > 0 and (html > json if JSON in named else html >= json)


def chosen_language() -> Language | None:
    """Return the language that the URL of the current request asks for with `lang`; `None` for none, or another."""
    asked = flask.request.args.get("lang", "")
    return Language(asked) if asked in list(Language) else None


def language_here() -> Language:
    """Return the language of the page that the current request asks for: that of its URL, else the preferred one."""
    return chosen_language() or preferred_language(flask.request.headers.get("Accept-Language"))


def way_up_here() -> str:
    """Return the reference from what the current request asks for to where we are mounted."""
    environ = flask.request.environ
    return way_up(environ.get("PATH_INFO", ""), environ.get("SCRIPT_NAME", ""))
