"""What CC-iSales is known to accept: by which clock, for all VDNs, and for each of them with which of its keys."""

import threading
import time
from collections.abc import Callable, Collection
from typing import Final

import structlog

from gateway.isales.credentials import CLOCK_TOLERANCE_S, Credentials, KeyName, key_pairs
from gateway.settings.model import Tenant
from gateway.telemetry.upstream_numbers import UpstreamNumbers

TRY_CURRENT_EVERY_S: Final = 60.0
"""How often a tenant whose previous keys are the good ones is signed for with the current ones first."""


class KnownCredentials:
    """Remembers what worked, for this process; safe to use from any thread. `clock` is monotonic, in seconds."""

    def __init__(self, metrics: UpstreamNumbers, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._clock_ahead_s = 0.0
        # By tenant, not by VDN: one that has new keys after a reload is another one.
        self._current_again_at: dict[Tenant, float] = {}
        self._kept: frozenset[Tenant] | None = None
        self._lock = threading.Lock()

    def keep(self, tenants: Collection[Tenant]) -> None:
        """Forget all tenants but these, and learn of no others: they are gone, or have other keys now.

        Calls for them may still be under way, and no secret of theirs is to stay in memory on their account.
        """
        with self._lock:
            self._kept = frozenset(tenants)
            for tenant in self._current_again_at.keys() - self._kept:
                del self._current_again_at[tenant]

    @property
    def clock_ahead_s(self) -> float:
        """By how many seconds CC-iSales' clock is ahead of ours, as far as is known."""
        with self._lock:
            return self._clock_ahead_s

    def best(self, tenant: Tenant) -> Credentials:
        """Return what to sign with first: what worked last, but the current keys once a minute whatever worked."""
        current, *previous = key_pairs(tenant)
        with self._lock:
            keys = current
            again_at = self._current_again_at.get(tenant)
            if previous and again_at is not None:
                now = self._clock()
                if now < again_at:
                    keys = previous[0]
                else:
                    self._current_again_at[tenant] = now + TRY_CURRENT_EVERY_S
            return Credentials(keys, self._clock_ahead_s)

    def accepted(self, tenant: Tenant, used: Credentials, refused: Credentials | None = None) -> None:
        """Take note that `used` worked, in the same call after `refused` did not.

        Only after a refusal do the clock and the previous keys count as learned: a call that was under way while
        another one learned better would take that back.
        """
        self._metrics.signature(tenant.vdn, used.keys.name)
        if used.keys.name is KeyName.CURRENT:
            self._prefer(tenant, KeyName.CURRENT)
        elif refused is not None and refused.keys.name is KeyName.CURRENT:
            self._prefer(tenant, KeyName.PREVIOUS)
        if refused is not None and refused.clock_ahead_s != used.clock_ahead_s:
            self._set_clock(used.clock_ahead_s)

    def refused(self, tenant: Tenant, used: Credentials) -> None:
        """Take note that the keys of `used` were refused by the right clock: the next call begins with the others."""
        for pair in key_pairs(tenant):
            if pair.name is not used.keys.name:
                self._prefer(tenant, pair.name)

    def _prefer(self, tenant: Tenant, name: KeyName) -> None:
        log = structlog.get_logger("gateway.isales")
        with self._lock:
            before = KeyName.PREVIOUS if tenant in self._current_again_at else KeyName.CURRENT
            if name is before or (self._kept is not None and tenant not in self._kept):
                return
            if name is KeyName.CURRENT:
                del self._current_again_at[tenant]
            else:
                self._current_again_at[tenant] = self._clock() + TRY_CURRENT_EVERY_S
        if name is KeyName.CURRENT:
            log.info("signing_with_current_keys", vdn=tenant.vdn)
        else:
            log.warning("signing_with_previous_keys", vdn=tenant.vdn, reason="CC-iSales refused the current ones")

    def _set_clock(self, ahead_s: float) -> None:
        log = structlog.get_logger("gateway.isales")
        with self._lock:
            before = self._clock_ahead_s
            if abs(ahead_s - before) <= CLOCK_TOLERANCE_S:
                # Several calls at once have measured the same clock.
                return
            self._clock_ahead_s = ahead_s
            self._metrics.clock_ahead(ahead_s)
        if ahead_s == 0.0:
            log.info("clocks_agree_again", isales_was_ahead_s=round(before, 1))
        else:
            remedy = "correct the clock of this machine (NTP), or of CC-iSales; until then its time is signed"
            log.warning("clocks_differ", isales_ahead_s=round(ahead_s, 1), remedy=remedy)
