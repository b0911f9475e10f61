"""Settings that outlive their files."""

import json
from pathlib import Path

import pytest
import trustme

from gateway.isales.transport_tls import tls_context
from gateway.settings import KeptSettings, SettingsError, load_kept, load_settings, restore_settings
from tests.support.time_zones import other_data, zone_folder
from tests.unit.settings.project import MINIMAL, own_file


def test_settings_are_made_again_without_their_files(root: Path, tmp_path: Path) -> None:
    """Secrets, variables and files for TLS: all is as it was, whatever is in the files by now."""
    authority, certificate = trustme.CA(), trustme.CA().issue_cert("gateway")
    for name, blob in (("ca", authority.cert_pem), ("cert", certificate.cert_chain_pems[0])):
        blob.write_to_path(str(tmp_path / name))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key"))
    (tmp_path / "sk").write_text("from a file\n")
    files = "".join(
        f'{setting} = "{tmp_path}/{name}"\n'
        for setting, name in (("ca_file", "ca"), ("client_cert_file", "cert"), ("client_key_file", "key"))
    )
    text = MINIMAL.replace("[[tenants]]", f"{files}[[tenants]]").replace(
        'secret_key = "the-secret-text"', f'secret_key_file = "{tmp_path}/sk"'
    )
    environ = {"GATEWAY_CONFIG": own_file(tmp_path, text), "GATEWAY__ISALES__CONCURRENCY": "3"}
    settings, kept = load_kept(environ, root)
    for name in ("own.toml", "sk", "ca", "cert", "key"):
        (tmp_path / name).write_text("rubbish")
    with pytest.raises(SettingsError):
        load_settings(environ, root)
    restored = restore_settings(KeptSettings.from_json(json.loads(json.dumps(kept.to_json()))))
    assert (restored.tenants, restored.clients, restored.cache) == (settings.tenants, settings.clients, settings.cache)
    assert (restored.environment, restored.isales.concurrency) == (settings.environment, 3)
    assert restored.tenants[7].secret_key.reveal() == "from a file"
    assert tls_context(restored.isales).get_ca_certs() != []
    assert Path(restored.isales.client_key_file).read_bytes() == certificate.private_key_pem.bytes()


def test_equal_settings_are_kept_alike(root: Path, tmp_path: Path) -> None:
    """What was read twice is equal; a secret that is another one, or another file's content, makes it unequal."""
    (tmp_path / "sk").write_text("one")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca"))
    environ = {
        "GATEWAY_CONFIG": own_file(tmp_path, MINIMAL),
        "GATEWAY__TENANTS__0__SECRET_KEY_FILE": f"{tmp_path}/sk",
        "GATEWAY__ISALES__CA_FILE": f"{tmp_path}/ca",
    }
    kept = load_kept(environ, root)[1]
    assert load_kept(environ, root)[1] == kept == KeptSettings.from_json(json.loads(json.dumps(kept.to_json())))
    (tmp_path / "sk").write_text("two")
    other = load_kept(environ, root)[1]
    assert other != kept
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca"))
    assert load_kept(environ, root)[1] != other


def test_other_time_zone_data_makes_it_unequal(root: Path, tmp_path: Path) -> None:
    """So that a worker which begins with newer data has its siblings take it too."""
    kept = load_kept({}, root)[1]
    with other_data(zone_folder(tmp_path, "2999a", {"UTC": "UTC"})):
        newer = load_kept({}, root)[1]
    assert (newer.values, newer == kept) == (kept.values, False)
    assert KeptSettings.from_json(json.loads(json.dumps(newer.to_json()))) == newer


def test_what_is_kept_shows_no_secret(root: Path, tmp_path: Path) -> None:
    """Its `repr` names the environment only."""
    kept = load_kept({"GATEWAY_CONFIG": own_file(tmp_path, MINIMAL)}, root)[1]
    assert repr(kept) == "KeptSettings(environment='development')"


def test_what_another_version_kept_is_a_fault(root: Path, tmp_path: Path) -> None:
    """A worker of new code that finds settings which it does not know says so."""
    document = load_kept({"GATEWAY_CONFIG": own_file(tmp_path, MINIMAL)}, root)[1].to_json()
    document["values"]["isales"]["no_such_setting"] = 1
    with pytest.raises(SettingsError, match="another version"):
        restore_settings(KeptSettings.from_json(document))


def test_a_file_that_vanishes_meanwhile_is_left_out() -> None:
    """Its path stays in the settings that are kept, for want of its content."""
    values = {"isales": {"ca_file": "/nowhere/ca"}, "jwt": {}}
    kept = KeptSettings.of("test", values)
    assert kept.files == {}
    assert kept.values_with_files() == values
