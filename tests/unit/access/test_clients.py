"""Who may call, and what they may ask for."""

import re
import string
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.callers import Callers
from gateway.access.clients import ClientDirectory
from gateway.access.keys import ALPHABET, checksum, has_valid_checksum, key_hash, new_key
from gateway.errors import Forbidden, Unauthenticated
from gateway.settings import Client


def client(
    name: str,
    key: str,
    vdns: set[int] | None,
    previous: str = "",
    scopes: str = "campaigns:read",
    requests_per_minute: int = 0,
) -> Client:
    """Return a client with this key."""
    return Client(
        name,
        key_hash(key) if key else "",
        key_hash(previous) if previous else "",
        None if vdns is None else frozenset(vdns),
        frozenset({scopes}),
        requests_per_minute,
    )


CALLERS = Callers(
    ClientDirectory(
        [
            client("web", "web-key", {1}),
            client("all", "all-key", None, previous="old-key"),
            client("none", "", {1}),
            client("some", "sömé-key", {1, 2, 77}),
        ],
        tenant_vdns=[1, 2, 3],
    )
)


@pytest.mark.parametrize(
    ("key", "name", "vdns", "only"),
    [
        ("web-key", "web", {1}, 1),
        ("all-key", "all", {1, 2, 3}, None),
        ("old-key", "all", {1, 2, 3}, None),
        ("sömé-key", "some", {1, 2}, None),
    ],
)
def test_a_key_leads_to_its_client(key: str, name: str, vdns: set[int], only: int | None) -> None:
    """Current and previous keys are good; VDNs are those that the client may read and that exist."""
    sent = key.encode().decode("latin-1")
    for _ in range(2):
        grant = CALLERS.authenticate(sent, None)
        assert (grant.client, grant.vdns, grant.only_vdn) == (name, frozenset(vdns), only)
        assert CALLERS.find(sent, None) is grant


@pytest.mark.parametrize("key", [None, "", "web-key ", "WEB-KEY", "\xff\xfe", key_hash("web-key"), "x" * 9000])
def test_other_keys_are_refused(key: str | None) -> None:
    """No key, a wrong key, and the hash itself lead to nobody."""
    for _ in range(2):
        assert CALLERS.find(key, None) is None
        with pytest.raises(Unauthenticated):
            CALLERS.authenticate(key, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda key: key, r"is whole, but not known here"),
        (lambda key: key[:-1], r"its checksum is wrong"),
        (lambda key: key + "x", r"its checksum is wrong"),
        (lambda key: key.swapcase(), r"its checksum is wrong"),
        (lambda key: key[:10] + ("a" if key[10] != "a" else "b") + key[11:], r"its checksum is wrong"),
        (lambda key: key[:10] + "\xe9" + key[11:], r"its checksum is wrong"),
        (lambda key: key[:4], r"its checksum is wrong"),
        (lambda key: key[4:], r"X-API-Key is not known here\.$"),
        (lambda key: "x" + key, r"X-API-Key is not known here\.$"),
    ],
)
def test_a_typing_error_is_told_from_a_key_that_nobody_has(change: Callable[[str], str], words: str) -> None:
    """The refusal says whether the key is whole, begins like ours or is of another kind, and repeats nothing of it."""
    sent = change(new_key())
    with pytest.raises(Unauthenticated, match=words) as caught:
        CALLERS.authenticate(sent, None)
    assert not any(sent[at : at + 5] in caught.value.detail for at in range(len(sent) - 4))


def test_vdns_and_scopes_are_refused_in_words() -> None:
    """A refusal says what the client may do; one in a VDN that does not exist says no more than that."""
    grant = CALLERS.authenticate("web-key", None)
    grant.require_vdn(1)
    grant.require_scope("campaigns:read")
    with pytest.raises(Forbidden, match=r"Client 'web' may not read VDN 2; it may read: 1\."):
        grant.require_vdn(2)
    with pytest.raises(Forbidden, match=r"Client 'web' may not read VDN 77; it may read: 1\."):
        grant.require_vdn(77)
    with pytest.raises(Forbidden, match="lacks the scope 'cache:purge'; its scopes: campaigns:read"):
        grant.require_scope("cache:purge")


def test_long_lists_of_vdns_are_cut() -> None:
    """A client of a thousand VDNs is not told all of them."""
    grant = Callers(ClientDirectory([client("all", "k", None)], range(1, 1000))).authenticate("k", None)
    with pytest.raises(Forbidden, match=r"it may read: 1, 2, .*, 20, \.\.\."):
        grant.require_vdn(5000)


def test_new_keys_are_whole_and_differ() -> None:
    """Each key has the prefix, a length of fifty and a good checksum, and none comes twice."""
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch("cgk_[A-Za-z0-9]{46}", key) and has_valid_checksum(key) for key in keys)


def test_a_checksum_is_that_of_other_tools() -> None:
    """Scanners can compute it: CRC-32 of all before it, in base 62, letters first."""
    key, number = new_key(), 0
    for letter in key[-6:]:
        number = number * 62 + ALPHABET.index(letter)
    assert number == zlib.crc32(key[:-6].encode())
    assert string.ascii_letters + string.digits == ALPHABET


@given(st.integers(0, 2**32))
def test_no_other_length_is_whole(number: int) -> None:
    """A shorter or longer text with a right checksum is no key of ours."""
    body = f"cgk_{number}"
    assert not has_valid_checksum(body + checksum(body))


@given(position=st.integers(0, 49), letter=st.sampled_from(ALPHABET))
def test_a_mistyped_character_is_noticed(position: int, letter: str) -> None:
    """Any one wrong character spoils the checksum."""
    key = new_key()
    mistyped = key[:position] + letter + key[position + 1 :]
    assert has_valid_checksum(mistyped) == (mistyped == key)


def test_both_keys_of_a_client_have_its_limit() -> None:
    """While keys are rotated the limit is still that of the client, under one name."""
    directory = ClientDirectory([client("web", "new", {1}, previous="old", requests_per_minute=7)], [1])
    grants = [directory.find(key) for key in ("new", "old")]
    assert [(grant.client, grant.requests_per_minute) for grant in grants if grant] == [("web", 7)] * 2
