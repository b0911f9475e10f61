"""What production refuses, in whichever way it is written, and secrets in files that cannot be read."""

import hashlib

import pytest

from gateway.settings import SettingsError, load_settings

DEMO = hashlib.sha256(b"demo-key").hexdigest()
OWN = "a" * 64
PRODUCTION = {
    "GATEWAY_ENV": "production",
    "GATEWAY__ISALES__BASE_URL": "https://isales.example.com:28443",
    "GATEWAY__TENANTS": '[{vdn = 7, access_key = "AK", secret_key = "SK"}]',
    "GATEWAY__CLIENTS": f'[{{name = "web", key_sha256 = "{OWN}", vdns = [7]}}]',
}


def faults(**changed: str) -> tuple[str, ...]:
    """Return the faults of good settings for production with these variables changed, without the common prefix."""
    environ = {**PRODUCTION, **{f"GATEWAY__{name}": value for name, value in changed.items()}}
    try:
        load_settings(environ)
    except SettingsError as error:
        return error.faults
    return ()


def test_good_settings_start() -> None:
    """The settings that the other tests spoil are good."""
    assert faults() == ()


@pytest.mark.parametrize("setting", ["KEY_SHA256", "PREVIOUS_KEY_SHA256"])
def test_the_demo_key_is_refused_as_either_key(setting: str) -> None:
    """A demo key that was only meant to be rotated away is as open a door as a current one."""
    (fault,) = faults(**{f"CLIENTS__0__{setting}": DEMO})
    name = f"clients[0].{setting.lower()} (from GATEWAY__CLIENTS__0__{setting})"
    assert fault == f"{name}: production refuses the demo key; `flask keys new` makes a key of your own"


@pytest.mark.parametrize("scheme", ["http", "HTTP", "Http"])
def test_plain_http_is_refused_however_it_is_written(scheme: str) -> None:
    """Schemes of URLs have no case (RFC 3986, section 3.1)."""
    (fault,) = faults(ISALES__BASE_URL=f"{scheme}://isales.example.com")
    assert fault.startswith("isales.base_url")
    assert "refuses plain HTTP" in fault
    assert faults(ISALES__BASE_URL="HTTPS://isales.example.com") == ()


@pytest.mark.parametrize("setting", ["access_key", "secret_key"])
def test_a_secret_that_cannot_be_read_is_one_fault(setting: str) -> None:
    """The file is named, and the secret is not called missing besides."""
    texts = {"access_key": "AK", "secret_key": "SK"}
    texts[f"{setting}_file"] = "/nowhere/secret"
    del texts[setting]
    entry = ", ".join(f'{name} = "{value}"' for name, value in texts.items())
    (fault,) = faults(TENANTS=f"[{{vdn = 7, {entry}}}]")
    assert fault.startswith(f"tenants[0].{setting}_file")
    assert "No such file" in fault
    assert "/nowhere/secret" in fault
