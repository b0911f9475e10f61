"""Errors as answers, and the pages behind their types."""

import json
from html.parser import HTMLParser

import flask
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import Template
from structlog.typing import EventDict
from werkzeug.exceptions import default_exceptions

from gateway.api.problems import problem_response, problems_blueprint, register_problems
from gateway.errors import (
    BearerChallenge,
    Forbidden,
    GatewayError,
    InternalError,
    InvalidParameters,
    NotFound,
    ParameterFault,
    RateLimited,
    Unauthenticated,
    UpstreamFailed,
    UpstreamResult,
    leaves,
)
from tests.support.openapi import require

LEAVES = list(leaves())
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("error", LEAVES)
def test_every_problem_is_what_rfc_9457_says(error: type[GatewayError]) -> None:
    """Each leaf becomes a document of its type, status and words that the published schema allows."""
    response = problem_response(error("It broke: é."), "/campaigns", "request-7")
    assert response.status_code == error.status
    assert response.content_type == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert (response.headers["Content-Language"], response.headers["Vary"]) == ("en", "Accept-Language")
    assert response.get_json(force=True) == {
        "type": f"problems/{error.name}",
        "title": error.title,
        "status": error.status,
        "detail": "It broke: é.",
        "instance": "campaigns",
        "request_id": "request-7",
    }
    require("Problem", response.get_json(force=True))


def test_what_is_known_is_told() -> None:
    """Faults of parameters, the vendor's words and the time to wait are in the answer."""
    faults = (ParameterFault("page", "Too far."), ParameterFault("x", "Not known."))
    body = problem_response(InvalidParameters("2 faults.", errors=faults), "/", "-").get_json(force=True)
    assert body["errors"] == [
        {"parameter": "page", "message": "Too far."},
        {"parameter": "x", "message": "Not known."},
    ]
    failed = problem_response(UpstreamFailed("It failed.", upstream=UpstreamResult("0200006", "数据库异常")), "/", "-")
    assert failed.get_json(force=True)["upstream"] == {"result_code": "0200006", "result_desc": "数据库异常"}
    assert "Retry-After" not in failed.headers
    assert problem_response(RateLimited("Wait.", retry_after_s=0), "/", "-").headers["Retry-After"] == "0"


def test_only_missing_credentials_are_challenged() -> None:
    """A 401 says how to send the key; nothing else does."""
    challenge = problem_response(Unauthenticated("No key."), "/", "-").headers["WWW-Authenticate"]
    assert challenge == 'ApiKey realm="campaign-gateway", header="X-API-Key"'
    assert "WWW-Authenticate" not in problem_response(NotFound("Nothing."), "/", "-").headers


def test_bearer_tokens_have_a_challenge_of_their_own() -> None:
    """Where tokens are taken a second field says so, with what is wrong in the characters that RFC 6750 allows."""
    asked = problem_response(Unauthenticated("No key.", bearer=BearerChallenge()), "/", "-")
    assert asked.headers.getlist("WWW-Authenticate")[1] == 'Bearer realm="campaign-gateway"'
    odd = Unauthenticated('It is "odd" \\ é\r\nX: y', bearer=BearerChallenge("invalid_token")).again()
    assert problem_response(odd, "/", "-").headers.getlist("WWW-Authenticate")[1] == (
        "Bearer realm=\"campaign-gateway\", error=\"invalid_token\", error_description=\"It is 'odd' ' '''X: y\""
    )
    lacking = Forbidden("No scope.", bearer=BearerChallenge("insufficient_scope", "cache:purge"))
    assert problem_response(lacking, "/", "-").headers["WWW-Authenticate"].endswith(', scope="cache:purge"')


def test_raised_errors_are_answered(app: Flask, client: FlaskClient) -> None:
    """An error that a view raises is answered with the path and the id of the request, and left in g."""
    left: list[GatewayError] = []

    @app.get("/fails/<path:_rest>")
    def fail(_rest: str) -> str:
        raise RateLimited("Wait.", retry_after_s=3)

    @app.after_request
    def note(response: flask.Response) -> flask.Response:
        left.append(flask.g.problem)
        return response

    response = client.get("/fails/a b/é?key=secret")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")
    problem = json.loads(response.data)
    assert (problem["instance"], problem["request_id"]) == ("../../fails/a%20b/%C3%A9", "request-7")
    assert [type(error) for error in left] == [RateLimited]


def test_a_bug_is_logged_and_not_told(app: Flask, client: FlaskClient, events: list[EventDict]) -> None:
    """An unforeseen error is a 500 without its words, and a log event with the error itself."""

    @app.get("/bug")
    def bug() -> str:
        raise LookupError("the secret word")

    response = client.get("/bug")
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    assert b"secret" not in response.data
    (event,) = events
    assert (event["event"], event["log_level"], event["request_id"]) == ("internal_error", "error", "request-7")
    assert isinstance(event["exc_info"], LookupError)


def test_a_raised_internal_error_is_logged_too(app: Flask, client: FlaskClient, events: list[EventDict]) -> None:
    """The promise that internal errors are logged holds for those that the code raises itself."""

    @app.get("/bug")
    def bug() -> str:
        raise InternalError("The page cannot be kept.")

    assert client.get("/bug").status_code == 500
    assert isinstance(events[0]["exc_info"], InternalError)


def test_unknown_paths(client: FlaskClient) -> None:
    """A path that does not exist is a problem that names it and where the paths are, for HEAD without a body."""
    response = client.get("/nothing/here")
    problem = json.loads(response.data)
    assert (response.status_code, problem["type"]) == (404, "../problems/not-found")
    assert problem["detail"] == "There is nothing at /nothing/here. /openapi.json lists all paths."
    assert "\x1b" not in json.loads(client.get("/%1B[2J").data)["detail"]
    assert client.head("/nothing/here").data == b""


def test_unknown_methods(client: FlaskClient) -> None:
    """A method that does not exist is a problem that lists those that do."""
    response = client.post("/problems")
    problem = json.loads(response.data)
    assert (response.status_code, problem["type"]) == (405, "problems/method-not-allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert problem["detail"] == "/problems does not take POST. It takes GET, HEAD, OPTIONS."


def test_no_redirect_repeats_the_host(client: FlaskClient) -> None:
    """Paths that the framework would correct with a redirect to the Host header are not found instead."""
    response = client.get("/problems//not-found", headers={"Host": "evil.example"})
    assert response.status_code == 404
    assert "Location" not in response.headers
    assert b"evil" not in response.data


@pytest.mark.parametrize("status", sorted(default_exceptions))
def test_every_framework_error_has_a_problem(
    app: Flask, client: FlaskClient, events: list[EventDict], status: int
) -> None:
    """What the framework raises becomes a problem: of the same status where callers can do something about it."""

    @app.get("/raises")
    def fail() -> str:
        raise default_exceptions[status]

    own = {401, 403, 404, 405, 406, 412, 416, 429}
    response = client.get("/raises")
    assert response.content_type == "application/problem+json"
    assert response.status_code == (status if status in own else 500 if status >= 500 else 400)
    assert len(events) == (status >= 500)


def test_the_request_id_may_be_absent() -> None:
    """Before a request has an id, its problem shows a dash."""
    app = Flask("test", static_folder=None)
    register_problems(app)
    assert json.loads(app.test_client().get("/").data)["request_id"] == "-"


@pytest.mark.parametrize("error", LEAVES)
def test_every_type_is_a_page(client: FlaskClient, error: type[GatewayError]) -> None:
    """The type of each problem leads to a page with its title, status, meaning and remedy."""
    response = client.get(f"/problems/{error.name}", headers=BROWSER)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    text = _text(response.text)
    for_callers, _, for_operators = error.remedy.partition("Operators: ")
    for part in (error.title, str(error.status), error.meaning, for_callers.strip(), for_operators[1:]):
        assert part.replace("`", "") in text
    as_json = client.get(f"/problems/{error.name}", headers={"Accept": "application/json"})
    assert as_json.get_json() == {
        "type": f"../problems/{error.name}",
        "title": error.title,
        "status": error.status,
        "meaning": error.meaning,
        "remedy": error.remedy,
    }


@pytest.mark.parametrize("path", ["/problems", "/problems/forbidden"])
@pytest.mark.parametrize("accept", ["application/json", BROWSER["Accept"]])
def test_pages_are_in_the_language_that_is_preferred(client: FlaskClient, path: str, accept: str) -> None:
    """They say which, to programs that read aloud too, have tags of their own, and are kept apart by caches."""
    headers = {"Accept": accept}
    english, chinese = (client.get(path, headers={**headers, "Accept-Language": each}) for each in ("en", "zh-TW"))
    assert (english.headers["Content-Language"], chinese.headers["Content-Language"]) == ("en", "zh-CN")
    assert english.headers["ETag"] != chinese.headers["ETag"]
    assert english.headers["Vary"] == chinese.headers["Vary"] == "Accept, Accept-Language, Accept-Encoding"
    assert "此调用方无权这样做" in chinese.text or "但不允许访问此 VDN" in chinese.text
    if chinese.mimetype == "text/html":
        assert '<html lang="zh-CN">' in chinese.text
        assert '<html lang="en">' in english.text
        for words in ("What it means", "What to do", "Skip to the content", "Every error", "Meaning", "Problems<"):
            assert words not in chinese.text
    held = {"Accept-Language": "zh", "If-None-Match": chinese.headers["ETag"]}
    assert client.get(path, headers={**headers, **held}).status_code == 304
    assert client.get(path, headers={**headers, **held, "Accept-Language": "en"}).data == english.data


def test_the_index_lists_every_problem(client: FlaskClient) -> None:
    """The index leads to every page, and has a JSON form."""
    page = client.get("/problems", headers=BROWSER).text
    assert all(f'href="problems/{error.name}"' in page for error in LEAVES)
    listed = client.get("/problems", headers={"Accept": "application/json"}).get_json()["problems"]
    assert [problem["type"] for problem in listed] == [f"problems/{error.name}" for error in LEAVES]


@pytest.mark.parametrize(
    ("accept", "status", "mimetype"),
    [
        (None, 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("application/json, text/plain, */*", 200, "application/json"),
        ("text/*", 200, "text/html"),
        ("text/*, application/*", 200, "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200, "text/html"),
        ("TEXT/HTML;charset=utf-8, application/json;q=0.9", 200, "text/html"),
        ("TEXT/HTML, */*", 200, "text/html"),
        ("application/json, text/html, application/problem+json", 200, "application/json"),
        ("*/*, text/html;q=0.5", 200, "application/json"),
        ("text/html;q=0", 406, "application/problem+json"),
        ("text/html, " + "a/b, " * 300, 200, "application/json"),
        ("application/json, text/html;q=0.9", 200, "application/json"),
        ("application/json", 200, "application/json"),
        ("text/html;q=0, */*", 200, "application/json"),
        ("image/png", 406, "application/problem+json"),
    ],
)
def test_the_form_that_the_caller_prefers(client: FlaskClient, accept: str | None, status: int, mimetype: str) -> None:
    """People get HTML, programs that ask for it JSON, and nobody the wrong one from a cache."""
    response = client.get("/problems/not-found", headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.mimetype) == (status, mimetype)
    assert status != 200 or response.headers["Vary"] == "Accept, Accept-Language, Accept-Encoding"


def test_a_page_is_made_once(app: Flask, client: FlaskClient) -> None:
    """Whoever asks for it next gets the same bytes, whatever the prefix; with a slash at its end it is another one."""
    made: list[str] = []

    def note(_: Flask, template: Template, **__: object) -> None:
        made.append(str(template.name))

    with flask.template_rendered.connected_to(note, app):
        for path in ("/problems", "/problems/not-found", "/problems/forbidden") * 2:
            assert client.get(path, headers=BROWSER).status_code == 200
        assert made == ["problems.html", "problem.html", "problem.html"]
        prefixed = client.get("/problems", headers=BROWSER, environ_overrides={"SCRIPT_NAME": "/gw"})
        assert prefixed.data == client.get("/problems", headers=BROWSER).data
        for _ in range(2):
            assert 'href="../problems/not-found"' in client.get("/problems/", headers=BROWSER).text
            client.get("/problems/no-such-thing")
            client.get("/problems", headers={"Accept": "application/json"})
        assert len(made) == 4


def test_an_unknown_problem_is_not_found(client: FlaskClient) -> None:
    """A name that no problem has is itself a problem."""
    response = client.get("/problems/no-such-thing")
    assert (response.status_code, json.loads(response.data)["type"]) == (404, "../problems/not-found")


def test_the_blueprint_can_be_made_twice() -> None:
    """Two apps in one process do not share anything."""
    assert problems_blueprint() is not problems_blueprint()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _text(html: str) -> str:
    """Return what a page says."""
    reader = _Text()
    reader.feed(html)
    return "".join(reader.parts)
