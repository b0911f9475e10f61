"""The sentences for faulty settings: they name what is wrong, and show no secret."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import SettingsError, effective_toml, load_settings
from tests.unit.settings.project import HASHED, PROJECT, faults_of, own_file

SECRET = "Geheimnis/4711"
WITHIN = (
    "{}",
    '["{}"]',
    '{{secret_key = "{}"}}',
    '[{{secret_key = "{}"}}]',
    '[["{}"]]',
    "redis://user:{}@host:port/0",
    '"unix://{}"',
    '{{"{}',
)
URLS = ("https://user:{}@host/", "https://{}@host:port", "https:/user:{}@host", "https://host/?token={}", "a:{}@b#{}")
TABLES = ("ISALES", "TENANTS", "TENANTS__0", "CACHE", "CLIENTS", "CLIENTS__0", "JWT", "HTTP", "LOG")
SECRETS = (
    "TENANTS__0__ACCESS_KEY",
    "TENANTS__0__SECRET_KEY",
    "TENANTS__0__SECRET_KEYS",
    "TENANTS__0__PREVIOUS_SECRET_KEY",
    "TENANTS__0__SECRET_KEY_FILE",
    "TENANTS__0__ACCESS_KEY_FILE",
    "CACHE__SHARED_URL",
    "CACHE__SHARED_URL_FILE",
    "CACHE__SHARED_ULR",
    "CLIENTS__0__KEY_SHA256",
    "CLIENTS__0__PREVIOUS_KEY_SHA256_FILE",
    "CLIENTS__0__VDNS",
    "HTTP__CORS_ORIGINS__0__X",
    "NOTHING",
)
TEXTS = (
    "ISALES__BASE_URL",
    "ISALES__DEADLINE_S",
    "CLIENTS__0__NAME",
    "HTTP__CORS_ORIGINS__0",
    "LOG__LEVEL",
    "LOG__HITS",
)
VARIABLES = st.dictionaries(
    st.sampled_from([*TABLES, *SECRETS]), st.sampled_from(WITHIN), min_size=1, max_size=3
) | st.dictionaries(st.sampled_from(TEXTS), st.sampled_from(URLS), min_size=1)


@given(variables=VARIABLES)
def test_no_fault_shows_a_secret(variables: dict[str, str]) -> None:
    """Wherever a secret was written by mistake, of whatever type that setting is, no sentence holds its text."""
    environ = {f"GATEWAY__{name}": value.replace("{}", SECRET) for name, value in variables.items()}
    environ = {name: value.replace("{{", "{").replace("}}", "}") for name, value in environ.items()}
    try:
        told = "\n".join(load_settings(environ, PROJECT).warnings)
    except SettingsError as fault:
        told = str(fault)
    assert SECRET not in told
    assert "4711" not in told


@pytest.mark.parametrize(
    "own",
    [
        f'tenants = "{SECRET}"',
        f'cache = "redis://:{SECRET}@host"',
        f'[[cache]]\nshared_url = "{SECRET}"',
        f'[tenants]\nvdn = 1\naccess_key = "{SECRET}"\nsecret_key = "{SECRET}"',
        f'[log]\nlevel = [{{secret_key = "{SECRET}"}}]',
        f'[http]\ncors_origins = "{SECRET}"',
        f'[[clients]]\nname = "a"\nvdns = ["{SECRET}"]',
        f'[[clients]]\nname = "a"\nvdns = [1, 0, "{SECRET}"]',
        f'[[clients]]\nname = "a"\nscopes = "{SECRET}"',
        f'[http]\nscopes = "{SECRET}"',
        f'[[tenants]]\nsecret_key_file = ["{SECRET}"]',
        f'[[tenants]]\nsecret_key_file = "{SECRET}"',
        f"[[tenants]]\nsecret_key = {SECRET}",
        f'[isales]\nclient_key_file = """-----BEGIN PRIVATE KEY-----\n{SECRET}"""',
        f'[isales]\nclient_cert_file = """-----BEGIN PRIVATE KEY-----\n{SECRET}"""',
    ],
)
def test_no_fault_shows_a_secret_of_a_file(root: Path, tmp_path: Path, own: str) -> None:
    """The same for what TOML can say and variables cannot."""
    told = "\n".join(faults_of(root, GATEWAY_CONFIG=own_file(tmp_path, own)))
    assert "own.toml" in told or "is not set" in told
    assert "4711" not in told.replace(str(tmp_path), "")


def test_what_is_good_shows_no_secret(root: Path) -> None:
    """Neither `repr` nor the effective settings hold a secret's text."""
    settings = load_settings({"GATEWAY__CACHE__SHARED_URL": "redis://:the-secret-text@host"}, root)
    for shown in (repr(settings), effective_toml(settings)):
        assert "the-secret-text" not in shown
        assert HASHED not in shown


def test_a_single_value_is_shown(root: Path) -> None:
    """Who reads the fault sees what was given, where it can be no secret, and of a URL the host."""
    text = "\n".join(
        faults_of(
            root,
            GATEWAY__LOG__LEVEL="loud",
            GATEWAY__ISALES__DEADLINE_S="0",
            GATEWAY__HTTP__TRUSTED_PROXIES="true",
            GATEWAY__ISALES__BASE_URL="https://user:pw@isales.example.com/?key=pw",
            GATEWAY__CLIENTS__0__SCOPES='["campaigns:read", "campaign:write"]',
        )
    )
    assert "it is 'loud'" in text
    assert "it is 0" in text
    assert "it is true" in text
    assert "it is 'https://********@isales.example.com/?********'" in text
    assert "clients[0].scopes[1] (from GATEWAY__CLIENTS__0__SCOPES): must be one of" in text
    assert "it is 'campaign:write'" in text


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ("[tenants]\nvdn = 1", "tenants (from {}): must be a list of tables; write `[[tenants]]`, in double brackets"),
        ("[clients]\nname = 'a'", "clients (from {}): must be a list of tables; write `[[clients]]`"),
        ("[[isales]]\nbase_url = 'x'", "isales (from {}): must be one table; write `[isales]`"),
        ("log = 1", "log (from {}): must be one table; write `[log]`"),
        ("tenants = [1]", "tenants[0] (from {}): must be a table with the settings of one entry"),
        ("[isales]\n_schema = 1", "isales._schema (from {}): is not a setting"),
        (
            "[log]\nlevel = 3",
            "log.level (from {}): must be a text in quotes, one of: debug, info, warning, error; it is 3",
        ),
    ],
)
def test_values_of_another_kind_are_explained(root: Path, tmp_path: Path, own: str, sentence: str) -> None:
    """The sentence says how the table, or the value, is written."""
    path = own_file(tmp_path, own)
    (fault,) = faults_of(root, GATEWAY_CONFIG=path)
    assert fault.startswith(sentence.format(f"{path} (GATEWAY_CONFIG)"))
