"""Has it all together: callers and faults for a time, then what came of it."""

import contextlib
import json
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.announced import FLIGHT_S, Window, note_refusals
from tests.soak.callers import Caller, Heard, Ledger
from tests.soak.calls import Required, Upstream, required
from tests.soak.clients import chance, clients
from tests.soak.faults import Draw, Lane
from tests.soak.mix import Mix
from tests.soak.process_faults import Targets, of_gateways
from tests.soak.stack import CallLog, Stack, stack
from tests.soak.upstream_faults import of_isales, of_redis
from tests.soak.usage import Life, Sample, Sampler, lives

CALLERS = 32
CALM_S = 12.0
"""At the end nothing goes wrong any more, and within so long all must be well again."""
WELL_S = FLIGHT_S
"""For so long all callers have what they asked for before it is said to be well. Nobody still waits then for what was
asked for while something was wrong."""

DRAWS: Mapping[str, Draw] = {
    "CC-iSales": Draw(pause_s=(4.0, 16.0), hold_s=(1.0, 6.0)),
    "Redis": Draw(pause_s=(10.0, 30.0), hold_s=(0.5, 6.0)),
    "the gateways": Draw(pause_s=(1.0, 5.0), hold_s=(0.0, 0.0)),
}
DENSE: Mapping[str, Draw] = {
    "CC-iSales": Draw(pause_s=(0.2, 0.8), hold_s=(0.4, 1.0)),
    "Redis": Draw(pause_s=(3.0, 7.0), hold_s=(0.5, 3.0)),
    "the gateways": Draw(pause_s=(2.0, 4.0), hold_s=(0.0, 0.0)),
}
"""One fault after the other: all kinds of CC-iSales in less than thirty seconds, and those of the gateways, which start
processes, once or twice."""


@dataclass
class Outcome:
    """All that came of a soak of `seconds` with `seed`, from `began` to `ended` (monotonic seconds)."""

    seed: int
    seconds: float
    per_s: float
    began: float
    ended: float
    ledger: Ledger
    windows: Sequence[Window]
    upstream: Upstream
    needed: Required
    samples: Sequence[Sample]
    by_nginx: int = 0
    tracebacks: list[str] = field(default_factory=list)

    @property
    def lives(self) -> list[Life]:
        """The processes of the gateways."""
        return lives(self.samples)

    @property
    def heard(self) -> Sequence[Heard]:
        """The answers that were not what was asked for."""
        return self.ledger.heard


def soak(
    seconds: float, seed: int, per_s: float, draws: Mapping[str, Draw] = DRAWS, *, each_once: bool = False
) -> Outcome:
    """Run the whole deployment for `seconds`, under about `per_s` requests a second, while things go wrong.

    With `each_once` for as much longer as it takes until every kind of fault has been there.
    """
    ledger, log = Ledger(), CallLog()
    with tempfile.TemporaryDirectory() as name, stack(Path(name), log) as running:
        log.upstream = Upstream()
        began = time.monotonic()
        with Sampler(running.pids) as sampler, _callers(running, ledger, per_s, seed):
            windows = _faults(running, seconds, seed, draws, each_once=each_once)
            _wait_until_well(ledger)
        ended = time.monotonic()
        by_nginx = _from_the_micro_cache(running.front.folder / "log/access.log")
        for gateway in running.gateways:
            gateway.stop()
        tracebacks = [line for gateway in running.gateways for line in gateway.tracebacks]
    note_refusals(windows, log.refusals)
    asks = sorted(ledger.asks, key=lambda ask: ask[0])
    needed = required(asks, windows, len(running.gateways))
    return Outcome(
        seed, seconds, per_s, began, ended, ledger, windows, log.upstream, needed, sampler.samples, by_nginx, tracebacks
    )


@contextlib.contextmanager
def _callers(running: Stack, ledger: Ledger, per_s: float, seed: int) -> Iterator[None]:
    tls: ssl.SSLContext = running.front.tls()
    mix = Mix(clients(), chance(seed, "pages"))
    each_per_s = per_s / CALLERS
    callers = [Caller(number, running.front.port, tls, mix, ledger, each_per_s, seed) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    try:
        yield
    finally:
        for caller in callers:
            caller.ended.set()
        with contextlib.ExitStack() as ending:
            for caller in callers:
                ending.callback(caller.end)


def _faults(running: Stack, seconds: float, seed: int, draws: Mapping[str, Draw], *, each_once: bool) -> list[Window]:
    """Let things go wrong until `CALM_S` before the end, and with `each_once` all of them; return what did."""
    plays = {
        "CC-iSales": of_isales(running.simulator),
        "Redis": of_redis(running.redis),
        "the gateways": of_gateways(running, Targets(running, seconds)),
    }
    lanes = [Lane(name, plays[name], draws[name], chance(seed, name)) for name in plays]
    with contextlib.ExitStack() as ending:
        for lane in lanes:
            lane.start()
            ending.callback(lane.end)
        time.sleep(max(0.0, seconds - CALM_S))
        for lane in lanes if each_once else ():
            lane.wait_for_each_once()
    return sorted((window for lane in lanes for window in lane.windows), key=lambda window: window.began)


def _wait_until_well(ledger: Ledger) -> None:
    """Return when all callers have had what they asked for during `WELL_S`, and after `CALM_S` at the latest."""
    began = time.monotonic()
    while (now := time.monotonic()) < began + CALM_S:
        last = max([began, *(heard.ended for heard in list(ledger.heard))])
        if now >= last + WELL_S:
            return
        time.sleep(last + WELL_S - now)


def _from_the_micro_cache(log: Path) -> int:
    """Return how many requests nginx answered itself from its micro cache."""
    with log.open(encoding="utf-8") as lines:
        return sum(json.loads(line)["cache"] == "HIT" for line in lines)
