"""One app for each process, also where a server forks with the app loaded."""

import subprocess
import sys
from typing import Any, cast

import pytest

from gateway.reload import EachProcess, ServedApp
from tests.support.gateway import PROJECT
from tests.support.server import environment

FORKED = """
import ctypes, os, sys
from gateway.reload import EachProcess

made = []

class Served:
    drains = True

    def __call__(self, environ, start_response):
        return [b"answer"]

def make(*, forked):
    made.append(forked)
    return Served()

app = EachProcess(make)
told, tell = os.pipe()
# Python knows nothing of the second one.
child = os.fork() if "python" in sys.argv else ctypes.CDLL(None).fork()
if child == 0:
    before = len(made)
    app({}, None)
    app({}, None)
    os.write(tell, f"{before} {made}".encode())
    os._exit(0)
os.waitpid(child, 0)
print(os.read(told, 99).decode(), made)
"""


class Served:
    """Stands for the served app."""

    drains = True

    def __call__(self, _environ: dict[str, Any], _start_response: object) -> list[bytes]:
        """Answer."""
        return [b"answer"]


@pytest.mark.parametrize(("forker", "before"), [("python", 2), ("c", 1)])
def test_a_process_that_is_forked_has_an_app_of_its_own(forker: str, before: int) -> None:
    """At once where Python forks, as gunicorn does, else with the first request, as under uWSGI."""
    command = [sys.executable, "-c", FORKED, forker]
    said = subprocess.run(command, cwd=PROJECT, env=environment(), capture_output=True, text=True, check=True)
    assert said.stdout.strip() == f"{before} [False, False] [False]"


HANDLED = FORKED.replace(
    "made = []",
    "import signal\nmade = []\nsignal.signal(signal.SIGTERM, lambda *_: None)",
).replace("return Served()", "made.append(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)\n    return Served()")


def test_a_process_that_is_forked_can_be_ended_before_it_serves() -> None:
    """The handler of the main process, which it has inherited, would swallow the signal."""
    command = [sys.executable, "-c", HANDLED, "python"]
    said = subprocess.run(command, cwd=PROJECT, env=environment(), capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "4 [False, False, True, True] [False, False]"


@pytest.mark.parametrize(
    ("drains", "environ", "events"),
    [
        (True, {"wsgi.multithread": True}, set()),
        (True, {}, set()),
        (False, {"wsgi.multithread": True}, {"no_drain"}),
        (True, {"wsgi.multithread": False}, {"one_request_at_a_time"}),
    ],
)
def test_what_the_server_cannot_do_is_said_once(
    capsys: pytest.CaptureFixture[str], environ: dict[str, Any], events: set[str], *, drains: bool
) -> None:
    """With the first request, so that a process that serves nobody says nothing."""
    served = Served()
    served.drains = drains

    def make(*, forked: bool) -> ServedApp:
        assert not forked
        return cast(ServedApp, served)

    app = EachProcess(make)
    assert "".join(capsys.readouterr()) == ""
    assert list(app(environ, lambda *_: lambda _: None)) == [b"answer"]
    said = "".join(capsys.readouterr())
    assert {event for event in ("no_drain", "one_request_at_a_time") if event in said} == events
    app(environ, lambda *_: lambda _: None)
    assert "".join(capsys.readouterr()) == ""
