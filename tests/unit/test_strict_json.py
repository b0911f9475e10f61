"""JSON of others is read strictly or not at all."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.strict_json import strict_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"{} x",
        b"\xff",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32"),
        b"NaN",
        b"[-Infinity]",
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'[{"a": {"b": 1, "b": 2}}]',
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda document: repr(document[:20]),
)
def test_what_could_be_read_in_two_ways_is_refused(document: bytes) -> None:
    """Whatever is wrong with the bytes is one error, which repeats nothing of them."""
    with pytest.raises(ValueError, match=r"^not JSON as it must be$") as caught:
        strict_json(document)
    assert caught.value.__context__ is None


@given(JSON)
def test_reads_what_json_writes(document: Any) -> None:
    """Any JSON comes out as it was written."""
    assert strict_json(json.dumps(document).encode()) == document


@given(st.binary())
def test_no_bytes_raise_anything_else(document: bytes) -> None:
    """Any bytes are read, or refused with that one error."""
    with suppress(ValueError):
        strict_json(document)
