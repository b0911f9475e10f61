"""What verified tokens allow, by their claims or by who they are."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.rights import Form, claims_at, rights_of
from gateway.errors import Forbidden
from gateway.settings.model import TokenGrant
from tests.support.identity_provider import POLICY, claims

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@pytest.mark.parametrize(
    ("claim", "vdns"),
    [
        ([1], {1}),
        ([2, 1, 2], {1, 2}),
        (["1", 2], {1, 2}),
        ([1, 77, 9999], {1}),
        (1, {1}),
        ("1", {1}),
        ("1 2", {1, 2}),
        (" 1  3 ", {1, 3}),
        ("*", {1, 2, 3}),
        (["*"], {1, 2, 3}),
        ([], set()),
    ],
)
def test_vdns_are_read(claim: Any, vdns: set[int]) -> None:
    """Numbers, digits or a star, and of those only VDNs that exist here."""
    grant, _ = rights_of(claims(vdns=claim), POLICY)
    assert grant.vdns == vdns
    assert grant.bearer


@pytest.mark.parametrize(
    "claim",
    [
        None,
        1.0,
        "1,2",
        "[1, 2]",
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
    assert rights_of(claims(vdns=claim), POLICY)[0].vdns == frozenset()


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
    assert rights_of(claims(scope=claim), POLICY)[0].scopes == scopes


@given(vdns=JSON, scope=JSON)
def test_whatever_is_claimed_it_is_never_more_than_there_is(vdns: Any, scope: Any) -> None:
    """Any JSON gives a grant within the VDNs and scopes of the gateway, and no error."""
    grant, _ = rights_of({"vdns": vdns, "scope": scope}, POLICY)
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
    assert rights_of(claims(**named), POLICY)[0].client == name


def test_a_missing_scope_is_told_as_rfc_6750_has_it() -> None:
    """The refusal for want of a scope carries the code and the scope; the one for want of a VDN does not."""
    grant, _ = rights_of(claims(scope="openid"), POLICY)
    with pytest.raises(Forbidden) as caught:
        grant.require_scope("campaigns:read")
    assert caught.value.bearer is not None
    assert (caught.value.bearer.code, caught.value.bearer.scope) == ("insufficient_scope", "campaigns:read")
    with pytest.raises(Forbidden) as caught:
        grant.require_vdn(2)
    assert caught.value.bearer is None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("vdns", [1]),
        ("realm_access.roles", ["r"]),
        ("resource_access.my.app.roles", ["a"]),
        ("https://campaigns.example.com/vdns", [2]),
        ("extn.vdns", ["3"]),
        ("both.at", "whole"),
        ("realm_access", {"roles": ["r"]}),
        ("realm_access.nothing", None),
        ("vdns.0", None),
        ("nothing", None),
        ("", None),
        (".", None),
    ],
)
def test_claims_are_found_by_name_or_path(path: str, found: Any) -> None:
    """A name as a whole goes before a path; names within a path may have dots themselves; lists are not entered."""
    token = {
        "vdns": [1],
        "realm_access": {"roles": ["r"]},
        "resource_access": {"my.app": {"roles": ["a"]}, "my": {"other": 1}},
        "https://campaigns.example.com/vdns": [2],
        "extn.vdns": ["3"],
        "both.at": "whole",
        "both": {"at": "below"},
    }
    assert list(claims_at(token, path)) == ([] if found is None else [found])


@given(JSON, st.text(alphabet="a.", max_size=6))
def test_no_path_raises(value: Any, path: str) -> None:
    """Whatever the claims are and whatever the path, at most one value is found."""
    assert len(list(claims_at({"a": value, "a.a": {"": value}}, path))) <= 1


def test_several_claims_count_together() -> None:
    """Entra has scopes of users in one claim and those of applications in another; odd ones spoil only themselves."""
    policy = replace(POLICY, vdns_claims=("vdns", "extra"), scopes_claims=("scp", "roles"))
    grant, found = rights_of({"vdns": [1], "extra": "2", "scp": "campaigns:read", "roles": ["cache:purge"]}, policy)
    assert grant.vdns == {1, 2}
    assert grant.scopes == {"campaigns:read", "cache:purge"}
    assert [one.form for one in found] == [Form.GOOD, Form.GOOD]
    grant, found = rights_of({"vdns": [1], "extra": {"2": 2}, "scp": "campaigns:read"}, policy)
    assert grant.vdns == {1}
    assert grant.scopes == {"campaigns:read"}
    assert [one.form for one in found] == [Form.ODD, Form.GOOD]


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("isales/campaigns:read openid", {"campaigns:read"}),
        (["isales/campaigns:read", "isales/cache:purge"], {"campaigns:read", "cache:purge"}),
        ("campaigns:read", set()),
        ("other/campaigns:read", set()),
        ("isales/isales/campaigns:read", set()),
        ("isales/", set()),
    ],
)
def test_a_prefix_is_cut_off_scopes(scope: Any, scopes: set[str]) -> None:
    """Only scopes that have it count: others are those of another service."""
    assert rights_of(claims(scope=scope), replace(POLICY, scope_prefix="isales/"))[0].scopes == scopes


BY_SUBJECT = TokenGrant("system:serviceaccount:sales:board", "", frozenset({1, 9}), frozenset({"campaigns:read"}))
BY_CLIENT = TokenGrant("", "dashboard", None, frozenset({"cache:purge"}))


@pytest.mark.parametrize(
    ("token", "vdns", "scopes"),
    [
        ({"sub": BY_SUBJECT.subject}, {1}, {"campaigns:read"}),
        ({"sub": BY_SUBJECT.subject, "vdns": [2], "scope": "cache:purge"}, {1}, {"campaigns:read"}),
        ({"cid": "dashboard", "vdns": [2]}, {1, 2, 3}, {"cache:purge"}),
        ({"appid": "dashboard", "sub": BY_SUBJECT.subject}, {1}, {"campaigns:read"}),
        ({"sub": "dashboard", "vdns": [2], "scope": "campaigns:read"}, {2}, {"campaigns:read"}),
        ({"client_id": "other", "azp": "dashboard"}, set(), set()),
        ({"sub": BY_SUBJECT.subject + " "}, set(), set()),
        ({"sub": [BY_SUBJECT.subject]}, set(), set()),
        ({"sub": "", "client_id": ""}, set(), set()),
        ({}, set(), set()),
    ],
)
def test_rights_by_who_it_is(token: dict[str, Any], vdns: set[int], scopes: set[str]) -> None:
    """The first table that fits counts, exactly, and then no claim does, so that no right of one joins the other's."""
    grant, _ = rights_of(token, replace(POLICY, grants=(BY_SUBJECT, BY_CLIENT)))
    assert grant.vdns == vdns
    assert grant.scopes == scopes


@pytest.mark.parametrize(
    ("claim", "form", "words"),
    [
        ({}, Form.ABSENT, "`vdns` is not there."),
        ({"vdns": None}, Form.EMPTY, "`vdns` is null."),
        ({"vdns": []}, Form.EMPTY, "`vdns` is empty."),
        ({"vdns": " "}, Form.EMPTY, "`vdns` is empty."),
        ({"vdns": [77]}, Form.UNKNOWN, "`vdns` lists no VDN that is served here."),
        ({"vdns": "1,2"}, Form.ODD, "`vdns` is a text with '1,2', which is no VDN (1 to 9999)."),
        ({"vdns": [1, 0]}, Form.ODD, "`vdns` is a list with 0, which is no VDN (1 to 9999)."),
        ({"vdns": [1.0]}, Form.ODD, "`vdns` is a list with 1.0, which is no VDN (1 to 9999)."),
        ({"vdns": ["+49 170 1234567"]}, Form.ODD, "`vdns` is a list with an entry, which is no VDN (1 to 9999)."),
        ({"vdns": ["Ann Example"]}, Form.ODD, "`vdns` is a list with an entry, which is no VDN (1 to 9999)."),
        ({"vdns": {"roles": [1]}}, Form.ODD, "`vdns` is an object, not a list of VDNs, 1 to 9999; name what is in it"),
        ({"vdns": True}, Form.ODD, "`vdns` is true or false, not a list of VDNs, 1 to 9999."),
        ({"vdns": 1.5}, Form.ODD, "`vdns` is a number, not a list of VDNs, 1 to 9999."),
    ],
)
def test_who_may_read_no_vdn_is_told_what_was_found(claim: dict[str, Any], form: Form, words: str) -> None:
    """The refusal names the claim and what was there, and shows nothing that may be a person's."""
    grant, (found, _) = rights_of(claim, POLICY)
    assert (found.right, found.claims, found.form) == ("vdns", ("vdns",), form)
    with pytest.raises(Forbidden) as caught:
        grant.require_some_vdn()
    assert caught.value.detail.startswith("Client 'jwt:unnamed' may read no VDN. Looked for in the token's claims: ")
    assert words in caught.value.detail


@pytest.mark.parametrize(
    ("claim", "form", "words"),
    [
        ({}, Form.ABSENT, "`scope` is not there."),
        ({"scope": "openid email"}, Form.UNKNOWN, "`scope` lists 2, none of which is a scope of the gateway."),
        (
            {"scope": "openid isales/campaigns:read"},
            Form.UNKNOWN,
            "`isales/campaigns:read` is one after the prefix `isales/` (jwt.scope_prefix).",
        ),
        ({"scope": "campaigns:read,cache:purge"}, Form.UNKNOWN, "there are blanks and nothing else."),
        ({"scope": "[campaigns:read, cache:purge]"}, Form.UNKNOWN, "there are blanks and nothing else."),
        ({"scope": ["campaigns:read", 7]}, Form.ODD, "`scope` is a list, of which one is no text."),
        ({"scope": {"campaigns:read": True}}, Form.ODD, "`scope` is an object, not a list of scopes; name what is in"),
        ({"scope": "cache:purge"}, Form.GOOD, "its scopes: cache:purge."),
    ],
)
def test_who_lacks_a_scope_is_told_what_was_found(claim: dict[str, Any], form: Form, words: str) -> None:
    """The same for scopes, with what is most likely wrong."""
    grant, (_, found) = rights_of(claim, POLICY)
    assert (found.right, found.form) == ("scopes", form)
    with pytest.raises(Forbidden) as caught:
        grant.require_scope("campaigns:read")
    assert words in caught.value.detail
