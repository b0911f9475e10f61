"""The parts of an app that outlive it: the next app takes them over, where what decides about them is the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Part:
    value: Any
    decided_by: object
    close: Callable[[], None] | None
    drain: Callable[[], None] | None = None


class Parts:
    """What one app is made of, as far as it lasts or has to be closed. `before` are the parts of the app before it."""

    def __init__(self, before: "Parts | None" = None) -> None:
        self._before = {} if before is None else before._parts  # noqa: SLF001 -- of the same class
        self._parts: dict[str, _Part] = {}

    @property
    def continued(self) -> bool:
        """Whether there is an app before, from which parts may be taken over."""
        return bool(self._before)

    def take(self, name: str, decided_by: object, make: Callable[[], T], close: Callable[[T], None] | None = None) -> T:
        """Return the part called `name`: that of the app before, if an equal `decided_by` made it, else a new one.

        `close` is called with it when no app uses it any more.
        """
        part = self._parts.get(name) or self._before.get(name)
        if part is None or part.decided_by != decided_by:
            value = make()
            part = _Part(value, decided_by, None if close is None else lambda: close(value))
        self._parts[name] = part
        return cast(T, part.value)

    def own(self, name: str, value: T, close: Callable[[], None], drain: Callable[[], None] | None = None) -> T:
        """Return `value`, a part that the next app never takes over; `close` is called when this app has ended.

        `drain` is called when the process is about to end, and may be called before that again.
        """
        self._parts[name] = _Part(value, object(), close, drain)
        return value

    def drain(self) -> None:
        """Have the parts begin nothing any more that no caller waits for."""
        for part in self._parts.values():
            if part.drain is not None:
                part.drain()

    def forget_before(self) -> None:
        """Let go of the app before: all that is to be taken over has been."""
        self._before = {}

    def close(self, heir: "Parts | None" = None) -> None:
        """Close the parts that `heir` has not taken over."""
        kept = set() if heir is None else {id(part) for part in heir._parts.values()}  # noqa: SLF001 -- the same
        for part in reversed(self._parts.values()):
            if part.close is not None and id(part) not in kept:
                part.close()
