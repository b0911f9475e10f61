"""`OPTIONS` and `Allow`."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.api.methods import methods, register_options


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client of an app with a path of two rules, one of which answers OPTIONS by itself."""
    register_options(app)
    app.add_url_rule("/thing", "read", lambda: "thing", methods=["GET"])
    app.add_url_rule("/thing", "remove", lambda: "gone", methods=["DELETE"])
    return app.test_client()


@pytest.mark.parametrize(
    ("path", "allow"), [("/problems", "GET, HEAD, OPTIONS"), ("/thing", "DELETE, GET, HEAD, OPTIONS")]
)
def test_options_tells_the_methods(client: FlaskClient, path: str, allow: str) -> None:
    """The answer is 204 with all methods of the path in one order, and nothing that speaks of a body."""
    answer = client.options(path)
    assert (answer.status_code, answer.data, answer.headers["Allow"]) == (204, b"", allow)
    assert not {"Content-Type", "Content-Length"} & set(answer.headers.keys())


def test_options_of_nothing_is_a_problem(client: FlaskClient) -> None:
    """A path that does not exist has no methods to tell."""
    answer = client.options("/nothing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert "Allow" not in answer.headers


def test_other_methods_are_left_alone(client: FlaskClient) -> None:
    """A page keeps its status and media type."""
    answer = client.get("/thing")
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/html", "thing")


def test_methods_come_in_one_order() -> None:
    """A set gives the same header in every process."""
    assert methods({"OPTIONS", "HEAD", "GET"}) == methods(["GET", "HEAD", "OPTIONS"]) == "GET, HEAD, OPTIONS"
