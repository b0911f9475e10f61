"""The slots of the call budget over all processes, in Redis.

Held slots are members of one sorted set, each with the time at which it runs out by Redis' own clock, so those of a
process that was killed come back by themselves. A process that is refused leaves a mark with its priority that lives
for a tenth of a second; it asks again every hundredth while somebody waits in it. One script looks at both, so that
never more slots are held than there are.

Who gets a slot, and so how far priority and fairness hold over processes:

- A slot that is free, or that a process wants to keep for its next waiter, goes to the process that waits with the
  highest priority. A slot is idle for about 10 ms then, until that process asks.
- At equal priority a process keeps its slots, which costs nothing, unless a waiting one has at least two fewer; so
  processes that are equally busy come to hold equally many. One that has none at all, because there are more processes
  than slots, gets one after a fifth of a second.
- Within one priority, callers are served in the order of arrival in each process, not over all.
- A mark outlives its waiter by up to a tenth of a second, in which a free slot may be kept for nobody.
"""

import os
import threading
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from gateway.model import Priority
from gateway.shared_store.given_up import GivenUp
from gateway.shared_store.operations import Operation
from gateway.shared_store.store import SharedStore

MARK_MS: Final = 100
TURN_MS: Final = 200
LONGEST_MS: Final = 310_000
"""More than any deadline that the settings take. What runs out later is not ours, or Redis' clock went back."""

_TAKE: Final = """
local held, marks = KEYS[1], KEYS[2]
local capacity, process, slot = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local ttl_ms, priority = tonumber(ARGV[4]), tonumber(ARGV[5])
local mark_ms, turn_ms, longest_ms = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

for key, kind in pairs({[held] = 'zset', [marks] = 'hash'}) do
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end
local ends = tonumber(redis.call('ZSCORE', held, slot) or 0)
local keeping = ends > now and ends <= now + longest_ms

-- Before it is known whether it can be had: a full Redis refuses the first write of a script and lets pass what follows
-- another, and is to be left alone by all who share it.
redis.call('ZADD', held, now + ttl_ms, slot)
redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
redis.call('ZREMRANGEBYSCORE', held, '(' .. now + longest_ms, '+inf')
local free = capacity - redis.call('ZCARD', held)
if not keeping then free = free + 1 end
local found = redis.call('HGETALL', marks)

-- Marks are few, and slots are counted only where there are marks.
local holds
local function held_by(other)
  if not holds then
    holds = {[process] = keeping and 0 or -1}
    for _, member in ipairs(redis.call('ZRANGE', held, 0, -1)) do
      local owner = string.match(member, '^(%S+) ')
      if owner then holds[owner] = (holds[owner] or 0) + 1 end
    end
  end
  return holds[other] or 0
end

local since, rivals = now, {}
for i = 1, #found, 2 do
  local rank, from, to = string.match(found[i + 1], '^(%d+) (%d+) (%d+)$')
  if not rank or tonumber(to) < now or tonumber(to) > now + mark_ms then
    redis.call('HDEL', marks, found[i])
  elseif found[i] ~= process then
    rivals[#rivals + 1] = {name = found[i], rank = tonumber(rank), since = tonumber(from)}
  elseif tonumber(rank) == priority then
    since = tonumber(from)
  end
end

local refused = keeping and free < 0 or not keeping and free <= 0
for _, rival in ipairs(rivals) do
  if rival.rank < priority then
    refused = true
  elseif rival.rank == priority and not refused then
    local ours, theirs = held_by(process), held_by(rival.name)
    if keeping then
      refused = ours >= theirs + math.max(free, 0) + 2
        or theirs == 0 and free == 0 and now - rival.since >= turn_ms
    else
      refused = theirs < ours or theirs == ours and rival.since < since
    end
  end
end

if refused then
  redis.call('ZREM', held, slot)
  redis.call('HSET', marks, process, string.format('%d %.0f %.0f', priority, since, now + mark_ms))
  redis.call('PEXPIRE', marks, mark_ms)
  return 0
end
if not keeping then redis.call('HDEL', marks, process) end
if redis.call('PTTL', held) < ttl_ms then redis.call('PEXPIRE', held, ttl_ms) end
return 1
"""


class RedisSlots:
    """`capacity` slots for calls to the upstream of `store`, over all processes that share it.

    Trouble with Redis is the guard's: while there is any, each process counts for itself, and gives no more than its
    share where it is known how many `processes` there are (0: it is not). When Redis is back, calls that began
    meanwhile are not counted in it, for as long as they take. `mark_ms` is how long one that was refused counts as
    waiting.
    """

    def __init__(self, store: SharedStore, capacity: int, processes: int = 0, mark_ms: int = MARK_MS) -> None:
        self._backend = store.backend
        self._guard = store.guard
        self._capacity = capacity
        self._mark_ms = mark_ms
        self._take = store.backend.script(_TAKE)
        # Without braces where there is one node, as the first version has it: both count in one budget while an upgrade
        # is under way.
        tag = store.backend.tag if store.backend.client.is_cluster else store.backend.namespace
        name = f"{store.backend.prefix}slots:{tag}"
        self._held, self._marks = name, f"{name}:waiting"
        self._name = uuid4().hex
        self._tried: dict[str, float] = {}
        self._given_up: GivenUp[str] = GivenUp(store.backend, self._give_up)
        self._share = max(1, capacity // processes) if processes else None
        self._ours: set[str] = set()
        self._lock = threading.Lock()

    def try_take(self, token: str, ttl_s: float, priority: Priority) -> bool | None:
        """Take or keep the slot `token` for `ttl_s` seconds; `False` when others are to have it, `None` for trouble."""
        process = self._process()
        args: list[str | int] = [self._capacity, process, f"{process} {token}", max(1, round(ttl_s * 1000))]
        args += [int(priority), self._mark_ms, TURN_MS, LONGEST_MS]

        def take() -> bool | None:
            # Also where no answer comes: Redis may have got the question.
            self._tried[token] = ttl_s
            return bool(self._take(keys=[self._held, self._marks], args=args))

        taken = self._guard.run(Operation.SLOT, take, None, key=self._held, writing=True)
        if taken is False:
            self._tried.pop(token, None)
        return self._in_share(token) if taken is None else self._note(token, taken=taken)

    def give_back(self, token: str) -> None:
        """Give the slot up."""
        self._note(token, taken=False)
        ttl_s = self._tried.pop(token, None)
        if ttl_s is not None:
            member = f"{self._process()} {token}"
            # Not as a write: it needs no memory, and that it works says nothing about those that do.
            done = self._guard.run(
                Operation.SLOT, lambda: self._give_up([member]), otherwise=False, key=self._held, part="give up"
            )
            self._given_up.note(member, ttl_s, done=done)

    def _give_up(self, members: Sequence[str]) -> bool:
        self._backend.client.ask_node_of(self._held, lambda node: node.zrem(self._held, *members))
        return True

    def _note(self, token: str, *, taken: bool) -> bool:
        with self._lock:
            (self._ours.add if taken else self._ours.discard)(token)
        return taken

    def _in_share(self, token: str) -> bool | None:
        """Return `None`, for each process counts for itself, or `False` if this one has its share of all already."""
        with self._lock:
            if self._share is not None and token not in self._ours and len(self._ours) >= self._share:
                return False
            self._ours.add(token)
            return None

    def _process(self) -> str:
        # With the process id, because a server may fork after this object was made.
        return f"{self._name}-{os.getpid()}"
