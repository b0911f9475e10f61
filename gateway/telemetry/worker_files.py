"""The numbers of all workers of one server: each has a file in a folder of the server's, and reads those of the others.

A scrape reaches one worker, whichever it is. That one writes its own file first, so that no later scrape of another
one knows less than this one said. The lock on a file tells that its worker is alive, and goes away with it, however it
ends. What a worker counted outlasts it: with the next start it is added up in one file. `kill -9` loses what was
counted since the file was written, at most `WRITE_EVERY_S`.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from json import dumps, loads
from pathlib import Path
from uuid import uuid4

from gateway.telemetry.snapshot import Snapshot, from_json, outlasting, to_json, together

WRITE_EVERY_S = 1.0
_SUFFIX = ".worker"
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    alive: bool
    snapshot: Snapshot


class WorkerFiles:
    """The files in `folder`, which is there and belongs to workers of one server and to nobody else.

    Raises OSError where nothing can be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"{uuid4().hex}{_SUFFIX}"
        self._handle: int | None = None
        self._place: int | None = None
        self._written = ""
        with self._locked(fcntl.LOCK_EX):
            self._add_up_the_dead()
            self.name = self._free_name()
            """The lowest number that no other living worker has."""

    def _free_name(self) -> str:
        # The lock tells the living, and goes away with this process.
        for number in count():
            place = os.open(self._folder / f"{number}.name", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(place)
            else:
                self._place = place
                return str(number)
        raise AssertionError("numbers do not end")

    def write(self, snapshot: Snapshot) -> None:
        """Write the numbers of this process, if they are others than before."""
        document = to_json(snapshot)
        if document == self._written:
            return
        new = self._path.with_suffix(".new")
        handle = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        try:
            # Before anybody can find it: a file without a lock is that of a dead worker.
            fcntl.flock(handle, fcntl.LOCK_EX)
            with os.fdopen(os.dup(handle), "w", encoding="utf-8") as file:
                file.write(document)
            new.replace(self._path)
        except BaseException:
            os.close(handle)
            raise
        self._handle, before = handle, self._handle
        self._written = document
        if before is not None:
            os.close(before)

    def over_workers(self, own: Snapshot) -> Snapshot:
        """Return `own` together with the numbers of all other workers that are, or were."""
        with suppress(OSError):
            self.write(own)
        with suppress(OSError), self._locked(fcntl.LOCK_SH):
            ended, added_up = self._ended()
            others = [found for found in self._found() if found.path.name not in added_up]
            return together(
                [own, ended, *(found.snapshot if found.alive else outlasting(found.snapshot) for found in others)]
            )
        return own

    def close(self) -> None:
        """Be dead to the others: what was counted stays, what was held is gone."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        if self._place is not None:
            os.close(self._place)
            self._place = None

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Keep others from adding up while this one reads, or from reading while it adds up."""
        handle = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, how)
            yield
        finally:
            os.close(handle)

    def _found(self) -> Iterator[_Found]:
        """Yield the files of other workers; one that cannot be read is passed over."""
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if path != self._path:
                # It may be replaced by a newer one just now, and be found unlocked because of that.
                for _ in range(10):
                    with suppress(OSError, *_UNREADABLE):
                        found = _read(path)
                        if found is not None:
                            yield found
                            break

    def _ended(self) -> tuple[Snapshot, frozenset[str]]:
        """Return what ended workers counted, and the names of the files that are in it."""
        with suppress(OSError, *_UNREADABLE):
            document = loads((self._folder / "ended").read_text(encoding="utf-8"))
            return from_json(document["numbers"]), frozenset(document["of"])
        return {}, frozenset()

    def _add_up_the_dead(self) -> None:
        ended, added_up = self._ended()
        dead = [found for found in self._found() if not found.alive]
        new = [found for found in dead if found.path.name not in added_up]
        if new:
            total = together([ended, *(outlasting(found.snapshot) for found in new)])
            document = {"numbers": to_json(total), "of": [found.path.name for found in dead]}
            temporary = self._folder / "ended.new"
            temporary.write_text(dumps(document), encoding="utf-8")
            temporary.replace(self._folder / "ended")
        for found in dead:
            found.path.unlink(missing_ok=True)


def _read(path: Path) -> _Found | None:
    """Return what is in the file of a worker, `None` if it was replaced meanwhile."""
    with path.open("r", encoding="utf-8") as file:
        alive = False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            alive = True
        snapshot = from_json(file.read())
        if not alive and os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            return None
        return _Found(path, alive, snapshot)
