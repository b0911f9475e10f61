"""The peer that a Flask developer would write: Flask-Caching's `@cached` in front of the same answers.

Served by the same granian. `ORIGIN` names where a page that is not cached comes from.
"""

import os

import requests
from flask import Flask, Response, request
from flask_caching import Cache

ORIGIN = os.environ["ORIGIN"]
NOT_PASSED_ON = frozenset({"connection", "date", "server"})

app = Flask(__name__)
cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})


@app.get("/campaigns")
@cache.cached(timeout=86400, query_string=True)
def campaigns() -> Response:
    """Return the origin's answer with its headers."""
    sent = {"X-API-Key": request.headers.get("X-API-Key", ""), "Accept-Encoding": "identity"}
    answer = requests.get(f"{ORIGIN}{request.full_path}", headers=sent, timeout=10)
    kept = {name: value for name, value in answer.headers.items() if name.lower() not in NOT_PASSED_ON}
    return Response(answer.content, answer.status_code, kept)
