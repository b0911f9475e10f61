"""The app that the server calls: it hands each request to the app in force, which a reload replaces.

A new app is made beside the one that serves, and takes its place in one step, so that each request is answered by one
app from beginning to end and none waits. What the old app alone has is closed when its last request must have ended.
With faulty settings there is no new app, and the old one stays.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from gateway.reload.asked import Asked, ask
from gateway.reload.draining import draining
from gateway.reload.published import Publication, Published, Worker
from gateway.reload.resources import Resources
from gateway.settings import KeptSettings, Settings, SettingsError, changed_settings, restore_settings
from gateway.telemetry.log import configure_logging
from gateway.telemetry.settings_state import SettingsState

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SETTINGS_STATE: Final = "settings state"
"""The part that tells how reloads went."""

RETIRE_SLACK_S: Final = 2.0
"""How long after the deadline of its last request an app is closed: requests may be answered a little late."""

Read = Callable[[], tuple[Settings, KeptSettings]]
Build = Callable[[Settings, Resources], "WSGIApplication"]
log = structlog.get_logger("gateway.reload")


@dataclass(frozen=True, slots=True)
class _InForce:
    settings: Settings
    kept: KeptSettings
    resources: Resources


@dataclass(frozen=True, slots=True)
class _Retired:
    """An app that gets no requests any more: its resources, when to close them, and those of the app after it."""

    resources: Resources
    at: float
    heir: Resources


class ServedApp:
    """The WSGI application. `read` and `build` raise SettingsError; `read` gives settings and what to keep of them.

    If the settings are faulty at the start, those of `siblings` are taken: workers of the same server, the latest
    settings first. Without any, SettingsError is raised. `settle` is called when an old app is gone. `clock` is
    monotonic.
    """

    def __init__(
        self,
        read: Read,
        build: Build,
        siblings: Callable[[], list[Worker]] = list,
        settle: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._build = build
        self._settle = settle
        self._clock = clock
        self._asked = Asked()
        self._retired: list[_Retired] = []
        self._lock = threading.Lock()
        self._publication = Publication()
        self._reloads = 0
        self._thread: threading.Thread | None = None
        self._ending = False
        self.drains = False
        """Whether it is told, by a signal, some time before the server ends this process."""
        self._app, self._in_force, self._faults = self._first(siblings)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as PEP 3333 has it."""
        return self._app(environ, start_response)

    @property
    def drain_s(self) -> float:
        """For how long requests are still taken when the process is told to end, seconds."""
        return self._in_force.settings.http.drain_s

    def ask_for_reload(self) -> None:
        """Have a thread reload soon; safe to call in a signal handler."""
        self._asked.put()

    def start(self) -> None:
        """Start the thread that reloads when it is asked to and closes old apps; show that this worker is ready."""
        self._publish(self._faults)
        self._thread = threading.Thread(target=self._run, name="settings-reload", daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Have callers close their connections, readiness say that this process ends, and no refresh begin."""
        self._ending = True
        self._app = draining(self._app)
        self._in_force.resources.drain()

    def reload(self) -> bool:
        """Read the settings anew and, if they are good, serve by them from now on; return whether they are."""
        with self._lock:
            self._reloads += 1
            before = self._in_force
            resources = Resources(before.resources)
            faults: tuple[str, ...] = ()
            try:
                settings, kept = self._read()
                app = self._build(settings, resources)
            except SettingsError as fault:
                faults = fault.faults
            except Exception as bug:
                # Nobody is there to catch it, and the old app is as good as ever.
                log.exception("reload_failed")
                faults = (f"the gateway failed to make an app of the settings ({type(bug).__name__}); see the log",)
            if faults:
                configure_logging(before.settings.log.level, before.settings.log.format)
                resources.close(heir=before.resources)
                self._failed(before.resources, faults, "the settings before stay in force")
            else:
                resources.forget_before()
                self._app = draining(app) if self._ending else app
                self._in_force = _InForce(settings, kept, resources)
                if self._ending:
                    resources.drain()
                ends_at = self._clock() + before.settings.isales.deadline_s + RETIRE_SLACK_S
                # Not before an older one with a longer deadline: what they share is closed with the last of them.
                ends_at = max([ends_at, *(retired.at for retired in self._retired)])
                self._retired.append(_Retired(before.resources, ends_at, resources))
                _state_of(resources).loaded()
                log.info("settings_reloaded", changed=changed_settings(before.settings, settings))
            self._publish(faults)
            return not faults

    def close_retired(self) -> None:
        """Close the apps whose last request must have ended."""
        with self._lock:
            due = [retired for retired in self._retired if self._clock() >= retired.at]
            self._retired = [retired for retired in self._retired if retired not in due]
            for retired in due:
                retired.resources.close(retired.heir)
        if due:
            self._settle()

    def close(self) -> None:
        """Close everything, and show nothing any more."""
        with self._lock:
            for retired in self._retired:
                retired.resources.close(retired.heir)
            self._retired = []
            self._in_force.resources.close()
            self._publication.close()

    def _first(self, siblings: Callable[[], list[Worker]]) -> tuple["WSGIApplication", _InForce, tuple[str, ...]]:
        """Return the app to begin with, what it is made of, and what kept the settings of the files from being it."""
        resources = Resources()
        try:
            settings, kept = self._read()
            app = self._build(settings, resources)
        except SettingsError as fault:
            others = siblings()
            if not others:
                raise
            kept, resources = others[0].shown.kept, Resources()
            try:
                settings = restore_settings(kept)
                app = self._build(settings, resources)
            except SettingsError:
                raise fault from None
            self._failed(resources, fault.faults, "this worker begins with the settings of the others")
            return app, _InForce(settings, kept, resources), fault.faults
        for sibling in siblings():
            if sibling.shown.kept != kept or sibling.shown.faults:
                # They are asked by whoever asked for this worker, or nobody knew: all are to serve by the same.
                ask(sibling.pid, sibling.shown.asked)
        return app, _InForce(settings, kept, resources), ()

    def _failed(self, resources: Resources, faults: tuple[str, ...], consequence: str) -> None:
        _state_of(resources).failed(len(faults))
        log.error("settings_faulty", faults=list(faults), consequence=consequence)

    def _publish(self, faults: tuple[str, ...]) -> None:
        in_force = self._in_force
        loaded_at = _state_of(in_force.resources).loaded_at
        self._publication.show(Published(in_force.kept, loaded_at, self._reloads, faults, self._asked.number))

    def _run(self) -> None:
        while True:
            if self._asked.wait(self._until_due()):
                self.reload()
            self.close_retired()

    def _until_due(self) -> float | None:
        """Return the seconds until an old app is to be closed, or `None` where there is none."""
        return max(0.0, min(retired.at for retired in self._retired) - self._clock()) if self._retired else None


def _state_of(resources: Resources) -> SettingsState:
    return resources.take(SETTINGS_STATE, None, SettingsState)
