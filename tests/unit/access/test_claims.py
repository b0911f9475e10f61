"""Claims of verified tokens: for us, in time, and what they allow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.claims import TokenPolicy, check_claims, grant_of
from gateway.access.jws import RefusedToken
from gateway.errors import Forbidden
from tests.support.identity_provider import AUDIENCE, ISSUER, claims

NOW = 1_800_000_000.0
POLICY = TokenPolicy(ISSUER, AUDIENCE, "vdns", "scope", frozenset({1, 2, 3}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
)


def reason(**changes: Any) -> str:
    """Return why good claims are refused when they are changed so; empty when they are not."""
    try:
        check_claims(claims(NOW, **changes), POLICY, NOW)
    except RefusedToken as refusal:
        return refusal.reason
    return ""


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"aud": [AUDIENCE]},
        {"aud": ["other", AUDIENCE]},
        {"exp": NOW + 0.5},
        {"nbf": NOW + 30, "iat": NOW + 30},
        {"nbf": None, "iat": None},
    ],
)
def test_good_claims(good: dict[str, Any]) -> None:
    """Issuer and audience are ours, and the time is right: a clock 30 seconds ahead is no fault."""
    assert reason(**good) == ""


@pytest.mark.parametrize(
    "issuer", [None, "", f"{ISSUER}/", ISSUER.upper(), "https://id.example.com.evil.test", [ISSUER], 7, True]
)
def test_attack_wrong_issuer(issuer: Any) -> None:
    """Another issuer, one that looks alike, or a list with ours in it."""
    assert reason(iss=issuer) == "bad-issuer"


@pytest.mark.parametrize(
    "audience", [None, "", "other", [], ["other"], [[AUDIENCE]], f"{AUDIENCE} other", {AUDIENCE: 1}, 7]
)
def test_attack_wrong_audience(audience: Any) -> None:
    """A token of our issuer for somebody else."""
    assert reason(aud=audience) == "bad-audience"


@pytest.mark.parametrize("name", ["at_hash", "c_hash", "s_hash", "events"])
def test_attack_token_for_another_use(name: str) -> None:
    """An ID token, or one that ends a session, of our issuer and for us, whose type says JWT as all others."""
    assert reason(**{name: "x"}) == "bad-type"
    assert reason(nonce="x") == ""


@pytest.mark.parametrize("expires", [NOW, NOW - 1, 0, -1])
def test_attack_expired(expires: float) -> None:
    """There is no grace: at its `exp` a token is over."""
    assert reason(exp=expires) == "expired"


@pytest.mark.parametrize(
    "expires", [None, "9999999999", True, [NOW + 9], 1e300, float("inf"), float("nan"), 10**400, {"seconds": 1}]
)
def test_attack_missing_or_odd_expiry(expires: Any) -> None:
    """Without a plain `exp` a token would live for ever."""
    assert reason(exp=expires) == "bad-time"


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_attack_not_yet_valid(name: str) -> None:
    """More than 30 seconds ahead is the future; an odd time is a fault."""
    assert reason(**{name: NOW + 31}) == "not-yet-valid"
    assert reason(**{name: "now"}) == "bad-time"


@pytest.mark.parametrize(
    ("claim", "vdns"),
    [
        ([1], {1}),
        ([2, 1, 2], {1, 2}),
        (["1", 2], {1, 2}),
        ([1, 77, 9999], {1}),
        ("*", {1, 2, 3}),
        (["*"], {1, 2, 3}),
        ([], set()),
    ],
)
def test_vdns_are_read(claim: Any, vdns: set[int]) -> None:
    """Numbers, digits or a star, and of those only VDNs that exist here."""
    grant = grant_of(claims(vdns=claim), POLICY)
    assert grant.vdns == vdns
    assert grant.bearer


@pytest.mark.parametrize(
    "claim",
    [
        None,
        1,
        "1",
        "1,2",
        "1 or 1=1",
        ["1 or 1=1"],
        [1.0],
        [1, 1.5],
        [True],
        [1, None],
        [[1]],
        [{"vdn": 1}],
        {"1": True},
        [-1],
        [0],
        [1, 10000],
        ["01"],
        ["+1"],
        [" 1"],
        ["1\n"],
        ["١"],
        ["1_0"],
        ["*", 1],
        ["**"],
        "**",
        "",
        True,
    ],
)
def test_attack_odd_vdns(claim: Any) -> None:
    """A claim that is not wholly as it should be allows no VDN at all."""
    assert grant_of(claims(vdns=claim), POLICY).vdns == frozenset()


@pytest.mark.parametrize(
    ("claim", "scopes"),
    [
        ("campaigns:read", {"campaigns:read"}),
        ("openid campaigns:read cache:purge", {"campaigns:read", "cache:purge"}),
        (["campaigns:read", "email"], {"campaigns:read"}),
        ("", set()),
        (None, set()),
        ("Campaigns:Read", set()),
        ("campaigns:read:all campaigns", set()),
        ("campaigns:readx", set()),
        ("campaigns:*", set()),
        ("*", set()),
        ("campaigns:read,cache:purge", set()),
        ("campaigns:read\tcache:purge", set()),
        ("campaigns:read\u00a0cache:purge", set()),
        (["campaigns:read cache:purge"], set()),
        (["campaigns:read", 7], set()),
        ([["campaigns:read"]], set()),
        ({"campaigns:read": True}, set()),
        (True, set()),
    ],
)
def test_scopes_are_exact(claim: Any, scopes: set[str]) -> None:
    """Another case, a prefix, a pattern or an odd separator is no scope of ours."""
    assert grant_of(claims(scope=claim), POLICY).scopes == scopes


@given(vdns=JSON, scope=JSON)
def test_whatever_is_claimed_it_is_never_more_than_there_is(vdns: Any, scope: Any) -> None:
    """Any JSON gives a grant within the VDNs and scopes of the gateway, and no error."""
    grant = grant_of({"vdns": vdns, "scope": scope}, POLICY)
    assert grant.vdns <= POLICY.tenants
    assert grant.scopes <= {"campaigns:read", "cache:purge", "diagnostics:read"}


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ({}, "jwt:dashboard"),
        ({"client_id": None, "azp": "web"}, "jwt:web"),
        ({"client_id": "", "sub": "auth0|7"}, "jwt:auth0|7"),
        ({"client_id": 7, "sub": "a@b.c"}, "jwt:a@b.c"),
        ({"client_id": None, "sub": None}, "jwt:unnamed"),
        ({"client_id": 'x"\n\x1b[31m\u202e:é'}, "jwt:x____31m___"),
        ({"client_id": "y" * 5000}, "jwt:" + "y" * 64),
    ],
)
def test_names_are_safe_to_show(named: dict[str, Any], name: str) -> None:
    """The name is plain, short, and none that a configured client can have."""
    assert grant_of(claims(**named), POLICY).client == name


def test_a_missing_scope_is_told_as_rfc_6750_has_it() -> None:
    """The refusal for want of a scope carries the code and the scope; the one for want of a VDN does not."""
    grant = grant_of(claims(scope="openid"), POLICY)
    with pytest.raises(Forbidden) as caught:
        grant.require_scope("campaigns:read")
    assert caught.value.bearer is not None
    assert (caught.value.bearer.code, caught.value.bearer.scope) == ("insufficient_scope", "campaigns:read")
    with pytest.raises(Forbidden) as caught:
        grant.require_vdn(2)
    assert caught.value.bearer is None
