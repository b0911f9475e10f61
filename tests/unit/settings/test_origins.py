"""Which texts are origins of pages."""

import json
from pathlib import Path

import pytest

from gateway.settings import load_settings
from tests.unit.settings.project import faults_of


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("*", "`*` would let the pages of everybody in"),
        ("null", "`null` is that of every sandboxed page"),
        ("https://App.example.com", "must be in lower case"),
        ("https://app.example.com/", "without a path"),
        ("https://app.example.com/path", "without a path"),
        ("https://app.example.com:443", "must leave out the port"),
        ("http://app.example.com:80", "must leave out the port"),
        ("https://*.example.com", "must be an origin such as"),
        ("https://app.example.com:0", "must be an origin such as"),
        ("https://app.example.com:65536", "must be an origin such as"),
        ("https://user@app.example.com", "must be an origin such as"),
        ("https://app..example.com", "must be an origin such as"),
        ("https://", "must be an origin such as"),
        ("https://:::", "must be an origin such as"),
        ("app.example.com", "must be an origin such as"),
        ("ftp://app.example.com", "must be an origin such as"),
        ("https://app.example.com\n", "must be an origin such as"),
        ("https://b\u00fccher.example", "must be an origin such as"),
        ("", "must be an origin such as"),
    ],
)
def test_what_is_no_origin_is_refused(root: Path, origin: str, words: str) -> None:
    """An origin that no browser sends would never match, and two of them would match too much."""
    listed = json.dumps(["https://good.example.com", origin])
    (fault,) = faults_of(root, GATEWAY__HTTP__CORS_ORIGINS=listed)
    assert "http.cors_origins" in fault
    assert words in fault


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://[::1]:3000",
        "https://xn--bcher-kva.example",
        "https://app.example.com:80",
        "http://intranet",
    ],
)
def test_origins_as_browsers_send_them_are_good(root: Path, origin: str) -> None:
    """Names, addresses and ports, as long as they are spelled in the one way that browsers have."""
    settings = load_settings({"GATEWAY__HTTP__CORS_ORIGINS": json.dumps([origin])}, root)
    assert settings.http.cors_origins == (origin,)
