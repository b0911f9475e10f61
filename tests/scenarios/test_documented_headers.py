"""Headers of answers, held against those that the OpenAPI document tells."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from gateway.api.html import SECURITY_HEADERS
from gateway.reload.draining import draining
from tests.support.bearer import jwt
from tests.support.gateway import GatewayUnderTest, clients
from tests.support.identity_provider import claims, provider, token

OF_THE_TRANSPORT = {"Content-Length", "Content-Type", "Date"}
SOMETIMES = {"Content-Encoding", "Preference-Applied", "RateLimit", "RateLimit-Policy"}
"""Headers whose description says when they are there."""


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/campaigns", {}, 200),
        ("/campaigns", {"headers": {"Accept-Encoding": "gzip"}}, 200),
        ("/campaigns", {"headers": {"If-None-Match": "*"}}, 304),
        ("/campaigns", {"headers": {"If-Match": '"old"'}}, 412),
        ("/campaigns", {"headers": {"If-None-Match": '"old"', "Prefer": "wait=9"}}, 200),
        ("/campaigns", {"key": "limited-key"}, 401),
        ("/campaigns?page=0", {}, 400),
        ("/campaigns?vdn=2", {}, 403),
        ("/campaigns", {"method": "POST"}, 405),
        ("/campaigns", {"headers": {"Accept": "text/html"}}, 406),
        ("/me", {}, 200),
        ("/me", {"key": "nobodys-key"}, 401),
        ("/campaigns/summary", {}, 200),
        ("/campaigns/summary", {"headers": {"Accept-Encoding": "gzip"}}, 200),
        ("/campaigns/summary", {"headers": {"If-None-Match": "*"}}, 304),
        ("/campaigns/summary", {"headers": {"If-Match": '"old"'}}, 412),
        ("/campaigns/summary?page=1", {}, 400),
        ("/campaigns/summary", {"headers": {"Accept": "text/html"}}, 406),
        ("/campaigns/export", {"headers": {"If-Match": '"old"'}}, 412),
        ("/campaigns/export", {"headers": {"Range": "bytes=999999-"}}, 416),
        ("/cache", {"method": "DELETE", "key": "purger-key"}, 200),
        ("/cache", {"method": "DELETE"}, 403),
        ("/cache/explain", {"key": "doctor-key"}, 200),
        ("/", {}, 200),
        ("/", {"headers": {"If-None-Match": "*"}}, 304),
        ("/", {"headers": {"Accept": "text/html"}}, 302),
        ("/healthz", {}, 200),
        ("/readyz", {}, 200),
        ("/metrics", {}, 200),
        ("/openapi.json", {}, 200),
        ("/openapi.json", {"headers": {"If-None-Match": "*"}}, 304),
        ("/openapi.json", {"headers": {"If-Match": '"old"'}}, 412),
        ("/docs", {"headers": {"Accept-Encoding": "gzip"}}, 200),
        ("/docs", {"headers": {"If-None-Match": "*"}}, 304),
        ("/docs", {"headers": {"If-Match": '"old"'}}, 412),
        ("/console", {"headers": {"Accept-Encoding": "gzip"}}, 200),
        ("/console", {"headers": {"If-None-Match": "*"}}, 304),
        ("/problems", {}, 200),
        ("/problems", {"headers": {"Accept": "text/html"}}, 200),
        ("/problems", {"headers": {"Accept": "text/html", "If-None-Match": "*"}}, 304),
        ("/problems", {"headers": {"Accept": "image/png"}}, 406),
        ("/problems/internal-error", {}, 200),
        ("/problems/internal-error", {"headers": {"Accept": "text/html"}}, 200),
        ("/problems/nothing", {}, 404),
    ],
)
def test_no_answer_has_a_header_that_nobody_tells(
    gateway: GatewayUnderTest, path: str, options: dict[str, Any], status: int
) -> None:
    """What an answer carries stands under its path and status, and what every answer carries is there."""
    answer = gateway.get(path, **options)
    assert answer.status_code == status
    template = "/problems/{name}" if path.startswith("/problems/") else path.partition("?")[0]
    operations = gateway.get("/openapi.json").get_json()["paths"][template]
    compare(answer, operations.get(options.get("method", "GET").lower()) or operations["get"])
    assert {"X-Content-Type-Options", "X-Request-Id", "Server-Timing"} <= set(answer.headers.keys())


@pytest.mark.parametrize(("path", "method"), [("/campaigns", "GET"), ("/cache", "DELETE"), ("/cache/explain", "GET")])
def test_a_token_that_lacks_a_scope_is_told_which(
    make_gateway: Callable[..., GatewayUnderTest], path: str, method: str
) -> None:
    """That is a header of 403 which only tokens get."""
    with provider() as identity:
        gateway = make_gateway(**jwt(jwks_url=identity.url))
        bearer = {"Authorization": f"Bearer {token(claims(scope='none'))}"}
        answer = gateway.get(path, method=method, key=None, headers=bearer)
    assert answer.status_code == 403
    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]
    compare(answer, gateway.get("/openapi.json").get_json()["paths"][path][method.lower()])


def test_a_client_over_its_limit(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """All that is told of 429 is there, what is left of the limit too."""
    gateway = make_gateway(clients=clients(web=1))
    gateway.get("/campaigns")
    answer = gateway.get("/campaigns?page=2")
    assert answer.status_code == 429
    operation = gateway.get("/openapi.json").get_json()["paths"]["/campaigns"]["get"]
    compare(answer, operation)
    assert set(operation["responses"]["429"]["headers"]) <= set(answer.headers.keys())


def test_the_readiness_of_a_process_that_is_about_to_end(gateway: GatewayUnderTest) -> None:
    """It is answered in front of the app, and told as such."""
    answer = Client(draining(gateway.app.wsgi_app)).get("/readyz")
    assert answer.status_code == 503
    assert answer.headers.pop("Connection") == "close"
    compare(answer, gateway.get("/openapi.json").get_json()["paths"]["/readyz"]["get"])


def compare(answer: TestResponse, operation: dict[str, Any]) -> None:
    """Hold the headers of an answer against those that its operation tells for its status."""
    told = set(operation["responses"][str(answer.status_code)]["headers"])
    sent = set(answer.headers.keys())
    assert sent - OF_THE_TRANSPORT <= told
    of_pages = set() if answer.mimetype == "text/html" else SECURITY_HEADERS.keys() - {"X-Content-Type-Options"}
    sometimes = SOMETIMES | ({"WWW-Authenticate"} if answer.status_code == HTTPStatus.FORBIDDEN else set())
    assert told - sometimes - of_pages <= sent
