"""Health: `/healthz` (the process is up), `/readyz` (it may take traffic), `/metrics` (all numbers)."""

import gzip
from collections.abc import Callable, Mapping
from typing import Final

from flask import Blueprint, Response, request

from gateway.api.document import unkept_json
from gateway.api.representation import wants_gzip

MOST_LEFT_OUT: Final = 0.1
"""A page of which more than this share of its campaigns cannot be used is a matter for operators."""

Upstream = Callable[[], Mapping[int, tuple[str, float | None, int, int]]]
Circuits = Callable[[], Mapping[str, str]]


def health_blueprint(
    settings: Callable[[], Mapping[str, object]],
    upstream: Upstream,
    circuits: Circuits,
    shared_cache: Callable[[], Mapping[str, object]],
    token_keys: Callable[[], str],
    time_zones: str,
    exposition: Callable[[str | None], tuple[bytes, str]],
) -> Blueprint:
    """Return the endpoints.

    `upstream` reports of the last fetch of each VDN its outcome, its age in seconds, how many campaigns of its page
    could not be used, and how many there were.

    `settings` reports as their `status` whether those in force are the latest, `ok` or `failing`, and more.
    `circuits` reports the VDNs, or `all`, for which calls are stopped: `open`, `half-open`, `paused` or
    `locked`.
    `shared_cache` and `token_keys`, the keys of the identity provider, report `off`, `ok`, `failing` or, before they
    were needed, `unknown`; the former as its `status`, beside what is wrong. `time_zones` is the release of the time
    zone data. A dependency that fails degrades the gateway but does not take it out of service: its callers still get
    the pages that it has, and words for what it has not.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return unkept_json({"status": "ok"})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        stopped = circuits()
        vdns = {str(vdn): {**_vdn(*last), **_circuit(stopped, str(vdn))} for vdn, last in upstream().items()}
        failing = bool(stopped) or any(vdn["status"] == "failing" for vdn in vdns.values())
        in_force, shared, keys = settings(), shared_cache(), token_keys()
        dependencies = {
            "settings": in_force,
            "shared_cache": shared,
            "token_keys": {"status": keys},
            "time_zones": {"status": "ok", "release": time_zones},
            "isales": {"status": "failing" if failing else "ok", **_circuit(stopped, "all"), "vdns": vdns},
        }
        degraded = failing or "failing" in {in_force["status"], shared["status"], keys}
        return unkept_json({"status": "degraded" if degraded else "ready", "dependencies": dependencies})

    @blueprint.get("/metrics")
    def metrics() -> Response:
        numbers, media_type = exposition(request.headers.get("Accept"))
        headers = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding"}
        if wants_gzip(len(numbers), request.headers.get("Accept-Encoding")):
            numbers = gzip.compress(numbers, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Response(numbers, content_type=media_type, headers=headers)

    return blueprint


def _vdn(outcome: str, age: float | None, left_out: int, sent: int) -> dict[str, object]:
    if age is None:
        return {"status": "unknown"}
    seen: dict[str, object] = {"status": "ok"} if outcome == "ok" else {"status": "failing", "problem": outcome}
    if left_out > MOST_LEFT_OUT * sent:
        seen = {"status": "failing", "left_out": left_out, "of": sent}
    return {**seen, "last_fetch_seconds_ago": round(age, 1)}


def _circuit(stopped: Mapping[str, str], way: str) -> dict[str, object]:
    return {"circuit": stopped[way]} if way in stopped else {}
