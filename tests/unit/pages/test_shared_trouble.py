"""A Redis in trouble: never an error, never a long wait, counted each time and said once."""

import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
import redis
from structlog.testing import capture_logs
from structlog.typing import EventDict

from gateway.errors import InternalError, UpstreamFailed
from gateway.model import Deadline
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import Landing
from gateway.settings.model import Secret
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.breaker import LIMIT, OPEN_S
from gateway.shared_store.guard import KINDS, fault_kind
from tests.support.clock import FakeClock
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_tier import Faults, shared_tier

KEY = "page:2:7:abc"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a server that the test may hurt."""
    with redis_server(password="geheim-canary") as server:
        yield server


@pytest.fixture
def said() -> Iterator[list[EventDict]]:
    """Return all that is logged."""
    with capture_logs() as logs:
        yield logs


def store(tier: RedisTier, entry: bytes = b"entry") -> bool:
    """Lead and land; return whether it was stored."""
    lease = tier.try_lead(KEY)
    return lease is not None and tier.land(lease, entry, 60, 0) is Landing.DONE


def use(tier: RedisTier) -> None:
    """Do everything that callers do, as if nothing were wrong."""
    assert tier.get(KEY) is None
    lease = tier.try_lead(KEY)
    assert lease is not None
    assert lease.shared is False
    tier.follow(KEY, Deadline.after(10))
    tier.announce(lease)
    assert tier.land(lease, b"entry", 60, 0) is Landing.NOT_SHARED
    tier.fail(lease, UpstreamFailed("no"))
    tier.delete(KEY)


def outage(said: list[EventDict]) -> list[str]:
    """Return the events that speak of an outage and its end."""
    return [event["event"] for event in said if event["event"].startswith("shared cache")]


def test_a_redis_that_dies_and_comes_back(server: RedisServer, said: list[EventDict]) -> None:
    """Refused connections are counted until the breaker opens; a probe closes it when Redis is back."""
    clock, faults = FakeClock(), Faults()
    with shared_tier(StoreAddress(server.url), faults, clock) as tier:
        assert store(tier)
        server.kill()
        for _ in range(5):
            use(tier)
        assert (faults, tier.state()) == ({"refused": LIMIT}, "failing")
        clock.advance(OPEN_S)
        use(tier)
        assert faults == {"refused": LIMIT + 1}
        server.start()
        use(tier)
        clock.advance(OPEN_S)
        assert tier.get(KEY) is None
        assert store(tier)
        assert tier.get(KEY) is not None
        assert (faults, tier.state()) == ({"refused": LIMIT + 1}, "ok")
    assert outage(said) == ["shared cache failing", "shared cache works again"]
    assert [event["log_level"] for event in said] == ["warning", "info"]
    assert not any(word in str(said) for word in ("geheim-canary", "127.0.0.1", str(server.port)))


def test_a_redis_that_is_restarted_at_once_costs_nothing(server: RedisServer) -> None:
    """Connections that broke are made anew, and scripts that Redis forgot are sent again, without a fault."""
    faults = Faults()
    with shared_tier(StoreAddress(server.url), faults) as tier:
        assert store(tier)
        server.restart()
        assert tier.get(KEY) is None
        assert store(tier)
        assert tier.get(KEY) is not None
    assert faults == {}


def test_a_redis_that_is_not_there_at_the_start(said: list[EventDict]) -> None:
    """It is used as soon as it is there."""
    clock, faults = FakeClock(), Faults()
    with redis_server(started=False) as server, shared_tier(StoreAddress(server.url), faults, clock) as tier:
        use(tier)
        server.start()
        clock.advance(OPEN_S)
        assert store(tier)
        assert tier.get(KEY) is not None
    assert outage(said) == ["shared cache failing", "shared cache works again"]


def test_a_redis_that_hangs_delays_the_first_callers_only(server: RedisServer, said: list[EventDict]) -> None:
    """Three operations wait for their time limit, then nothing is added; a hang is told apart from a refusal."""
    clock, faults = FakeClock(), Faults()
    with shared_tier(StoreAddress(server.url), faults, clock) as tier:
        assert store(tier)
        server.pause()
        try:
            assert tier.get(KEY) is None
            for _ in range(2):
                use(tier)
        finally:
            server.resume()
        assert faults == {"timeout": LIMIT}, "nothing was tried any more"
        clock.advance(OPEN_S)
        assert tier.get(KEY) is not None
    assert outage(said) == ["shared cache failing", "shared cache works again"]


def test_a_follower_notices_that_redis_hangs(server: RedisServer) -> None:
    """It returns at once instead of waiting for its deadline, so that its caller can fetch."""
    with (
        shared_tier(StoreAddress(server.url)) as leader,
        shared_tier(StoreAddress(server.url)) as follower,
        ThreadPoolExecutor(1) as pool,
    ):
        lease = leader.try_lead(KEY)
        following = pool.submit(follower.follow, KEY, Deadline.after(60))
        try:
            server.pause()
            assert following.result(5) is None
        finally:
            server.resume()
        assert lease is not None


def test_a_redis_that_is_slow_is_left_alone(server: RedisServer) -> None:
    """Answers that come after the time limit are as good as none."""
    faults = Faults()
    with shared_tier(StoreAddress(server.url), faults) as tier, server.client() as client:
        assert store(tier)
        client.client_pause(3000)
        for _ in range(2):
            use(tier)
    assert faults == {"timeout": LIMIT}, "nothing was tried any more"


def test_answers_in_drips_open_the_breaker(server: RedisServer) -> None:
    """An operation that succeeded, but after a second and more, counts as a timeout."""
    clock, faults = FakeClock(), Faults()

    def dripping() -> float:
        clock.advance(0.6)
        return clock.now

    with shared_tier(StoreAddress(server.url), faults, dripping) as tier:
        for _ in range(LIMIT):
            tier.get(KEY)
        assert faults == {}
        clock.advance(0)
    with shared_tier(StoreAddress(server.url), faults, lambda: dripping() + dripping()) as tier:
        for _ in range(LIMIT):
            tier.get(KEY)
        assert (faults, tier.state()) == ({"timeout": LIMIT}, "failing")


def test_a_full_redis_is_still_read(server: RedisServer, said: list[EventDict]) -> None:
    """Pages that are there are found, others are fetched by each process for itself until there is room."""
    clock, faults = FakeClock(), Faults()
    with shared_tier(StoreAddress(server.url), faults, clock) as tier:
        assert store(tier)
        assert tier.get(KEY) is not None
        landing = tier.try_lead("page:2:7:other")
        server.fill()
        assert landing is not None
        assert tier.land(landing, b"entry", 60, 0) is Landing.NOT_SHARED
        for _ in range(5):
            lease = tier.try_lead("page:2:7:new")
            assert lease is not None
            assert lease.shared is False
            assert tier.get(KEY) is not None
        assert (faults, tier.state()) == ({"full": LIMIT}, "failing")
        server.make_room()
        clock.advance(OPEN_S)
        # The lease of the landing that failed was given up nevertheless.
        again = tier.try_lead("page:2:7:other")
        assert again is not None
        assert again.shared
        assert tier.state() == "ok"
    assert outage(said) == ["shared cache takes no pages", "shared cache takes pages again"]


def test_a_read_only_redis_is_still_read(server: RedisServer, said: list[EventDict]) -> None:
    """The same holds for a replica, and for one that became one under a leader's hands."""
    clock, faults = FakeClock(), Faults()
    with shared_tier(StoreAddress(server.url), faults, clock) as tier:
        assert store(tier)
        assert tier.get(KEY) is not None
        landing = tier.try_lead("page:2:7:other")
        assert landing is not None
        server.make_read_only()
        assert tier.land(landing, b"entry", 60, 0) is Landing.NOT_SHARED
        for _ in range(5):
            lease = tier.try_lead("page:2:7:new")
            assert lease is not None
            assert lease.shared is False
            assert tier.get(KEY) is not None
        assert faults == {"readonly": LIMIT}
        tier.delete(KEY)
        assert tier.get(KEY) is not None
        server.make_writable()
        clock.advance(OPEN_S)
        assert store(tier)
    assert outage(said) == ["shared cache takes no pages", "shared cache takes pages again"]


def test_a_wrong_password_is_told_apart(server: RedisServer, said: list[EventDict]) -> None:
    """So is a missing one; neither is shown."""
    for url in (f"redis://:falsch@127.0.0.1:{server.port}", f"redis://127.0.0.1:{server.port}"):
        faults = Faults()
        with shared_tier(StoreAddress(Secret(url)), faults) as tier:
            use(tier)
            use(tier)
        assert faults == {"auth": LIMIT}
    assert outage(said) == ["shared cache failing"] * 2
    assert "falsch" not in str(said)


def test_many_threads_may_use_it_at_once(server: RedisServer) -> None:
    """Five hundred threads never run out of connections."""
    faults = Faults()
    with shared_tier(StoreAddress(server.url), faults) as tier:
        assert store(tier)
        with ThreadPoolExecutor(500) as pool:
            found = list(pool.map(lambda _: tier.get(KEY), range(1000)))
    assert (faults, found.count(None)) == ({}, 0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (redis.TimeoutError("t"), "timeout"),
        (TimeoutError("t"), "timeout"),
        (redis.ConnectionError("Error 111"), "refused"),
        (ConnectionResetError("reset"), "refused"),
        (redis.AuthenticationError("WRONGPASS"), "auth"),
        (redis.exceptions.NoPermissionError("NOPERM"), "auth"),
        (redis.ResponseError("@user_script: 3: -NOPERM this user"), "auth"),
        (redis.OutOfMemoryError("command not allowed"), "full"),
        (redis.ResponseError("@user_script: 3: -OOM command not allowed"), "full"),
        (redis.ReadOnlyError("replica"), "readonly"),
        (redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "readonly"),
        (redis.BusyLoadingError("loading"), "role"),
        (redis.ResponseError("BUSY running a script"), "other"),
        (redis.InvalidResponse("Protocol Error: HTTP"), "other"),
    ],
)
def test_faults_are_told_apart(error: Exception, kind: str) -> None:
    """Each error of the library, of the socket or of a script is of one kind."""
    assert fault_kind(error) == kind
    assert kind in KINDS


@contextmanager
def stranger(answer: bytes) -> Iterator[Secret]:
    """Return where a server is, as if it were a Redis, that says `answer` to whatever it is sent."""

    class Babble(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while self.request.recv(65536):
                    self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Babble) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield Secret(f"redis://127.0.0.1:{server.server_address[1]}/0")
        server.shutdown()


@pytest.mark.parametrize("answer", [b":abc\r\n", b"$abc\r\n", b"*2\r\n:1\r\n:2\r\n", b"HTTP/1.1 400 Bad\r\n\r\n"])
def test_what_does_not_speak_as_redis_does_is_trouble_like_any_other(answer: bytes, said: list[EventDict]) -> None:
    """Whatever redis-py makes of its answers a caller sees nothing of it, and soon it is not asked any more."""
    faults = Faults()
    with stranger(answer) as url, shared_tier(StoreAddress(url), faults, FakeClock()) as tier:
        for _ in range(LIMIT):
            assert tier.get(KEY) is None
        assert tier.state() == "failing"
        assert set(faults) <= set(KINDS)
        assert sum(faults.values()) == LIMIT
        use(tier)
        assert sum(faults.values()) == LIMIT, "nothing was tried any more"
        with pytest.raises(InternalError, match="could not be purged"):
            tier.purge(None, hard=False)
    assert outage(said) == ["shared cache failing"]
