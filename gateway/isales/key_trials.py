"""Which keys a call is signed with, and whether it may be now: wrong ones are shown to CC-iSales rarely.

A pair of keys is *new* until its first call has ended: a few go, and others wait for one of them, a second at most. As
long as no signature at all was accepted, a few of all tenants go: a wrong clock would have every one of them refused.
It is *free* as long as none of its signatures is refused. Once one is, by a clock that agrees, it is *refused*: one
call at a time asks, after pauses that double, until one is accepted; all other calls end at once.
"""

import hmac
import threading
from collections.abc import Callable, Collection
from enum import Enum
from typing import Final

from gateway.errors import UpstreamRefusedCredentials
from gateway.isales.credentials import Credentials, KeyName, KeyPair, key_pairs
from gateway.isales.known_credentials import KnownCredentials
from gateway.isales.signature_budget import OwnSignatureBudget, SignatureBudget, Turn
from gateway.model import Deadline
from gateway.settings.model import Tenant
from gateway.telemetry.upstream_numbers import UpstreamNumbers

FREE: Final = Turn(granted=True)
FIRST_PAUSE_S: Final = 2.0
FIRST_ROTATION_PAUSE_S: Final = 60.0
"""While the previous keys work there is no hurry to try the current ones again."""

FIRST_CALLS_ALONE_S: Final = 1.0
MOST_FIRST_CALLS: Final = 3
"""Of a tenant with one pair. With two pairs one call finds out which is the good one."""

MOST_FIRST_CALLS_OF_ALL: Final = 4
"""Of all tenants, more than of one, so that one whose calls hang leaves a place to others."""

ALL_TENANTS: Final = "all"

LOOK_AGAIN_S: Final = 0.05
LEASE_S: Final = 10.0


class State(Enum):
    """What is known of a pair."""

    NEW = "new"
    FREE = "free"
    REFUSED = "refused"


class KeyTrials:
    """Knows this process' pairs, and asks the budget of all processes before a new or refused one is shown.

    Safe to use from any thread; `clock` is monotonic, in seconds.
    """

    def __init__(
        self, known: KnownCredentials, shared: SignatureBudget, metrics: UpstreamNumbers, clock: Callable[[], float]
    ) -> None:
        self.known = known
        self.shared = shared
        self._own = OwnSignatureBudget(clock)
        self._metrics = metrics
        self._clock = clock
        self._states: dict[tuple[Tenant, KeyName], State] = {}
        self._details: dict[Tenant, str] = {}
        self._kept: frozenset[Tenant] | None = None
        self._any_accepted = False
        self._changed = threading.Condition()
        self.waiting = 0
        """Calls that wait for the first one with their keys."""

    def keep(self, tenants: Collection[Tenant]) -> None:
        """Forget all tenants but these, and learn of no others: they are gone, or have other keys now."""
        self.known.keep(tenants)
        with self._changed:
            self._kept = frozenset(tenants)
            gone = {tenant for tenant, _ in self._states} - self._kept
            self._states = {key: state for key, state in self._states.items() if key[0] in self._kept}
            self._details = {tenant: text for tenant, text in self._details.items() if tenant in self._kept}
        self._own.keep({ALL_TENANTS, *map(_name, tenants)})
        for tenant in gone:
            self._metrics.keys_refused(tenant.vdn, refused=False)

    def turn(self, tenant: Tenant, deadline: Deadline) -> Credentials:
        """Return what a call of `tenant` is signed with first, as soon as it may be. `ended` has to follow.

        Raises `UpstreamRefusedCredentials`, with `sent` false, if it may not.
        """
        gives_up_at = self._clock() + min(FIRST_CALLS_ALONE_S, deadline.remaining())
        while True:
            best = self.known.best(tenant)
            wait_s, first_call = float("inf"), False
            for pair in (best.keys, *(pair for pair in key_pairs(tenant) if pair != best.keys)):
                state = self._state(tenant, pair)
                turn = FREE if state is State.FREE else self._ask(tenant, pair)
                among_first = turn.granted and state is State.NEW and not self._any_accepted
                if among_first:
                    turn = self._ask_for_all(tenant, pair)
                first_call = turn.asking and not turn.refusals
                if turn.granted or (first_call and self._clock() >= gives_up_at):
                    asks = turn.granted and state is not State.FREE
                    first = asks and state is State.NEW
                    return Credentials(pair, best.clock_ahead_s, asks, first, among_first and turn.granted)
                if first_call:
                    break
                wait_s = min(wait_s, turn.wait_s)
                if turn.refusals:
                    self._learn(tenant, pair, State.REFUSED)
            if not first_call:
                raise self._refusal(tenant, wait_s)
            with self._changed:
                self.waiting += 1
                self._changed.wait(LOOK_AGAIN_S)
                self.waiting -= 1

    def is_over(self, tenant: Tenant, given: Credentials) -> bool:
        """Tell whether the turn that a call of `tenant` was `given` holds no more: its keys were refused meanwhile."""
        probes = given.asks and not given.first
        return not probes and self.is_refused(tenant, given.keys)

    def is_refused(self, tenant: Tenant, pair: KeyPair) -> bool:
        """Tell whether `pair` is known to be refused."""
        return self._state(tenant, pair) is State.REFUSED

    def may_try(self, tenant: Tenant, pair: KeyPair, instead_of: KeyPair) -> bool:
        """Tell whether a call may be signed with `pair` too, after `instead_of` was refused. `ended` has to follow.

        Where that one was good before, something has changed, and no pause is kept.
        """
        changed = self._state(tenant, instead_of) is State.FREE
        return self._state(tenant, pair) is State.FREE or self._ask(tenant, pair, at_once=changed).granted

    def accepted(self, tenant: Tenant, used: Credentials, refused: Credentials | None = None) -> None:
        """Take note that `used` was accepted, after `refused` was not."""
        if refused is not None:
            self._metrics.signature_refused(tenant.vdn, 1)
            if refused.keys != used.keys:
                self._count(tenant, refused.keys, 1, FIRST_ROTATION_PAUSE_S)
        self._any_accepted = True
        if self._state(tenant, used.keys) is not State.FREE:
            self._settle(_name(tenant), used.keys.name, accepted=True)
            self._learn(tenant, used.keys, State.FREE)
        self.known.accepted(tenant, used, refused)

    def refused(self, tenant: Tenant, pair: KeyPair, signatures: int, detail: str) -> None:
        """Take note that one call's signatures with `pair` were refused, which no other clock would have saved."""
        self._metrics.signature_refused(tenant.vdn, signatures)
        with self._changed:
            self._details[tenant] = detail
        self._count(tenant, pair, signatures, FIRST_PAUSE_S)

    def ended(self, tenant: Tenant, used: Credentials, *, sent: bool = True) -> None:
        """Take note that a call that was to be signed with `used` is over, and whether it was made at all."""
        if used.among_first:
            self._settle(ALL_TENANTS, ALL_TENANTS, accepted=False)
        state = self._state(tenant, used.keys)
        if used.asks:
            self._settle(_name(tenant), used.keys.name, accepted=False)
        if state is State.NEW and sent:
            # Neither accepted nor refused: nothing speaks against others.
            self._learn(tenant, used.keys, State.FREE)

    def _settle(self, tenant: str, pair: str, *, accepted: bool) -> None:
        for budget in (self._own, self.shared):
            budget.settled(tenant, pair, accepted=accepted)

    def _ask(self, tenant: Tenant, pair: KeyPair, *, at_once: bool = False) -> Turn:
        new = self._state(tenant, pair) is State.NEW
        at_most = MOST_FIRST_CALLS if new and not tenant.previous_access_key else 1
        return self._turn(_name(tenant), pair.name, at_most, at_once=at_once)

    def _ask_for_all(self, tenant: Tenant, pair: KeyPair) -> Turn:
        """Ask for one of the places of all tenants; where none is left, the one of `pair` is given back."""
        turn = self._turn(ALL_TENANTS, ALL_TENANTS, MOST_FIRST_CALLS_OF_ALL)
        if not turn.granted:
            self._settle(_name(tenant), pair.name, accepted=False)
        return turn

    def _turn(self, tenant: str, pair: str, at_most: int, *, at_once: bool = False) -> Turn:
        shared = self.shared.ask(tenant, pair, LEASE_S, at_most, at_once=at_once)
        if shared is not None:
            return Turn(*shared)
        return self._own.ask(tenant, pair, LEASE_S, at_most, at_once=at_once)

    def _count(self, tenant: Tenant, pair: KeyPair, signatures: int, first_pause_s: float) -> None:
        self._own.refused(_name(tenant), pair.name, signatures, first_pause_s)
        self.shared.refused(_name(tenant), pair.name, signatures, first_pause_s)
        self._learn(tenant, pair, State.REFUSED)

    def _state(self, tenant: Tenant, pair: KeyPair) -> State:
        with self._changed:
            return self._states.get((tenant, pair.name), State.NEW)

    def _learn(self, tenant: Tenant, pair: KeyPair, state: State) -> None:
        with self._changed:
            if self._kept is not None and tenant not in self._kept:
                return
            if self._states.get((tenant, pair.name)) is state:
                return
            self._states[tenant, pair.name] = state
            states = [self._states.get((tenant, other.name), State.NEW) for other in key_pairs(tenant)]
            self._changed.notify_all()
        self._metrics.keys_refused(tenant.vdn, refused=all(each is State.REFUSED for each in states))

    def _refusal(self, tenant: Tenant, wait_s: float) -> UpstreamRefusedCredentials:
        with self._changed:
            detail = self._details.get(tenant, "CC-iSales refused the gateway's signature to another process.")
        when = f"within {max(1, round(wait_s))} s" if wait_s else "just now"
        return UpstreamRefusedCredentials(
            f"{detail} No call is made for now, because wrong signatures can lock the gateway's address; the next one"
            f" is tried {when}.",
            sent=False,
        )


def _name(tenant: Tenant) -> str:
    """Return a name for a tenant with these keys, by which nobody learns them."""
    said = "\0".join([str(tenant.vdn), tenant.access_key, tenant.previous_access_key])
    key = tenant.secret_key.reveal() + "\0" + tenant.previous_secret_key.reveal()
    return hmac.new(key.encode(), said.encode(), "sha256").hexdigest()[:16]
