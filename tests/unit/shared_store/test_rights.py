"""The least rights: enough for all that the gateway does, and one that is missing is named, by itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from flask import Flask
from structlog.testing import capture_logs

from gateway.errors import InternalError, UpstreamFailed
from gateway.model import CampaignQuery, Deadline, Priority
from gateway.pages.key import page_key
from gateway.pages.redis_tier import RedisTier
from gateway.settings.model import Secret
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.breaker import LIMIT, OPEN_S
from gateway.shared_store.operations import LOST, Operation
from gateway.shared_store.signature_budget import RedisSignatureBudget
from gateway.shared_store.slots import RedisSlots
from gateway.shared_store.store import SharedStore, shared_store
from gateway.shared_store.windows import RedisWindows
from tests.support.clock import LeapingClock
from tests.support.redis_cluster import redis_cluster
from tests.support.redis_engines import ENGINES, REDIS_7, VALKEY_9, engine
from tests.support.redis_rights import LOGIN, make_user
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_tier import LANDING_CHANNEL, NAMESPACE, Faults, Hearing
from tests.support.waiting import wait_until

PREFIX = "campaign-gateway:"
PAGE = page_key(CampaignQuery(vdn=1), "test", NAMESPACE)


def refused(server: RedisServer) -> list[object]:
    """Return what Redis has refused to anybody."""
    with server.client() as client:
        return list(client.execute_command("ACL", "LOG"))


def store_of(url: str, faults: Faults, clock: Callable[[], float] = time.monotonic) -> SharedStore:
    """Return one process' way to what is there."""
    return shared_store(Flask("test"), StoreAddress(Secret(url)), faults, clock)


@contextmanager
def processes(
    url: str, faults: Faults, clock: Callable[[], float] = time.monotonic
) -> Iterator[tuple[SharedStore, RedisTier, RedisTier, Hearing]]:
    """Have two processes, the second of which listens."""
    with ExitStack() as stack:
        stores = [store_of(url, faults, clock) for _ in range(2)]
        tiers = [RedisTier(store) for store in stores]
        heard = Hearing()
        for tier in tiers:
            stack.callback(tier.close)
        tiers[1].subscribe(heard)
        yield stores[0], tiers[0], tiers[1], heard


def wait_until_renewed(store: SharedStore, lease: str) -> None:
    """Return when whoever holds it has renewed it."""
    store.backend.client.pexpire(lease, 1000)
    wait_until(lambda: store.backend.client.pttl(lease) > 1200)


def do_everything(url: str, faults: Faults, listening: Callable[[], bool]) -> None:
    """Do all that the gateway does, with other processes and alone."""
    with processes(url, faults) as (store, one, two, heard):
        wait_until(listening)
        for number in range(1, 7):
            key = page_key(CampaignQuery(vdn=1, page=number), "test", NAMESPACE)
            assert one.get(key) is None
            lease = one.try_lead(key)
            assert lease is not None
            assert two.try_lead(key) is None
            one.announce(lease)
            one.land(lease, b"entry", 60, 0)
            two.follow(key, Deadline.after(5))
            assert two.get(key) is not None
            another = two.try_lead(key)
            assert another is not None
            if number == 1:
                wait_until_renewed(store, f"{PREFIX}lease:{key}")
            two.fail(another, UpstreamFailed("no"))
            two.delete(key)
        one.purge(1, hard=False)
        one.purge(None, hard=True)
        wait_until(lambda: len(heard.purges) == 2)
        slots = [RedisSlots(store, 1) for _ in range(2)]
        assert slots[0].try_take("a", 5, Priority.INTERACTIVE) is True
        assert slots[1].try_take("b", 5, Priority.INTERACTIVE) is False
        slots[0].give_back("a")
        windows = RedisWindows(store)
        assert [quota is not None and quota.allowed for quota in (windows.take("web", 1) for _ in range(2))] == [
            True,
            False,
        ]
        budget = RedisSignatureBudget(store, 300, 5, 60)
        assert budget.ask("tenant", "pair", 5) is not None
        assert budget.refused("tenant", "pair", 1, 10) is not None
        budget.settled("tenant", "pair", accepted=True)
        assert one.state() == two.state() == "ok"


@pytest.mark.parametrize("name", ENGINES)
def test_the_least_rights_are_enough(name: str) -> None:
    """Nothing is refused, so the log of refusals is empty."""
    faults = Faults()
    with redis_server(program=engine(name)) as server:
        make_user(server)
        with server.client() as client:
            do_everything(
                f"redis://{LOGIN}127.0.0.1:{server.port}/0",
                faults,
                lambda: client.pubsub_numsub(LANDING_CHANNEL)[0][1] == 1,
            )
        assert refused(server) == []
    assert faults == {}


@pytest.mark.parametrize("name", [REDIS_7, VALKEY_9])
def test_the_least_rights_are_enough_in_a_cluster(name: str) -> None:
    """Also for a client that has to find out where everything is."""
    faults = Faults()
    with redis_cluster(engine(name), replicas=False) as cluster:
        for node in cluster.nodes:
            make_user(node, cluster=True)
        url = cluster.url.reveal().replace("://", f"://{LOGIN}")
        do_everything(
            url,
            faults,
            lambda: sum(cluster.ask(node, "PUBSUB", "NUMSUB", LANDING_CHANNEL)[1] for node in cluster.nodes) == 1,
        )
        assert [refused(node) for node in cluster.nodes] == [[], [], []]
    # Not that there were none: on a busy machine one that answers late is a fault too.
    assert not {"auth", "command"} & set(faults)


@pytest.mark.parametrize("name", ENGINES)
def test_a_right_that_is_missing_is_named(name: str) -> None:
    """Without TIME, which Redis' own categories leave out: pages are shared, and what is not is said once, in words."""
    faults = Faults()
    with redis_server(program=engine(name)) as server, capture_logs() as said:
        make_user(server, "-time")
        with processes(f"redis://{LOGIN}127.0.0.1:{server.port}/0", faults) as (store, one, _, _):
            slots, windows = RedisSlots(store, 1), RedisWindows(store)
            for number in range(LIMIT + 2):
                key = page_key(CampaignQuery(vdn=1, page=number + 1), "test", NAMESPACE)
                lease = one.try_lead(key)
                assert lease is not None
                assert lease.shared
                one.land(lease, b"entry", 60, 0)
                assert one.get(key) is not None
                assert slots.try_take(str(number), 5, Priority.INTERACTIVE) is None
                slots.give_back(str(number))
                assert windows.take("web", 1) is None
            assert one.state() == "failing"
            operations = one.report()["operations"]
            assert isinstance(operations, dict)
            assert set(operations) == {"slot", "limit"}
            assert operations["slot"]["fault"] == "auth"
            assert operations["slot"]["lost"] == LOST[Operation.SLOT]
            assert one.failing_operations() == ["slot", "limit"]
            make_user(server)
    assert faults.operations == {"slot": LIMIT, "limit": LIMIT}
    failing = [event for event in said if event["event"] == "shared cache operation failing"]
    assert [(event["operation"], event["consequence"]) for event in failing] == [
        ("slot", LOST[Operation.SLOT]),
        ("limit", LOST[Operation.LIMIT]),
    ]
    assert not any(word in str(said) for word in ("PASSWORD", "127.0.0.1", str(server.port)))


def test_a_part_that_works_does_not_hide_one_that_fails() -> None:
    """Who may tell of pages and not wait until others have heard misses news; one that is mended is noticed."""
    clock = LeapingClock()
    with redis_server(program=engine(REDIS_7)) as server:
        make_user(server, "-blpop")
        with processes(f"redis://{LOGIN}127.0.0.1:{server.port}/0", Faults(), clock) as (_, one, two, heard):

            def land() -> list[str]:
                lease = one.try_lead(PAGE)
                assert lease is not None
                one.announce(lease)
                one.land(lease, b"entry", 60, 0)
                return list(one.failing_operations())

            wait_until(lambda: land() == ["listen"])
            assert two.failing_operations() == []
            make_user(server)
            clock.advance(OPEN_S)
            wait_until(lambda: land() == [], 20)
    assert heard


def test_a_channel_that_is_missing_is_named_and_a_purge_is_done_all_the_same() -> None:
    """Others hear of it within half a second, for they look for its epoch; that listening is refused is said once."""
    faults = Faults()
    with redis_server(program=engine(REDIS_7)) as server, capture_logs() as said:
        make_user(server, "resetchannels")
        with processes(f"redis://{LOGIN}127.0.0.1:{server.port}/0", faults) as (_, one, two, heard):
            assert one.purge(1, hard=False) == 0
            assert one.others_hear() == "soon"
            wait_until(lambda: heard.purges)
            assert [purge.vdn for purge in heard.purges] == [None], "whose it was is not known"
            wait_until(lambda: two.failing_operations() == ["listen"])
            assert two.state() == "failing"
            assert two.others_hear() == "soon", "it knows without a purge of its own"
            make_user(server)
            wait_until(lambda: two.state() == "ok")
            one.purge(1, hard=False)
            assert one.others_hear() == two.others_hear() == "at_once"
    failing = [event["operation"] for event in said if event["event"] == "shared cache operation failing"]
    assert failing == ["listen"]


def test_a_purge_that_is_refused_says_so_until_it_would_be_done() -> None:
    """It is named while the right is missing, though nobody purges again, and not once it is there."""
    clock = LeapingClock()
    with redis_server(program=engine(REDIS_7)) as server:
        make_user(server)
        url = f"redis://{LOGIN}127.0.0.1:{server.port}/0"
        with processes(url, Faults(), clock) as (_, one, two, _):
            lease = two.try_lead(PAGE)
            assert lease is not None
            two.land(lease, b"entry", 60, 0)
            make_user(server, "-unlink")
            with pytest.raises(InternalError, match=r"could not be purged \(auth\)"):
                two.purge(1, hard=True)
            wait_until(lambda: two.failing_operations() == ["purge"])
            assert one.failing_operations() == []
            make_user(server)
            clock.advance(OPEN_S)
            wait_until(lambda: two.state() == "ok")


def test_rights_and_passwords_change_while_it_runs() -> None:
    """A password that is rotated leaves connections alone; a user that is gone is noticed, and so is its return."""
    clock = LeapingClock()
    with redis_server(program=engine(REDIS_7)) as server:
        make_user(server)
        with (
            processes(f"redis://{LOGIN}127.0.0.1:{server.port}/0", Faults(), clock) as (_, one, _, _),
            server.client() as client,
        ):
            key = page_key(CampaignQuery(vdn=1), "test", NAMESPACE)

            def works() -> bool:
                one.get(key)
                return one.state() == "ok"

            assert works()
            client.execute_command("ACL", "SETUSER", "campaign-gateway", ">second")
            client.execute_command("ACL", "SETUSER", "campaign-gateway", "<PASSWORD")
            assert works()
            client.execute_command("CLIENT", "KILL", "TYPE", "normal")
            wait_until(lambda: not works())
            assert one.report()["fault"] == "auth"
            client.execute_command("ACL", "SETUSER", "campaign-gateway", ">PASSWORD")
            clock.advance(OPEN_S)
            wait_until(works, 20)
