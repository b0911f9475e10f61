"""Pages as bytes, and bytes that are none."""

import hashlib
import json
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import CampaignPage
from gateway.pages.codec import FORMAT_VERSION, HEADER, MAGIC, UnreadableEntry, decode, encode
from tests.support.campaigns import PAGES, page_of

STORED = page_of(1, 2, 3)
AS_OF_MS = 1_800_000_000_123


@given(PAGES, st.integers(0, 100), st.integers(0, 2**53))
def test_a_page_comes_back_as_it_went(page: CampaignPage, left_out: int, as_of_ms: int) -> None:
    """Decoding undoes encoding: the rows, the counts, how many rows were left out, and when CC-iSales answered."""
    page = replace(page, left_out=left_out)
    assert decode("k", encode("k", page, as_of_ms)) == (page, as_of_ms)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, change: int) -> None:
    """One byte that differs makes the entry unreadable."""
    entry = bytearray(encode("k", STORED, AS_OF_MS))
    entry[position % len(entry)] ^= change
    with pytest.raises(UnreadableEntry):
        decode("k", bytes(entry))


@given(st.integers(0, 10_000))
def test_an_entry_that_is_cut_short_is_noticed(length: int) -> None:
    """No proper beginning of an entry is an entry."""
    entry = encode("k", STORED, AS_OF_MS)
    with pytest.raises(UnreadableEntry):
        decode("k", entry[: length % len(entry)])


def test_an_entry_under_another_key_is_noticed() -> None:
    """An entry is good under its own key only."""
    with pytest.raises(UnreadableEntry, match="checksum"):
        decode("other", encode("k", STORED, AS_OF_MS))


def test_another_format_version_is_said() -> None:
    """The text names both versions."""
    entry = bytearray(encode("k", STORED, AS_OF_MS))
    entry[4] = 9
    with pytest.raises(UnreadableEntry, match="format version is 9, not 2"):
        decode("k", bytes(entry))


@pytest.mark.parametrize(
    "payload",
    [
        "[]",
        "{}",
        "null",
        "1",
        "[5,[1,10,3,3,0,0],[[1]]]",
        "[5,[1,10,3,3,0],[]]",
        "[[1,10,3,3,0,0],[]]",
        "[null,[1,10,3,3,0,0],[]]",
        "[1e999,[1,10,3,3,0,0],[]]",
        '[5,[1,10,3,3,0,0],[[1,"n","odd","preview",null,null,null]]]',
        '[5,[1,10,3,3,0,0],[[1,null,"draft","preview",1e300,null,null]]]',
        '[5,[1,10,3,3,0,0],[[1,null,"draft","preview","x",null,null]]]',
        '[5,[1,10,3,3,0,0],[["1,\\"x\\":2","n","draft","preview",null,null,null]]]',
        '[5,[1,10,3,3,0,0],[[null,"n","draft","preview",null,null,null]]]',
        '[5,[1,10,3,3,0,0],[[true,"n","draft","preview",null,null,null]]]',
        '[5,[1,10,3,3,0,0],[[1.5,"n","draft","preview",null,null,null]]]',
        '[5,[1,10,3,3,0,0],[[1,5,"draft","preview",null,null,null]]]',
        '[5,[1,10,3,3,0,0],[[1,"n","draft","preview",null,null,["10080"]]]]',
        '[5,["1",10,3,3,0,0],[]]',
        "[5,[1,0,3,3,0,0],[]]",
        '[5,[1,10,"3",3,0,0],[]]',
        "[5,[1,10,3,3,0,-1],[]]",
    ],
)
def test_a_payload_that_is_no_page_is_unreadable(payload: str) -> None:
    """Even with a good checksum, only a page is a page."""
    raw = payload.encode()
    checksum = hashlib.blake2b(b"k\0" + raw, digest_size=16).digest()
    with pytest.raises(UnreadableEntry, match="payload is not a page"):
        decode("k", HEADER.pack(MAGIC, FORMAT_VERSION, len(raw), checksum) + raw)


def test_an_entry_of_the_version_before_is_unreadable() -> None:
    """It told neither when CC-iSales answered nor how many rows were left out."""
    raw = b"[[1,10,3,3,0],[]]"
    checksum = hashlib.blake2b(b"k\0" + raw, digest_size=16).digest()
    with pytest.raises(UnreadableEntry, match="format version is 1, not 2"):
        decode("k", HEADER.pack(MAGIC, 1, len(raw), checksum) + raw)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    """A value that would run code when unpickled is unreadable and runs nothing."""
    trace = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(trace), "w"))  # type: ignore[return-value] # -- any callable will do

    for planted in (pickle.dumps(Bomb()), b"!" + pickle.dumps(Bomb()), MAGIC + pickle.dumps(Bomb())):
        with pytest.raises(UnreadableEntry):
            decode("k", planted)
    assert not trace.exists()


@pytest.mark.parametrize("planted", [b"", "text", 5, None, b"x" * 100, json.dumps({}).encode(), struct.pack(">Q", 1)])
def test_what_is_not_ours_is_unreadable(planted: object) -> None:
    """Other values, of any type, are unreadable."""
    with pytest.raises(UnreadableEntry):
        decode("k", planted)
