"""The thread that listens: it hears, finds out what it missed, and is there again after whatever ended it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from gateway.pages.news import NOTICE_S, News
from gateway.settings.model import Secret
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import Faults, Hearing, shared_tier
from tests.support.waiting import wait_until

CHANNEL, OTHER = "campaign-gateway:one", "campaign-gateway:two"


class Listening:
    """What comes of listening."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.caught_up = 0
        self.checked = 0
        self.news: News
        self.fail: Exception | None = None

    def hear(self, channel: str, message: str) -> None:
        """Take note of a message, or fail."""
        if self.fail is not None:
            raise self.fail
        self.heard.append((channel, message))

    def catch_up(self) -> None:
        """Count."""
        self.caught_up += 1

    def check(self) -> None:
        """Count."""
        self.checked += 1


def listening(server: RedisServer, faults: Faults | None = None) -> AbstractContextManager[Listening]:
    """Listen for as long as the context lasts."""
    return listening_to(server.url, faults)


@contextmanager
def listening_to(url: Secret, faults: Faults | None = None) -> Iterator[Listening]:
    """Do the same at `url`."""
    listener = Listening()
    with shared_tier(url, faults) as tier:
        channels = {
            CHANNEL: lambda message: listener.hear(CHANNEL, message),
            OTHER: lambda message: listener.hear(OTHER, message),
        }
        listener.news = News(
            tier._backend,  # noqa: SLF001 -- what it is made of
            tier._guard,  # noqa: SLF001 -- the same
            channels,
            listener.catch_up,
            listener.check,
        )
        listener.news.listen()
        try:
            yield listener
        finally:
            listener.news.close()


def test_nothing_was_missed_while_nobody_answers() -> None:
    """A Redis that hangs takes connections: until it confirms that somebody listens, no page is doubted for it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as hanging,
        listening_to(Secret(f"redis://127.0.0.1:{hanging.getsockname()[1]}/0")) as listener,
    ):
        asked = 0
        while asked < 2:
            connection, _ = hanging.accept()
            asked += b"SUBSCRIBE" in connection.recv(100)
            connection.close()
        assert listener.caught_up == 0


def publish(server: RedisServer, channel: str, message: bytes | str) -> int:
    """Say something; return how many heard it."""
    with server.client() as client:
        told: int = client.publish(channel, message)
        return told


def test_each_message_goes_to_the_function_of_its_channel(redis: RedisServer) -> None:
    """In the order in which they came, whatever bytes they are."""
    with listening(redis) as listener:
        wait_until(lambda: listener.caught_up == 1)
        assert [
            publish(redis, channel, word) for channel, word in ((CHANNEL, "a"), (OTHER, b"\xff"), (CHANNEL, ""))
        ] == [
            1,
            1,
            1,
        ]
        wait_until(lambda: len(listener.heard) == 3)
        assert listener.heard == [(CHANNEL, "a"), (OTHER, "\ufffd"), (CHANNEL, "")]


def test_what_may_have_been_missed_is_found_out_when_listening_begins(redis: RedisServer) -> None:
    """And again in silence, twice a second."""
    with listening(redis) as listener:
        wait_until(lambda: listener.caught_up == 1)
        assert listener.checked >= 1
        wait_until(lambda: listener.checked >= 4)
        assert listener.caught_up == 1


def test_a_connection_that_is_cut_is_made_again(redis: RedisServer) -> None:
    """With the question of what was missed meanwhile."""
    with listening(redis) as listener:
        wait_until(lambda: listener.caught_up == 1)
        with redis.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        wait_until(lambda: listener.caught_up == 2)
        publish(redis, CHANNEL, "again")
        wait_until(lambda: listener.heard == [(CHANNEL, "again")])


def test_a_redis_that_is_away_is_looked_for(redis_to_hurt: RedisServer) -> None:
    """Its absence is noticed by the guard, also in a process that has nothing else to do, and so is its return."""
    redis_to_hurt.kill()
    with listening(redis_to_hurt, Faults()) as listener:
        wait_until(lambda: listener.checked >= 2)
        assert listener.caught_up == 0
        redis_to_hurt.start()
        wait_until(lambda: listener.caught_up == 1)


def test_a_redis_that_may_not_be_written_to_is_not_asked_again_and_again(redis_to_hurt: RedisServer) -> None:
    """Each refusal may mean that another one is the master, and ends the connection; the next one takes its time."""
    refused_at: list[float] = []
    hearing = Hearing()
    with shared_tier(redis_to_hurt.url, lambda *_: refused_at.append(time.monotonic())) as tier:
        tier.subscribe(hearing)
        wait_until(lambda: None in hearing.doubts)
        redis_to_hurt.make_read_only()
        wait_until(lambda: len(refused_at) >= 6)
    # Never less, however busy the machine is.
    assert refused_at[5] - refused_at[0] >= NOTICE_S + 2 * NOTICE_S + 4 * NOTICE_S


def test_news_without_an_end_keep_nobody_from_checking(redis: RedisServer) -> None:
    """A master that was demoted goes on telling it for ten seconds, and so does a busy one."""
    with listening(redis) as listener:
        wait_until(lambda: listener.caught_up == 1)
        before = listener.checked
        told = 0
        while listener.checked < before + 2:
            told += publish(redis, CHANNEL, "news")
            wait_until(lambda: len(listener.heard) == told)  # noqa: B023 -- it is called at once
            assert told < 100_000


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_started_by_who_looks(redis: RedisServer) -> None:
    """Whatever ended it, a bug or a fork; while it runs there is one."""
    with listening(redis) as listener:
        wait_until(lambda: listener.caught_up == 1)
        thread = listener.news._thread  # noqa: SLF001 -- which one it is
        listener.news.listen()
        assert listener.news._thread is thread  # noqa: SLF001 -- the same
        assert thread is not None
        listener.fail = RuntimeError("a bug")
        publish(redis, CHANNEL, "x")
        wait_until(lambda: not thread.is_alive())
        listener.fail = None
        listener.news.listen()
        wait_until(lambda: listener.caught_up == 2)


def test_after_the_end_nothing_is_heard(redis: RedisServer) -> None:
    """The thread has ended when it is closed, and none is started any more."""
    before = set(threading.enumerate())
    with listening(redis) as listener:
        wait_until(lambda: listener.caught_up == 1)
        listener.news.close()
        assert set(threading.enumerate()) <= before
        listener.news.listen()
        assert set(threading.enumerate()) <= before
