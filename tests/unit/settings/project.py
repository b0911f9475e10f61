"""A project folder of the tests' own: what is in it, and what loading from it complains of."""

from pathlib import Path

import pytest

from gateway.settings import SettingsError, load_settings

PROJECT = Path(__file__).resolve().parents[3]
HASHED = "a" * 64
MINIMAL = f"""
[isales]
base_url = "https://isales.example.com:28443"
[[tenants]]
vdn = 7
access_key = "AK"
secret_key = "the-secret-text"
[[clients]]
name = "web"
key_sha256 = "{HASHED}"
vdns = [7]
"""


def faults_of(root: Path, **environ: str) -> tuple[str, ...]:
    """Return the faults that loading with these variables reports."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, root)
    return caught.value.faults


def own_file(folder: Path, text: str) -> str:
    """Write a settings file, and return its path for `GATEWAY_CONFIG`."""
    path = folder / "own.toml"
    path.write_text(text)
    return str(path)
