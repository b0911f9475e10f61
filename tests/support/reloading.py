"""A gateway whose settings a test changes while it serves: the app that granian calls, in this process."""

from collections.abc import Mapping
from typing import Any

from werkzeug.test import Client, TestResponse

from gateway.factory import Clocks, create_app
from gateway.reload import Resources, ServedApp
from gateway.settings import KeptSettings, Settings, load_kept
from tests.support.canaries import require_none
from tests.support.clock import FakeClock
from tests.support.gateway import PROJECT, VARIABLES


class ReloadedGateway:
    """The served app in front of the CC-iSales at `base_url`; `variables` as in the environment, without `GATEWAY__`.

    On a clock that nobody moves no deadline ever passes, no old app is closed, and who waits beside a page waits for as
    long as it takes; `real_time` takes the real one.
    """

    def __init__(self, base_url: str, *, real_time: bool = False, **variables: str) -> None:
        self.clock = FakeClock()
        self._clocks = Clocks() if real_time else Clocks(monotonic=self.clock, sleep=self.clock.advance)
        self._environ = {**VARIABLES, "GATEWAY__ISALES__BASE_URL": base_url}
        # That wait is of real seconds on any clock.
        self._set({**({} if real_time else {"cache__stale_if_slow_s": "60"}), **variables})
        self.settled = 0
        self.served = ServedApp(self._read, self._build, settle=self._settle, clock=self._clocks.monotonic)
        self._client = Client(self.served)

    def reload(self, **variables: str) -> bool:
        """Change these variables, and reload; return whether the settings were good."""
        self._set(variables)
        return self.served.reload()

    def get(
        self,
        path: str = "/campaigns",
        key: str | None = "web-key",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Send a request with this API key, by default that of a client of VDN 1."""
        sent = {**(headers or {}), **({} if key is None else {"X-API-Key": key})}
        return self._client.open(path, method=method, headers=sent)

    def cached(self, path: str = "/campaigns", key: str = "web-key") -> str:
        """Ask for a page; return how the cache came by it, the beginning of `Cache-Status`."""
        answer = self.get(path, key)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.headers["Cache-Status"].removeprefix("campaign-gateway; ").partition("; ttl")[0]

    def number(self, sample: str) -> float:
        """Return one number of `/metrics`, by its name and labels as they stand there; 0 for none."""
        for line in self.get("/metrics").get_data(as_text=True).splitlines():
            name, _, value = line.rpartition(" ")
            if name == sample:
                return float(value)
        return 0.0

    def readiness(self) -> dict[str, Any]:
        """Return `/readyz`."""
        document: dict[str, Any] = self.get("/readyz").get_json()
        return document

    def close(self) -> None:
        """Let go of everything."""
        require_none(f"{self.served!r} {vars(self.served)!r}", "a repr")
        self.get("/metrics", key=None)
        self.served.close()

    def _set(self, variables: Mapping[str, str]) -> None:
        self._environ.update({f"GATEWAY__{name.upper()}": value for name, value in variables.items()})

    def _read(self) -> tuple[Settings, KeptSettings]:
        return load_kept(self._environ, PROJECT)

    def _build(self, settings: Settings, resources: Resources) -> Any:
        return create_app(settings, self._clocks, resources).wsgi_app

    def _settle(self) -> None:
        self.settled += 1
