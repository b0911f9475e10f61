"""Settings from files and variables, and the sentences for what is wrong with them."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from gateway.settings import Settings, SettingsError, effective_toml, load_settings
from gateway.settings.schema import SettingsTable
from tests.unit.settings.project import HASHED, MINIMAL, PROJECT, faults_of, own_file


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


def test_a_tenant_has_a_name(root: Path) -> None:
    """Its own, in any script, or that of its number."""
    assert load_settings({}, root).tenants[7].name == "VDN 7"
    assert load_settings({"GATEWAY__TENANTS__0__NAME": "销售热线"}, root).tenants[7].name == "销售热线"


def test_an_array_of_tables_is_replaced_as_a_whole(root: Path, tmp_path: Path) -> None:
    """Tenants of a later file replace those of an earlier one, so that none stays by accident."""
    own = tmp_path / "own.toml"
    own.write_text('[[tenants]]\nvdn = 9\naccess_key = "A"\nsecret_key = "S"\n')
    assert set(load_settings({"GATEWAY_CONFIG": str(own)}, root).tenants) == {9}


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
    assert "nothing (from GATEWAY__NOTHING__KEY): is not a setting" in text
    assert "GATEWAY__CACHE__FRESH_S__X: nothing can stand below a single value" in text
    assert "GATEWAY__TENANTS__5: entries of tenants are numbered from 0 without a gap, and the next one is 1" in text


@pytest.mark.parametrize(("raw", "hits"), [("true", True), ("True", True), ('"true"', True), ("'False'", False)])
def test_variables_of_files_and_other_tools_are_read(root: Path, raw: str, *, hits: bool) -> None:
    """Docker leaves the quotes of a file of variables where they are; Python and Helm write `True`."""
    settings = load_settings({"GATEWAY__LOG__HITS": raw, "GATEWAY__CACHE__FRESH_S": '"15"'}, root)
    assert (settings.log.hits, settings.cache.fresh_s) == (hits, 15.0)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("GATEWAY__ISALES__BASE_URL", "isales.example.com", "must be an absolute URL"),
        ("GATEWAY__ISALES__BASE_URL", "https://host:port/", "must be an absolute URL"),
        ("GATEWAY__ISALES__BASE_URL", "https://u:p@host/", "neither credentials"),
        ("GATEWAY__ISALES__BASE_URL", "https://host/?a=b", "nor a query"),
        ("GATEWAY__ISALES__CLIENT_KEY_FILE", "key.pem", "`client_cert_file` is not"),
        ("GATEWAY__ISALES__BREAKER_OPEN_MAX_S", "1", "must not be below `breaker_open_s`"),
        ("GATEWAY__ISALES__CONCURRENCY", "1.5", "must be a whole number from 1 to 1000; it is 1.5"),
        (
            "GATEWAY__ISALES__CONCURRENCY",
            "0",
            "must be greater than or equal to 1 and less than or equal to 1000; it is 0",
        ),
        ("GATEWAY__ISALES__READ_TIMEOUT_S", "5s", "must be a number above 0.0, 300.0 at most; it is '5s'"),
        ("GATEWAY__ISALES__RETRY_BUDGET", "nan", "must be a number from 0.0 to 1.0; it is nan"),
        ("GATEWAY__ISALES__BASE_URL", "https://host/rest", "must end before `/rest`, which the gateway adds by itself"),
        ("GATEWAY__ISALES__BASE_URL", "https://host/a/rest/", "must end before `/rest`"),
        ("GATEWAY__ISALES__BASE_URL", "https://host/rest/isales/v1/openapi/campaigns/1", "must end before `/rest`"),
        (
            "GATEWAY__TENANTS__0__TIME_ZONE",
            "Mars/Base",
            "IANA time zone, such as UTC or Africa/Cairo; it is 'Mars/Base'",
        ),
        ("GATEWAY__TENANTS__0__TIME_ZONE", "localtime", "it is 'localtime'"),
        ("GATEWAY__TENANTS__0__TIME_ZONE", "posixrules", "must be the name of an IANA time zone"),
        ("GATEWAY__TENANTS__0__TIME_ZONE", "right/UTC", "must be the name of an IANA time zone"),
        ("GATEWAY__TENANTS__0__VDN", "one", "must be a whole number from 1 to 9999; it is 'one'"),
        ("GATEWAY__CACHE__MAX_BYTES", "64MB", "must be a whole number from 0 to 1099511627776; it is '64MB'"),
        ("GATEWAY__LOG__HITS", "often", "must be true or false; it is 'often'"),
        ("GATEWAY__LOG__HITS", "yes", "must be true or false; it is 'yes'"),
        ("GATEWAY__LOG__HITS", "1", "must be true or false; it is 1"),
        ("GATEWAY__LOG__HITS", '"yes"', "must be true or false; it is "),
        ("GATEWAY__CACHE__FRESH_S", '"15s"', "must be a number from 0.0 to 86400.0; it is "),
        ("GATEWAY__CACHE__FRESH_S", "true", "must be a number from 0.0 to 86400.0; it is true"),
        ("GATEWAY__CLIENTS__0__VDNS", '["1"]', "(1 to 9999), or [\"*\"] for all; it is ['1']"),
        ("GATEWAY__CLIENTS__0__VDNS", '"*"', "for all; it is '*'"),
        (
            "GATEWAY__CLIENTS__0__SCOPES",
            "campaigns:read",
            'must be a list, in brackets also where it has one entry: ["..."]',
        ),
        (
            "GATEWAY__HTTP__CORS_ORIGINS",
            "https://a",
            'must be a list, in brackets also where it has one entry: ["..."]',
        ),
        ("GATEWAY__TENANTS__0__ACCESS_KEY", "a/b", "without blanks and `/`"),
        ("GATEWAY__TENANTS__0__SECRET_KEY", "", "must not be empty"),
        ("GATEWAY__TENANTS__0__PREVIOUS_ACCESS_KEY", "old", "go together"),
        *(
            ("GATEWAY__TENANTS__0__HOST_HEADER", host, "must be a host, with its port where CC-iSales wants it")
            for host in ("a b", "https://a.example.com:28443", "a.example.com/", "a:https", ":443", "u@a", "é")
        ),
        ("GATEWAY__TENANTS__0__NAME", "x" * 65, "must be 64 characters at most"),
        ("GATEWAY__TENANTS__0__NAME", "a\nb", "must hold no line ends and no control characters"),
        ("GATEWAY__TENANTS__0__TIMESTAMP_PRECISION", "days", "seconds, milliseconds"),
        ("GATEWAY__CACHE__SHARED_URL", "memcached://x", "must be redis://"),
        ("GATEWAY__CACHE__SHARED_URL", "redis://host:port/0", "must be redis://"),
        ("GATEWAY__CACHE__SHARED_URL", "redis://:pass/word@host/0", "percent-encoded password"),
        ("GATEWAY__CACHE__SHARED_URL", "redis://host/first", "must be redis://"),
        ("GATEWAY__CACHE__SHARED_URL", "redis://host/0#1", "must be redis://"),
        ("GATEWAY__CACHE__SHARED_URL", "unix://", "unix:///path/to/socket"),
        ("GATEWAY__CLIENTS__0__NAME", "a b", "1 to 64 letters"),
        ("GATEWAY__CLIENTS__0__VDNS", "[0]", '(1 to 9999), or ["*"] for all; it is [0]'),
        ("GATEWAY__CLIENTS__0__SCOPES", '["all"]', "campaigns:read"),
        ("GATEWAY__HTTP__CORS_ORIGINS", '["https://a/b"]', "must be an origin"),
        ("GATEWAY__TENANTS__0__CC_ID", "65536", "65535"),
        ("GATEWAY__TENANTS", "3", "write `[[tenants]]`"),
        ("GATEWAY__TENANTS__0__SECRET_KEY_FILE", "/nowhere/sk", "No such file"),
        ("GATEWAY__LOG", "x", "write `[log]`"),
    ],
)
def test_each_limit_has_its_words(root: Path, variable: str, value: str, words: str) -> None:
    """A value outside its limits is refused in words that say the limit."""
    assert words in "\n".join(faults_of(root, **{variable: value}))


@pytest.mark.parametrize("host", ["", "isales", "ISALES.example.com:28443", "192.0.2.1:443", "[2001:db8::1]:8443"])
def test_hosts_that_can_be_sent_and_signed(root: Path, host: str) -> None:
    """A name or an address, with a port or without, as it is written."""
    settings = load_settings({"GATEWAY__TENANTS__0__HOST_HEADER": host}, root)
    assert settings.tenants[7].host_header == host


def test_contradictions_between_entries_are_faults(root: Path, tmp_path: Path) -> None:
    """One VDN, one client name and one key belong to one entry each."""
    own = tmp_path / "own.toml"
    own.write_text(MINIMAL + MINIMAL.partition("[[tenants]]")[2].join(["[[tenants]]", ""]))
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
    source = f"(from {own} (GATEWAY_CONFIG))"
    refused = (
        f"isales.base_url {source}: production refuses plain HTTP; use https://; it is 'http://isales.example.com'"
    )
    assert refused in text
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
        assert (settings.issuers[0].issuer, settings.warnings) == ("https://id.example.com", ())
    plain = {**ISSUER, "GATEWAY__JWT__JWKS_URL": "http://id.example.com/jwks"}
    assert load_settings(plain, root).jwt[0].jwks_url == "http://id.example.com/jwks"
    (fault,) = faults_of(root, **plain, GATEWAY_ENV="production")
    assert fault.startswith("jwt.jwks_url (from GATEWAY__JWT__JWKS_URL): production refuses plain HTTP, over which")
    assert fault.endswith("; it is 'http://id.example.com/jwks'")


def test_files_that_cannot_be_read_are_faults(root: Path) -> None:
    """A file that is not there, is not TOML or is nested too deeply is said, not raised."""
    assert faults_of(root, GATEWAY_CONFIG="/nowhere.toml") == (
        "/nowhere.toml (GATEWAY_CONFIG): cannot be read: No such file or directory",
    )
    for text, words in (("[isales", "is not TOML"), (b"\xff", "is not TOML"), ("a = " + "[" * 10_000, "too deeply")):
        (root / "config/development.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        (fault,) = faults_of(root)
        assert fault.startswith("config/development.toml (GATEWAY_ENV): ")
        assert words in fault


def test_tables_nested_too_deeply_for_merging_are_a_fault(root: Path, tmp_path: Path) -> None:
    """Dotted keys make tables as deep as one likes; two files of them are a fault, not a traceback."""
    deep = ".".join(["a"] * 1200)
    (root / "config/development.toml").write_text(f"{deep} = 1\n")
    (fault,) = faults_of(root, GATEWAY_CONFIG=own_file(tmp_path, f"{deep} = 2\n"))[:1]
    assert "is nested too deeply" in fault


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("prodution", "did you mean `production`?"),
        ("Production", "did you mean `production`?"),
        ("../etc", "there are: development, production"),
        ("default", "there are: development, production"),
    ],
)
def test_an_unknown_environment_is_named_with_those_there_are(root: Path, name: str, hint: str) -> None:
    """That is the only fault: nothing is said to be missing that the environment's file would have held."""
    assert faults_of(root, GATEWAY_ENV=name) == (f"GATEWAY_ENV: there is no environment {name!r} in config/; {hint}",)


def test_no_fault_is_told_twice(root: Path, tmp_path: Path) -> None:
    """What is faulty is not called missing too, by production or anything else."""
    faulty = MINIMAL.replace("vdn = 7", "vdn = 0").replace(HASHED, "abc")
    faults = faults_of(root, GATEWAY_ENV="production", GATEWAY_CONFIG=own_file(tmp_path, faulty))
    assert [fault.partition(" ")[0] for fault in faults] == ["tenants[0].vdn", "clients[0].key_sha256"]
    single = MINIMAL.replace("[[tenants]]", "[tenants]").replace("[[clients]]", "[clients]")
    faults = faults_of(root, GATEWAY_ENV="production", GATEWAY_CONFIG=own_file(tmp_path, single))
    assert [fault.partition(" ")[0] for fault in faults] == ["tenants", "clients"]
    file = "GATEWAY__CLIENTS__0__KEY_SHA256_FILE"
    (fault,) = faults_of(root, GATEWAY_ENV="production", **{file: "/nowhere/hash", "GATEWAY__CLIENTS__0__NAME": "w"})
    assert "key_sha256_file" in fault
    (fault,) = faults_of(root, GATEWAY__LOG="x", GATEWAY__LOG__LEVEL="info")
    assert fault.startswith("log (from GATEWAY__LOG): must be one table")


def test_what_an_unreadable_source_may_hold_is_not_called_missing(root: Path) -> None:
    """With a file that cannot be read, only what is there is judged."""
    (root / "config/production.toml").write_text("")
    missing = faults_of(root, GATEWAY_ENV="production")
    assert len(missing) == 3
    faults = faults_of(root, GATEWAY_ENV="production", GATEWAY_CONFIG="/nowhere.toml", GATEWAY__LOG__LEVEL="loud")
    assert [fault.partition(" ")[0] for fault in faults] == ["/nowhere.toml", "log.level"]


def test_effective_settings_load_again(root: Path, tmp_path: Path) -> None:
    """What `flask config check` prints is TOML that is a settings file itself, but for the secrets."""
    shown = effective_toml(load_settings({}, root)).replace('"aaaaaaaa********"', '""')
    (tmp_path / "again.toml").write_text(shown)
    assert effective_toml(load_settings({"GATEWAY_CONFIG": str(tmp_path / "again.toml")}, root)) == shown


def test_a_client_of_an_unknown_vdn_is_a_warning(root: Path) -> None:
    """A VDN without a tenant is allowed, and said."""
    settings = load_settings({"GATEWAY__CLIENTS__0__VDNS": "[7, 8]"}, root)
    assert settings.warnings == ("client 'web' may read VDN 8, for which there is no [[tenants]] table",)


@pytest.mark.parametrize("url", ["redis://h", "rediss://u:p%40@h:1/2?ssl_ca_certs=/ca.pem", "unix:///run/s?db=1", ""])
def test_all_forms_of_a_shared_url_are_taken(root: Path, url: str) -> None:
    """They are those that the shared tier understands."""
    assert load_settings({"GATEWAY__CACHE__SHARED_URL": url}, root).cache.shared_url.reveal() == url


VARIABLES = st.dictionaries(
    st.lists(
        st.sampled_from(
            [
                *("ISALES", "TENANTS", "CLIENTS", "LOG", "JWT", "0", "1"),
                *("VDN", "BASE_URL", "SECRET_KEY_FILE", "VDNS", "ISSUER", "GRANTS", "VDNS_CLAIM"),
            ]
        ),
        min_size=1,
        max_size=4,
    ).map(lambda steps: "GATEWAY__" + "__".join(steps)),
    st.one_of(
        st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=20),
        st.sampled_from(["1", "[1]", "{}", "[{vdn = 1}]", "[{}, {}]", '[{issuer = "i"}]']),
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

    def check(kinds: dict[str, fields.Field[Any]], section: str) -> None:
        for name, kind in kinds.items():
            inner = kind.inner if isinstance(kind, fields.List) else kind
            if isinstance(inner, fields.Nested):
                check(inner.schema.fields, f"{section}{name}.")
            if "description" in kind.metadata or not isinstance(inner, fields.Nested):
                rows = [line for line in reference.splitlines() if line.startswith(f"| `{name}` |")]
                assert any(kind.metadata["description"] in row for row in rows), f"{section}{name}"

    check(SettingsTable().fields, "")


def test_settings_without_effect_are_said(root: Path) -> None:
    """What does nothing without another setting is named when it is set without that."""
    settings = load_settings({"GATEWAY__JWT__AUDIENCE": "x"}, root)
    assert settings.warnings == ("jwt.audience is set, but jwt.issuer is not: its bearer tokens are not taken",)
