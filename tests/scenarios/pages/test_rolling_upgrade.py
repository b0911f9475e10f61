"""A process of the first version beside one of this version on one Redis, as during a rolling upgrade."""

import struct
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.errors import UpstreamFailed
from gateway.model import Deadline
from gateway.pages.freshness import Rung
from gateway.pages.purge import EPOCH_MS
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import Faults
from tests.support.waiting import wait_until

PREFIX = "campaign-gateway:"
OLD, NEW = page_of(1), page_of(2)


class FirstVersion:
    """What a process of the first version does to Redis, and what it understands of what others do.

    Its pages stand under `page:1:<vdn>:…` with a header of eight bytes of milliseconds, all its purges are for good,
    and of what it hears on the channel it takes the first word for the VDN and all the rest for a name.
    """

    def __init__(self, redis: RedisServer) -> None:
        self._client: Any = redis.client()
        self._listener: Any = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call] # -- redis-py has no types here
        self._listener.subscribe(f"{PREFIX}purged")
        self._listener.get_message(timeout=10)
        self._heard: list[str] = []
        self.memory: dict[tuple[int, str], bytes] = {}

    def land(self, vdn: int, name: str, entry: bytes, key: str = "") -> None:
        """Store a page, in its memory and in Redis."""
        keep_ms = 60_000
        self.memory[vdn, name] = entry
        value = struct.pack(">4sQ", b"cgs1", keep_ms) + entry
        self._client.set(PREFIX + (key or f"page:1:{vdn}:{name}"), value, px=keep_ms)

    def find(self, vdn: int, name: str) -> bytes | None:
        """Return the page from its memory, or else from Redis."""
        if (vdn, name) in self.memory:
            return self.memory[vdn, name]
        value = self._client.get(f"{PREFIX}page:1:{vdn}:{name}")
        if value is None:
            return None
        magic, _ = struct.unpack_from(">4sQ", value)
        assert magic == b"cgs1", "it would count this as damaged"
        return bytes(value[struct.calcsize(">4sQ") :])

    def purge(self, vdn: int | None) -> int:
        """Remove leases, then pages, of whatever version, and tell all."""
        pages = "page:*" if vdn is None else f"page:*:{vdn}:*"
        gone = 0
        for pattern in (f"lease:{pages}", pages):
            keys = list(self._client.scan_iter(match=PREFIX + pattern))
            gone = self._client.unlink(*keys) if keys else 0
        name = uuid.uuid4().hex
        self._client.set(f"{PREFIX}epoch", name, px=EPOCH_MS)
        self._client.publish(f"{PREFIX}purged", f"{'*' if vdn is None else vdn} {name}")
        self._forget(vdn, name)
        return gone

    def listen(self) -> list[int | None]:
        """Read all that has been said; return of which VDNs it has forgotten the pages, `None` for all."""
        forgotten = list[int | None]()
        # Its answer comes behind all that has been said before.
        self._listener.ping()
        while (message := self._listener.get_message(timeout=10))["type"] != "pong":
            which, _, name = message["data"].decode("ascii", "replace").partition(" ")
            forgotten += self._forget(int(which) if which.isdecimal() else None, name)
        name = self._client.get(f"{PREFIX}epoch")
        if name is not None:
            forgotten += self._forget(None, name.decode("ascii", "replace"))
        return forgotten

    def close(self) -> None:
        """Let go of Redis."""
        self._listener.close()
        self._client.close()

    def _forget(self, vdn: int | None, name: str) -> list[int | None]:
        if name in self._heard:
            return []
        self._heard.append(name)
        for key in [key for key in self.memory if vdn in {None, key[0]}]:
            del self.memory[key]
        return [vdn]


@pytest.fixture
def first(redis: RedisServer) -> Iterator[FirstVersion]:
    """Return a process of the first version."""
    process = FirstVersion(redis)
    yield process
    process.close()


def ask(house: House) -> Any:
    """Return the page that a process of this version shows."""
    return house.cache.serve(QUERY, Deadline.after(10)).page


def test_neither_sees_the_others_pages(
    first: FirstVersion, make_house: Callable[..., House], redis: RedisServer, faults: Faults
) -> None:
    """Each fetches for itself, and finds nothing in Redis that it takes for damaged."""
    house = make_house()
    first.land(1, "abc", b"a page of the first version")
    house.answer = NEW
    assert ask(house) == NEW
    first.memory.clear()
    assert first.find(1, "abc") == b"a page of the first version"
    assert first.listen() == []
    with redis.client() as client:
        for key in client.keys(f"{PREFIX}page:1:*"):
            assert client.get(key)[:4] == b"cgs1"
    assert faults == {}
    assert house.count("cache_unreadable_entries_total") == 0


@pytest.mark.parametrize("vdn", [1, None])
def test_a_purge_of_the_first_version_is_a_hard_one(
    vdn: int | None, first: FirstVersion, make_house: Callable[..., House], faults: Faults
) -> None:
    """What it purged is forgotten by both, wherever it is."""
    houses = [make_house(), make_house()]
    for house in houses:
        house.answer = OLD
        assert ask(house) == OLD
        house.answer = UpstreamFailed("down")
    assert first.purge(vdn) == 1
    for house in houses:
        wait_until(lambda house=house: house.cache.explain(QUERY).tier is None)  # type: ignore[misc] # -- a default binds it
        with pytest.raises(UpstreamFailed):
            ask(house)
    assert faults == {}


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("vdn", [1, None])
def test_a_purge_of_this_version_is_obeyed_by_the_first(
    vdn: int | None,
    hard: bool,  # noqa: FBT001 -- a column of the table
    first: FirstVersion,
    make_house: Callable[..., House],
    faults: Faults,
) -> None:
    """It forgets, since it knows no other purge, and is told of each once; the page of this version stays if soft."""
    house = make_house()
    house.answer = OLD
    assert ask(house) == OLD
    first.land(1, "abc", b"a page of the first version")
    first.land(2, "abc", b"another one")
    assert house.cache.purge(vdn, hard=hard) >= 2
    assert first.listen() == [vdn]
    assert first.find(1, "abc") is None
    assert (first.find(2, "abc") is None) == (vdn is None)
    assert house.cache.explain(QUERY).rung is (None if hard else Rung.STALE_IF_ERROR)
    assert faults == {}


def test_purges_of_both_in_turns_are_heard_by_both_once(first: FirstVersion, make_house: Callable[..., House]) -> None:
    """Nobody takes the other's name for one that it has missed."""
    house = make_house()
    heard = list[int | None]()
    for number in range(3):
        house.cache.purge(1, hard=number == 1)
        first.purge(2)
        heard += first.listen()
    assert heard == [1] * 3
    house.answer = OLD
    assert ask(house) == OLD
    version = house.cache.version.number
    wait_until(lambda: first.listen() == [])
    assert house.cache.version.number == version
    assert house.cache.explain(QUERY).rung is Rung.FRESH


def test_a_page_of_the_first_version_under_a_key_of_this_one_is_a_miss(
    first: FirstVersion, make_house: Callable[..., House], redis: RedisServer, faults: Faults
) -> None:
    """It is deleted and counted, and the next caller of any process hits."""
    one, two = make_house(), make_house()
    first.land(1, "abc", b"a page of the first version", one.key(QUERY))
    one.answer = NEW
    assert ask(one) == NEW
    assert faults == {"other": 1}
    served = two.cache.serve(QUERY, Deadline.after(10))
    assert (served.page, served.tier) == (NEW, "shared")
    assert two.fetched == []
