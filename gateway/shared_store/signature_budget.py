"""The refused signatures of tenants over all processes, in Redis: `gateway.isales.signature_budget` as scripts.

Each tenant is one hash. Its times are by Redis' own clock, and one that lies too far ahead, because that clock went
back, counts for nothing.
"""

from typing import Final

from gateway.shared_store.operations import Operation
from gateway.shared_store.store import SharedStore

KEPT_MS: Final = 3_600_000

_COMMON: Final = """
local key, pair = KEYS[1], ARGV[1]
local found = redis.call('TYPE', key).ok
if found ~= 'hash' and found ~= 'none' then redis.call('DEL', key) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function until_ms(field, most_ms)
  local at = tonumber(redis.call('HGET', key, field) or 0) or 0
  if at > now + most_ms then return 0 end
  return at
end
local function times_in(field, first, last)
  local times = {}
  for text in string.gmatch(redis.call('HGET', key, field) or '', '%d+') do
    local at = tonumber(text)
    if at > first and at <= last then times[#times + 1] = at end
  end
  return times
end
local function keep(field, times)
  local texts = {}
  for i = math.max(1, #times - 63), #times do texts[#texts + 1] = string.format('%.0f', times[i]) end
  redis.call('HSET', key, field, table.concat(texts, ' '))
end
"""

_ASK: Final = (
    _COMMON
    + """
local lease_ms, window_ms, most, longest_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local refusals = tonumber(redis.call('HGET', key, pair .. ':refusals') or 0) or 0
local next_at = until_ms(pair .. ':next_at', longest_ms)
if now < next_at and ARGV[7] ~= '1' then return {0, next_at - now, refusals, 0} end
local asking = times_in(pair .. ':asking_until', now, now + longest_ms)
if #asking >= tonumber(ARGV[8]) then return {0, 0, refusals, 1} end
local times = times_in('refused_at', now - window_ms, now)
if #times > most then return {0, times[#times - most] + window_ms - now, refusals, 0} end
asking[#asking + 1] = now + lease_ms
keep(pair .. ':asking_until', asking)
redis.call('PEXPIRE', key, tonumber(ARGV[6]))
return {1, 0, refusals, 0}
"""
)

_REFUSED: Final = (
    _COMMON
    + """
local signatures, first_ms = tonumber(ARGV[2]), tonumber(ARGV[3])
local longest_ms, window_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
local times = times_in('refused_at', now - window_ms, now)
for _ = 1, signatures do times[#times + 1] = now end
keep('refused_at', times)
local asking = times_in(pair .. ':asking_until', now, now + longest_ms)
table.remove(asking, 1)
keep(pair .. ':asking_until', asking)
local next_at = until_ms(pair .. ':next_at', longest_ms)
if now >= next_at then
  local refusals = redis.call('HINCRBY', key, pair .. ':refusals', 1)
  next_at = now + math.min(first_ms * 2 ^ (refusals - 1), longest_ms)
  redis.call('HSET', key, pair .. ':next_at', string.format('%.0f', next_at))
end
redis.call('PEXPIRE', key, tonumber(ARGV[6]))
return next_at - now
"""
)

_SETTLED: Final = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
local asking = redis.call('HGET', KEYS[1], ARGV[1] .. ':asking_until')
if asking then redis.call('HSET', KEYS[1], ARGV[1] .. ':asking_until', (string.gsub(asking, '^%d+ ?', ''))) end
if ARGV[2] == '1' then redis.call('HDEL', KEYS[1], ARGV[1] .. ':refusals', ARGV[1] .. ':next_at', 'refused_at') end
return 1
"""


class RedisSignatureBudget:
    """The budget of tenants of the upstream of `store`, over all processes that share it.

    Before a pair is shown, at most `most` refused signatures lie within the last `window_s` seconds, and no pause is
    longer than `longest_pause_s`. Trouble with Redis is the guard's: `None` then.
    """

    def __init__(self, store: SharedStore, window_s: float, most: int, longest_pause_s: float) -> None:
        self._guard = store.guard
        self._ask = store.backend.script(_ASK)
        self._refused = store.backend.script(_REFUSED)
        self._settled = store.backend.script(_SETTLED)
        self._prefix = f"{store.backend.prefix}signatures:{store.backend.tag}:"
        self._window_ms = round(window_s * 1000)
        self._most = most
        self._longest_ms = round(longest_pause_s * 1000)

    def ask(
        self, tenant: str, pair: str, lease_s: float, at_most: int = 1, *, at_once: bool = False
    ) -> tuple[bool, float, int, bool] | None:
        """Return whether `pair` may be shown now, else in how many seconds to look again; and what is known of it.

        That is how many asks in a row were refused, and whether `at_most` calls, or more, ask just now. `at_once`:
        whatever pause there is.
        """
        args: list[str | int] = [pair, round(lease_s * 1000), self._window_ms, self._most, self._longest_ms, KEPT_MS]
        args += [int(at_once), at_most]

        def ask() -> tuple[bool, float, int, bool]:
            granted, wait_ms, refusals, asking = self._ask(keys=[self._prefix + tenant], args=args)
            return bool(granted), wait_ms / 1000, int(refusals), bool(asking)

        return self._guard.run(Operation.SIGNATURE, ask, None, key=self._prefix, writing=True)

    def refused(self, tenant: str, pair: str, signatures: int, first_pause_s: float) -> float | None:
        """Count so many refused signatures; return for how many seconds `pair` is not shown."""
        first_ms = round(first_pause_s * 1000)
        args: list[str | int] = [pair, signatures, first_ms, self._longest_ms, self._window_ms, KEPT_MS]

        def count() -> float:
            return int(self._refused(keys=[self._prefix + tenant], args=args)) / 1000

        return self._guard.run(Operation.SIGNATURE, count, None, key=self._prefix, writing=True)

    def settled(self, tenant: str, pair: str, *, accepted: bool) -> None:
        """Take note that who asked was accepted, or has not come to know."""

        def settle() -> None:
            self._settled(keys=[self._prefix + tenant], args=[pair, int(accepted)])

        self._guard.run(Operation.SIGNATURE, settle, None, key=self._prefix)
