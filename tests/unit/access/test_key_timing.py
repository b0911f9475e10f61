"""Why the time that a wrong key takes tells nothing of a good one: argued by what is compared with what, not measured.

Only two things could tell. A comparison of keys that stops at the first difference: no wrong key is ever compared with
a good one, only its SHA-256 is, and that in constant time. Or work that depends on how near a guess was: there is one
look-up and one comparison of 32 bytes, whatever came.
"""

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.clients import NOBODY, ClientDirectory
from gateway.access.keys import key_hash, new_key
from gateway.settings import Client

GOOD = new_key()
Compared = list[tuple[bytes, bytes]]


class Watched(str):  # noqa: SLOT000 -- it has one attribute, set below
    """A text that counts how often it is compared with another one."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        self.comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def directory(*key_hashes: str) -> ClientDirectory:
    """Return one with a client for each of these hashes."""
    clients = [Client(f"c{number}", one, "", None, frozenset(), 0) for number, one in enumerate(key_hashes)]
    return ClientDirectory(clients, [1])


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    """Return a list of all that is compared in constant time from now on."""
    pairs: Compared = []
    compare = hmac.compare_digest

    def note(one: bytes, other: bytes) -> bool:
        pairs.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", note)
    return pairs


@given(position=st.integers(0, len(GOOD) - 1), letter=st.characters(codec="latin-1"))
def test_a_wrong_key_is_never_compared_with_a_good_one(position: int, letter: str) -> None:
    """Not where all but one character are right, nor once the good key is remembered as it is."""
    clients = directory(key_hash(GOOD))
    assert clients.find(GOOD) is not None
    near = Watched(GOOD[:position] + letter + GOOD[position + 1 :])
    if near == GOOD:
        return
    near.comparisons = 0
    assert clients.find(near) is None
    assert near.comparisons == 0


def test_the_watch_sees_comparisons() -> None:
    """The test above would notice: of the good key itself there is one."""
    clients = directory(key_hash(GOOD))
    clients.find(GOOD)
    again = Watched(GOOD)
    assert clients.find(again) is not None
    assert again.comparisons > 0


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1] + chr(ord(key[-1]) ^ 1),
        lambda key: chr(ord(key[0]) ^ 1) + key[1:],
        lambda key: key[:-1],
        lambda key: key + "x",
        lambda key: key[::-1],
        lambda key: "x" * len(key) * 100,
        lambda key: key.encode().hex(),
    ],
)
@pytest.mark.parametrize("others", [0, 1, 500])
def test_every_wrong_key_takes_the_same_steps(change: Callable[[str], str], others: int, compared: Compared) -> None:
    """One comparison of its SHA-256, with that of nobody, near or far, and however many clients there are."""
    clients = directory(*(key_hash(key) for key in [GOOD, *map(str, range(others))]))
    clients.find(GOOD)
    compared.clear()
    sent = change(GOOD)
    assert clients.find(sent) is None
    assert compared == [(NOBODY[0], hashlib.sha256(sent.encode()).digest())]


def test_a_hash_that_agrees_in_part_takes_the_same_step(compared: Compared) -> None:
    """Even with the half of a hash that finds a client, it is all of the 32 bytes that are compared, once."""
    digest = hashlib.sha256(b"sent").digest()
    known = digest[:31] + bytes([digest[31] ^ 1])
    assert directory(known.hex()).find("sent") is None
    assert compared == [(known, digest)]


def test_a_good_key_takes_that_step_too(compared: Compared) -> None:
    """At its first time; from then on it is known as it is, which its holder may notice."""
    clients = directory(key_hash(GOOD))
    assert clients.find(GOOD) is clients.find(GOOD)
    digest = hashlib.sha256(GOOD.encode()).digest()
    assert compared == [(digest, digest)]
