"""Settings from files and variables, and the sentences for what is wrong with them."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from gateway.settings import Settings, SettingsError, effective_toml, load_settings
from gateway.settings.schema import NOT_IN_EFFECT, SettingsTable

PROJECT = Path(__file__).resolve().parents[3]
MINIMAL = """
[isales]
base_url = "https://isales.example.com:28443"
[[tenants]]
vdn = 7
access_key = "AK"
secret_key = "the-secret-text"
[[clients]]
name = "web"
key_sha256 = "{hashed}"
vdns = [7]
"""
HASHED = "a" * 64


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project folder with the shipped defaults, and environments of its own."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/default.toml").write_text((PROJECT / "config/default.toml").read_text())
    for environment in ("development", "production"):
        (tmp_path / f"config/{environment}.toml").write_text(MINIMAL.format(hashed=HASHED))
    return tmp_path


def faults_of(root: Path, **environ: str) -> tuple[str, ...]:
    """Return the faults that loading with these variables reports."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, root)
    return caught.value.faults


def test_shipped_defaults_are_those_of_the_table(root: Path) -> None:
    """`config/default.toml` lists every setting that has a default, with that default."""
    shipped = tomllib.loads((root / "config/default.toml").read_text())
    effective = tomllib.loads(effective_toml(load_settings({}, root)))
    (root / "config/default.toml").write_text("")
    from_table = tomllib.loads(effective_toml(load_settings({}, root)))
    assert effective == from_table
    for section in SettingsTable.tables:
        assert list(shipped[section]) == [name for name in from_table[section] if name != "base_url"]


def test_shipped_development_settings_load() -> None:
    """The project as it is cloned starts in development."""
    settings = load_settings({})
    assert settings.isales.base_url == "http://127.0.0.1:8090"
    assert set(settings.tenants) == {1, 2}
    assert settings.warnings == ()


def test_later_sources_win(root: Path, tmp_path: Path) -> None:
    """A variable beats the named file, which beats the environment's file, which beats the defaults."""
    own = tmp_path / "own.toml"
    own.write_text('[cache]\nfresh_s = 1\nmax_bytes = 5\n[isales]\nbase_url = "https://own.example.com"\n')
    settings = load_settings({"GATEWAY_CONFIG": str(own), "GATEWAY__CACHE__FRESH_S": "2.5"}, root)
    assert (settings.cache.fresh_s, settings.cache.max_bytes) == (2.5, 5)
    assert settings.isales.base_url == "https://own.example.com"
    assert settings.cache.fresh_completed_s == 300.0


def test_an_array_of_tables_is_replaced_as_a_whole(root: Path, tmp_path: Path) -> None:
    """Tenants of a later file replace those of an earlier one, so that none stays by accident."""
    own = tmp_path / "own.toml"
    own.write_text('[[tenants]]\nvdn = 9\naccess_key = "A"\nsecret_key = "S"\n')
    assert set(load_settings({"GATEWAY_CONFIG": str(own)}, root).tenants) == {9}


def test_variables_reach_into_arrays(root: Path) -> None:
    """A number in a variable's name is the number of an entry; one more than there are adds one."""
    settings = load_settings(
        {
            "GATEWAY__TENANTS__0__TIME_ZONE": "Asia/Shanghai",
            "GATEWAY__TENANTS__1__VDN": "8",
            "GATEWAY__TENANTS__1__ACCESS_KEY": "12",
            "GATEWAY__TENANTS__1__SECRET_KEY": "34",
            "GATEWAY__CLIENTS__0__VDNS": '["*"]',
            "GATEWAY__HTTP__CORS_ORIGINS": '["https://a.example.com"]',
        },
        root,
    )
    assert settings.tenants[7].time_zone.key == "Asia/Shanghai"
    assert settings.tenants[8].access_key == "12"
    assert settings.clients[0].vdns is None
    assert settings.http.cors_origins == ("https://a.example.com",)


def test_secrets_come_from_files(root: Path, tmp_path: Path) -> None:
    """A secret's file is read without the newline at its end."""
    (tmp_path / "sk").write_text("from a file\n")
    own = tmp_path / "own.toml"
    own.write_text(f'[[tenants]]\nvdn = 1\naccess_key = "A"\nsecret_key_file = "{tmp_path}/sk"\n')
    (tmp_path / "url").write_text("redis://:pw@localhost/0")
    variables = {"GATEWAY_CONFIG": str(own), "GATEWAY__CACHE__SHARED_URL_FILE": f"{tmp_path}/url"}
    settings = load_settings(variables, root)
    assert settings.tenants[1].secret_key.reveal() == "from a file"
    assert settings.cache.shared_url.reveal() == "redis://:pw@localhost/0"


def test_all_faults_come_at_once(root: Path) -> None:
    """Every fault is one sentence with the setting, where it was set and what is allowed."""
    faults = faults_of(
        root,
        GATEWAY__ISALES__DEADLINE_S="0",
        GATEWAY__ISALES__BASE_ULR="https://x",
        GATEWAY__TENANTS__0__TIME_ZONE="Mars/Olympus",
        GATEWAY__CLIENTS__0__KEY_SHA256="abc",
        GATEWAY__LOG__LEVEL="loud",
        GATEWAY__NOTHING__KEY="1",
        GATEWAY__CACHE__FRESH_S__X="1",
        GATEWAY__TENANTS__5__VDN="1",
    )
    text = "\n".join(faults)
    assert len(faults) == 8
    assert "isales.deadline_s (from GATEWAY__ISALES__DEADLINE_S): must be greater than 0" in text
    assert "it is 0" in text
    assert "isales.base_ulr (from GATEWAY__ISALES__BASE_ULR): is not a setting; did you mean `base_url`?" in text
    assert "tenants[0].time_zone (from GATEWAY__TENANTS__0__TIME_ZONE): must be the name of an IANA time zone" in text
    assert "clients[0].key_sha256 (from GATEWAY__CLIENTS__0__KEY_SHA256): must be 64 lower-case hex digits" in text
    assert "log.level (from GATEWAY__LOG__LEVEL): must be one of: debug, info, warning, error; it is 'loud'" in text
    assert "nothing (from GATEWAY__NOTHING__KEY)" in text or "nothing: is not a setting" in text
    assert "GATEWAY__CACHE__FRESH_S__X: nothing can stand below a single value" in text
    assert "GATEWAY__TENANTS__5__VDN: '5' is not the number of an entry, 0 to 1" in text


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("GATEWAY__ISALES__BASE_URL", "isales.example.com", "must be an absolute URL"),
        ("GATEWAY__ISALES__BASE_URL", "https://host:port/", "must be an absolute URL"),
        ("GATEWAY__ISALES__BASE_URL", "https://u:p@host/", "neither credentials"),
        ("GATEWAY__ISALES__BASE_URL", "https://host/?a=b", "nor a query"),
        ("GATEWAY__ISALES__CLIENT_KEY_FILE", "key.pem", "`client_cert_file` is not"),
        ("GATEWAY__ISALES__BREAKER_OPEN_MAX_S", "1", "must not be below `breaker_open_s`"),
        ("GATEWAY__ISALES__CONCURRENCY", "1.5", "not a valid integer"),
        ("GATEWAY__TENANTS__0__ACCESS_KEY", "a/b", "without blanks and `/`"),
        ("GATEWAY__TENANTS__0__SECRET_KEY", "", "must not be empty"),
        ("GATEWAY__TENANTS__0__PREVIOUS_ACCESS_KEY", "old", "go together"),
        ("GATEWAY__TENANTS__0__HOST_HEADER", "a b", "printable ASCII"),
        ("GATEWAY__TENANTS__0__TIMESTAMP_PRECISION", "days", "seconds, milliseconds"),
        ("GATEWAY__CACHE__SHARED_URL", "memcached://x", "redis://"),
        ("GATEWAY__CLIENTS__0__NAME", "a b", "1 to 64 letters"),
        ("GATEWAY__CLIENTS__0__VDNS", "[0]", "1 to 9999"),
        ("GATEWAY__CLIENTS__0__SCOPES", '["all"]', "campaigns:read"),
        ("GATEWAY__HTTP__CORS_ORIGINS", '["https://a/b"]', "must be an origin"),
        ("GATEWAY__TENANTS__0__CC_ID", "65536", "65535"),
        ("GATEWAY__TENANTS", "3", "not a valid list"),
        ("GATEWAY__TENANTS__0__SECRET_KEY_FILE", "/nowhere/sk", "No such file"),
        ("GATEWAY__LOG", "x", "invalid input type"),
    ],
)
def test_each_limit_has_its_words(root: Path, variable: str, value: str, words: str) -> None:
    """A value outside its limits is refused in words that say the limit."""
    assert words in "\n".join(faults_of(root, **{variable: value}))


def test_contradictions_between_entries_are_faults(root: Path, tmp_path: Path) -> None:
    """One VDN, one client name and one key belong to one entry each."""
    own = tmp_path / "own.toml"
    own.write_text(
        MINIMAL.format(hashed=HASHED)
        + MINIMAL.format(hashed=HASHED).partition("[[tenants]]")[2].join(["[[tenants]]", ""])
    )
    text = "\n".join(faults_of(root, GATEWAY_CONFIG=str(own)))
    assert "VDN 7 is listed 2 times" in text
    assert "the name 'web' is given 2 times" in text
    assert "clients[1].key_sha256: is the key of clients[0].key_sha256 too" in text


def test_production_refuses_what_is_only_good_for_trying_out(root: Path, tmp_path: Path) -> None:
    """Production wants a client, a tenant and HTTPS, and not the demo key."""
    own = tmp_path / "own.toml"
    own.write_text('tenants = []\nclients = []\n[isales]\nbase_url = "http://isales.example.com"\n')
    text = "\n".join(faults_of(root, GATEWAY_ENV="production", GATEWAY_CONFIG=str(own)))
    assert "no client that has a key" in text
    assert "no VDN to ask for" in text
    assert "refuses plain HTTP" in text
    demo = tomllib.loads((PROJECT / "config/development.toml").read_text())["clients"][0]["key_sha256"]
    text = "\n".join(faults_of(root, GATEWAY_ENV="production", GATEWAY__CLIENTS__0__KEY_SHA256=demo))
    assert "refuses the demo key" in text
    assert load_settings({"GATEWAY_ENV": "production"}, root).environment == "production"


ISSUER = {"GATEWAY__JWT__ISSUER": "https://id.example.com", "GATEWAY__JWT__AUDIENCE": "campaign-gateway"}
JWKS = "https://id.example.com/jwks?p=1"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ["jwt.jwks_url", "where `issuer` is set, set either this or `jwks_file`"]),
        ({"JWKS_URL": JWKS, "JWKS_FILE": "jwks.json"}, ["set either this or `jwks_file`"]),
        ({"AUDIENCE": ""}, ["jwt.audience", "must be set where `issuer` is", "jwt.jwks_url"]),
        ({"JWKS_URL": "id.example.com/jwks"}, ["must be an absolute URL such as https://id.example.com/jwks"]),
        ({"JWKS_URL": "ftp://id.example.com/jwks"}, ["must be an absolute URL"]),
        ({"JWKS_URL": "https://u:p@id.example.com/jwks"}, ["must hold neither credentials nor a fragment"]),
        ({"JWKS_URL": JWKS, "VDNS_CLAIM": ""}, ["jwt.vdns_claim", "must not be empty"]),
        ({"JWKS_URL": JWKS, "SCOPES_CLAIM": ""}, ["jwt.scopes_claim", "must not be empty"]),
    ],
)
def test_an_issuer_needs_an_audience_and_keys(root: Path, changed: dict[str, str], words: list[str]) -> None:
    """What is missing, too much or malformed in `[jwt]` is named."""
    text = "\n".join(
        faults_of(root, **{**ISSUER, **{f"GATEWAY__JWT__{name}": value for name, value in changed.items()}})
    )
    assert all(part in text for part in words), text


def test_a_good_issuer(root: Path) -> None:
    """With an audience and one place for keys `[jwt]` is good, and without warnings; an issuer counts as a caller."""
    for place in ({"GATEWAY__JWT__JWKS_URL": JWKS}, {"GATEWAY__JWT__JWKS_FILE": "jwks.json"}):
        settings = load_settings({**ISSUER, **place, "GATEWAY_ENV": "production", "GATEWAY__CLIENTS": "[]"}, root)
        assert (settings.jwt.issuer, settings.warnings) == ("https://id.example.com", ())
    plain = {**ISSUER, "GATEWAY__JWT__JWKS_URL": "http://id.example.com/jwks"}
    assert load_settings(plain, root).jwt.jwks_url == "http://id.example.com/jwks"
    assert "jwt.jwks_url: production refuses plain HTTP" in faults_of(root, **plain, GATEWAY_ENV="production")[0]


def test_files_that_cannot_be_read_are_faults(root: Path) -> None:
    """A missing file, a file that is not TOML and a bad name of an environment are said, not raised."""
    assert "config/staging.toml (GATEWAY_ENV): cannot be read" in faults_of(root, GATEWAY_ENV="staging")[0]
    assert "is not a name" in faults_of(root, GATEWAY_ENV="../etc")[0]
    (root / "config/development.toml").write_text("[isales")
    assert "config/development.toml (GATEWAY_ENV): is not TOML" in faults_of(root)[0]


def test_no_fault_shows_a_secret(root: Path) -> None:
    """Neither faults nor `repr` nor the effective settings hold a secret's text, nor a misspelt one's."""
    text = "\n".join(
        faults_of(
            root,
            GATEWAY__TENANTS__0__SECRET_KEYS="the-secret-text",
            GATEWAY__TENANTS__0__ACCESS_KEY="the secret text",
            GATEWAY__CACHE__SHARED_URL="the-secret-text",
            GATEWAY__LOG__LEVEL="loud",
        )
    )
    assert "the-secret-text" not in text
    assert "the secret text" not in text
    settings = load_settings({}, root)
    assert "the-secret-text" not in repr(settings)
    assert "the-secret-text" not in effective_toml(settings)
    assert HASHED not in repr(settings) + effective_toml(settings)


def test_effective_settings_load_again(root: Path, tmp_path: Path) -> None:
    """What `flask config check` prints is TOML that is a settings file itself, but for the secrets."""
    shown = effective_toml(load_settings({}, root)).replace('"aaaaaaaa********"', '""')
    (tmp_path / "again.toml").write_text(shown)
    assert effective_toml(load_settings({"GATEWAY_CONFIG": str(tmp_path / "again.toml")}, root)) == shown


def test_a_client_of_an_unknown_vdn_is_a_warning(root: Path) -> None:
    """A VDN without a tenant is allowed, and said."""
    settings = load_settings({"GATEWAY__CLIENTS__0__VDNS": "[7, 8]"}, root)
    assert settings.warnings == ("client 'web' may read VDN 8, for which there is no [[tenants]] table",)


VARIABLES = st.dictionaries(
    st.lists(
        st.sampled_from(
            ["ISALES", "TENANTS", "CLIENTS", "LOG", "0", "1", "VDN", "BASE_URL", "SECRET_KEY_FILE", "VDNS"]
        ),
        min_size=1,
        max_size=4,
    ).map(lambda steps: "GATEWAY__" + "__".join(steps)),
    st.one_of(
        st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=20),
        st.sampled_from(["1", "[1]", "{}", "[{vdn = 1}]"]),
    ),
    max_size=6,
)


@given(variables=VARIABLES)
def test_whatever_the_variables_say_it_is_settings_or_faults(variables: dict[str, str]) -> None:
    """Loading gives settings or one SettingsError, never another error."""
    outcome: Settings | SettingsError
    try:
        outcome = load_settings(variables)
    except SettingsError as error:
        outcome = error
    assert isinstance(outcome, Settings) or outcome.faults


def test_every_setting_is_documented() -> None:
    """`config/README.md` has a row for every setting, with its default and its meaning."""
    reference = (PROJECT / "config/README.md").read_text()
    for section, kind in SettingsTable().fields.items():
        inner = kind.inner if isinstance(kind, fields.List) else kind
        assert isinstance(inner, fields.Nested)
        for name, setting in inner.schema.fields.items():
            rows = [line for line in reference.splitlines() if line.startswith(f"| `{name}` |")]
            assert any(setting.metadata["description"] in row for row in rows), f"{section}.{name}"


def test_settings_without_effect_are_said(root: Path) -> None:
    """What this version does not act on is named when it is set, and in the reference."""
    settings = load_settings({"GATEWAY__JWT__AUDIENCE": "x", "GATEWAY__HTTP__CORS_ORIGINS": '["https://a"]'}, root)
    assert settings.warnings == (
        "jwt.audience is set, but jwt.issuer is not: bearer tokens are off",
        "http.cors_origins is set, but this version does not act on it",
    )
    reference = (PROJECT / "config/README.md").read_text()
    for section, names in NOT_IN_EFFECT.items():
        assert all(f"`{section}.{name}`" in reference for name in names)
