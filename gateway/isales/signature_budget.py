"""How many refused signatures CC-iSales is shown: few, for too many can lock the gateway's address for all VDNs.

How many are too many is not published. Another interface of the vendor's locks for five minutes after five in a row,
so a tenant's keys are shown at most so often in any five minutes that a last call with two signatures makes five of it.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

WINDOW_S: Final = 300.0
MOST_BEFORE_ASKING: Final = 3
LONGEST_PAUSE_S: Final = 600.0


class Turn(NamedTuple):
    """Whether a pair of keys may be shown now, else in how many seconds to look again.

    `refusals` is how many asks in a row were refused, and `asking` whether somebody is finding out just now.
    """

    granted: bool
    wait_s: float = 0.0
    refusals: int = 0
    asking: bool = False


class SignatureBudget(Protocol):
    """Keeps count for the key pairs (`pair`) of tenants. What several processes share returns `None` for trouble."""

    def ask(
        self, tenant: str, pair: str, lease_s: float, at_most: int = 1, *, at_once: bool = False
    ) -> tuple[bool, float, int, bool] | None:
        """Return as a `Turn` whether `pair` may be shown now, by one more call, which has `lease_s` seconds for it.

        That is where fewer than `at_most` are doing so, after its pause, or `at_once` whatever pause there is.
        """
        ...

    def refused(self, tenant: str, pair: str, signatures: int, first_pause_s: float) -> float | None:
        """Count so many refused signatures of one call, and return for how many seconds the pair is not shown.

        That is `first_pause_s`, and twice as long after each ask. Calls that were under way meanwhile are only counted.
        """
        ...

    def settled(self, tenant: str, pair: str, *, accepted: bool) -> None:
        """Take note that who asked has been accepted, which ends all pauses, or has not come to know."""
        ...


@dataclass(slots=True)
class _Pair:
    refusals: int = 0
    next_at: float = float("-inf")
    asking_until: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Tenant:
    pairs: dict[str, _Pair] = field(default_factory=dict)
    refused_at: deque[float] = field(default_factory=deque)

    def recent(self, now: float) -> int:
        while self.refused_at and self.refused_at[0] <= now - WINDOW_S:
            self.refused_at.popleft()
        return len(self.refused_at)


class OwnSignatureBudget:
    """That of one process. `clock` is monotonic, in seconds; safe to use from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        self._lock = threading.Lock()

    def ask(self, tenant: str, pair: str, lease_s: float, at_most: int = 1, *, at_once: bool = False) -> Turn:
        """See `SignatureBudget`."""
        with self._lock:
            now, known = self._clock(), self._tenants.setdefault(tenant, _Tenant())
            state = known.pairs.setdefault(pair, _Pair())
            if now < state.next_at and not at_once:
                return Turn(granted=False, wait_s=state.next_at - now, refusals=state.refusals)
            state.asking_until = [until for until in state.asking_until if now < until]
            if len(state.asking_until) >= at_most:
                return Turn(granted=False, wait_s=0.0, refusals=state.refusals, asking=True)
            if known.recent(now) > MOST_BEFORE_ASKING:
                wait_s = known.refused_at[-MOST_BEFORE_ASKING - 1] + WINDOW_S - now
                return Turn(granted=False, wait_s=wait_s, refusals=state.refusals)
            state.asking_until.append(now + lease_s)
            return Turn(granted=True, refusals=state.refusals)

    def refused(self, tenant: str, pair: str, signatures: int, first_pause_s: float) -> float:
        """See `SignatureBudget`."""
        with self._lock:
            now, known = self._clock(), self._tenants.setdefault(tenant, _Tenant())
            state = known.pairs.setdefault(pair, _Pair())
            known.recent(now)
            known.refused_at.extend([now] * signatures)
            if now >= state.next_at:
                state.refusals += 1
                state.next_at = now + min(first_pause_s * 2.0 ** (state.refusals - 1), LONGEST_PAUSE_S)
            del state.asking_until[:1]
            return state.next_at - now

    def settled(self, tenant: str, pair: str, *, accepted: bool) -> None:
        """See `SignatureBudget`."""
        with self._lock:
            known = self._tenants.get(tenant)
            if known is None or pair not in known.pairs:
                return
            if accepted:
                del known.pairs[pair]
                known.refused_at.clear()
            else:
                del known.pairs[pair].asking_until[:1]

    def keep(self, tenants: set[str]) -> None:
        """Forget all tenants but these."""
        with self._lock:
            for tenant in self._tenants.keys() - tenants:
                del self._tenants[tenant]


class NoSharedBudget:
    """No other process."""

    def ask(
        self, tenant: str, pair: str, lease_s: float, at_most: int = 1, *, at_once: bool = False
    ) -> tuple[bool, float, int, bool] | None:
        """Return `None`."""

    def refused(self, tenant: str, pair: str, signatures: int, first_pause_s: float) -> float | None:
        """Return `None`."""

    def settled(self, tenant: str, pair: str, *, accepted: bool) -> None:
        """Do nothing."""


NO_SHARED_BUDGET: Final = NoSharedBudget()
