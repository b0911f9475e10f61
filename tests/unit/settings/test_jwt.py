"""Identity providers in the settings: one or several, where rights are looked for, and rights by who it is."""

import json
import tomllib
from pathlib import Path

import pytest

from gateway.settings import KeptSettings, changed_settings, effective_toml, load_kept, load_settings, restore_settings
from gateway.settings.model import TokenGrant
from tests.unit.settings.project import MINIMAL, faults_of, own_file

ONE = """
[jwt]
issuer = "https://one.example.com"
audience = "a"
jwks_url = "https://one.example.com/jwks"
"""
TWO = ONE.replace("[jwt]", "[[jwt]]") + ONE.replace("[jwt]", "[[jwt]]").replace("one.example", "two.example")
GRANTS = """
[[jwt.grants]]
subject = "system:serviceaccount:sales:board"
vdns = [7]
[[jwt.grants]]
client = "machine"
vdns = ["*"]
scopes = ["cache:purge"]
"""


def test_one_table_and_an_array_of_one_are_the_same(root: Path, tmp_path: Path) -> None:
    """Both give one provider, and both are shown as one table."""
    table = load_settings({"GATEWAY_CONFIG": own_file(tmp_path, ONE)}, root)
    array = load_settings({"GATEWAY_CONFIG": own_file(tmp_path, ONE.replace("[jwt]", "[[jwt]]"))}, root)
    assert table == array
    assert [jwt.issuer for jwt in table.issuers] == ["https://one.example.com"]
    assert isinstance(tomllib.loads(effective_toml(table))["jwt"], dict)


def test_several_providers(root: Path, tmp_path: Path) -> None:
    """Each has settings of its own, with defaults for the rest; those without an issuer are off."""
    own = own_file(tmp_path, TWO + GRANTS + "[[jwt]]\n")
    settings = load_settings({"GATEWAY_CONFIG": own}, root)
    assert [jwt.issuer for jwt in settings.jwt] == ["https://one.example.com", "https://two.example.com", ""]
    assert [jwt.issuer for jwt in settings.issuers] == ["https://one.example.com", "https://two.example.com"]
    assert settings.issuers[0].grants == ()
    assert settings.issuers[1].grants == (
        TokenGrant("system:serviceaccount:sales:board", "", frozenset({7}), frozenset({"campaigns:read"})),
        TokenGrant("", "machine", None, frozenset({"cache:purge"})),
    )
    (tmp_path / "again.toml").write_text(effective_toml(settings).replace('"aaaaaaaa********"', '""'))
    assert load_settings({"GATEWAY_CONFIG": str(tmp_path / "again.toml")}, root).jwt == settings.jwt


def test_by_default_there_is_none(root: Path) -> None:
    """Tokens are off until there is an issuer, and the claims are those of before."""
    (jwt,) = load_settings({}, root).jwt
    assert (jwt.vdns_claim, jwt.scopes_claim, jwt.scope_prefix, jwt.accepted_clients) == (("vdns",), ("scope",), "", ())
    assert load_settings({}, root).issuers == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("vdns", ("vdns",)),
        ("realm_access.roles", ("realm_access.roles",)),
        ("https://campaigns.example.com/vdns", ("https://campaigns.example.com/vdns",)),
        ('["scp", "roles", "scp"]', ("scp", "roles")),
        ('"scp"', ("scp",)),
    ],
)
def test_names_of_claims_in_variables(root: Path, written: str, read: tuple[str, ...]) -> None:
    """A name stands as it is, a list as in TOML."""
    settings = load_settings({"GATEWAY__JWT__SCOPES_CLAIM": written}, root)
    assert settings.jwt[0].scopes_claim == read
    assert settings.jwt[0].vdns_claim == ("vdns",)


PROVIDER = {"ISSUER": "https://one.example.com", "AUDIENCE": "a", "JWKS_URL": "https://one.example.com/jwks"}


def variables(prefix: str, **changes: str) -> dict[str, str]:
    """Return variables of a provider."""
    return {f"GATEWAY__JWT__{prefix}{name}": value for name, value in {**PROVIDER, **changes}.items()}


def test_variables_of_one_provider_and_of_several(root: Path, tmp_path: Path) -> None:
    """Without a number they are the only provider's, whichever way it is written; with numbers those of each."""
    assert [jwt.audience for jwt in load_settings(variables(""), root).issuers] == ["a"]
    settings = load_settings({**variables("0__"), **variables("1__", ISSUER="https://two.example.com")}, root)
    assert [jwt.issuer for jwt in settings.issuers] == ["https://one.example.com", "https://two.example.com"]
    for text in (ONE, ONE.replace("[jwt]", "[[jwt]]")):
        for name in ("GATEWAY__JWT__AUDIENCE", "GATEWAY__JWT__0__AUDIENCE"):
            own = {"GATEWAY_CONFIG": own_file(tmp_path, text), name: "b"}
            assert [jwt.audience for jwt in load_settings(own, root).issuers] == ["b"]
    own = {"GATEWAY_CONFIG": own_file(tmp_path, TWO), "GATEWAY__JWT__1__AUDIENCE": "b"}
    assert [jwt.audience for jwt in load_settings(own, root).issuers] == ["a", "b"]
    grants = {"GATEWAY__JWT__GRANTS__0__CLIENT": "machine", "GATEWAY__JWT__GRANTS__0__VDNS": "[7]"}
    assert load_settings({**variables(""), **grants}, root).issuers[0].grants[0].client == "machine"
    whole = {"GATEWAY__JWT": '[{issuer = "i", audience = "a", jwks_file = "f"}, {}]', "GATEWAY__JWT__1__AUDIENCE": ""}
    assert [jwt.issuer for jwt in load_settings(whole, root).jwt] == ["i", ""]


def test_a_fault_is_told_with_its_source_when_a_variable_gives_the_table_a_number(root: Path, tmp_path: Path) -> None:
    """What the file says of the only provider is then said of the first."""
    own = own_file(tmp_path, ONE.replace('"a"', '""'))
    (fault,) = faults_of(root, GATEWAY_CONFIG=own, GATEWAY__JWT__0__SCOPES_CLAIM="scp")
    assert fault.startswith(f"jwt[0].audience (from {own} (GATEWAY_CONFIG)): must be set")


def test_a_variable_of_no_certain_provider_is_a_fault(root: Path, tmp_path: Path) -> None:
    """With several providers it says which it is for."""
    (fault,) = faults_of(root, GATEWAY_CONFIG=own_file(tmp_path, TWO), GATEWAY__JWT__AUDIENCE="b")
    assert fault == ("GATEWAY__JWT__AUDIENCE: there are 2 tables [[jwt]]; say which, such as GATEWAY__JWT__0__AUDIENCE")
    assert "say which" in faults_of(root, **variables("0__"), **variables("1__"), GATEWAY__JWT__AUDIENCE="b")[0]


def test_a_later_table_changes_an_only_provider(root: Path, tmp_path: Path) -> None:
    """As it does with a table; of several it takes the place, and what it lacks is said."""
    (root / "config/development.toml").write_text(MINIMAL + ONE.replace("[jwt]", "[[jwt]]"))
    own = own_file(tmp_path, '[jwt]\naudience = "b"\n')
    assert [(jwt.issuer, jwt.audience) for jwt in load_settings({"GATEWAY_CONFIG": own}, root).issuers] == [
        ("https://one.example.com", "b")
    ]
    (root / "config/development.toml").write_text(MINIMAL + TWO)
    settings = load_settings({"GATEWAY_CONFIG": own}, root)
    assert settings.issuers == ()
    assert settings.warnings == ("jwt.audience is set, but jwt.issuer is not: its bearer tokens are not taken",)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (ONE.replace('"a"', '""'), ["jwt.audience", "must be set where `issuer` is (or `accepted_clients`"]),
        (ONE.replace('"a"', '""') + "accepted_clients = []", ["jwt.audience"]),
        (ONE + 'accepted_clients = [""]', ["jwt.accepted_clients[0]", "must not be empty"]),
        (ONE + "vdns_claim = []", ["jwt.vdns_claim", "must not be empty"]),
        (ONE + 'scopes_claim = ["scp", ""]', ["jwt.scopes_claim", "must not be empty"]),
        (ONE + "scopes_claim = 7", ["jwt.scopes_claim", "must be the name of a claim in quotes", "it is 7"]),
        (ONE + "[[jwt.grants]]", ["jwt.grants[0].subject", "set either this or `client`"]),
        (ONE + '[[jwt.grants]]\nsubject = "s"\nclient = "c"', ["jwt.grants[0].subject", "set either this or `client`"]),
        (ONE + '[[jwt.grants]]\nsubject = "s"\nscopes = ["x"]', ["jwt.grants[0].scopes[0]", "must be one of:"]),
        (ONE + '[[jwt.grants]]\nsubject = "s"\nvdns = [0]', ["jwt.grants[0].vdns", "must be a list of VDNs"]),
        (ONE + '[jwt.grants]\nsubject = "s"', ["jwt.grants", "write `[[jwt.grants]]`, in double brackets"]),
        (ONE + "grants = [1]", ["jwt.grants[0]", "write each as a table below `[[jwt.grants]]`"]),
        (TWO + "grants = [1]", ["jwt[1].grants[0]", "write each as a table below `[[jwt.grants]]`"]),
        (ONE + GRANTS + '[[jwt.grants]]\nclient = "machine"', ["the client 'machine' is listed 2 times"]),
        (ONE + GRANTS.replace("grants", "grnats"), ["jwt.grnats", "did you mean `grants`?"]),
        (TWO.replace("two", "one"), ["jwt: the issuer 'https://one.example.com' is listed 2 times"]),
        (TWO + "jwks_file = 'f'", ["jwt[1].jwks_url", "set either this or `jwks_file`"]),
        ("jwt = 7", ["jwt", "must be one table; write `[jwt]`"]),
        ("jwt = [7]", ["jwt[0]", "must be a table with the settings of one entry"]),
        ('[jwt]\nissuer = "i"\naudience = ""', ["jwt.audience", "jwt.jwks_url"]),
        (
            '[jwt]\nissuer = "i"\naudience = ""\nvdns_claim = ""\njwks_url = "u"\njwks_file = "f"',
            ["jwt.audience", "jwt.vdns_claim", "jwt.jwks_url"],
        ),
    ],
)
def test_each_fault_of_a_provider_is_told(root: Path, tmp_path: Path, own: str, words: list[str]) -> None:
    """By name, with the number of the provider where there are several, and all at once."""
    told = "\n".join(faults_of(root, GATEWAY_CONFIG=own_file(tmp_path, own)))
    assert all(part in told for part in words), told


def test_production_looks_at_each_provider(root: Path, tmp_path: Path) -> None:
    """Plain HTTP is refused for any of them, and any of them is a caller."""
    own = own_file(
        tmp_path, "clients = []" + TWO.replace("https://two.example.com/jwks", "http://two.example.com/jwks")
    )
    (fault,) = faults_of(root, GATEWAY_ENV="production", GATEWAY_CONFIG=own)
    assert fault.startswith(f"jwt[1].jwks_url (from {own} (GATEWAY_CONFIG)): production refuses plain HTTP, over which")
    assert "'http://two.example.com/jwks'" in fault
    own = own_file(tmp_path, "clients = []" + TWO.replace('issuer = "https://one.example.com"', ""))
    settings = load_settings({"GATEWAY_ENV": "production", "GATEWAY_CONFIG": own}, root)
    assert settings.warnings[0] == "jwt[0].audience is set, but jwt[0].issuer is not: its bearer tokens are not taken"


def test_rights_for_an_unknown_vdn_are_a_warning(root: Path, tmp_path: Path) -> None:
    """Grants for a VDN without a tenant are warned of, as such rights of clients are."""
    own = own_file(tmp_path, ONE + GRANTS.replace("[7]", "[7, 8]"))
    (warning,) = load_settings({"GATEWAY_CONFIG": own}, root).warnings
    assert warning.startswith("who has jwt.grants 'system:serviceaccount:sales:board' may read VDN 8, for which")


def test_changes_of_providers_are_named(root: Path, tmp_path: Path) -> None:
    """By setting where there is one, else by issuer."""
    one, changed, two, other = (
        load_settings({"GATEWAY_CONFIG": own_file(tmp_path, text)}, root)
        for text in (ONE, ONE.replace('"a"', '"b"'), TWO, TWO.replace('"a"', '"b"', 1))
    )
    assert changed_settings(one, one) == changed_settings(two, two) == []
    assert changed_settings(one, changed) == ["jwt.audience"]
    assert changed_settings(one, two) == ["jwt.https://two.example.com"]
    assert changed_settings(two, other) == ["jwt.https://one.example.com"]


def test_files_of_keys_are_kept(root: Path, tmp_path: Path) -> None:
    """Those of each provider, so that it can go on when the files have become faulty."""
    texts = {}
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(name)
        texts[f'jwks_url = "https://{name}.example.com/jwks"'] = f'jwks_file = "{tmp_path}/{name}.json"'
    text = TWO
    for url, file in texts.items():
        text = text.replace(url, file)
    _, kept = load_kept({"GATEWAY_CONFIG": own_file(tmp_path, text)}, root)
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text("rubbish")
    restored = restore_settings(KeptSettings.from_json(json.loads(json.dumps(kept.to_json()))))
    assert [Path(jwt.jwks_file).read_text() for jwt in restored.issuers] == ["one", "two"]
