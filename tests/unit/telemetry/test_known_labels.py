"""The values that are known beforehand are those that the parts use."""

from typing import get_args, get_type_hints

from gateway.isales.credentials import KeyName
from gateway.isales.drift import DriftKind
from gateway.isales.slots import Refusal
from gateway.isales.way import Refusal as WayRefusal
from gateway.pages.held import PROCESS, SHARED
from gateway.shared_store.guard import KINDS
from gateway.shared_store.operations import Operation
from gateway.telemetry.known_labels import (
    DRIFT_KINDS,
    KEYS,
    LOOKUPS,
    REFUSED_CALLS,
    SHARED_FAULTS,
    SHARED_OPERATIONS,
    SLOT_REFUSALS,
)


def test_they_are_those_of_the_parts_that_count() -> None:
    """A name that is spelt in two places is the same in both, and none is missing."""
    assert set(SHARED_FAULTS) == set(KINDS)
    assert set(SHARED_OPERATIONS) == set(Operation)
    assert set(SLOT_REFUSALS) == set(Refusal)
    assert set(KEYS) == set(KeyName)
    assert set(DRIFT_KINDS) == set(DriftKind)
    assert {tier for _, _, tier in LOOKUPS} == {PROCESS, SHARED, ""}
    assert set(REFUSED_CALLS) == set(get_args(get_type_hints(WayRefusal)["reason"]))
