"""A gateway to call: the app with the simulator behind it, in this process."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from gateway.access.keys import key_hash
from gateway.cli.app import EXTENSION
from gateway.factory import Clocks, create_app
from gateway.settings import Settings, load_settings
from tests.support.canaries import plant, require_none
from tests.support.clock import FakeClock

PROJECT = Path(__file__).resolve().parents[2]
KEYS = {
    "web": "web-key",
    "all": "all-key",
    "two": "two-key",
    "purger": "purger-key",
    "doctor": "doctor-key",
    "operator": "operator-key",
}
SECRET_KEYS = ("demo-secret-key", "demo-secret-key-2", "rotated-secret-key")
plant(*KEYS.values(), *SECRET_KEYS)


def clients(**requests_per_minute: int) -> str:
    """Return the setting `clients`, with these limits for some of them."""
    tables = (
        f'{{name = "{name}", key_sha256 = "{key_hash(KEYS[name])}", vdns = {vdns}, scopes = [{scopes}], '
        f"requests_per_minute = {requests_per_minute.get(name, 0)}}}"
        for name, vdns, scopes in (
            ("web", "[1]", '"campaigns:read"'),
            ("all", '["*"]', '"campaigns:read"'),
            ("two", "[2]", '"campaigns:read"'),
            ("purger", "[1]", '"cache:purge"'),
            ("doctor", "[1]", '"diagnostics:read"'),
            ("operator", "[1]", '"campaigns:read", "cache:purge", "diagnostics:read"'),
        )
    )
    return f"[{', '.join(tables)}]"


VARIABLES = {
    "GATEWAY__TENANTS": """[
        {vdn = 1, access_key = "demo-access-key", secret_key = "demo-secret-key"},
        {vdn = 2, access_key = "demo-access-key-2", secret_key = "demo-secret-key-2"},
    ]""",
    "GATEWAY__CLIENTS": clients(),
    "GATEWAY__LOG__FORMAT": "json",
}


def settings_for(base_url: str, **variables: str) -> Settings:
    """Return settings for the simulator's two VDNs and some clients; `variables` as in the environment."""
    environ = {**VARIABLES, "GATEWAY__ISALES__BASE_URL": base_url}
    environ.update({f"GATEWAY__{name.upper()}": value for name, value in variables.items()})
    of_files = any(name.endswith(("_file", "_folder")) for name in variables)
    return load_settings(environ, PROJECT) if of_files else _loaded_once(tuple(environ.items()))


@lru_cache(maxsize=64)
def _loaded_once(environ: tuple[tuple[str, str], ...]) -> Settings:
    """Return the settings of these variables, which take as long to read as half a gateway to make."""
    return load_settings(dict(environ), PROJECT)


HELD_S = 15.0
"""Calls that a test holds until it has seen what it waits for, and then lets go."""
HOLDING = {"isales__read_timeout_s": "20", "isales__deadline_s": "25"}
"""Settings with which such calls are waited for."""


class GatewayUnderTest:
    """The app with its test client and a clock that the test moves, its own `clock` or the real one with `real_time`.

    On a clock that nobody moves no deadline ever passes, and who waits beside a page waits for as long as it takes.
    """

    def __init__(
        self, base_url: str, clock: FakeClock | None = None, /, *, real_time: bool = False, **variables: str
    ) -> None:
        self.clock = clock or FakeClock()
        clocks = Clocks() if real_time else Clocks(monotonic=self.clock, sleep=self.clock.advance)
        # That wait is of real seconds on any clock.
        patience = {} if real_time else {"cache__stale_if_slow_s": "60"}
        self.app: Flask = create_app(settings_for(base_url, **{**patience, **variables}), clocks)
        self._client = self.app.test_client()

    def close(self) -> None:
        """Let go of the shared cache, so that nothing of this gateway is logged in the tests that follow."""
        made = self.app.extensions[EXTENSION]
        require_none("\n".join(map(repr, (made, made.settings, vars(self.app), self.app.config))), "a repr")
        self.get("/metrics", key=None)
        made.close()

    def get(
        self, path: str, key: str | None = "web-key", headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> TestResponse:
        """Send a request with this API key, by default that of a client of VDN 1."""
        sent = dict(headers or {})
        if key is not None:
            sent["X-API-Key"] = key
        # werkzeug's client takes what follows two slashes for a host.
        as_it_is = {"PATH_INFO": path.partition("?")[0]} if path.startswith("//") else {}
        return self._client.open(path, method=method, headers=sent, environ_overrides=as_it_is)

    def cache_status(self, path: str = "/campaigns", control: str = "", key: str = "web-key") -> str:
        """Return the `Cache-Status` of a good answer to a request with this `Cache-Control`, without our name."""
        answer = self.get(path, key, {"Cache-Control": control} if control else None)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.headers["Cache-Status"].removeprefix("campaign-gateway; ")

    def shared_cache(self) -> str:
        """Return what `/readyz` says of the shared cache."""
        state: str = self.get("/readyz", key=None).get_json()["dependencies"]["shared_cache"]["status"]
        return state

    def number(self, name: str) -> float:
        """Return one number of the metrics by its name and labels, 0 while it is not there."""
        text = self.get("/metrics", key=None).get_data(as_text=True)
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return 0.0 if found is None else float(found[1])

    def problem(self, path: str, **options: Any) -> tuple[int, str, dict[str, Any]]:
        """Send a request that must fail; return status, problem name and the whole document."""
        answer = self.get(path, **options)
        assert answer.mimetype == "application/problem+json", answer.get_data(as_text=True)
        document = answer.get_json()
        assert document["status"] == answer.status_code
        assert document["request_id"] == answer.headers["X-Request-Id"]
        return answer.status_code, document["type"].rpartition("/")[2], document
