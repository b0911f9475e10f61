"""Two processes and a master with Sentinels: whatever becomes of the servers, callers have good answers, soon."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.support.redis_engines import REDIS_7, engine
from tests.support.redis_sentinels import Sentinels, redis_sentinels
from tests.support.redis_server import RedisServer
from tests.support.sharing_gateways import PATIENCE_S, Fault, SharingGateways, go_through, sharing_gateways
from tests.support.waiting import wait_until

LOST: Final = frozenset({"refused", "timeout", "role"})


@pytest.fixture(scope="module")
def sentinels() -> Iterator[Sentinels]:
    """Return a master, two replicas and three Sentinels."""
    with redis_sentinels(engine(REDIS_7)) as sentinels:
        yield sentinels


@pytest.fixture(scope="module")
def pair(sentinels: Sentinels) -> Iterator[SharingGateways]:
    """Return two gateways that share what the Sentinels name."""
    with sharing_gateways(sentinels.url) as pair:
        yield pair


def moves(sentinels: Sentinels) -> Fault:
    """Have another one be the master, as for planned work: for ten seconds there are two."""
    sentinels.settle()
    return Fault(sentinels.fail_over)


def is_killed(sentinels: Sentinels) -> Fault:
    """Have the master crash, and return, empty and as a master, when another one has taken over."""
    sentinels.settle()
    master = sentinels.master()
    return Fault(master.kill, lambda: returned(sentinels, master, master.start), named=LOST)


def hangs(sentinels: Sentinels) -> Fault:
    """Have the master answer nothing, and go on, as a master, when another one has taken over."""
    sentinels.settle()
    master = sentinels.master()
    return Fault(master.pause, lambda: returned(sentinels, master, master.resume), named=LOST)


def returned(sentinels: Sentinels, before: RedisServer, come_back: Callable[[], object]) -> None:
    """Have the old master come back."""
    wait_until(lambda: sentinels.master() is not before, PATIENCE_S)
    come_back()


def loses_a_replica(sentinels: Sentinels) -> Fault:
    """Have a replica crash; nobody notices."""
    master = sentinels.master()
    replica = next(server for server in sentinels.servers if server is not master and server.running)
    return Fault(replica.kill, replica.start)


# The one after which it takes longest until there is one master is the last.
FAULTS: Final = (loses_a_replica, is_killed, hangs, moves)


@pytest.mark.parametrize("what", FAULTS, ids=lambda what: what.__name__)
def test_the_master(pair: SharingGateways, sentinels: Sentinels, what: Callable[[Sentinels], Fault]) -> None:
    """Good answers all the time, and soon all is shared again."""
    go_through(pair, what(sentinels))
