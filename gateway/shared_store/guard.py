"""Trouble with Redis ends here: it is caught, counted by kind, said once, and after a few times not even tried.

Three things are judged, each by itself. Whether a node answers: a cluster has several, and one that is lost takes only
its own keys away. Whether it may be written to: one that is full is still read. And whether an operation works at all:
a user of Redis may lack the right for one, of which no other operation would tell.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import structlog

from gateway.shared_store.breaker import Breaker, Permit
from gateway.shared_store.faults import KINDS, TROUBLE, WRITES_ONLY, Fault, fault_kind, fault_of
from gateway.shared_store.operations import LOST, Operation
from gateway.telemetry.tracing import UNDER_WAY

__all__ = ["KINDS", "TROUBLE", "RedisGuard", "fault_kind"]

log = structlog.get_logger("gateway.shared_store")
T = TypeVar("T")

# Socket timeouts alone would let answers in drips hold one caller after the other. Far above them, because in a busy
# process an operation also waits for its thread's turn.
SLOW_S: Final = 1.0
_SLOW: Final = Fault("timeout")
IN_VAIN_S: Final = 0.1
"""Half of the time limit: what fails sooner has kept nobody waiting."""
PART_S: Final = 600.0
"""So long a part of an operation is named after it failed last: some are hardly ever tried, and nobody would hear that
they work again."""
_ALONE: Final = "each process keeps pages and counts calls and requests for itself"


class _Judged:
    """A breaker, and the latest fault that counted against it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.breaker = Breaker(clock)
        self.fault = Fault("other")
        self.failed_at = float("-inf")

    def failed(self, permit: Permit, fault: Fault) -> bool:
        """Take note of a failure; return whether it opened the breaker."""
        self.fault, self.failed_at = fault, self._clock()
        return self.breaker.failed(permit)


class _Node:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.answers = _Judged(clock)
        self.writes = _Judged(clock)


class RedisGuard:
    """Runs operations on Redis, or skips them. `faults` is called with kind and operation for each that failed.

    `node_of` returns the node that has a key, `nodes` all that it may return now, `leave` is called after errors that
    may mean that connections are to a node that was left. `hidden` are texts to leave out of what Redis says.
    """

    def __init__(
        self,
        faults: Callable[[str, str], None],
        clock: Callable[[], float],
        node_of: Callable[[str], str] = lambda _: "",
        nodes: Callable[[], Iterable[str]] = lambda: ("",),
        leave: Callable[[], None] = lambda: None,
        hidden: Iterable[str] = (),
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._node_of = node_of
        self._known_nodes = nodes
        self._leave = leave
        self._hidden = tuple(hidden)
        self._nodes: dict[str, _Node] = {}
        self._operations: dict[tuple[Operation, str], _Judged] = {}
        self._misplaced: Fault | None = None
        self._lock = threading.Lock()

    @property
    def failing(self) -> bool:
        """Whether operations are being skipped."""
        return bool(self.report())

    def report(self) -> Mapping[str, object]:
        """Return what is wrong now, for people: nothing where all is well."""
        if self._misplaced is not None:
            return {"fault": self._misplaced.kind, "said": self._misplaced.said}
        report: dict[str, object] = {}
        bad = [judged for node in self._nodes_in_use() for judged in (node.answers, node.writes)]
        for judged in bad:
            if not judged.breaker.closed:
                report = {"fault": judged.fault.kind, "said": judged.fault.said}
        operations = {
            operation.value: {"fault": judged.fault.kind, "said": judged.fault.said, "lost": LOST[operation]}
            for operation, judged in self._failing().items()
        }
        return {**report, **({"operations": operations} if operations else {})}

    def failing_operations(self) -> list[Operation]:
        """Return the operations that fail by themselves."""
        return list(self._failing())

    def _failing(self) -> dict[Operation, _Judged]:
        """Return what fails, each with a part of it that does, in the order of `Operation`."""
        with self._lock:
            known = list(self._operations.items())
        since = self._clock() - PART_S
        failing = {
            operation: judged
            for (operation, part), judged in known
            if not judged.breaker.closed and (not part or judged.failed_at > since)
        }
        return {operation: failing[operation] for operation in Operation if operation in failing}

    def run(
        self,
        operation: Operation,
        work: Callable[[], T],
        otherwise: T,
        *,
        key: str = "",
        writing: bool = False,
        part: str = "",
    ) -> T:
        """Return what `work` returns, or `otherwise` when Redis is in trouble now or was so lately.

        `key` is any that `work` is about. `writing` is for operations that need memory in Redis. `part` names what is
        but a part of the operation and takes other rights: that it works says nothing about the rest, nor the rest
        about it. A success that took longer than `SLOW_S` counts as a timeout.

        Of a node that has kept one answer waiting for nothing, that answer asks no more, but once for its place in the
        call budget, which has to hold; so that what it waits for Redis does not grow with what it needs from it.
        """
        if self._misplaced is not None and operation is not Operation.PURGE:
            return otherwise
        name = self._node_of(key)
        answer, asked = UNDER_WAY.get(), (name, operation is Operation.SLOT)
        if answer is not None and asked in answer.in_vain:
            return otherwise
        node, judged = self._node(name), self._judged(operation, part)
        writes = node.writes.breaker.admit() if writing else None
        if writing and writes is None:
            return otherwise
        permit = node.answers.breaker.admit()
        allowed = judged.breaker.admit() if permit is not None else None
        if permit is None or allowed is None:
            return otherwise
        began = self._clock()
        fault = None
        result = otherwise
        try:
            result = work()
            if self._clock() - began > SLOW_S:
                fault = _SLOW
                self._faults(fault.kind, operation)
        except TROUBLE as error:
            fault = self._read(operation, error)
        if fault is not None and answer is not None and self._clock() - began >= IN_VAIN_S:
            answer.in_vain.add(asked)
        self._note_node(node, permit, writes, fault)
        self._note_operation(operation, judged, allowed, fault)
        return result

    def failed(self, operation: Operation, error: Exception, part: str = "") -> Fault:
        """Count one failed operation that was tried whatever this guard thinks; return what is wrong."""
        fault = self._read(operation, error)
        if fault.one_operation:
            self._note_operation(operation, self._judged(operation, part), Permit.PROBE, fault)
        return fault

    def succeeded(self, operation: Operation, part: str = "") -> None:
        """Take note that one succeeded that was tried whatever this guard thinks."""
        self._note_operation(operation, self._judged(operation, part), Permit.PROBE, None)

    def place(self, find: Callable[[], Fault | None]) -> None:
        """Find out whether this is a Redis to use at all: `find` returns what it is instead, or `None`.

        It is left alone until that finds nothing, because what it is may answer some operations well. Trouble on the
        way is another matter.
        """
        found = find()
        if found is not None and self._misplaced is None:
            self._faults(found.kind, Operation.PURGE)
            log.warning("shared cache misplaced", fault=found.kind, said=found.said, consequence=_ALONE)
        if found is None and self._misplaced is not None:
            log.info("shared cache works again")
        self._misplaced = found

    def discard(self, key: str, delete: Callable[[str], bool]) -> None:
        """Count a value under `key` that cannot be ours, say so, and have it deleted."""
        self._faults("other", Operation.LOOK)
        log.warning("shared cache entry deleted", key=key, reason="it was not stored by the gateway")
        self.run(Operation.STORE, lambda: delete(key), otherwise=False, key=key)

    def _node(self, name: str) -> _Node:
        node = self._nodes.get(name)
        if node is None:
            with self._lock:
                node = self._nodes.setdefault(name, _Node(self._clock))
        return node

    def _judged(self, operation: Operation, part: str = "") -> _Judged:
        judged = self._operations.get((operation, part))
        if judged is None:
            with self._lock:
                judged = self._operations.setdefault((operation, part), _Judged(self._clock))
        return judged

    def _nodes_in_use(self) -> list[_Node]:
        """Return the nodes that are asked now; of those that have no keys any more nobody would hear that they work."""
        known = set(self._known_nodes())
        with self._lock:
            for name in [name for name in self._nodes if name not in known]:
                del self._nodes[name]
            return list(self._nodes.values())

    def _read(self, operation: Operation, error: Exception) -> Fault:
        fault = fault_of(error, self._hidden)
        self._faults(fault.kind, operation)
        if not fault.one_operation and fault.kind != "full":
            self._leave()
        return fault

    def _note_node(self, node: _Node, permit: Permit, writes: Permit | None, fault: Fault | None) -> None:
        if fault is not None and not fault.one_operation and fault.kind not in WRITES_ONLY:
            if node.answers.failed(permit, fault):
                log.warning("shared cache failing", fault=fault.kind, said=fault.said, consequence=_ALONE)
            return
        if node.answers.breaker.succeeded(permit):
            log.info("shared cache works again")
        if writes is None:
            return
        if fault is None:
            if node.writes.breaker.succeeded(writes):
                log.info("shared cache takes pages again")
        elif fault.kind in WRITES_ONLY and node.writes.failed(writes, fault):
            log.warning(
                "shared cache takes no pages",
                fault=fault.kind,
                said=fault.said,
                consequence="it is still read, and each process counts calls and requests for itself",
            )

    def _note_operation(self, operation: Operation, judged: _Judged, permit: Permit, fault: Fault | None) -> None:
        if fault is None:
            if judged.breaker.succeeded(permit):
                log.info("shared cache operation works again", operation=operation.value)
        elif fault.one_operation and judged.failed(permit, fault):
            log.warning(
                "shared cache operation failing",
                operation=operation.value,
                fault=fault.kind,
                said=fault.said,
                consequence=LOST[operation],
            )
