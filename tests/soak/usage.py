"""What the processes of the gateways hold over time, memory and descriptors, and whether that is flat."""

import contextlib
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

EVERY_S = 2.0

WARM_UP_S = 120.0
"""A process first loads what it needs, finds its pages, and meets each kind of trouble; for half its life at most."""

LONG_LIVED_S = 15.0
"""From this age on it is judged whether a process has grown."""

OLD_S = 300.0
GROWN_MIB = {False: 32.0, True: 16.0}
GROWN_FILES = 16
"""By what a process may have grown from the first quarter of its life after the warm-up to the last one.

Memory by whether it is older than `OLD_S`: the first time that ten answers of 4 MiB are read at once leaves a mark."""

MOST_MIB = 200.0
MOST_FILES = 300
"""What a process may hold at any time: itself 100 MiB, pages 8, 32 callers 4, and answers of 4 MiB that are read, ten
at once, before they are refused; connections of nginx, to Redis and to CC-iSales."""

_STATUS = re.compile(r"^(VmRSS|Threads):\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process `pid`, in the part `role`, held in the round of samples that began `at` (monotonic seconds)."""

    at: float
    role: str
    pid: int
    mebibytes: float
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Life:
    """A process in short: from `began` to `ended`; `first` and `last` are the medians of its quarters.

    They are memory in MiB and descriptors; `most` is the most of both. Without `first` it was too short to be judged.
    """

    role: str
    pid: int
    began: float
    ended: float
    first: tuple[float, float] | None
    last: tuple[float, float]
    most: tuple[float, float]


def sample(at: float, role: str, pid: int) -> Sample | None:
    """Return what a process holds now, in the round of `at`, `None` if it is gone."""
    with contextlib.suppress(OSError, KeyError):
        folder = Path(f"/proc/{pid}")
        found = {name: int(number) for name, number in _STATUS.findall((folder / "status").read_text("utf-8"))}
        files = len(list((folder / "fd").iterdir()))
        return Sample(at, role, pid, found["VmRSS"] / 1024, files, found["Threads"])
    return None


def lives(samples: Iterable[Sample]) -> list[Life]:
    """Return all processes that were sampled, in order of their first sample."""
    of_process: dict[tuple[str, int], list[Sample]] = {}
    for one in samples:
        of_process.setdefault((one.role, one.pid), []).append(one)
    return [_life(role, pid, found) for (role, pid), found in of_process.items()]


def faults_of(all_lives: Iterable[Life]) -> list[str]:
    """Return which processes have grown, or held more than there was reason to."""
    found = []
    for life in all_lives:
        who = f"{life.role} (process {life.pid}, {life.ended - life.began:.0f} s)"
        if life.most[0] > MOST_MIB:
            found.append(f"{who} held {life.most[0]:.0f} MiB, and {MOST_MIB:.0f} are the most")
        if life.most[1] > MOST_FILES:
            found.append(f"{who} held {life.most[1]:.0f} descriptors, and {MOST_FILES} are the most")
        if life.first is not None:
            grown = life.last[0] - life.first[0], life.last[1] - life.first[1]
            may_grow = GROWN_MIB[life.ended - life.began >= OLD_S]
            if grown[0] > may_grow:
                found.append(f"{who} grew by {grown[0]:.1f} MiB, and {may_grow:.0f} are the most")
            if grown[1] > GROWN_FILES:
                found.append(f"{who} grew by {grown[1]:.0f} descriptors, and {GROWN_FILES} are the most")
    return found


def _life(role: str, pid: int, samples: Sequence[Sample]) -> Life:
    began, ended = samples[0].at, samples[-1].at
    warm_up_s = min(WARM_UP_S, (ended - began) / 2)
    settled = [one for one in samples if one.at - began >= warm_up_s]
    quarter = len(settled) // 4
    judged = ended - began >= LONG_LIVED_S and quarter > 0
    most = max(one.mebibytes for one in samples), float(max(one.files for one in samples))
    first = _medians(settled[:quarter]) if judged else None
    return Life(role, pid, began, ended, first, _medians(settled[-quarter:] if judged else samples), most)


def over_time(samples: Sequence[Sample], parts: int = 10) -> Iterator[tuple[float, str, float, int, int]]:
    """Yield what the processes of each role held together, at the beginning, after each of so many parts, at the end.

    That is the time in seconds since the first sample, the role, MiB, descriptors and threads.
    """
    rounds = sorted({one.at for one in samples})
    for at in dict.fromkeys(rounds[(len(rounds) - 1) * part // parts] for part in range(parts + 1)):
        for role in sorted({one.role for one in samples if one.at == at}):
            of_each = [one for one in samples if one.role == role and one.at == at]
            memory = sum(one.mebibytes for one in of_each)
            yield at - rounds[0], role, memory, sum(one.files for one in of_each), sum(one.threads for one in of_each)


def _medians(samples: Sequence[Sample]) -> tuple[float, float]:
    return (
        statistics.median(one.mebibytes for one in samples),
        statistics.median(float(one.files) for one in samples),
    )


class Sampler:
    """Takes samples of the processes that `pids` returns, by their roles, in a thread of its own."""

    def __init__(self, pids: Callable[[], Iterable[tuple[str, int]]], every_s: float = EVERY_S) -> None:
        self.samples: list[Sample] = []
        self._pids = pids
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            at = time.monotonic()
            self.samples += filter(None, [sample(at, role, pid) for role, pid in self._pids()])
