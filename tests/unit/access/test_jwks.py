"""JWK sets: which keys are usable, and words for those that are not."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.jwks import MAX_KEYS, parse_jwks
from tests.support.identity_provider import EC, ED, KEYS, OTHER_RSA, RSA, b64, jwk, jwks, number

WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- weak on purpose: it must be refused


def test_keys_are_found_by_their_id() -> None:
    """Every kind of key is read, extra members do not matter, and two keys may have one id."""
    keys = parse_jwks(jwks(*(jwk(key_id, key, use="sig", x5t="x", made=1) for key_id, key in KEYS.items())))
    assert keys.by_id.keys() == KEYS.keys()
    assert keys.left_out == ()
    twins = parse_jwks(jwks(jwk("a", RSA), jwk("a", EC)))
    assert [key.key_type for key in twins.by_id["a"]] == ["RSA", "EC"]


def test_a_private_key_is_not_kept() -> None:
    """Should a provider publish its private key, only the public half is taken."""
    private = jwk("rsa", RSA, d=number(RSA.private_numbers().d))
    (key,) = parse_jwks(jwks(private)).by_id["rsa"]
    assert not key.is_private


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (7, "is not an object"),
        ({"kty": "oct", "kid": "x", "k": "AAAA"}, "is of no kind that is used here"),
        ({"kty": ["RSA"], "kid": "x"}, "is of no kind that is used here"),
        ({"kid": "x"}, "is of no kind that is used here"),
        ({**jwk("x", EC), "kid": None}, "has a `kid` that is no text"),
        ({**jwk("x", EC), "kid": ""}, "has a `kid` that is no text"),
        (jwk("x", RSA, alg="RSA-OAEP"), "is for an algorithm (alg) that is not taken here"),
        (jwk("x", EC, alg="ES256K"), "is for an algorithm (alg) that is not taken here"),
        (jwk("x", EC, use="enc"), "is not for signatures"),
        (jwk("x", EC, key_ops=["encrypt"]), "is not for signatures"),
        *((jwk("x", EC, key_ops=odd), "is not for signatures") for odd in (None, 7, True, "verify", {"verify": 1})),
        (jwk("x", WEAK), "is not an RSA key of 2048 to 8192 bits, but of 1024"),
        (jwk("x", RSA, n=b64(b"\xff" * 1025)), "is not an RSA key of 2048 to 8192 bits"),
        (jwk("x", RSA, n=7), "is not an RSA key of 2048 to 8192 bits"),
        (jwk("x", RSA, n="+/=="), "is not an RSA key of 2048 to 8192 bits"),
        (jwk("x", RSA, e="+"), "cannot be read"),
        (jwk("x", EC, x="AAAA"), "cannot be read"),
        (jwk("x", EC, crv="P-1"), "is on no curve that is used here"),
        (jwk("x", EC, crv="secp256k1"), "is on no curve that is used here"),
        (jwk("x", EC, crv=["P-256"]), "is on no curve that is used here"),
        (jwk("x", ED, crv="X25519"), "is on no curve that is used here"),
        (jwk("x", ED, crv="P-256"), "cannot be read"),
        (jwk("x", ED, x="AAAA"), "cannot be read"),
        (jwk("x", ED, alg=7), "cannot be read"),
    ],
)
def test_odd_keys_are_left_out_and_cost_the_others_nothing(odd: Any, words: str) -> None:
    """A key that is of no use is named with its fault; the others are as good as ever."""
    keys = parse_jwks(jwks(odd, jwk("good", OTHER_RSA)))
    assert set(keys.by_id) == {"good"}
    (left_out,) = keys.left_out
    assert str(left_out).startswith(f"keys[0] {words}")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JWK set"),
        (b'{"keys": {}}', "not a JWK set"),
        (
            b'{"issuer": "i", "jwks_uri": "https://id/k\\u001b[1m"}',
            r"discovery document and not a JWK set; .* `jwks_uri`, 'https://id/k\\x1b\[1m'",
        ),
        (b'{"jwks_uri": 7}', "not a JWK set"),
        (b'{"keys": []}', "it is empty"),
        (jwks(jwk("x", WEAK)), r"keys\[0\] is not an RSA key"),
        (json.dumps({"keys": [{}] * (MAX_KEYS + 1)}).encode(), "has 101 keys"),
    ],
)
def test_a_set_without_usable_keys_is_a_fault(document: bytes, words: str) -> None:
    """Rubbish, other JSON, no keys and too many are told apart."""
    with pytest.raises(ValueError, match=words):
        parse_jwks(document)


@given(
    st.dictionaries(
        st.sampled_from(["kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y"]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.text(max_size=5),
            st.lists(st.text(max_size=3), max_size=2),
            st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "X25519", "AQAB", "sig"]),
        ),
    )
)
def test_no_key_raises_anything_else(odd: dict[str, Any]) -> None:
    """Whatever members a key has, it is read or left out."""
    assert "good" in parse_jwks(jwks(odd, jwk("good", EC))).by_id
