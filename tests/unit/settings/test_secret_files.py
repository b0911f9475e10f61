"""Secrets from files, and which of several sources counts."""

from pathlib import Path

import pytest

from gateway.settings import load_settings
from tests.unit.settings.project import faults_of, own_file

TENANT = '[[tenants]]\nvdn = 1\naccess_key = "A"\n'
SECRET_KEY = "GATEWAY__TENANTS__0__SECRET_KEY"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a file with a secret, closed to others."""
    path = tmp_path / "sk"
    path.write_text("from a file\n")
    path.chmod(0o600)
    return path


def test_secrets_come_from_files(root: Path, tmp_path: Path, secret: Path) -> None:
    """A secret's file is read without the newline at its end."""
    (tmp_path / "url").write_bytes(b"redis://:pw@localhost/0\r\n")
    own = own_file(tmp_path, f'{TENANT}secret_key_file = "{secret}"\n')
    variables = {"GATEWAY_CONFIG": own, "GATEWAY__CACHE__SHARED_URL_FILE": f"{tmp_path}/url"}
    settings = load_settings(variables, root)
    assert settings.tenants[1].secret_key.reveal() == "from a file"
    assert settings.cache.shared_url.reveal() == "redis://:pw@localhost/0"


def test_a_later_file_replaces_an_earlier_secret(root: Path, tmp_path: Path, secret: Path) -> None:
    """A secret and its file are one setting: the later source counts, whichever form it takes."""
    text = own_file(tmp_path, f'{TENANT}secret_key = "as text"\n')
    settings = load_settings({"GATEWAY_CONFIG": text, f"{SECRET_KEY}_FILE": str(secret)}, root)
    assert settings.tenants[1].secret_key.reveal() == "from a file"
    settings = load_settings({"GATEWAY_CONFIG": text, f"{SECRET_KEY}_FILE": ""}, root)
    assert settings.tenants[1].secret_key.reveal() == "as text"


def test_a_later_secret_replaces_an_earlier_file(root: Path, tmp_path: Path) -> None:
    """The file of the earlier source is not even read; an empty secret takes its secret away."""
    own = own_file(tmp_path, f'{TENANT}secret_key_file = "/nowhere/sk"\n[cache]\nshared_url_file = "/nowhere/url"\n')
    variables = {"GATEWAY_CONFIG": own, SECRET_KEY: "as text", "GATEWAY__CACHE__SHARED_URL": ""}
    settings = load_settings(variables, root)
    assert settings.tenants[1].secret_key.reveal() == "as text"
    assert not settings.cache.shared_url


def test_both_forms_in_one_source_are_a_fault(root: Path, tmp_path: Path, secret: Path) -> None:
    """Which one is meant cannot be told, in a file and among the variables alike."""
    own = own_file(tmp_path, f'{TENANT}secret_key = "x"\nsecret_key_file = "{secret}"\n')
    said = "`secret_key` is set too, in the same source; set one of the two"
    assert faults_of(root, GATEWAY_CONFIG=own) == (f"tenants[0].secret_key_file (from {own} (GATEWAY_CONFIG)): {said}",)
    assert faults_of(root, **{SECRET_KEY: "x", f"{SECRET_KEY}_FILE": str(secret)}) == (
        f"tenants[0].secret_key_file (from {SECRET_KEY}_FILE): {said}",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "'{}' cannot be read: No such file or directory"),
        (b"\xff", "cannot be read: it is not UTF-8 text"),
        (b"x" * 65_537, "'{}' cannot be read: it is longer than 65536 bytes"),
        (b"AK\nSK\n", "names a file of 2 lines, and a secret is one; name the file that holds nothing else"),
        (b"SK\r\n\n", "names a file of 2 lines, and a secret is one; name the file that holds nothing else"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_fault(
    root: Path, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """It is named with the setting, where that was set and why, and the secret is not said to be faulty too."""
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    for setting, variable in (
        ("tenants[0].secret_key_file", f"{SECRET_KEY}_FILE"),
        ("clients[0].key_sha256_file", "GATEWAY__CLIENTS__0__KEY_SHA256_FILE"),
        ("cache.shared_url_file", "GATEWAY__CACHE__SHARED_URL_FILE"),
    ):
        faults = faults_of(root, **{variable: str(path)})
        assert faults == (f"{setting} (from {variable}): {reason.format(path)}",)


def test_a_faulty_secret_of_a_file_is_said_with_the_file(root: Path, secret: Path) -> None:
    """The sentence names the file and the setting that names it, for there it is to be mended."""
    (fault,) = faults_of(root, GATEWAY__CLIENTS__0__KEY_SHA256_FILE=str(secret))
    assert fault.startswith(
        f"clients[0].key_sha256 (from {secret}, which clients[0].key_sha256_file names): must be 64 lower-case hex"
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_a_warning(root: Path, secret: Path, mode: int) -> None:
    """The warning names the file, its mode and what to do."""
    secret.chmod(mode)
    (warning,) = load_settings({f"{SECRET_KEY}_FILE": str(secret)}, root).warnings
    assert f"{str(secret)!r} holds a secret and may be read by others than its owner (mode {mode:04o})" in warning
    assert "`chmod 600`" in warning
    assert "LoadCredential" in warning


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o622])
def test_a_file_that_others_cannot_read_is_no_warning(root: Path, secret: Path, mode: int) -> None:
    """Reading is what gives a secret away."""
    secret.chmod(mode)
    assert load_settings({f"{SECRET_KEY}_FILE": str(secret)}, root).warnings == ()


def test_a_credential_of_systemd_is_no_warning(root: Path, tmp_path: Path, secret: Path) -> None:
    """Its mode is an ACL's mask, and its folder is closed."""
    secret.chmod(0o440)
    variables = {f"{SECRET_KEY}_FILE": str(secret), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load_settings(variables, root).warnings == ()
    assert len(load_settings({**variables, "CREDENTIALS_DIRECTORY": f"{tmp_path}/other"}, root).warnings) == 1


def test_a_path_from_the_working_directory_may_be_a_secret(root: Path, tmp_path: Path) -> None:
    """It is not shown, and the sentence says where it is looked for: not beside the file of settings."""
    (tmp_path / "sk-4711").write_text("beside the settings")
    own = own_file(tmp_path, f'{TENANT}secret_key_file = "sk-4711"\n')
    (fault,) = faults_of(root, GATEWAY_CONFIG=own)
    assert fault == (
        f"tenants[0].secret_key_file (from {own} (GATEWAY_CONFIG)): cannot be read: No such file or directory; a "
        "path that is not absolute is looked for in the working directory, and not shown here, as it may be the secret "
        "itself"
    )


@pytest.mark.parametrize(
    ("content", "oddity"),
    [
        (b"SK \n", "it begins or ends with a blank"),
        (b"S\0K\0", "it holds a control character"),
        (b'"SK"\n', "it stands in quotes"),
        (b"\"SK'", None),
        (b"'", None),
        ("S K\u00e9".encode(), None),
    ],
)
def test_what_is_most_likely_no_part_of_a_secret_is_a_warning(
    root: Path, secret: Path, content: bytes, oddity: str | None
) -> None:
    """In a file and in a variable alike, without the secret; it counts as it is all the same."""
    secret.write_bytes(content)
    text = content.decode().removesuffix("\n")
    sources = {
        f"{secret}, which tenants[0].secret_key_file names": {f"{SECRET_KEY}_FILE": str(secret)},
        SECRET_KEY: {SECRET_KEY: text},
    }
    for source, variables in sources.items():
        settings = load_settings(variables, root)
        assert settings.tenants[7].secret_key.reveal() == text
        said = f"{oddity}, which counts as part of it; take it away unless it is meant"
        wanted = (f"tenants[0].secret_key (from {source}): {said}",) if oddity else ()
        assert settings.warnings == wanted


def test_a_byte_order_mark_is_no_part_of_a_file(root: Path, tmp_path: Path, secret: Path) -> None:
    """Some editors begin settings and secrets with one; as a part of a secret nobody would see it."""
    secret.write_bytes("\ufeffSK\r\n".encode())
    own = own_file(tmp_path, "\ufeff[cache]\nfresh_s = 5\n")
    settings = load_settings({"GATEWAY_CONFIG": own, f"{SECRET_KEY}_FILE": str(secret)}, root)
    assert (settings.tenants[7].secret_key.reveal(), settings.cache.fresh_s) == ("SK", 5)
    assert settings.warnings == ()
