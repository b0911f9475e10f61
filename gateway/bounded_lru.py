"""A mapping that is bounded in bytes; what nobody has used for longest goes first."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sized
from typing import Generic, TypeVar

OVERHEAD_BYTES = 400
"""What an entry takes beside its key and its value: the objects around them."""

K = TypeVar("K", bound="Sized")
V = TypeVar("V", bound="Sized")


class BoundedLru(Generic[K, V]):
    """Values by key. An entry counts as the lengths of its key and value and `OVERHEAD_BYTES`."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self.evictions = 0
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._entries))

    def get(self, key: K) -> V | None:
        """Return the value under `key` and count it as used, or `None`."""
        # Without the lock: each of the two steps is atomic, and hits must not queue for each other.
        value = self._entries.get(key)
        if value is not None:
            try:  # noqa: SIM105 -- every hit comes here, and `suppress` takes four times as long
                self._entries.move_to_end(key)
            except KeyError:
                pass
        return value

    def put(self, key: K, value: V) -> bool:
        """Keep `value` under `key`. `False`, and nothing kept under it, when it alone is larger than the bound."""
        size = _size(key, value)
        with self._lock:
            self._drop(key)
            if size > self.max_bytes:
                return False
            self._make_room(size)
            self._entries[key] = value
            self.held_bytes += size
            return True

    def resize(self, max_bytes: int) -> None:
        """Hold at most `max_bytes` from now on."""
        with self._lock:
            self.max_bytes = max_bytes
            self._make_room(0)

    def remove(self, key: K, value: V | None = None) -> bool:
        """Forget `key`; with a `value`, only if it is still that one. `False` when there was nothing to forget."""
        with self._lock:
            if value is not None and self._entries.get(key) is not value:
                return False
            return self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self.held_bytes = 0

    def _make_room(self, size: int) -> None:
        while self.held_bytes + size > self.max_bytes:
            # In one step: a look at the first key and then its removal could meet a hit in between.
            oldest, evicted = self._entries.popitem(last=False)
            self.held_bytes -= _size(oldest, evicted)
            self.evictions += 1

    def _drop(self, key: K) -> bool:
        value = self._entries.pop(key, None)
        if value is None:
            return False
        self.held_bytes -= _size(key, value)
        return True


def _size(key: Sized, value: Sized) -> int:
    return len(key) + len(value) + OVERHEAD_BYTES
