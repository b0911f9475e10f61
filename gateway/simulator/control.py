"""The endpoints under `/simulator/` that tests and people steer the simulator with. They need no signature."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from gateway.simulator.fault_kinds import help_texts
from gateway.simulator.faults import MAX_SECONDS, Fault
from gateway.simulator.listing import Arrangement
from gateway.simulator.state import SimulatorState

FieldTypes = Mapping[str, tuple[type, ...]]

_FAULT_FIELDS: FieldTypes = {
    "kind": (str,),
    "times": (int, type(None)),
    "seconds": (int, float, type(None)),
    "status": (int,),
    "result_code": (str,),
    "retry_after": (str,),
    "location": (str,),
    "latency_s": (int, float),
}
_SECONDS_FIELDS: FieldTypes = {"seconds": (int, float)}
_KEYS_FIELDS: FieldTypes = {"access_keys": (list,)}
_LISTING_FIELDS: FieldTypes = dict.fromkeys(("count", "appear", "vanish", "change", "seed"), (int,))
MOST_AHEAD_S = 365 * 86_400


def control_blueprint(state: SimulatorState) -> Blueprint:
    """Return the blueprint that shows and resets the calls of `state`, and sets all else that can be set."""
    blueprint = Blueprint("control", __name__, url_prefix="/simulator")

    @blueprint.get("/calls")
    def show_calls() -> Response:
        return jsonify(state.calls.snapshot())

    @blueprint.delete("/calls")
    def reset_calls() -> Response:
        state.calls.reset()
        return Response(status=204)

    @blueprint.get("/faults")
    def show_faults() -> Response:
        armed = state.faults.armed
        return jsonify(
            armed=asdict(armed) if armed else None,
            kinds=help_texts(),
        )

    @blueprint.put("/faults")
    def arm_fault() -> Response:
        state.faults.arm(Fault(**_object(request.get_data(), _FAULT_FIELDS, required="kind")))
        return Response(status=204)

    @blueprint.delete("/faults")
    def clear_faults() -> Response:
        state.faults.clear()
        return Response(status=204)

    @blueprint.errorhandler(ValueError)
    def bad_body(error: ValueError) -> Response:
        return Response(f"{error}\n", status=400, content_type="text/plain;charset=UTF-8")

    _add_settings(blueprint, state)
    _add_listings(blueprint, state)
    return blueprint


def _add_settings(blueprint: Blueprint, state: SimulatorState) -> None:
    @blueprint.put("/latency")
    def set_latency() -> Response:
        seconds = _object(request.get_data(), _SECONDS_FIELDS, required="seconds")["seconds"]
        if not 0 <= seconds <= MAX_SECONDS:
            raise ValueError(f"seconds is {seconds}; give 0 to {MAX_SECONDS:g} seconds")
        state.latency_s = seconds
        return Response(status=204)

    @blueprint.put("/clock")
    def set_clock() -> Response:
        seconds = _object(request.get_data(), _SECONDS_FIELDS, required="seconds")["seconds"]
        if not abs(seconds) <= MOST_AHEAD_S:
            raise ValueError(f"seconds is {seconds}; give up to {MOST_AHEAD_S} seconds ahead, or below 0 behind")
        state.clock_ahead_s = seconds
        return Response(status=204)

    @blueprint.put("/revoked-keys")
    def set_revoked_keys() -> Response:
        access_keys = _object(request.get_data(), _KEYS_FIELDS, required="access_keys")["access_keys"]
        if not all(isinstance(key, str) for key in access_keys):
            raise ValueError('access_keys must be a list of texts, such as ["demo-access-key"]; [] revokes none')
        state.revoked = frozenset(access_keys)
        return Response(status=204)


def _add_listings(blueprint: Blueprint, state: SimulatorState) -> None:
    @blueprint.get("/listing")
    def show_listing() -> Response:
        return jsonify(asdict(state.listings.arrangement))

    @blueprint.put("/listing")
    def arrange_listing() -> Response:
        state.listings.arrange(Arrangement(**_object(request.get_data(), _LISTING_FIELDS, required="count")))
        return Response(status=204)

    @blueprint.delete("/listing")
    def reset_listing() -> Response:
        state.listings.arrange(Arrangement())
        return Response(status=204)

    @blueprint.get("/listing/<int:vdn>")
    def show_ids(vdn: int) -> Response:
        listings = state.listings
        ids = [campaign.id for campaign in listings.of(vdn)]
        return jsonify(ids=ids, always=sorted(listings.always(vdn)), ever=sorted(listings.ever(vdn)))


def _object(body: bytes, fields: FieldTypes, required: str) -> dict[str, Any]:
    """Return the JSON object in `body`, its keys and types being those of `fields`. Raises `ValueError`."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(given, dict) or required not in given:
        raise ValueError(f"the body must be a JSON object with {required!r}, such as {{{required!r}: ...}}")
    for name, value in given.items():
        if name not in fields:
            raise ValueError(f"{name!r} is unknown; give any of {', '.join(fields)}")
        if type(value) not in fields[name]:
            allowed = " or ".join("null" if kind is type(None) else kind.__name__ for kind in fields[name])
            raise ValueError(f"{name} is {value!r}; give {allowed}")
    return given
