"""`/`: where things are, for who has only the address of the gateway."""

from typing import Final

import flask
from flask import Blueprint, Response

from gateway.api.document import JSON, document_response, prefers_html, way_up_here
from gateway.api.public import json_bytes
from gateway.api.representation import render

MAX_AGE_S: Final = 300
FOR_PEOPLE: Final = "console"
PLACES: Final = {
    "campaigns": "campaigns",
    "summary": "campaigns/summary",
    "export": "campaigns/export",
    "me": "me",
    "console": FOR_PEOPLE,
    "documentation": "docs",
    "openapi": "openapi.json",
    "problems": "problems",
    "health": "healthz",
    "readiness": "readyz",
}
"""What there is for whom, by names that stay, relative to where we are mounted."""


def start_blueprint() -> Blueprint:
    """Return `/`: a browser is sent to the page for people, all others get `PLACES` as JSON."""
    blueprint = Blueprint("start", __name__)

    # Not strict: for the mount without a slash werkzeug would else redirect, and repeat the Host header.
    @blueprint.get("/", strict_slashes=False)
    def start() -> Response:
        up = way_up_here()
        if prefers_html(flask.request.headers.get("Accept")):
            response = Response(status=302, headers={"Location": f"{up}{FOR_PEOPLE}", "Vary": "Accept"})
            response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
            del response.headers["Content-Type"]
            return response
        rendered = render(json_bytes({name: f"{up}{place}" for name, place in PLACES.items()}))
        return document_response(rendered, JSON, max_age_s=MAX_AGE_S, vary="Accept")

    return blueprint
