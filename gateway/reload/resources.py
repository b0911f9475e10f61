"""The resources of an app that outlive it: the next app takes them over, where what decides about them is the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Resource:
    value: Any
    decided_by: object
    close: Callable[[], None] | None
    drain: Callable[[], None] | None = None


class Resources:
    """What one app is made of, as far as it lasts or has to be closed. `before` are those of the app before it."""

    def __init__(self, before: "Resources | None" = None) -> None:
        self._before = {} if before is None else before._resources  # noqa: SLF001 -- of the same class
        self._resources: dict[str, _Resource] = {}

    @property
    def continued(self) -> bool:
        """Whether there is an app before, from which resources may be taken over."""
        return bool(self._before)

    def take(self, name: str, decided_by: object, make: Callable[[], T], close: Callable[[T], None] | None = None) -> T:
        """Return the resource called `name`: that of the app before, if an equal `decided_by` made it, else a new one.

        `close` is called with it when no app uses it any more.
        """
        resource = self._resources.get(name) or self._before.get(name)
        if resource is None or resource.decided_by != decided_by:
            value = make()
            resource = _Resource(value, decided_by, None if close is None else lambda: close(value))
        self._resources[name] = resource
        return cast(T, resource.value)

    def own(self, name: str, value: T, close: Callable[[], None], drain: Callable[[], None] | None = None) -> T:
        """Return `value`, a resource that the next app never takes over; `close` is called when this app has ended.

        `drain` is called when the process is about to end, and may be called before that again.
        """
        self._resources[name] = _Resource(value, object(), close, drain)
        return value

    def drain(self) -> None:
        """Have the resources begin nothing any more that no caller waits for."""
        for resource in self._resources.values():
            if resource.drain is not None:
                resource.drain()

    def forget_before(self) -> None:
        """Let go of the app before: all that is to be taken over has been."""
        self._before = {}

    def close(self, heir: "Resources | None" = None) -> None:
        """Close the resources that `heir` has not taken over."""
        kept = set() if heir is None else {id(resource) for resource in heir._resources.values()}  # noqa: SLF001 -- the same
        for resource in reversed(self._resources.values()):
            if resource.close is not None and id(resource) not in kept:
                resource.close()
