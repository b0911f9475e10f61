"""What readiness makes of the reports that it is given."""

import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from flask import Flask
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from gateway.api.health import health_blueprint
from gateway.api.openapi import openapi_document
from gateway.shared_store.guard import KINDS, RedisGuard
from gateway.shared_store.operations import Operation
from gateway.telemetry.settings_state import SettingsState
from gateway.telemetry.upstream_health import UpstreamHealth
from tests.support.campaigns import page_of
from tests.support.clock import FakeClock
from tests.support.openapi import require

OK = {"status": "ok", "last_fetch_seconds_ago": 1.0}


def ready(circuits: dict[str, str], left_out: int = 0) -> dict[str, Any]:
    """Return `/readyz` of a gateway whose last fetches were good, with these ways stopped.

    Of the 20 campaigns of VDN 1 so many could not be used.
    """
    app = Flask("test")
    fetches = {1: ("ok", 1.0, left_out, 20), 2: ("ok", 1.0, 0, 0)}
    app.register_blueprint(
        health_blueprint(
            lambda: {"status": "ok"},
            lambda: fetches,
            lambda: circuits,
            lambda: {"status": "off"},
            lambda: "off",
            "2026f",
            lambda _: (b"", "text/plain"),
        )
    )
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.get_json()
    require("Readiness", document)
    return document


def test_closed_circuits_are_not_spoken_of() -> None:
    """Where calls go there is nothing to say."""
    document = ready({})
    assert document["status"] == "ready"
    assert document["dependencies"]["isales"] == {"status": "ok", "vdns": {"1": OK, "2": OK}}


@pytest.mark.parametrize("word", ["open", "half-open", "paused"])
def test_a_stopped_way_degrades_even_after_good_fetches(word: str) -> None:
    """It is named where it belongs, at its VDN or above all of them."""
    document = ready({"all": word})
    assert document["status"] == "degraded"
    assert document["dependencies"]["isales"] == {"status": "failing", "circuit": word, "vdns": {"1": OK, "2": OK}}
    document = ready({"2": word})
    assert document["status"] == "degraded"
    assert document["dependencies"]["isales"] == {
        "status": "failing",
        "vdns": {"1": OK, "2": {**OK, "circuit": word}},
    }


def test_campaigns_that_cannot_be_used_degrade() -> None:
    """Up to a tenth of a page may be left out; with more, readiness says how many of how many."""
    assert ready({}, left_out=2)["status"] == "ready"
    document = ready({}, left_out=3)
    assert document["status"] == "degraded"
    assert document["dependencies"]["isales"] == {
        "status": "failing",
        "vdns": {"1": {**OK, "status": "failing", "left_out": 3, "of": 20}, "2": OK},
    }


def _fail(error: Exception) -> None:
    raise error


def test_the_document_knows_the_words_for_trouble_with_the_shared_cache() -> None:
    """Each kind of fault and of operation that there is stands in it, and no other."""
    fields = openapi_document()["components"]["schemas"]["Dependency"]["properties"]
    assert set(re.findall(r"`(\w+)`", fields["fault"]["description"])) == set(KINDS)
    assert set(re.findall(r"`(\w+)`", fields["operations"]["description"])) == {each.value for each in Operation}


@pytest.mark.parametrize("state", ["off", "ok", "failing", "unknown"])
def test_the_document_tells_all_of_readiness(state: str) -> None:
    """Whatever the parts report, nothing comes out that the document lacks, and all that it tells of has come out."""
    health, settings = UpstreamHealth((1, 2, 3, 4), FakeClock()), SettingsState(FakeClock())
    health.record(1, "ok")
    health.record(2, "upstream-timeout")
    health.record(3, "ok", replace(page_of(1), left_out=9))
    settings.failed(2)
    guard = RedisGuard(lambda *_: None, FakeClock())
    for operation, error in (
        (Operation.SLOT, NoPermissionError("this user has no permissions to run the 'time' command")),
        (Operation.LOOK, RedisConnectionError()),
    ):
        for _ in range(10):
            guard.run(operation, partial(_fail, error), None)
    app = Flask("test")
    stopped = {"all": "half-open", "1": "open", "2": "paused"}
    app.register_blueprint(
        health_blueprint(
            settings.report,
            health.report,
            lambda: stopped,
            lambda: {"status": state, **guard.report()},
            lambda: state,
            "2026f",
            lambda _: (b"", ""),
        )
    )
    document = app.test_client().get("/readyz").get_json()
    require("Readiness", document)
    schemas = openapi_document()["components"]["schemas"]
    dependencies = document["dependencies"]
    assert {field for one in dependencies.values() for field in one} == schemas["Dependency"]["properties"].keys()
    vdns = dependencies["isales"]["vdns"]
    assert {field for one in vdns.values() for field in one} == schemas["VdnHealth"]["properties"].keys()
