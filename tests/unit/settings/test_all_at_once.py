"""Faults do not hide each other: what is told of one alone is told of it beside any other."""

from itertools import combinations
from pathlib import Path

import pytest

from tests.unit.settings.project import faults_of

ALONE: dict[str, dict[str, str]] = {
    "isales.base_url": {"ISALES__BASE_URL": "isales.example.com"},
    "isales.client_key_file": {"ISALES__CLIENT_KEY_FILE": "/key.pem"},
    "isales.ca_file": {"ISALES__CA_FILE": "/nowhere/ca.pem"},
    "isales.concurrency": {"ISALES__CONCURRENCY": "none"},
    "isales.breaker_open_max_s": {"ISALES__BREAKER_OPEN_MAX_S": "1"},
    "isales.base_ulr": {"ISALES__BASE_ULR": "https://x"},
    "tenants[0].time_zone": {"TENANTS__0__TIME_ZONE": "Mars/Base"},
    "tenants[0].previous_access_key": {"TENANTS__0__PREVIOUS_ACCESS_KEY": "old"},
    "tenants[0].tmie_zone": {"TENANTS__0__TMIE_ZONE": "UTC"},
    "tenants[0].secret_key_file": {"TENANTS__0__SECRET_KEY_FILE": "/nowhere/sk"},
    "tenants": {"TENANTS__1": '{vdn = 7, access_key = "a", secret_key = "b"}'},
    "clients[0].scopes[0]": {"CLIENTS__0__SCOPES": '["all"]'},
    "clients": {"CLIENTS__1": '{name = "web"}'},
    "clients[1].key_sha256": {"CLIENTS__1__NAME": "app", "CLIENTS__1__KEY_SHA256": "a" * 64},
    "cache.fresh_s": {"CACHE__FRESH_S": "-1"},
    "cache.shared_url": {"CACHE__SHARED_URL": "memcached://x"},
    "jwt.audience": {"JWT__ISSUER": "https://id", "JWT__AUDIENCE": "", "JWT__JWKS_URL": "https://id/jwks"},
    "jwt.jwks_url": {"JWT__ISSUER": "https://id", "JWT__AUDIENCE": "a", "JWT__JWKS_URL": "", "JWT__JWKS_FILE": ""},
    "jwt.vdns_claim": {"JWT__VDNS_CLAIM": ""},
    "jwt.scope_claim": {"JWT__SCOPE_CLAIM": "x"},
    "http.cors_origins[0]": {"HTTP__CORS_ORIGINS": '["*"]'},
    "log.level": {"LOG__LEVEL": "loud"},
    "GATEWAY_ENV": {"GATEWAY_ENV": "prodution"},
    "/nowhere.toml": {"GATEWAY_CONFIG": "/nowhere.toml"},
    "GATEWAY__CACHE__FRESH_S__X": {"CACHE__FRESH_S__X": "1"},
}
"""For the setting that a sentence begins with, variables that make it the only one that is faulty."""


_OF_ONE: dict[str, set[str]] = {}


def told_alone(root: Path, setting: str) -> set[str]:
    """Return the faults told where only this one is faulty; that is looked at once."""
    if setting not in _OF_ONE:
        _OF_ONE[setting] = told(root, setting)
    return _OF_ONE[setting]


def told(root: Path, *setting: str) -> set[str]:
    """Return the faults told where all of these are faulty, wherever `root` is."""
    variables = {name: value for one in setting for name, value in ALONE[one].items()}
    outside = ("GATEWAY_ENV", "GATEWAY_CONFIG")
    environ = {name if name in outside else f"GATEWAY__{name}": value for name, value in variables.items()}
    return {fault.replace(str(root), "") for fault in faults_of(root, **environ)}


@pytest.mark.parametrize("setting", ALONE)
def test_one_fault_is_one_sentence(root: Path, setting: str) -> None:
    """It begins with the name of the setting."""
    (fault,) = told(root, setting)
    assert fault.startswith((f"{setting} (from", f"{setting}: ", f"{setting} (GATEWAY_CONFIG): "))


def second(setting: str) -> bool:
    """Tell whether it is of the second entry of an array, whose first one is in the environment's file."""
    return any("__1" in variable for variable in ALONE[setting])


PAIRS = [
    (one, other)
    for one, other in combinations(ALONE, 2)
    # Not two values of one variable, nor two second entries, nor a second one without a first.
    if not ALONE[one].keys() & ALONE[other].keys()
    and not (second(one) and second(other) and one[:7] == other[:7])
    and not (second(one) and other == "GATEWAY_ENV")
]


@pytest.mark.parametrize("one", ALONE)
def test_no_fault_hides_another(root: Path, one: str) -> None:
    """Whatever is wrong beside it, in its section or elsewhere, both are told, in the words of each alone."""
    hidden = [
        pair
        for pair in PAIRS
        if pair[0] == one and told(root, *pair) != told_alone(root, one) | told_alone(root, pair[1])
    ]
    assert hidden == []


def test_three_of_one_section(root: Path) -> None:
    """An empty audience, keys at two places and an empty claim name are three sentences."""
    faults = faults_of(
        root,
        GATEWAY__JWT__ISSUER="https://id.example.com",
        GATEWAY__JWT__JWKS_URL="https://id.example.com/jwks",
        GATEWAY__JWT__JWKS_FILE="jwks.json",
        GATEWAY__JWT__VDNS_CLAIM="",
    )
    assert {fault.partition(" ")[0].rstrip(":") for fault in faults} == {
        "jwt.audience",
        "jwt.jwks_url",
        "jwt.vdns_claim",
    }
