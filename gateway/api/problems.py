"""Every error as an answer, problem details for HTTP APIs (RFC 9457), and a page for people behind each `type`."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import flask
import structlog
import werkzeug.exceptions
from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException

from gateway.api.document import (
    HTML,
    JSON,
    chosen_language,
    document_response,
    language_here,
    prefers_html,
    way_up_here,
)
from gateway.api.html import html_page
from gateway.api.language import Language, described, preferred_language, said
from gateway.api.methods import methods
from gateway.api.public import ProblemSchema, json_bytes
from gateway.api.query_string import shown
from gateway.api.relative import itself, way_up
from gateway.api.representation import accepts, render
from gateway.errors import (
    BearerChallenge,
    Forbidden,
    GatewayError,
    InternalError,
    InvalidParameters,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    RateLimited,
    Unauthenticated,
    leaves,
)
from gateway.model import RenderedPage

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
CHALLENGE: Final = 'ApiKey realm="campaign-gateway", header="X-API-Key"'
BEARER_CHALLENGE: Final = 'Bearer realm="campaign-gateway"'
MAX_AGE_S: Final = 3600

_BY_STATUS: Final[Mapping[int, type[GatewayError]]] = {
    error.status: error
    for error in (Unauthenticated, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, RateLimited)
}
_PHRASES: Final = {412: "Precondition Failed", 416: "Range Not Satisfiable"}
"""What the status alone says: its phrase (RFC 9110, section 15), in which Python and werkzeug follow older RFCs."""

_PROBLEMS: Final = {error.name: error for error in leaves()}
_SCHEMA: Final = ProblemSchema()
_log = structlog.get_logger("gateway.api")


def problem_response(
    error: GatewayError, path: str, request_id: str, mount: str = "", language: Language = Language.ENGLISH
) -> Response:
    """Return the answer that tells `error`; `path` is what was asked for below the `mount`, both as in WSGI."""
    body = problem_body(error, path, request_id, mount, language)
    response = Response(body, error.status, content_type=PROBLEM_MEDIA_TYPE)
    _not_kept(response, language)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = CHALLENGE
    if error.bearer is not None:
        # A field of its own: lists of challenges in one field are hard to take apart, and many clients do it wrongly.
        response.headers.add("WWW-Authenticate", _bearer_challenge(error.bearer, error.detail))
    return response


def _not_kept(response: Response, language: Language) -> None:
    """Have nobody keep `response`, and say in which language it is."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = str(language)
    response.headers["Vary"] = "Accept-Language"


def _bearer_challenge(bearer: BearerChallenge, detail: str) -> str:
    """Return the challenge of RFC 6750, section 3, whose description may hold neither quotes nor anything but ASCII."""
    if not bearer.code:
        return BEARER_CHALLENGE
    description = re.sub(r"[^ !#-\[\]-~]", "'", detail)
    scope = f', scope="{bearer.scope}"' if bearer.scope else ""
    return f'{BEARER_CHALLENGE}, error="{bearer.code}", error_description="{description}"{scope}'


def problem_body(
    error: GatewayError, path: str, request_id: str, mount: str = "", language: Language = Language.ENGLISH
) -> bytes:
    """Return the JSON of `error`, UTF-8, whose references lead on from `path` (RFC 9457, section 3.1.1)."""
    problem: dict[str, Any] = {
        "type": problem_type(type(error), way_up(path, mount)),
        "title": described(type(error), language)["title"],
        "status": error.status,
        "detail": said(error.detail, language),
        "instance": itself(path, mount),
        "request_id": request_id,
    }
    if error.errors:
        problem["errors"] = [replace(fault, message=said(fault.message, language)) for fault in error.errors]
    if error.upstream is not None:
        problem["upstream"] = error.upstream
    return json_bytes(_SCHEMA.dump(problem))


def problem_type(error: type[GatewayError], up: str) -> str:
    """Return the `type` of a leaf of the error tree, the page that explains it, for who has to go `up` to the mount."""
    return f"{up}problems/{error.name}"


def register_problems(app: Flask) -> None:
    """Answer every error of `app` with a problem, its own bugs too (which are logged with their traceback).

    Reads the request id from `flask.g.request_id`, leaves the error in `flask.g.problem`.
    Call it before rules are added.
    """
    # Flask answers `//campaigns` with a redirect that repeats the Host header, and lets no error handler see it.
    app.url_map.merge_slashes = False
    app.register_error_handler(GatewayError, _answer)
    app.register_error_handler(HTTPException, _answer_framework)
    app.register_error_handler(Exception, _answer_bug)
    app.before_request(_refuse_more_slashes)


def problems_blueprint() -> Blueprint:
    """Return `/problems` and `/problems/<name>`. Their stylesheet is the documentation blueprint's."""
    blueprint = Blueprint("problems", __name__, template_folder="templates")

    # It takes 20 ms to make one, and anybody may ask.
    @functools.lru_cache(maxsize=2 * 2 * 2 * len(Language) * (len(_PROBLEMS) + 1))
    def page(name: str | None, media_type: str, up: str, language: Language, chosen: Language | None) -> RenderedPage:
        error = None if name is None else _PROBLEMS[name]
        content = _index(up, language) if error is None else problem_description(error, up, language)
        if media_type != HTML:
            return render(json_bytes(content))
        if error is None:
            return render(html_page("problems.html", up=up, language=language, chosen=chosen, **content))
        for_callers, _, for_operators = content["remedy"].partition(said("Operators: ", language))
        more = {"for_callers": for_callers, "for_operators": for_operators, "example": _example(error, language)}
        return render(html_page("problem.html", up=up, language=language, chosen=chosen, **content, **more))

    def respond(name: str | None = None) -> Response:
        if name is not None and name not in _PROBLEMS:
            raise NotFound(f"There is no problem of this name. The names are {', '.join(_PROBLEMS)}.")
        media_type, language = _preferred(), language_here()
        rendered = page(name, media_type, way_up_here(), language, chosen_language())
        response = document_response(rendered, media_type, max_age_s=MAX_AGE_S, vary="Accept, Accept-Language")
        response.headers["Content-Language"] = str(language)
        return response

    for slash in ("", "/"):
        blueprint.add_url_rule(f"/problems{slash}", "index", respond)
        blueprint.add_url_rule(f"/problems/<name>{slash}", "problem", respond)
    return blueprint


def problem_description(error: type[GatewayError], up: str, language: Language) -> dict[str, Any]:
    """Return what is known of a kind of problem: `type`, `title`, `status`, `meaning` and `remedy`."""
    words = described(error, language)
    return {
        "type": problem_type(error, up),
        "title": words["title"],
        "status": error.status,
        "meaning": words["meaning"],
        "remedy": words["remedy"],
    }


def _example(error: type[GatewayError], language: Language) -> str:
    """Return a problem of this kind as an answer to `/campaigns` tells it, to be read."""
    words = described(error, language)["meaning"]
    problem = json.loads(problem_body(error(words), "/campaigns", "5f0c6a1e9d3b4f6f8f0f3c2f7a1d9b10", "", language))
    return json.dumps(problem, ensure_ascii=False, indent=2)


def _refuse_more_slashes() -> None:
    """Raise werkzeug's NotFound unless the path begins with one slash, or is that of the mount without one.

    werkzeug takes `//campaigns` for `/campaigns`, but all in front of Flask does not, and has got nothing ready for it.
    """
    sent: str = flask.request.environ.get("PATH_INFO", "")
    slashes = len(sent) - len(sent.lstrip("/"))
    if sent and slashes != 1:
        flask.request.url_rule = None
        flask.request.path = "/" * (slashes - 1) + flask.request.path
        raise werkzeug.exceptions.NotFound


def _answer(error: GatewayError) -> Response:
    if isinstance(error, InternalError) and not error.foreseen:
        _log.error(
            "internal_error", request_id=_request_id(), path=flask.request.path, exc_info=error.__cause__ or error
        )
    flask.g.problem = error
    environ = flask.request.environ
    return problem_response(
        error, environ.get("PATH_INFO", ""), _request_id(), environ.get("SCRIPT_NAME", ""), _language()
    )


def _answer_framework(error: HTTPException) -> Response:
    status = error.code or InternalError.status
    if status >= InternalError.status:
        return _answer(InternalError("The request could not be served."))
    if status in _PHRASES:
        return _answer_by_status(error, status)
    path = shown(flask.request.path)
    if isinstance(error, werkzeug.exceptions.NotFound):
        return _answer(NotFound(f"There is nothing at {path}. /openapi.json lists all paths."))
    if isinstance(error, werkzeug.exceptions.MethodNotAllowed):
        allow = methods(error.valid_methods or ())
        response = _answer(MethodNotAllowed(f"{path} does not take {shown(flask.request.method)}. It takes {allow}."))
        response.headers["Allow"] = allow
        return response
    return _answer(_BY_STATUS.get(status, InvalidParameters)(error.description or error.name))


def _answer_by_status(error: HTTPException, status: int) -> Response:
    """Return a problem that is none of ours: its title is that of the status (RFC 9457, section 4.2.1)."""
    environ, language = flask.request.environ, _language()
    problem = {
        "type": "about:blank",
        "title": said(_PHRASES[status], language),
        "status": status,
        "detail": said(error.description or "", language),
        "instance": itself(environ.get("PATH_INFO", ""), environ.get("SCRIPT_NAME", "")),
        "request_id": _request_id(),
    }
    response = Response(json_bytes(problem), status, content_type=PROBLEM_MEDIA_TYPE)
    _not_kept(response, language)
    if isinstance(error, werkzeug.exceptions.RequestedRangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{error.length}"
    return response


def _answer_bug(error: Exception) -> Response:
    bug = InternalError("Something went wrong that is not the caller's fault. It is logged with the request id.")
    bug.__cause__ = error
    return _answer(bug)


def _request_id() -> str:
    return str(flask.g.get("request_id", "-"))


def _language() -> Language:
    return preferred_language(flask.request.headers.get("Accept-Language"))


def _index(up: str, language: Language) -> dict[str, Any]:
    return {"problems": [problem_description(error, up, language) for error in _PROBLEMS.values()]}


def _preferred() -> str:
    """Return the media type of pages for people to those who prefer them, else JSON; raises NotAcceptable."""
    accept = flask.request.headers.get("Accept")
    json, html = accepts(JSON, accept), accepts(HTML, accept)
    if not json and not html:
        raise NotAcceptable("This page exists as text/html and application/json.")
    return JSON if json and not prefers_html(accept) else HTML
