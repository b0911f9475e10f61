"""A cluster of three masters, with a replica each, on the loopback interface; and what tests do to it."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from redis.crc import key_slot

from gateway.settings.model import Secret
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

SLOTS: Final = 16384
MASTERS: Final = 3
NODE_TIMEOUT_MS: Final = 500
_OPTIONS: Final = (
    *("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS)),
    *("--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"),
)


class RedisCluster:
    """The nodes: first the masters, each with a third of the slots, then the replica of each, in their order."""

    def __init__(self, nodes: list[RedisServer]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> Secret:
        """Return where it is, as the setting `cache.shared_url`."""
        return Secret("redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes))

    def form(self) -> None:
        """Make one cluster of the nodes, and return when all of them say that it is well."""
        ids = [str(self.ask(node, "CLUSTER", "MYID"), "ascii") for node in self.nodes]
        for number, node in enumerate(self.nodes):
            self.ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            self.ask(self.nodes[0], "CLUSTER", "MEET", "127.0.0.1", node.port)
        for number in range(MASTERS):
            slots = range(number * SLOTS // MASTERS, (number + 1) * SLOTS // MASTERS)
            self.ask(self.nodes[number], "CLUSTER", "ADDSLOTS", *slots)
        for node in self.nodes:
            wait_until(lambda node=node: self.ask(node, "CLUSTER", "NODES").count(b"\n") == len(self.nodes))  # type: ignore[misc] # -- a default binds it
        for master, replica in zip(ids, self.nodes[MASTERS:], strict=False):
            self.ask(replica, "CLUSTER", "REPLICATE", master)
        self.wait_until_well()

    def wait_until_well(self) -> None:
        """Return when every node that runs says that all slots are served, and each replica has caught up."""
        running = [node for node in self.nodes if node.running]
        for node in running:
            wait_until(lambda node=node: b"cluster_state:ok" in self.ask(node, "CLUSTER", "INFO"), 20)  # type: ignore[misc] # -- the same

        def caught_up() -> bool:
            roles = [self.ask(node, "ROLE") for node in running]
            return all(role[3] == b"connected" for role in roles if role[0] == b"slave")

        wait_until(caught_up, 20)

    def master_of(self, key: str) -> RedisServer:
        """Return the node that serves `key` now, as those that run have it."""
        slot = key_slot(key.encode())
        for node in self.nodes:
            if not node.running:
                continue
            for begin, end, (_, port, *_), *_ in self.ask(node, "CLUSTER", "SLOTS"):
                if begin <= slot <= end:
                    return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody serves slot {slot}")

    def replica_of(self, master: RedisServer) -> RedisServer:
        """Return a node that runs and copies `master`."""
        for node in self.nodes:
            if node is not master and node.running:
                role = self.ask(node, "ROLE")
                if role[0] == b"slave" and role[2] == master.port:
                    return node
        raise AssertionError("it has no replica")

    def move(self, key: str, to: RedisServer) -> None:
        """Move the slot of `key`, and all that is in it, to another master."""
        source = self.master_of(key)
        with self.moving(key, to):
            self.move_keys(key, source, to)

    @contextmanager
    def moving(self, key: str, to: RedisServer) -> Iterator[None]:
        """Have the slot of `key` on its way to another master, where it is in the end; its keys stay where they are."""
        slot, source = key_slot(key.encode()), self.master_of(key)
        ids = {node: str(self.ask(node, "CLUSTER", "MYID"), "ascii") for node in (source, to)}
        self.ask(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        self.ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to])
        yield
        for node in (to, source):
            self.ask(node, "CLUSTER", "SETSLOT", slot, "NODE", ids[to])

    def move_keys(self, key: str, source: RedisServer, to: RedisServer) -> None:
        """Move all keys in the slot of `key`, which is on its way."""
        while keys := self.ask(source, "CLUSTER", "GETKEYSINSLOT", key_slot(key.encode()), 100):
            self.ask(source, "MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *keys)

    def empty(self) -> None:
        """Remove all keys."""
        for node in self.nodes:
            if node.running and self.ask(node, "ROLE")[0] == b"master":
                self.ask(node, "FLUSHALL")

    def keys(self, pattern: str) -> list[bytes]:
        """Return the keys that all masters have."""
        masters = [node for node in self.nodes if node.running and self.ask(node, "ROLE")[0] == b"master"]
        return [key for node in masters for key in self.ask(node, "KEYS", pattern)]

    def ask(self, node: RedisServer, *command: Any) -> Any:
        """Return what one node answers."""
        with node.client() as client:
            return client.execute_command(*command)


@contextmanager
def redis_cluster(program: str = "", options: tuple[str, ...] = (), *, replicas: bool = True) -> Iterator[RedisCluster]:
    """Have a cluster for as long as the context lasts."""
    with ExitStack() as stack:
        nodes: list[RedisServer] = []
        for _ in range(MASTERS * (1 + replicas)):
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            nodes.append(RedisServer(folder, program=program, options=(*_OPTIONS, *options)))
            stack.callback(nodes[-1].kill)
            nodes[-1].start()
        cluster = RedisCluster(nodes)
        cluster.form()
        yield cluster
