"""Part `memory`: answers that are meant to fill it, again and again, ten at once."""

from itertools import count, islice

from tests.benchmarks.callers import one_after_the_other
from tests.benchmarks.contenders import Contender, gateway
from tests.benchmarks.faults.settings import WITHOUT_BREAKER
from tests.benchmarks.processes import MEBIBYTE, NotMeasured, Usage, usage
from tests.benchmarks.table import Line
from tests.scenarios.upstream.fault_table import BROKEN_CONTRACT, fault_table
from tests.scenarios.upstream.raw_server import RawServer

NAMES = ("gzip bomb, 200 MiB", "endless body")
CALLERS = 10
WARM_UP = 50
REPEATS = 300
LIMIT_S = 300.0
WANDERING_MIB = 16.0
"""What a server's memory may wander by. Were these answers kept, it would grow by a gibibyte."""

READING_MIB = CALLERS * 4.0
"""What ten answers take that are read up to `isales.max_response_bytes`."""


def memory() -> list[Line]:
    """Measure memory before and after many such answers, and the most that there was."""
    lines: list[Line] = []
    for fault in fault_table(0.0):
        if fault.name in NAMES:
            with RawServer() as upstream, gateway(upstream.url, WITHOUT_BREAKER) as ours:
                upstream.usually = fault.behave(upstream)
                numbers = count(1)
                _ask(ours, islice(numbers, WARM_UP))
                before = usage(ours.process)
                _ask(ours, islice(numbers, REPEATS))
                lines += _lines(f"{fault.name}, {REPEATS} times", before, usage(ours.process))
    return lines


def _ask(ours: Contender, pages: "islice[int]") -> None:
    answers = one_after_the_other(ours.port, (f"/campaigns?page={page}" for page in pages), CALLERS, LIMIT_S)
    if {answer.status for answer in answers} != {BROKEN_CONTRACT[0]}:
        raise NotMeasured("Not all of these answers were refused for what they are.")


def _lines(row: str, before: Usage, after: Usage) -> list[Line]:
    kept = (after.resident_bytes - before.resident_bytes) / MEBIBYTE
    most = (after.most_resident_bytes - before.resident_bytes) / MEBIBYTE
    return [
        Line(row, "memory before", before.resident_bytes / MEBIBYTE, "MiB"),
        Line(row, "memory after, grown by", kept, "MiB", at_most=WANDERING_MIB),
        Line(row, "most memory meanwhile, more by", most, "MiB", at_most=READING_MIB + WANDERING_MIB),
    ]
