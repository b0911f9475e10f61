"""Bytes that are written once and then read by many: in memory while they are few, then in a file without a name."""

import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Final

MOST_EACH: Final = 8 * 1024 * 1024
MOST_IN_ALL: Final = 16 * 1024 * 1024
"""Bytes in memory, of one spool and of all."""

PIECE: Final = 64 * 1024


class Spooling:
    """Makes spools whose files are in `folder`, that of the system for temporary files where it is empty."""

    def __init__(self, folder: str = "", most_each: int = MOST_EACH, most_in_all: int = MOST_IN_ALL) -> None:
        self.folder = folder or None
        self.most_each = most_each
        self._left = most_in_all
        self._lock = threading.Lock()

    def spool(self) -> "Spool":
        """Return a new one, empty."""
        return Spool(self)

    def reserve(self, count: int) -> bool:
        """Take so many bytes of memory, if there are; give them back where `count` is below 0."""
        with self._lock:
            if count > self._left:
                return False
            self._left -= count
            return True


class Spool:
    """One of them. Its file has no name from the start (`O_TMPFILE`), so nothing is left of it, however we end.

    Written by one thread, and then read by any. It goes when nobody holds it any more.
    """

    def __init__(self, spooling: Spooling) -> None:
        self._spooling = spooling
        self._memory: bytearray | None = bytearray()
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._lock = threading.Lock()
        self.size = 0
        """Bytes so far."""

    def write(self, data: bytes) -> int:
        """Append `data`; return how many bytes that were. Raises `OSError`, as where the disk is full."""
        if self._memory is not None:
            if self.size + len(data) <= self._spooling.most_each and self._spooling.reserve(len(data)):
                self._memory += data
            else:
                self._roll()
        if self._file is not None:
            self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Have all that was written where `read` finds it. Raises `OSError`."""
        if self._file is not None:
            self._file.flush()

    @property
    def is_in_memory(self) -> bool:
        """Whether there is no file."""
        return self._file is None

    def digest(self) -> bytes:
        """Return the SHA-256 of all."""
        return self._hash.digest()

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to and not with `end`, in pieces."""
        for begins in range(start, end, PIECE):
            count = min(PIECE, end - begins)
            memory, file = self._memory, self._file
            if file is not None:
                yield os.pread(file.fileno(), count, begins)
            elif memory is not None:
                yield bytes(memoryview(memory)[begins : begins + count])

    def lines(self) -> Iterator[bytes]:
        """Yield all lines, with their ends."""
        rest = b""
        for piece in self.read(0, self.size):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line + b"\n"
        if rest:
            yield rest

    def close(self) -> None:
        """Let go of memory and file."""
        with self._lock:
            memory, self._memory = self._memory, None
            file, self._file = self._file, None
        if memory is not None:
            self._spooling.reserve(-len(memory))
        if file is not None:
            # It writes what is left first, which a full disk does not take, and closes all the same.
            with contextlib.suppress(OSError):
                file.close()

    def _roll(self) -> None:
        memory = self._memory or bytearray()
        file = tempfile.TemporaryFile(dir=self._spooling.folder)  # noqa: SIM115 -- it is closed when nobody needs it
        self._file, self._memory = file, None
        self._spooling.reserve(-len(memory))
        file.write(memory)

    def __del__(self) -> None:
        self.close()
