"""`flask campaigns watch` before a gateway that granian serves, and before one that is in trouble."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytest

from gateway.cli.exit_codes import ExitCode
from gateway.cli.watch import Watcher
from gateway.factory import create_app
from gateway.front.ask import Caller
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer, demo_config
from tests.scenarios.upstream.raw_server import RawServer, http, says, says_and_closes
from tests.support.gateway import PROJECT, settings_for
from tests.support.server import BIN, ServedGateway, environment, free_port, served_gateway

LIMIT_S = 60.0
FRESH = {"GATEWAY__CACHE__FRESH_S": "0.5", "GATEWAY__CACHE__MIN_REFRESH_S": "0.2"}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[SimulatorServer, ServedGateway]]:
    """Return a gateway whose pages are soon stale, and the simulator behind it."""
    with (
        SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as simulator,
        served_gateway(simulator.base_url, 1, **FRESH) as gateway,
    ):
        yield simulator, gateway


@contextmanager
def watching(*arguments: str, key: str = "web-key") -> Iterator["subprocess.Popen[str]"]:
    """Run the command with these arguments; it is ended if it does not end by itself."""
    process = subprocess.Popen(
        [str(BIN / "flask"), "campaigns", "watch", *arguments],
        cwd=PROJECT,
        env=environment(CAMPAIGN_GATEWAY_KEY=key),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def lines(process: "subprocess.Popen[str]", number: int) -> list[str]:
    """Return the next lines of what a command prints."""
    assert process.stdout is not None
    return [line.rstrip("\n") for line in islice(process.stdout, number)]


def test_what_changes_is_printed_as_it_changes(served: tuple[SimulatorServer, ServedGateway]) -> None:
    """A campaign that appears, and how many there are by then; Ctrl-C ends it."""
    simulator, gateway = served
    simulator.faults.clear()
    with watching(gateway.url, "--page-size", "5") as process:
        assert lines(process, 1)[0].endswith("GMT  watching 5 campaigns of 250")
        simulator.faults.arm(Fault("shifting-totals"))
        first = lines(process, 1)[0]
        assert " GMT  + " in first or " GMT  - " in first
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 130


def test_programs_get_json_and_an_end(served: tuple[SimulatorServer, ServedGateway]) -> None:
    """One object a line, and exit code 0 after the first change where that is wanted."""
    simulator, gateway = served
    simulator.faults.clear()
    with watching(gateway.url, "--json", "--once", "--page-size", "7") as process:
        begun = json.loads(lines(process, 1)[0])
        assert (begun["change"], begun["campaigns"], begun["of"]) == ("watching", 7, 250)
        simulator.faults.arm(Fault("shifting-totals"))
        out, err = process.communicate(timeout=LIMIT_S)
        assert (process.returncode, err) == (0, "")
    changes: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert {change["change"] for change in changes} >= {"total"}
    assert all(change["as_of"].endswith("GMT") for change in changes)


@pytest.mark.parametrize(
    ("arguments", "key", "code", "said"),
    [
        (["{url}"], "nobodys-key", 1, "unauthenticated: The API key in X-API-Key is not known here."),
        (["{url}", "--vdn", "2"], "web-key", 1, "forbidden: "),
        (["{url}", "--page", "0"], "web-key", 2, "--page: 0 is out of range."),
        (["gateway.example"], "web-key", 2, "write the whole URL"),
        (["http://gateway.example:99999"], "web-key", 2, "Port out of range"),
        (["{url}"], "", 2, "An API key is needed"),
        (["{url}", "--wait", "61"], "web-key", 2, "61 is not in the range"),
    ],
)
def test_what_can_come_to_no_good_ends_it(
    served: tuple[SimulatorServer, ServedGateway], arguments: list[str], key: str, code: int, said: str
) -> None:
    """With a sentence, and a code and an object for scripts."""
    command = ["campaigns", "watch", *(each.format(url=served[1].url) for each in arguments), "--json"]
    done = (
        create_app(settings_for(served[0].base_url))
        .test_cli_runner()
        .invoke(args=command, env={"CAMPAIGN_GATEWAY_KEY": key})
    )
    told = json.loads(done.stdout)
    assert (done.exit_code, told["exit_code"]) == (code, code)
    assert said in done.stderr
    assert said in told["detail"]
    assert told.get("problem") == (said.partition(":")[0] if code == ExitCode.FAILED else None)


def test_a_reader_that_goes_ends_it(served: tuple[SimulatorServer, ServedGateway]) -> None:
    """When its reader ends, as `head` does, the command ends without a word."""
    simulator, gateway = served
    simulator.faults.arm(Fault("shifting-totals"))
    with watching(gateway.url) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        assert process.wait(LIMIT_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


class Trouble:
    """A watcher before a gateway that the test plays: what it tells, and for how long it pauses."""

    def __init__(self, url: str) -> None:
        self.told: list[str] = []
        self.pauses: list[float] = []
        caller = Caller(url, "key", timeout_s=5)
        self.watcher = Watcher(caller, "/campaigns", 10, self.told.append, self.pauses.append, lambda: 1.0)


def answer(status: str = "200 OK", body: bytes | None = None, *headers: str) -> Callable[..., None]:
    """Return an answer of the gateway."""
    page = b'{"data":[],"page":{"total_items":0}}'
    return says(http(status, page if body is None else body, 'ETag: "1"', *headers))


def test_trouble_is_told_once_and_waited_out() -> None:
    """Twice as long each time, or as the gateway asks; then it goes on where it was."""
    with RawServer() as server:
        busy = b'{"type":"problems/upstream-overloaded","detail":"later","request_id":"r1"}'
        server.will(
            answer("503 Service Unavailable", busy, "Retry-After: 7"),
            says_and_closes(b""),
            answer("502 Bad Gateway", b"<html>"),
            answer("200 OK", b"[]"),
            answer(),
            answer(),
        )
        trouble = Trouble(server.url)
        assert len(list(islice(trouble.watcher.pages(), 2))) == 2
        assert trouble.pauses == [7.0, 2.0, 4.0, 8.0]
        assert trouble.told == ["upstream-overloaded: later (request r1); trying again", "it answers again"]
        assert b'If-None-Match: "1"\r\nPrefer: wait=10\r\n' in server.requests[-1]


def test_pauses_have_an_end() -> None:
    """However long trouble lasts, it is asked again after a minute at most."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:
            raise KeyboardInterrupt

    caller = Caller(f"http://127.0.0.1:{free_port()}", "key")
    with pytest.raises(KeyboardInterrupt):
        next(Watcher(caller, "/", 1, lambda _: None, pause, lambda: 1.0).pages())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_gateway_that_lets_nobody_wait_is_not_asked_without_pause() -> None:
    """It waits by itself then; and takes a breath where a wait has ended early."""
    with RawServer() as server:
        server.will(
            answer(),
            answer("304 Not Modified", b""),
            answer("304 Not Modified", b"", "Preference-Applied: wait=10"),
            answer(),
        )
        trouble = Trouble(server.url)
        assert len(list(islice(trouble.watcher.pages(), 2))) == 2
        assert trouble.pauses == [10.0, 1.0]
