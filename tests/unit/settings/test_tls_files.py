"""Files for TLS that cannot be used are faults like all others, and transport and settings agree which those are."""

import subprocess
from pathlib import Path

import pytest
import trustme

from gateway.isales.transport_tls import tls_context
from gateway.settings import load_settings
from tests.unit.isales.vendor import isales_settings
from tests.unit.settings.project import faults_of

BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
CA = trustme.CA()
SETTINGS = ("ca_file", "client_cert_file", "client_key_file")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with good and bad files."""
    folder = tmp_path_factory.mktemp("tls")
    ours, other = CA.issue_cert("gateway.example.com"), CA.issue_cert("other.example.com")
    CA.cert_pem.write_to_path(str(folder / "ca.pem"))
    ours.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    ours.private_key_pem.write_to_path(str(folder / "key.pem"))
    ours.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    other.private_key_pem.write_to_path(str(folder / "other-key.pem"))
    (folder / "text.pem").write_text("no certificate")
    (folder / "broken.pem").write_text(BROKEN)
    encrypt = ["openssl", "pkey", "-in", str(folder / "key.pem"), "-aes256", "-passout", "pass:pw"]
    subprocess.run([*encrypt, "-out", str(folder / "encrypted.pem")], check=True)
    subprocess.run([*encrypt, "-traditional", "-out", str(folder / "traditional.pem")], check=True)
    for path in folder.iterdir():
        path.chmod(0o600)
    return folder


def variables(files: Path, ca: str, cert: str, key: str) -> dict[str, str]:
    """Return variables that set these files; an empty name sets none."""
    named = zip(SETTINGS, (ca, cert, key), strict=True)
    return {f"GATEWAY__ISALES__{setting.upper()}": str(files / name) for setting, name in named if name}


@pytest.mark.parametrize(
    ("ca", "cert", "key"), [("ca.pem", "", ""), ("", "cert.pem", "key.pem"), ("ca.pem", "both.pem", "")]
)
def test_good_files_are_no_fault(root: Path, files: Path, ca: str, cert: str, key: str) -> None:
    """What the transport can use is taken."""
    settings = load_settings(variables(files, ca, cert, key), root)
    assert settings.warnings == ()
    tls_context(settings.isales)


@pytest.mark.parametrize(
    ("ca", "cert", "key", "setting", "words"),
    [
        ("missing.pem", "", "", "ca_file", "cannot be read: No such file"),
        ("text.pem", "", "", "ca_file", "holds no certificate in PEM"),
        ("key.pem", "", "", "ca_file", "holds no certificate in PEM"),
        ("broken.pem", "", "", "ca_file", "holds a certificate that cannot be read"),
        ("", "missing.pem", "key.pem", "client_cert_file", "cannot be read: No such file"),
        ("", "missing.pem", "", "client_cert_file", "cannot be read: No such file"),
        ("", "text.pem", "key.pem", "client_cert_file", "holds no certificate in PEM"),
        ("", "cert.pem", "missing.pem", "client_key_file", "cannot be read: No such file"),
        ("", "cert.pem", "text.pem", "client_key_file", "holds no private key in PEM"),
        ("", "cert.pem", "", "client_cert_file", "holds no private key in PEM"),
        ("", "cert.pem", "other-key.pem", "client_key_file", "does not belong to the first certificate in"),
        ("", "cert.pem", "encrypted.pem", "client_key_file", "is encrypted; `openssl pkey"),
        ("", "cert.pem", "traditional.pem", "client_key_file", "is encrypted; `openssl pkey"),
        ("", "broken.pem", "key.pem", "client_key_file", "cannot be used ("),
    ],
)
def test_each_bad_file_has_its_words(
    root: Path, files: Path, ca: str, cert: str, key: str, setting: str, words: str
) -> None:
    """The one sentence names setting, source and file; the transport could not use that file either."""
    (fault,) = faults_of(root, **variables(files, ca, cert, key))
    assert fault.startswith(f"isales.{setting} (from GATEWAY__ISALES__{setting.upper()}): ")
    assert words in fault
    named = zip(SETTINGS, (ca, cert, key), strict=True)
    chosen = {name: str(files / file) for name, file in named if file}
    with pytest.raises(ValueError, match="cannot be used"):
        tls_context(isales_settings("https://127.0.0.1", **chosen))


def test_bad_files_come_with_all_other_faults(root: Path, files: Path) -> None:
    """Each file is told of, beside what else is wrong."""
    faults = faults_of(root, **variables(files, "text.pem", "text.pem", "missing.pem"), GATEWAY__LOG__LEVEL="loud")
    named = [fault.partition(" ")[0] for fault in faults]
    assert named == ["log.level", "isales.ca_file", "isales.client_cert_file", "isales.client_key_file"]


def test_a_key_in_place_of_its_path_is_not_shown(root: Path) -> None:
    """What was pasted into the settings stays out of the sentence."""
    pasted = "-----BEGIN PRIVATE KEY-----\nMIIE"
    (fault,) = faults_of(root, GATEWAY__ISALES__CLIENT_CERT_FILE=pasted)
    assert fault.endswith("must be the path of a file, not what is in it")


def test_what_is_no_path_at_all_is_a_fault(root: Path) -> None:
    """TOML can say a NUL, which no path holds."""
    path = root / "config/development.toml"
    path.write_text(path.read_text().replace("[isales]", '[isales]\nca_file = "a\\u0000"'))
    assert faults_of(root)[0].endswith("must be the path of a file")


def test_a_private_key_that_others_can_read_is_a_warning(root: Path, files: Path, tmp_path: Path) -> None:
    """It is a secret like those of `<secret>_file`, in a file of its own or with the certificate."""
    both = tmp_path / "both.pem"
    both.write_bytes((files / "both.pem").read_bytes())
    both.chmod(0o644)
    (warning,) = load_settings({"GATEWAY__ISALES__CLIENT_CERT_FILE": str(both)}, root).warnings
    assert "may be read by others than its owner (mode 0644)" in warning
