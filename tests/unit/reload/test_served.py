"""The app that the server calls, around apps that only say which they are."""

import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from gateway.reload import SETTINGS_STATE, Resources, ServedApp
from gateway.reload.asked import Asked
from gateway.reload.published import Published, Worker
from gateway.settings import KeptSettings, Settings, SettingsError, load_kept
from gateway.telemetry.settings_state import SettingsState
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.settings.project import PROJECT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

DEADLINE = "GATEWAY__ISALES__DEADLINE_S"
CONCURRENCY = "GATEWAY__ISALES__CONCURRENCY"


class House:
    """A served app that answers the concurrency of its settings, which the test changes in `environ`."""

    def __init__(self, *siblings: Worker, **environ: str) -> None:
        self.environ = {CONCURRENCY: "1", DEADLINE: "10", **environ}
        self.clock = FakeClock()
        self.closed: list[int] = []
        self.settled = 0
        self.bug: Exception | None = None
        self.kept: KeptSettings | None = None
        self.served = ServedApp(self._read, self._build, lambda: list(siblings), self._settle, self.clock)

    def answer(self) -> str:
        """Return what the served app answers."""
        return Client(self.served).get("/").get_data(as_text=True)

    def reload(self, concurrency: str) -> bool:
        """Reload with other settings."""
        self.environ[CONCURRENCY] = concurrency
        return self.served.reload()

    def _read(self) -> tuple[Settings, KeptSettings]:
        settings, self.kept = load_kept(self.environ, PROJECT)
        return settings, self.kept

    def _build(self, settings: Settings, resources: Resources) -> Any:
        number = settings.isales.concurrency
        self.state = resources.take(SETTINGS_STATE, None, SettingsState)
        resources.own("number", number, lambda: self.closed.append(number))
        if self.bug is not None:
            raise self.bug

        def app(_environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
            start_response("200 OK", [])
            return [str(number).encode()]

        return app

    def _settle(self) -> None:
        self.settled += 1


def sibling(
    concurrency: str = "5", *, pid: int = 0, loaded_at: float = 1.0, faults: tuple[str, ...] = (), asked: int = 0
) -> Worker:
    """Return a worker that serves with these settings; without a `pid` one that has ended."""
    kept = load_kept({CONCURRENCY: concurrency, DEADLINE: "10"}, PROJECT)[1]
    return Worker(pid or 2**22 + 1, os.getppid(), Published(kept, loaded_at, 0, faults, asked))


def test_a_reload_replaces_the_app(capsys: pytest.CaptureFixture[str]) -> None:
    """From then on the new one answers, and the log names what changed."""
    house = House()
    assert house.answer() == "1"
    assert house.reload("2")
    assert house.answer() == "2"
    assert "isales.concurrency" in "".join(capsys.readouterr())


def test_with_faulty_settings_the_app_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """Every fault is in one log line of level error, counted, and gone after the next good reload."""
    house = House(GATEWAY__LOG__FORMAT="json")
    house.environ["GATEWAY__LOG__LEVEL"] = "loud"
    assert not house.reload("none")
    assert (house.answer(), house.state.faults, house.closed) == ("1", 2, [])
    said = capsys.readouterr().err
    assert '"level": "error"' in said
    assert "isales.concurrency (from GATEWAY__ISALES__CONCURRENCY)" in said
    assert "log.level (from GATEWAY__LOG__LEVEL)" in said
    del house.environ["GATEWAY__LOG__LEVEL"]
    assert house.reload("3")
    assert (house.answer(), house.state.faults) == ("3", 0)


@pytest.mark.parametrize("bug", [SettingsError(["ca_file: cannot be used"]), RuntimeError("a bug")])
def test_an_app_that_cannot_be_made_changes_nothing(bug: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """What was made of it is closed, how it failed is told, and the log keeps the level that it had."""
    house = House()
    house.bug = bug
    house.environ["GATEWAY__LOG__LEVEL"] = "error"
    assert not house.reload("2")
    assert (house.answer(), house.closed, house.state.faults) == ("1", [2], 1)
    house.bug = None
    del house.environ["GATEWAY__LOG__LEVEL"]
    capsys.readouterr()
    assert house.reload("3")
    assert "settings_reloaded" in capsys.readouterr().err


def test_an_old_app_is_closed_when_its_last_request_must_have_ended() -> None:
    """Not before its own deadline and a little more; then memory is settled, once."""
    house = House()
    house.reload("2")
    house.clock.advance(11.9)
    house.served.close_retired()
    assert (house.closed, house.settled) == ([], 0)
    house.clock.advance(0.2)
    house.reload("3")
    house.served.close_retired()
    house.served.close_retired()
    assert (house.closed, house.settled) == ([1], 1)
    house.served.close()
    assert house.closed == [1, 2, 3]


def test_an_app_with_a_shorter_deadline_does_not_go_before_an_older_one() -> None:
    """What the two share is closed with the last of them."""
    house = House()
    house.environ[DEADLINE] = "1"
    house.reload("2")
    house.reload("3")
    house.clock.advance(4)
    house.served.close_retired()
    assert house.closed == []
    house.clock.advance(9)
    house.served.close_retired()
    assert house.closed == [1, 2]


def test_a_request_ends_where_it_began() -> None:
    """A reload in the middle of a request does not touch it."""
    house = House()
    entered, go_on = threading.Event(), threading.Event()
    answers: list[bytes] = []

    def start_response(*_: Any) -> Any:
        entered.set()
        assert go_on.wait(10)

    caller = threading.Thread(target=lambda: answers.extend(house.served({}, start_response)))
    caller.start()
    assert entered.wait(10)
    house.reload("2")
    go_on.set()
    caller.join()
    assert (answers, house.answer()) == ([b"1"], "2")


def test_the_thread_reloads_when_it_is_asked_to_and_closes_old_apps() -> None:
    """Who asks several times before it gets to it is served once; the last state of the settings counts."""
    house = House(**{DEADLINE: "0.001"})
    house.environ[CONCURRENCY] = "2"
    house.served.ask_for_reload()
    house.served.ask_for_reload()
    loaded_at = house.state.loaded_at
    house.served.start()
    # Noted when the clock has been asked when the old app is to be closed, and not before.
    wait_until(lambda: house.state.loaded_at != loaded_at)
    assert house.answer() == "2"
    house.clock.advance(3)
    house.environ[CONCURRENCY] = "3"
    house.served.ask_for_reload()
    wait_until(lambda: house.closed == [1])
    house.served.close()


def test_draining_outlasts_a_reload() -> None:
    """A process that was told to end does not forget it."""
    house = House(GATEWAY__HTTP__DRAIN_S="2.5")
    assert house.served.drain_s == 2.5
    house.served.drain()
    assert house.reload("2")
    answer = Client(house.served).get("/")
    assert (answer.get_data(), answer.headers["Connection"]) == (b"2", "close")


def test_a_worker_with_faulty_settings_begins_with_those_of_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """It takes the first, reports its faults, and changes to the files when these are good again."""
    faulty = {CONCURRENCY: "none"}
    house = House(sibling(loaded_at=2.0), sibling("6"), **faulty)
    assert (house.answer(), house.state.faults) == ("5", 1)
    said = "".join(capsys.readouterr())
    assert "settings_faulty" in said
    assert "the settings of the others" in said
    assert house.reload("7")
    assert (house.answer(), house.state.faults) == ("7", 0)


def test_a_first_worker_with_faulty_settings_does_not_start() -> None:
    """There is nobody to ask."""
    with pytest.raises(SettingsError, match="concurrency"):
        House(**{CONCURRENCY: "none"})


def test_settings_of_another_version_do_not_hide_the_faults() -> None:
    """A worker that cannot use what the others have says what is wrong with its own files."""
    other = sibling()
    kept = KeptSettings("test", {**other.shown.kept.values, "no_such": {}}, {})
    with pytest.raises(SettingsError, match="concurrency"):
        House(Worker(other.pid, other.parent, Published(kept, 1.0, 0, (), 0)), **{CONCURRENCY: "none"})


@pytest.mark.parametrize(
    ("faults", "environ", "asked"),
    [((), {}, False), ((), {CONCURRENCY: "1"}, True), (("a fault",), {}, True)],
)
def test_others_with_other_settings_are_asked_to_reload(
    faults: tuple[str, ...], environ: dict[str, str], *, asked: bool
) -> None:
    """A worker that begins with newer settings has all serve by the same; so do those get rid of faults."""
    theirs = Asked()
    living = sibling(pid=os.getpid(), asked=theirs.number, faults=faults)
    House(living, sibling(faults=faults), **{CONCURRENCY: "5", **environ})
    assert theirs.wait(0) == asked
