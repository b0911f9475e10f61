import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isales import signing
from gateway.settings import Secret

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vendor" / "signature-vectors.json").read_text(encoding="utf-8")
)
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
TEXT = st.text(st.characters(codec="utf-8"))
PARAMS = st.lists(st.tuples(TEXT, TEXT))


def signature_of(vector: dict[str, Any]) -> signing.Signature:
    canonical = signing.canonical_request(
        vector["method"], vector["uri"], vector["query"].items(), vector["signed_headers"], vector["payload"]
    )
    names = signing.signed_header_names(vector["signed_headers"])
    return signing.sign(vector["access_key"], Secret(vector["secret_key"]), vector["timestamp"], names, canonical)


def test_there_are_forty_vectors() -> None:
    """The file of the vendor's results is complete."""
    assert len(VECTORS) == 40


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_equals_the_vendors_sample(vector: dict[str, Any]) -> None:
    """Canonical request and authorization are what the vendor's own sample client makes."""
    signature = signature_of(vector)
    assert signature.canonical_request == vector["canonical_request"]
    assert signature.authorization == vector["authorization"]


@given(PARAMS, st.randoms())
def test_the_order_of_parameters_does_not_matter(params: list[tuple[str, str]], random: Any) -> None:
    """The same parameters in another order give the same canonical query."""
    shuffled = list(params)
    random.shuffle(shuffled)
    assert signing.canonical_query(shuffled) == signing.canonical_query(params)


def test_no_query_leaves_its_line_out() -> None:
    """A request without parameters has one line less, not an empty one."""
    assert signing.canonical_request("get", "/p", (), {"Host": "h:1"}) == "GET\n/p\nhost\nhost:h%3A1\n"


@pytest.mark.parametrize("character", [chr(code) for code in range(128)])
def test_each_ascii_character_is_encoded_or_unreserved(character: str) -> None:
    """The unreserved characters stay, every other one becomes % and two upper-case digits."""
    expected = character if character in UNRESERVED else f"%{ord(character):02X}"
    assert signing.percent_encode(character) == expected


@given(TEXT)
def test_encoding_can_be_undone_and_happens_once(text: str) -> None:
    """Decoding once gives the text back, so nothing was encoded twice."""
    assert unquote(signing.percent_encode(text)) == text


@pytest.mark.parametrize(
    ("precision", "expected"), [("seconds", "2026-01-02T03:04:05Z"), ("milliseconds", "2026-01-02T03:04:05.678Z")]
)
def test_timestamps_are_utc_in_either_precision(precision: str, expected: str) -> None:
    """A time of another zone is written in UTC, cut and not rounded."""
    at = datetime(2026, 1, 2, 11, 4, 5, 678_900, tzinfo=timezone(timedelta(hours=8)))
    assert signing.timestamp(at, precision) == expected


def test_timestamps_of_early_years_are_padded() -> None:
    """A year below 1000 has four digits."""
    assert signing.timestamp(datetime(7, 1, 2, tzinfo=UTC)) == "0007-01-02T00:00:00Z"


def test_a_signature_shows_nothing_by_accident() -> None:
    """The representation has neither access key nor signature in it."""
    vector = VECTORS[0]
    shown = repr(signature_of(vector))
    assert vector["access_key"] not in shown
    assert vector["authorization"].rpartition("/")[2] not in shown
