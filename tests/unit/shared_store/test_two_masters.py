"""The call budget while there are two masters: one that was cut off from its replica and goes on, and that replica."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flask import Flask

from gateway.model import Priority
from gateway.shared_store.address import KEY_PREFIX, StoreAddress
from gateway.shared_store.slots import RedisSlots
from gateway.shared_store.store import shared_store
from tests.support.moving_proxy import MovingProxy
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_tier import NAMESPACE, Faults
from tests.support.waiting import wait_until

CAPACITY = 4
TTL_S = 60.0
SLOTS = f"{KEY_PREFIX}slots:{NAMESPACE}"


class Process:
    """One process' slots; its way to Redis leads where the test says."""

    def __init__(self, name: str, proxy: MovingProxy) -> None:
        self._name = name
        self._proxy = proxy
        self._store = shared_store(Flask("test"), StoreAddress(proxy.url), Faults(), time.monotonic)
        self._slots = RedisSlots(self._store, CAPACITY, processes=2)
        self._number = 0
        self.held: list[str] = []
        self.close = self._store.backend.close

    def take(self, most: int = CAPACITY) -> int:
        """Make calls until it is let make no more, or makes so many; return how many those are."""
        while len(self.held) < most:
            self._number += 1
            token = f"{self._name}{self._number}"
            # In trouble a process counts for itself, and those are calls too.
            if self._slots.try_take(token, TTL_S, Priority.INTERACTIVE) is False:
                break
            self.held.append(token)
        return len(self.held)

    def end(self) -> None:
        """End all of its calls."""
        while self.held:
            self._slots.give_back(self.held.pop(0))

    def go_to(self, server: RedisServer) -> None:
        """Have its next connections lead there, and end those that it has."""
        self._proxy.port = server.port
        self._proxy.cut()


@contextmanager
def master_and_replica() -> Iterator[tuple[RedisServer, RedisServer]]:
    """Have a master, and a server that copies it."""
    with redis_server(options=("--repl-diskless-sync-delay", "0")) as master:
        options = ("--replicaof", "127.0.0.1", str(master.port))
        with redis_server(options=options) as replica:
            yield master, replica


def slots_of(server: RedisServer) -> int:
    """Return how many slots are held there."""
    with server.client() as client:
        return int(client.zcard(SLOTS))


def run_out(server: RedisServer, name: str) -> None:
    """Let the time of all slots there pass that the process of this name holds."""
    with server.client() as client:
        ours = [member for member in client.zrange(SLOTS, 0, -1) if member.partition(b" ")[2].startswith(name.encode())]
        client.zadd(SLOTS, dict.fromkeys(ours, 1))


def test_the_budget_is_exceeded_by_no_more_than_the_old_master_holds() -> None:
    """What the replica has heard of counts there too; what the old one gives later does not."""
    with master_and_replica() as (old, new), ExitStack() as stack:
        ways = [stack.enter_context(MovingProxy(old.port)) for _ in range(2)]
        one, two = (Process(name, way) for name, way in zip(("one", "two"), ways, strict=True))
        for process in (one, two):
            stack.callback(process.close)
        assert one.take(3) == 3
        assert two.take() == 1
        wait_until(lambda: slots_of(new) == CAPACITY)

        with new.client() as client:
            client.execute_command("REPLICAOF", "NO", "ONE")
        two.go_to(new)
        assert two.take() == 1, "the slots of the other process count here too"
        one.end()
        wait_until(lambda: one.take(3) == 3)
        # Of calls that began at the old one since nothing is heard here, and those from before run out.
        run_out(new, "one")
        wait_until(lambda: two.take() == CAPACITY)
        assert (len(one.held), one.take()) == (3, 3), "the old one counts those that it knows"
        assert len(one.held) + len(two.held) <= CAPACITY + slots_of(old) - 1

        with old.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", new.port)
        one.go_to(new)
        one.end()
        assert one.take() == 0, "there is one budget again"
        two.end()
        wait_until(lambda: one.take() == CAPACITY)
        assert two.take() == 0
