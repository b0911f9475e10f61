"""Secrets in memory show neither in a `repr` nor in a traceback, not even in one with the variables of each frame."""

import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.factory import create_app
from gateway.isales.endpoint import Endpoint
from gateway.isales.request import campaigns_request, sign_request
from gateway.isales.send import sign_and_send
from gateway.isales.transport import Transport
from gateway.model import Deadline
from gateway.settings import Secret, SettingsError, effective_toml, load_kept, load_settings
from gateway.settings.sources import SECRETS, table_kinds
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import RedisBackend
from tests.support.server import free_port
from tests.unit.isales.vendor import QUERY, SECRET_KEY, isales_settings, tenant
from tests.unit.settings.project import PROJECT

CANARY = "canary-of-the-tests"
VALUES = {
    "shared_url": f"redis+sentinel://:{CANARY}@localhost/mymaster/0",
    "key_sha256": "c0ffee" * 10 + "aaaa",
    "previous_key_sha256": "deface" * 10 + "bbbb",
}
SETTINGS = [
    (section, name)
    for section, kind in table_kinds().items()
    for name, setting in kind.schema.fields.items()
    if setting.metadata.get("secret")
]


def with_variables(failing: Callable[[], object]) -> str:
    """Call what must fail; return the traceback of that as tools print it that show the variables of each frame."""
    try:
        failing()
    except Exception as error:  # noqa: BLE001 -- whatever it is
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    raise AssertionError("it did not fail")


def files(folder: Path, *, mode: int = 0o600) -> dict[str, str]:
    """Write each secret of the settings into a file; return the variables that name the files."""
    variables = {}
    for section, name in SETTINGS:
        path = folder / f"{section}-{name}"
        path.write_text(VALUES.get(name, f"{CANARY}-{name}"))
        path.chmod(mode)
        number = "__0" if section in {"tenants", "clients"} else ""
        variables[f"GATEWAY__{section}{number}__{name}_file".upper()] = str(path)
    return variables


def secrets() -> list[str]:
    """Return the texts that must not be seen."""
    return [CANARY, VALUES["key_sha256"], VALUES["previous_key_sha256"]]


def test_every_secret_may_come_from_a_file(tmp_path: Path) -> None:
    """The tests know them all; what comes out again, printed or by `repr`, is redacted."""
    assert {name for _, name in SETTINGS} == SECRETS
    variables = files(tmp_path)
    settings, kept = load_kept(variables, PROJECT)
    assert settings.warnings == ()
    assert settings.tenants[1].secret_key == Secret(f"{CANARY}-secret_key")
    assert settings.tenants[1].previous_access_key == f"{CANARY}-previous_access_key"
    assert settings.cache.shared_url.reveal() == VALUES["shared_url"]
    assert settings.clients[0].previous_key_sha256 == VALUES["previous_key_sha256"]
    backend = RedisBackend(StoreAddress.of(settings.cache, ""))
    shown = repr((settings, kept, backend, vars(backend), backend.client.connection_pool)) + effective_toml(settings)
    assert not any(secret in shown for secret in secrets())
    assert 'access_key = "cana********"' in shown


def test_a_file_that_others_may_read_is_warned_about(tmp_path: Path) -> None:
    """Each of them, by the name of its setting."""
    warnings = load_settings(files(tmp_path, mode=0o640), PROJECT).warnings
    assert len(warnings) == len(SETTINGS)
    assert all("may be read by others" in warning for warning in warnings)


@pytest.mark.parametrize("fault", ["clients__0__vdns", "cache__fresh_s", "isales__ca_file"])
def test_faulty_settings_show_no_secret_in_a_traceback(tmp_path: Path, fault: str) -> None:
    """However the settings are faulty, the variables on the way hold secrets wrapped, or not at all."""
    variables = {**files(tmp_path), f"GATEWAY__{fault.upper()}": "nonsense"}
    shown = with_variables(lambda: load_settings(variables, PROJECT))
    assert "SettingsError" in shown
    assert not any(secret in shown for secret in secrets())


def test_a_shared_cache_that_cannot_be_used_shows_no_password(tmp_path: Path) -> None:
    """Not where redis-py is what finds the fault."""
    settings = load_settings(files(tmp_path), PROJECT)
    url = Secret(f"redis://:{CANARY}@localhost/0?no_such_option=1")
    faulty = replace(settings, cache=replace(settings.cache, shared_url=url))
    shown = with_variables(lambda: create_app(faulty))
    assert SettingsError.__name__ in shown
    assert not any(secret in shown for secret in secrets())


def test_signing_and_sending_show_no_secret_key() -> None:
    """A signature that cannot be made, and a call that fails at the socket."""
    whose = tenant(previous_access_key="OLD", previous_secret_key=Secret(CANARY))
    request = campaigns_request(replace(QUERY, name="\ud800"), whose)
    endpoint = Endpoint.parse("http://127.0.0.1:1")
    shown = with_variables(lambda: sign_request(request, endpoint, datetime.now(UTC)))
    assert "surrogates" in shown
    send = sign_and_send(Transport(isales_settings(f"http://127.0.0.1:{free_port()}")), lambda: datetime.now(UTC))
    shown += with_variables(lambda: send(campaigns_request(QUERY, whose), Deadline.after(5)))
    assert "UpstreamUnreachable" in shown
    assert not any(secret in shown for secret in (SECRET_KEY, CANARY))
