"""An app of nothing but the parts under test."""

from collections.abc import Iterator

import flask
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from structlog.typing import EventDict

from gateway.api.docs import documentation_blueprint
from gateway.api.openapi import openapi_document
from gateway.api.problems import problems_blueprint, register_problems


def documented() -> Flask:
    """Return an app with the documentation and the problems, whose requests have an id."""
    app = Flask("test", static_folder=None)
    register_problems(app)
    app.register_blueprint(documentation_blueprint(openapi_document))
    app.register_blueprint(problems_blueprint())

    @app.before_request
    def identify() -> None:
        flask.g.request_id = "request-7"

    return app


@pytest.fixture
def app() -> Flask:
    """Return such an app of the test's own."""
    return documented()


@pytest.fixture(scope="module")
def reader() -> FlaskClient:
    """Return a client of such an app of the whole module, which makes each of its pages once."""
    return documented().test_client()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client of the app."""
    return app.test_client()


@pytest.fixture
def events() -> Iterator[list[EventDict]]:
    """Return the log events of the test as they come."""
    with structlog.testing.capture_logs() as captured:
        yield captured
