"""The slots that several processes share, as the budget of one process sees them. And the null implementation."""

from typing import Final, Protocol

from gateway.model import Priority


class SharedSlots(Protocol):
    """Slots over all processes. Trouble with what keeps them is never an error and never takes long."""

    def try_take(self, token: str, ttl_s: float, priority: Priority) -> bool | None:
        """Take the slot `token` for the next `ttl_s` seconds, for a call of this priority; tell whether it was got.

        A token that this process holds already is prolonged, unless another process is to have the slot; then it is
        given back. After `False` this process counts as waiting for about as long as it takes to ask again.

        `None`: nobody keeps count over the processes now, and each counts for itself.
        """
        ...

    def give_back(self, token: str) -> None:
        """Give the slot up. One that is not held, or is not any more, does not matter."""
        ...


class NoSharedSlots:
    """No other process: nobody keeps count."""

    def try_take(self, token: str, ttl_s: float, priority: Priority) -> bool | None:
        """Return `None`."""
        return None

    def give_back(self, token: str) -> None:
        """Do nothing."""


NO_SHARED_SLOTS: Final = NoSharedSlots()
