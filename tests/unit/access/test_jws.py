"""Signatures of tokens: one test an attack."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.jwks import TokenKeys, parse_jwks
from gateway.access.jws import MAX_TOKEN_BYTES, RefusedToken, check_header, check_signature, read_token
from tests.support.identity_provider import EC, ED, OTHER_RSA, RSA, b64, claims, jwk, jwks, token, token_of

KEYS = parse_jwks(jwks())


def verified_claims(sent: str, keys: TokenKeys = KEYS, later: TokenKeys | None = None) -> Mapping[str, Any]:
    """Return the claims of a token that one of these keys, or of those that the provider has `later`, has signed."""
    token = read_token(sent)
    check_header(token.header)
    check_signature(token, lambda _key_id, *, anew=False: (later or keys) if anew else keys)
    return token.claims


def refusal(sent: str, keys: TokenKeys = KEYS) -> str:
    """Return why a token is refused."""
    with pytest.raises(RefusedToken) as caught:
        verified_claims(sent, keys)
    return caught.value.reason


@pytest.mark.parametrize(
    ("algorithm", "key_id"),
    [
        *((f"{family}{size}", "rsa") for family in ("RS", "PS") for size in (256, 384, 512)),
        ("ES256", "ec"),
        ("ES384", "ec-384"),
        ("ES512", "ec-521"),
        ("EdDSA", "ed"),
        ("Ed25519", "ed"),
        ("EdDSA", "ed-448"),
        ("Ed448", "ed-448"),
    ],
)
def test_each_algorithm_is_taken(algorithm: str, key_id: str) -> None:
    """A token that the provider's key signed gives its claims, whichever of the algorithms it used."""
    content = claims()
    assert verified_claims(token(content, algorithm, key_id)) == content


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", "application/jwt", None])
def test_both_types_are_taken(kind: str | None) -> None:
    """`typ` may say access token or plain JWT, in any case, or be absent, which means the latter (RFC 7519, 5.1)."""
    assert verified_claims(token(typ=kind))["client_id"] == "dashboard"


@pytest.mark.parametrize("kind", ["", "logout+jwt", "id+jwt", "dpop+jwt", "at", 7, ["JWT"], {}])
def test_other_types_are_refused(kind: Any) -> None:
    """A token that the provider made for another use is not good here, nor is one whose type is no text."""
    assert refusal(token(typ=kind)) == "bad-type"


def test_an_odd_type_or_name_of_a_key_is_not_an_absent_one() -> None:
    """`null` is a value that is wrong."""
    body = json.dumps(claims()).encode()
    assert refusal(token_of(b'{"alg":"RS256","typ":null,"kid":"rsa"}', body)) == "bad-type"
    only = parse_jwks(jwks(jwk("rsa", RSA)))
    for name in (b"null", b'""', b"7", b'["rsa"]'):
        assert refusal(token_of(b'{"alg":"RS256","kid":' + name + b"}", body), only) == "unknown-key"


ONLY = parse_jwks(jwks(jwk("rsa", RSA), jwk("enc", OTHER_RSA, use="enc")))
NAMELESS = parse_jwks(jwks({name: value for name, value in jwk("", RSA).items() if name != "kid"}))
BOTH_NAMELESS = parse_jwks(
    jwks(*({name: value for name, value in jwk("", key).items() if name != "kid"} for key in (RSA, EC)))
)


@pytest.mark.parametrize("keys", [ONLY, NAMELESS])
def test_a_key_need_not_be_named_where_there_is_but_one(keys: TokenKeys) -> None:
    """Without a `kid` the one key that signs is meant (RFC 7515, section 4.1.4), one for encryption not counting."""
    assert verified_claims(token(key_id=None), keys)
    assert refusal(token(key_id=None, key=OTHER_RSA), keys) == "bad-signature"


def test_a_key_without_a_name_is_taken_where_there_is_but_one() -> None:
    """A JWK needs no `kid` either (RFC 7517, section 4.5)."""
    assert verified_claims(token(key_id="rsa"), NAMELESS)
    assert refusal(token(key_id="rsa"), BOTH_NAMELESS) == "unknown-key"
    assert refusal(token(key_id="stranger", key=RSA), ONLY) == "unknown-key"


@pytest.mark.parametrize("keys", [KEYS, BOTH_NAMELESS])
def test_which_key_is_never_guessed(keys: TokenKeys) -> None:
    """With several keys and no `kid` none is tried, and the refusal says that there are several."""
    with pytest.raises(
        RefusedToken, match=r"does not name the key \(kid\) that signed it, and there are [26] to choose"
    ):
        verified_claims(token(key_id=None), keys)


def test_a_key_that_nobody_names_may_have_been_rotated() -> None:
    """No name tells that there is another key by now, so the provider is asked once more before it is refused."""
    rotated = parse_jwks(jwks(jwk("new", OTHER_RSA)))
    assert verified_claims(token(key_id=None, key=OTHER_RSA), ONLY, later=rotated)
    with pytest.raises(RefusedToken):
        verified_claims(token(key_id="rsa", key=OTHER_RSA), ONLY, later=rotated)


def test_a_key_that_is_left_out_is_named_as_that() -> None:
    """Whoever reads the refusal knows that the provider has the key, and what is wrong with it."""
    with pytest.raises(
        RefusedToken, match=r"is left out of the identity provider's set here: it is not for signatures\."
    ):
        verified_claims(token(key_id="enc", key=OTHER_RSA), ONLY)


@pytest.mark.parametrize("published", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("used", ["EdDSA", "Ed25519"])
def test_one_algorithm_of_two_names(published: str, used: str) -> None:
    """`EdDSA` with this curve and `Ed25519` are the same (RFC 9864), whichever the key and the token say."""
    keys = parse_jwks(jwks(jwk("ed", ED, alg=published)))
    assert verified_claims(token(algorithm=used, key_id="ed"), keys)


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
def test_attack_no_signature(name: str) -> None:
    """`alg` none, in any spelling, with an empty signature or another's."""
    unsigned = token(algorithm="none", alg=name)
    assert refusal(unsigned) == "malformed"
    assert refusal(unsigned + "AAAA") == "bad-algorithm"


@pytest.mark.parametrize(
    "secret",
    [
        RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk("rsa", RSA)).encode(),
        b"",
    ],
)
def test_attack_public_key_as_secret(secret: bytes) -> None:
    """HS256 with the public key, which everybody knows, as the shared secret."""
    assert refusal(token(algorithm="HS256", key=secret)) == "bad-algorithm"


@pytest.mark.parametrize(
    "name", ["HS384", "HS512", "ES256K", "RS1", "rs256", "RSA-OAEP", "dir", "", None, 7, ["RS256"], {}]
)
def test_attack_other_algorithms(name: Any) -> None:
    """Whatever is not on the list is refused, good signature or not, of any type."""
    assert refusal(token(alg=name)) in {"bad-algorithm", "malformed"}


@pytest.mark.parametrize(
    ("algorithm", "key", "claimed", "key_id"),
    [
        ("RS256", RSA, "ES256", "rsa"),
        ("ES256", EC, "RS256", "ec"),
        ("RS256", RSA, "RS256", "ec"),
        ("ES256", EC, "ES256", "ec-384"),
        ("ES256", EC, "ES384", "ec"),
        ("ES256", EC, "EdDSA", "ec"),
        ("RS256", RSA, "PS256", "rsa"),
        ("RS256", RSA, "RS512", "rsa"),
        ("Ed25519", None, "Ed448", "ed"),
    ],
)
def test_attack_key_of_another_kind(algorithm: str, key: Any, claimed: str, key_id: str) -> None:
    """An algorithm that does not fit the key's type, curve or signature."""
    assert refusal(token(algorithm=algorithm, key=key, key_id=key_id, alg=claimed)) == "bad-signature"


def test_attack_key_for_one_algorithm_used_with_another() -> None:
    """A key that the provider published for PS256 does not verify RS256, though the same numbers could."""
    keys = parse_jwks(jwks(jwk("rsa", RSA, alg="PS256")))
    assert verified_claims(token(algorithm="PS256"), keys)
    assert refusal(token(), keys) == "bad-signature"


def test_attack_key_of_another() -> None:
    """Signed by somebody else under the provider's `kid`."""
    assert refusal(token(key=OTHER_RSA)) == "bad-signature"


def test_attack_changed_content() -> None:
    """The claims of one token with the signature of another."""
    head, _, signed = token().split(".")
    raised = b64(json.dumps(claims(vdns="*")).encode())
    assert refusal(f"{head}.{raised}.{signed}") == "bad-signature"


@pytest.mark.parametrize("key_id", ["stranger", "../../dev/null", "' OR 1=1", "RSA", "rsa\x00", None, ""])
def test_attack_unknown_key(key_id: str | None) -> None:
    """A `kid` that the provider has not, or none."""
    assert refusal(token(key=OTHER_RSA, key_id=key_id)) == "unknown-key"


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": jwk("rsa", OTHER_RSA)},
        {"jku": "http://127.0.0.1:1/jwks"},
        {"x5u": "http://127.0.0.1:1/cert"},
        {"x5c": ["AAAA"]},
    ],
)
def test_attack_key_in_the_token(header: dict[str, Any]) -> None:
    """A key, or the way to one, in the token itself: not looked at, whether the token is good or not."""
    assert refusal(token(key=OTHER_RSA, **header)) == "bad-signature"
    assert verified_claims(token(**header))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"crit": []},
        {"crit": "exp"},
        {"crit": 7},
        {"crit": None, "b64": True},
    ],
)
def test_attack_critical_extensions(header: dict[str, Any]) -> None:
    """Extensions that the header calls critical: none is understood, so the token is not (RFC 7515, section 4.1.11)."""
    assert refusal(token(**header)) in {"bad-header", "malformed"}


def test_attack_huge_token() -> None:
    """A token over the limit is refused before anything of it is read; one just below is read."""
    assert refusal(token(claims(junk="x" * MAX_TOKEN_BYTES))) == "too-large"
    assert refusal("a" * 5_000_000) == "too-large"
    assert verified_claims(token(claims(junk="x" * 5000)))


GOOD = token()
HEAD, BODY, SIGNED = GOOD.split(".")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "a",
        "..",
        "a.b",
        f"{HEAD}.{BODY}",
        f"{GOOD}.x",
        f"{GOOD}.x.y",
        f" {GOOD}",
        f"{GOOD}\n",
        f"{HEAD}=.{BODY}.{SIGNED}",
        f"{HEAD}.{BODY}.{SIGNED}==",
        f"{HEAD}.+/{BODY[2:]}.{SIGNED}",
        f"é{HEAD}.{BODY}.{SIGNED}",
        *(
            f"{b64(head)}.{BODY}.{SIGNED}"
            for head in (b"not json", b"[]", b'["alg"]', b"7", b'"alg"', b"\xff\xfe", b"[" * 5000)
        ),
        json.dumps({"payload": BODY, "protected": HEAD, "signature": SIGNED}),
    ],
)
def test_attack_broken_forms(sent: str) -> None:
    """What is not three parts of base64url around JSON objects is malformed, and raises nothing else."""
    assert refusal(sent) == "malformed"


@pytest.mark.parametrize(
    "head",
    [
        b'{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"rsa"}',
        b'{"alg":"RS256","typ":"at+jwt","kid":"stranger","kid":"rsa"}',
        b'{"alg":"RS256","typ":"id+jwt","\\u0074yp":"at+jwt","kid":"rsa"}',
        b'{"alg":"RS256","typ":"at+jwt","kid":"rsa","x":{"y":1,"y":2}}',
        '{"alg":"RS256","typ":"at+jwt","kid":"rsa"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"alg":"RS256","typ":"at+jwt","kid":"rsa"}',
        b'{"alg":"RS256","typ":"at+jwt","kid":"rsa","x":NaN}',
    ],
)
def test_attack_header_of_two_meanings(head: bytes) -> None:
    """A name that comes twice, of which readers take one or the other, and codings that some guess: malformed."""
    assert refusal(token_of(head, json.dumps(claims()).encode())) == "malformed"


@pytest.mark.parametrize(
    "more", [b'"vdns":[1,2]', b'"\\u0076dns":[2]', b'"aud":"other"', b'"x":{"y":1,"y":1}', b'"x":Infinity']
)
def test_attack_claims_of_two_meanings(more: bytes) -> None:
    """Not even the provider's signature makes sense of a claim that comes twice."""
    head = b'{"alg":"RS256","typ":"at+jwt","kid":"rsa"}'
    once = json.dumps(claims()).encode()
    assert verified_claims(token_of(head, once))
    assert refusal(token_of(head, once[:-1] + b"," + more + b"}")) == "malformed"


@pytest.mark.parametrize(
    "content", [b"[]", b"7", b"not json", b"\xff", b"null", b"[" * 5000, b'{"exp":' + b"9" * 5000 + b"}"]
)
def test_signed_rubbish_is_refused(content: bytes) -> None:
    """Even the provider's signature does not make claims of what is no JSON object."""
    assert refusal(token(content)) == "malformed"


def test_the_refusal_repeats_nothing_of_the_token() -> None:
    """No part of a token, not even of its header, is in the words about it."""
    for sent in (token(key=OTHER_RSA), token(alg="MARKER"), token(typ="MARKER"), token(key=RSA, key_id="MARKER")):
        with pytest.raises(RefusedToken) as caught:
            verified_claims(sent)
        assert "MARKER" not in str(caught.value)
        assert not any(part in repr(caught.value) for part in sent.split("."))


@given(position=st.integers(0, len(GOOD) - 1), letter=st.sampled_from("AZaz09-_.=+ é"))
def test_any_changed_character_spoils_a_token(position: int, letter: str) -> None:
    """No token but the very one that was signed is taken."""
    changed = GOOD[:position] + letter + GOOD[position + 1 :]
    if changed == GOOD:
        assert verified_claims(changed)
    else:
        assert refusal(changed)


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_raise_anything_else(head: bytes, body: bytes, signed: bytes) -> None:
    """Whatever comes is refused in words."""
    parts = (base64.urlsafe_b64encode(part).decode() for part in (head, body, signed))
    assert refusal(".".join(parts))
