"""`/` for people and for programs."""

from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.api.openapi import openapi_document
from gateway.api.start import start_blueprint

MOUNTS = [("", "/"), ("/x/api", "/"), ("/x/api", "")]
"""What the server says of a prefix, and of the path below it."""


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client of an app that has `/` too."""
    app.register_blueprint(start_blueprint())
    return app.test_client()


@pytest.mark.parametrize(("mount", "path"), MOUNTS)
def test_a_browser_is_sent_to_the_page_for_people(client: FlaskClient, mount: str, path: str) -> None:
    """Where that is can be reached from the URL that was asked for, and no header has a part in it."""
    environ = {"SCRIPT_NAME": mount, "PATH_INFO": path}
    headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Host": "evil.example"}
    answer = client.get("/", headers=headers, environ_overrides=environ)
    assert (answer.status_code, answer.data, answer.headers["Vary"]) == (302, b"", "Accept")
    assert urljoin(f"http://gateway.example{mount}{path}", answer.headers["Location"]) == (
        f"http://gateway.example{mount}/console"
    )


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json, text/plain, */*", "text/html;q=0.5, application/json"]
)
@pytest.mark.parametrize(("mount", "path"), MOUNTS)
def test_programs_are_told_where_things_are(client: FlaskClient, mount: str, path: str, accept: str | None) -> None:
    """All others get JSON, whose references lead to paths that the API document knows."""
    environ = {"SCRIPT_NAME": mount, "PATH_INFO": path}
    answer = client.get("/", headers={"Accept": accept} if accept else {}, environ_overrides=environ)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    places = {urljoin(f"http://gateway.example{mount}{path}", place) for place in answer.get_json().values()}
    known = {f"http://gateway.example{mount}{path}" for path in openapi_document()["paths"]}
    assert places <= known
    of_campaigns = {place for place in known if place.startswith(f"http://gateway.example{mount}/campaigns")}
    assert len(of_campaigns) >= 3
    assert of_campaigns <= places
