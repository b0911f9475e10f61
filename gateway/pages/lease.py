"""Single flight over several processes: who holds the lease of a key fetches its page, the others follow.

The lease is a key in Redis that holds the leader's token and runs out soon unless the leader renews it, so a leader
that was killed costs the others no more than `LEASE_MS`. Giving it up leaves an outcome in a list under the token,
from which each follower takes it and puts it back for the next one.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from gateway.errors import GatewayError, UpstreamTimeout
from gateway.model import Deadline
from gateway.pages.key import tag_of
from gateway.pages.lease_keeper import LeaseKeeper
from gateway.pages.lease_outcome import LANDED, failure_in, outcome_of
from gateway.pages.shared import Landing, Lease
from gateway.shared_store.backend import WAIT_S, RedisBackend
from gateway.shared_store.given_up import GivenUp
from gateway.shared_store.guard import TROUBLE, RedisGuard
from gateway.shared_store.operations import Operation

LEASE_MS = 2000
# Followers who are to find the outcome are waiting for it already, or are one look behind.
WAKE_MS = 3000

_RENEW = """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[i + 1] then redis.call('PEXPIRE', key, ARGV[1]) end
end
"""

_FORGET = """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[i] then redis.call('DEL', key) end
end
"""

# The page comes first, because a full Redis refuses the first write of a script and lets pass what follows another.
# The outcome is pushed twice, so that the list is never empty, and so never gone with its expiry, while one follower
# moves it round.
_GIVE_UP = """
local lease, page, wake = KEYS[1], KEYS[2], KEYS[3]
local token, outcome, wake_ms, keep_ms, value = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('GET', lease) ~= token then return 0 end
local stored = {}
if tonumber(keep_ms) > 0 then stored = redis.pcall('SET', page, value, 'PX', keep_ms) end
redis.call('DEL', lease)
redis.call('RPUSH', wake, outcome, outcome)
redis.call('PEXPIRE', wake, wake_ms)
if stored.err then return redis.error_reply(stored.err) end
return 1
"""


class Leases:
    """The leases of one process, and its view of those of others. Never raises for trouble with Redis."""

    def __init__(self, backend: RedisBackend, guard: RedisGuard) -> None:
        self._backend = backend
        self._guard = guard
        self._renew_script = backend.script(_RENEW)
        self._give_up_script = backend.script(_GIVE_UP)
        self._forget_script = backend.script(_FORGET)
        self._keeper = LeaseKeeper(self._renew)
        self._given_up: GivenUp[tuple[str, str]] = GivenUp(backend, self._forget)

    def take(self, key: str) -> Lease | None:
        """Return the lease of `key`, `None` when another process has it, or one of our own when Redis is in trouble."""
        token, name, tried = uuid4().hex, self._name(_lease(key)), False

        def take() -> Lease | None:
            nonlocal tried
            tried = True
            taken = self._backend.client.ask_node_of(name, lambda node: node.set(name, token, nx=True, px=LEASE_MS))
            return Lease(key, token, shared=True) if taken else None

        unshared: Lease | None = Lease(key)
        lease = self._guard.run(Operation.LEASE, take, unshared, key=name, writing=True)
        if lease is not None and lease.shared:
            self._keeper.hold(lease)
        elif lease is not None and tried:
            # Redis may have got the question, though no answer came.
            self._given_up.note((name, token), LEASE_MS / 1000, done=False)
        return lease

    def land(self, lease: Lease, value: bytes, keep_ms: int) -> Landing:
        """Store `value` under the lease's key for `keep_ms` and give the lease up, if it is still ours."""
        return self._give_up(lease, LANDED, keep_ms, value)

    def fail(self, lease: Lease, error: GatewayError) -> None:
        """Give the lease up because of `error`."""
        self._give_up(lease, outcome_of(error), 0, b"")

    def follow(self, key: str, deadline: Deadline) -> None:
        """Wait for the leader of `key`: returns when it landed or is lost, raises its failure or UpstreamTimeout."""
        token = holder = self._holder(key)
        while token is not None:
            outcome = self._wait(self._name(_wake(key, token)), min(WAIT_S, deadline.remaining()))
            if outcome is not None:
                failure = failure_in(outcome)
                if failure is not None:
                    raise failure
                return
            # Who finds the lease gone waits once more, because the leader may have landed just after the first wait.
            if holder != token:
                return
            if deadline.expired:
                raise UpstreamTimeout(
                    "The deadline passed while another process was already fetching this page from CC-iSales."
                )
            holder = self._holder(key)

    def close(self) -> None:
        """End the thread that renews."""
        self._keeper.close()

    def _give_up(self, lease: Lease, outcome: bytes, keep_ms: int, value: bytes) -> Landing:
        if not lease.shared:
            return Landing.NOT_SHARED
        names = (_lease(lease.key), lease.key, _wake(lease.key, lease.token))
        keys = [self._name(name) for name in names]
        args: list[str | bytes | int] = [lease.token, outcome, WAKE_MS, keep_ms, value]
        landings = {1: Landing.DONE, 0: Landing.OVERTAKEN}
        landing = self._guard.run(
            Operation.STORE,
            lambda: landings[self._give_up_script(keys=keys, args=args)],
            Landing.NOT_SHARED,
            key=keys[0],
            writing=True,
        )
        # Only now, so that a lease is alive for as long as it takes to give it up.
        self._keeper.release(lease)
        self._given_up.note((keys[0], lease.token), LEASE_MS / 1000, done=landing is not Landing.NOT_SHARED)
        return landing

    def _forget(self, leases: Sequence[tuple[str, str]]) -> None:
        """Have leases that were given up be so also where that was not heard of; raises what Redis does."""
        tokens, failure = dict(leases), None
        for keys in self._backend.client.together(tokens):
            try:
                self._forget_script(keys=keys, args=[tokens[key] for key in keys])
            except TROUBLE as error:
                # Those of other nodes are to be given up all the same.
                failure = error
        if failure is not None:
            raise failure

    def _renew(self, leases: Sequence[Lease]) -> None:
        tokens = {self._name(_lease(lease.key)): lease.token for lease in leases}
        for keys in self._backend.client.together(tokens):
            args: list[str | int] = [LEASE_MS, *(tokens[key] for key in keys)]
            renew = partial(self._renew_script, keys=keys, args=args)
            self._guard.run(Operation.LEASE, renew, None, key=keys[0], part="renew")

    def _holder(self, key: str) -> str | None:
        """Return the token of the leader of `key`, or `None` for none or trouble."""
        name = _lease(key)
        found = self._guard.run(Operation.LEASE, lambda: self._backend.look(name), None, key=self._name(name))
        if found is None:
            return None
        value, left_ms = found
        # A lease that does not run out soon is not ours, and would keep all others waiting.
        if not 0 <= left_ms <= LEASE_MS:
            self._guard.discard(name, self._backend.delete)
            return None
        return value.decode("ascii", "replace")

    def _wait(self, wake: str, wait_s: float) -> bytes | None:
        """Return the outcome that the leader leaves within `wait_s`, `None` for none yet, nothing for trouble."""
        # To Redis a wait of 0 is one without end.
        timeout_s = max(0.001, wait_s)
        waiting: Any = self._backend.waiting  # redis-py has whole seconds only in its types
        outcome: bytes | None = self._guard.run(
            Operation.LEASE,
            lambda: waiting.ask_node_of(wake, lambda node: node.brpoplpush(wake, wake, timeout_s)),
            b"",
            key=wake,
            writing=True,
            part="wait",
        )
        return outcome

    def _name(self, key: str) -> str:
        return self._backend.prefix + key


def _lease(key: str) -> str:
    return f"lease:{key}"


def _wake(key: str, token: str) -> str:
    return f"wake:{token}{tag_of(key)}"
