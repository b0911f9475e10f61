"""Who may call, and what they may ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.callers import Callers
from gateway.access.clients import ClientDirectory
from gateway.access.keys import ALPHABET, has_valid_checksum, key_hash, new_key
from gateway.errors import Forbidden, Unauthenticated
from gateway.settings import Client


def client(name: str, key: str, vdns: set[int] | None, previous: str = "", scopes: str = "campaigns:read") -> Client:
    """Return a client with this key."""
    return Client(
        name,
        key_hash(key) if key else "",
        key_hash(previous) if previous else "",
        None if vdns is None else frozenset(vdns),
        frozenset({scopes}),
        0,
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
    assert all(len(key) == 50 and key.startswith("cgk_") and has_valid_checksum(key) for key in keys)


@given(position=st.integers(0, 49), letter=st.sampled_from(ALPHABET))
def test_a_mistyped_character_is_noticed(position: int, letter: str) -> None:
    """Any one wrong character spoils the checksum."""
    key = new_key()
    mistyped = key[:position] + letter + key[position + 1 :]
    assert has_valid_checksum(mistyped) == (mistyped == key)
