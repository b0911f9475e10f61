"""What a call is signed with, and what is worth a second signature after a refusal. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.settings.model import Secret, Tenant

CLOCK_TOLERANCE_S: Final = 30.0
"""Clocks that differ by no more are taken for right: far more than a measurement is off, far less than any window."""

FURTHEST_AHEAD_S: Final = 86_400.0
"""A clock that is further off than a day is not believed: who says so is broken, or is not CC-iSales."""


class KeyName(StrEnum):
    """Which of a tenant's key pairs, also as it is counted."""

    CURRENT = "current"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An access key with its secret key."""

    name: KeyName
    access_key: str = field(repr=False)
    secret_key: Secret


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys to sign with, and by how many seconds CC-iSales' clock is ahead of ours (below 0: behind).

    `asks` says that their call is one of the few that find out whether the keys are good, `first` that nothing was
    known of these then, and `among_first` that it takes one of the few places there are before any signature was
    accepted.
    """

    keys: KeyPair
    clock_ahead_s: float = 0.0
    asks: bool = field(default=False, compare=False)
    first: bool = field(default=False, compare=False)
    among_first: bool = field(default=False, compare=False)


def key_pairs(tenant: Tenant) -> tuple[KeyPair, ...]:
    """Return the pairs that `tenant` has: the current one and, during a rotation, the previous one."""
    current = KeyPair(KeyName.CURRENT, tenant.access_key, tenant.secret_key)
    if not tenant.previous_access_key:
        return (current,)
    return current, KeyPair(KeyName.PREVIOUS, tenant.previous_access_key, tenant.previous_secret_key)


def clock_is_wrong(used: Credentials, ahead_s: float | None) -> bool:
    """Tell whether the time that `used` signs by explains a refusal.

    `ahead_s` is how far CC-iSales' clock is ahead of that time, seconds, `None` if that is not known.
    """
    return (
        ahead_s is not None
        and abs(ahead_s) > CLOCK_TOLERANCE_S
        and abs(used.clock_ahead_s + ahead_s) <= FURTHEST_AHEAD_S
    )


def second_try(used: Credentials, ahead_s: float | None, pairs: tuple[KeyPair, ...]) -> Credentials | None:
    """Return what to sign with after `used` was refused, `None` if there is nothing better.

    First the clock, because no key is good by a wrong one; then the other one of the tenant's `pairs`. A clock of our
    own that is good enough is taken as it is.
    """
    if ahead_s is not None and clock_is_wrong(used, ahead_s):
        right = used.clock_ahead_s + ahead_s
        return Credentials(used.keys, right if abs(right) > CLOCK_TOLERANCE_S else 0.0)
    other = next((pair for pair in pairs if pair.name is not used.keys.name), None)
    return None if other is None else Credentials(other, used.clock_ahead_s)
