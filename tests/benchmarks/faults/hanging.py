"""Part `hanging`: two minutes of a CC-iSales that never answers, a hundred callers, and no breaker to spare anybody."""

import threading
import time
from itertools import count

from tests.benchmarks.callers import one_after_the_other, percentile
from tests.benchmarks.contenders import Contender, gateway
from tests.benchmarks.faults.settings import WITHOUT_BREAKER
from tests.benchmarks.processes import MEBIBYTE, NotMeasured, Usage, usage
from tests.benchmarks.table import Line
from tests.scenarios.upstream.fault_behaviours import never_answers
from tests.scenarios.upstream.raw_server import RawServer, good

CALLERS = 100
OUTAGE_S = 120.0
IDLE_S = 45.0
"""granian ends a thread that was idle for 30 s."""

DEADLINE_S = 8.0
ROOM_S = 0.5
MOST_MIB = 32.0
ROW = "hanging"


def hanging() -> list[Line]:
    """Measure threads, memory and open files before, during and after it."""
    with RawServer() as upstream, gateway(upstream.url, WITHOUT_BREAKER) as ours:
        if ours.get("/campaigns").status_code != 200:
            raise NotMeasured("No page could be fetched while CC-iSales was well.")
        time.sleep(1.0)
        before = usage(ours.process)
        upstream.usually = never_answers(upstream)
        watch = _Watch(ours)
        answers = one_after_the_other(ours.port, (f"/campaigns?page={page}" for page in count(2)), CALLERS, OUTAGE_S)
        during = watch.end()
        upstream.usually = good
        time.sleep(DEADLINE_S)
        following = ours.get("/campaigns?page_size=1")
        time.sleep(IDLE_S)
        after = usage(ours.process)
    # Those that were waiting when time was up have no answer.
    answered = [answer for answer in answers if answer.status]
    half = len(during) // 2
    return [
        Line(ROW, "callers answered 503 or 504", len([a for a in answered if a.status in {503, 504}]), ""),
        Line(ROW, "other answers", len([a for a in answered if a.status not in {503, 504}]), "", at_most=0),
        Line(ROW, "slowest answer", percentile([a.ms for a in answered], 100) / 1000, "s", at_most=DEADLINE_S + ROOM_S),
        *_lines("threads", [each.threads for each in (before, after)], [each.threads for each in during]),
        *_lines("open files", [each.files for each in (before, after)], [each.files for each in during]),
        Line(ROW, "memory before", before.resident_bytes / MEBIBYTE, "MiB"),
        Line(ROW, "memory at most, first minute", max(e.resident_bytes for e in during[:half]) / MEBIBYTE, "MiB"),
        Line(ROW, "memory at most, second minute", max(e.resident_bytes for e in during[half:]) / MEBIBYTE, "MiB"),
        Line(
            ROW,
            "memory after, grown by",
            (after.resident_bytes - before.resident_bytes) / MEBIBYTE,
            "MiB",
            at_most=MOST_MIB,
        ),
        Line(ROW, "next good request, status", following.status_code, "", at_least=200, at_most=200),
    ]


class _Watch:
    """Looks at what the gateway uses once a second."""

    def __init__(self, ours: Contender) -> None:
        self._seen: list[Usage] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(ours,))
        self._thread.start()

    def end(self) -> list[Usage]:
        """Stop looking; return what was seen."""
        self._over.set()
        self._thread.join()
        return self._seen

    def _look(self, ours: Contender) -> None:
        while not self._over.wait(1.0):
            self._seen.append(usage(ours.process))


def _lines(what: str, ends: list[int], during: list[int]) -> list[Line]:
    before, after = ends
    return [
        Line(ROW, f"{what} before", before, ""),
        Line(ROW, f"{what} at most during", max(during), ""),
        Line(ROW, f"{what} after", after, "", at_most=before + CALLERS // 10),
    ]
