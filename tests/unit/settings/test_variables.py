"""Settings from variables, entries of arrays among them."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import load_settings
from tests.unit.settings.project import PROJECT, faults_of


def tenants(*numbers: int) -> dict[str, str]:
    """Return variables for entries with these numbers, each for the VDN of its number and one."""
    values = {"VDN": "{}", "ACCESS_KEY": "AK-{}", "SECRET_KEY": "SK-{}"}
    return {
        f"GATEWAY__TENANTS__{number}__{key}": text.format(number + 1)
        for number in numbers
        for key, text in values.items()
    }


def test_variables_reach_into_arrays(root: Path) -> None:
    """A number in a variable's name is the number of an entry; one more than there are adds one."""
    settings = load_settings(
        {
            "GATEWAY__TENANTS__0__TIME_ZONE": "Asia/Shanghai",
            "GATEWAY__TENANTS__1__VDN": "8",
            "GATEWAY__TENANTS__1__ACCESS_KEY": "12",
            "GATEWAY__TENANTS__1__SECRET_KEY": "34",
            "GATEWAY__TENANTS__2": '{vdn = 9, access_key = "a", secret_key = "b"}',
            "GATEWAY__CLIENTS__0__VDNS": '["*"]',
            "GATEWAY__HTTP__CORS_ORIGINS__0": "https://a.example.com",
        },
        root,
    )
    assert settings.tenants[7].time_zone.key == "Asia/Shanghai"
    assert settings.tenants[8].access_key == "12"
    assert settings.tenants[9].secret_key.reveal() == "b"
    assert settings.clients[0].vdns is None
    assert settings.http.cors_origins == ("https://a.example.com",)


@given(count=st.integers(min_value=1, max_value=25), random=st.randoms(use_true_random=False))
def test_entries_are_taken_in_the_order_of_their_numbers(count: int, random: Random) -> None:
    """However many there are and in whatever order the variables stand, entry 10 comes after entry 9."""
    variables = list(tenants(*range(count)).items())
    random.shuffle(variables)
    settings = load_settings(dict(variables), PROJECT)
    assert list(settings.tenants)[:count] == list(range(1, count + 1))
    assert all(tenant.access_key == f"AK-{vdn}" for vdn, tenant in settings.tenants.items() if vdn <= count)


def test_a_gap_in_the_numbers_is_one_fault_for_each_entry_behind_it(root: Path) -> None:
    """The sentence names the entry and the number that is due."""
    assert faults_of(root, **tenants(0, 1, 3, 11)) == (
        "GATEWAY__TENANTS__3: entries of tenants are numbered from 0 without a gap, and the next one is 2",
        "GATEWAY__TENANTS__11: entries of tenants are numbered from 0 without a gap, and the next one is 2",
    )


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("GATEWAY__", "GATEWAY__: is not the name of a setting; write GATEWAY__SECTION__KEY"),
        ("GATEWAY__LOG____LEVEL", "GATEWAY__LOG____LEVEL: is not the name of a setting; write GATEWAY__SECTION__KEY"),
        (
            "GATEWAY__LOG__HITS__X__Y",
            "GATEWAY__LOG__HITS__X__Y: nothing can stand below a single value; cut the name to GATEWAY__LOG__HITS",
        ),
        (
            "GATEWAY__TENANTS__FIRST__VDN",
            "GATEWAY__TENANTS__FIRST: 'first' is not the number of an entry of tenants, 0 to 1",
        ),
        ("GATEWAY__NOTHING__KEY", "nothing (from GATEWAY__NOTHING__KEY): is not a setting"),
        ("GATEWAY__LOG__LEVLE", "log.levle (from GATEWAY__LOG__LEVLE): is not a setting; did you mean `level`?"),
    ],
)
def test_a_name_that_fits_nowhere_is_a_fault(root: Path, variable: str, sentence: str) -> None:
    """The sentence names the variable and what is wrong with it."""
    (fault,) = faults_of(root, **{variable: "1"})
    assert fault.startswith(sentence)


def test_a_value_that_is_not_utf8_is_a_fault(root: Path) -> None:
    """Undecodable bytes are refused where they are, whatever the setting."""
    assert faults_of(root, GATEWAY__ISALES__CA_FILE="\udcff") == ("GATEWAY__ISALES__CA_FILE: is not UTF-8",)


@pytest.mark.parametrize("value", ["[" * 10_000, "1" * 5000])
def test_a_value_that_toml_gives_up_on_is_a_fault(root: Path, value: str) -> None:
    """Too deep or too long for the parser: the sentence is that of any other text."""
    (fault,) = faults_of(root, GATEWAY__CACHE__MAX_BYTES=value)
    assert fault.startswith("cache.max_bytes (from GATEWAY__CACHE__MAX_BYTES): must be a whole number from 0 to")
    assert len(fault) < 200


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("GATEWAY_CACHE__FRESH_S", "GATEWAY__CACHE__FRESH_S"),
        ("GATEWAY_CACHE_FRESH_S", "GATEWAY__CACHE__FRESH_S"),
        ("gateway__log__level", "GATEWAY__LOG__LEVEL"),
        ("Gateway__Log__Level", "GATEWAY__LOG__LEVEL"),
        ("GATEWAY_TENANTS_0_SECRET_KEY_FILE", "GATEWAY__TENANTS__0__SECRET_KEY_FILE"),
        ("gateway__tenants", "GATEWAY__TENANTS"),
        ("gateway_config", "GATEWAY_CONFIG"),
        ("GATEWAY_CONFIG_FILE", "GATEWAY_CONFIG"),
        ("GATEWAY_SETTINGS", "GATEWAY_CONFIG"),
        ("GATEWAY_ENVIRONMENT", "GATEWAY_ENV"),
        ("GATEWAY_ENVOY_PORT", None),
        ("GATEWAY_HTTP_PORT", None),
        ("GATEWAY_SERVICE_HOST", None),
        ("GATEWAY_PORT", None),
        ("CAMPAIGN_GATEWAY__LOG__LEVEL", None),
        ("GATEWAY", None),
    ],
)
def test_a_variable_that_is_nearly_one_of_ours_is_warned_of(root: Path, variable: str, meant: str | None) -> None:
    """It is not read, and the warning says how the name is written; what Kubernetes sets for services is none."""
    warnings = load_settings({variable: "secret-4711"}, root).warnings
    assert warnings == (() if meant is None else (f"{variable}: is not read; write {meant}",))


def test_a_variable_beside_the_right_one_is_warned_of(root: Path) -> None:
    """The one that counts is the one that is written as it should be."""
    settings = load_settings({"gateway__log__level": "debug", "GATEWAY__LOG__LEVEL": "error"}, root)
    assert settings.log.level == "error"
    assert settings.warnings == ("gateway__log__level: is not read; write GATEWAY__LOG__LEVEL, which is set too",)
