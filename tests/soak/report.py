"""What is told of a soak, and whether it was good."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.soak import calls, usage
from tests.soak.announced import ANNOUNCED, Window, excuse, without_excuse
from tests.soak.callers import Heard
from tests.soak.run import Outcome
from tests.soak.usage import Life, over_time

MOST_SHOWN = 20
LATELY_S = 15.0


@dataclass(frozen=True)
class Verdict:
    """What was wrong, each a list of sentences that is empty where all was well."""

    unannounced: Sequence[str]
    foreign: Sequence[str]
    calls: Sequence[str]
    usage: Sequence[str]
    gateways: Sequence[str]

    @property
    def faults(self) -> list[str]:
        """All of it."""
        return [*self.unannounced, *self.foreign, *self.calls, *self.usage, *self.gateways]


def judge(outcome: Outcome) -> Verdict:
    """Return what was wrong."""
    ledger = outcome.ledger
    foreign = [f"{ledger.foreign} of {ledger.rows} rows were of another VDN"] if ledger.foreign else []
    return Verdict(
        [_told(heard, outcome) for heard in outcome.heard if not _is_announced(heard, outcome.windows)],
        foreign,
        calls.faults_of(outcome.upstream, outcome.needed, ledger.kinds),
        usage.faults_of(outcome.lives),
        [f"a gateway logged: {line[:300]}" for line in outcome.tracebacks],
    )


def _is_announced(heard: Heard, windows: Sequence[Window]) -> bool:
    seen = heard.seen
    return not seen.wrong and bool(seen.problem) and excuse(seen.problem, heard.began, heard.ended, windows) is not None


def _told(heard: Heard, outcome: Outcome) -> str:
    at, request = heard.began - outcome.began, heard.request
    return (
        f"{at:.1f} s, {heard.ended - heard.began:.2f} s long: {request.client.name} asked {request.query}, got "
        f"{heard.seen.kind} {heard.seen.wrong}; lately: "
        f"{', '.join(_lately(heard, outcome, LATELY_S)) or 'nothing'}"
    )


def _lately(heard: Heard, outcome: Outcome, before_s: float) -> list[str]:
    """Return what was wrong while this request was under way, and up to `before_s` before."""
    return [
        f"{window.fault} {window.began - outcome.began:.1f} to {window.ended - outcome.began:.1f}"
        for window in outcome.windows
        if window.began <= heard.ended and heard.began <= window.ended + before_s
    ]


def report(outcome: Outcome, verdict: Verdict) -> str:
    """Return it all in Markdown."""
    lines = [
        *_summary(outcome, verdict),
        "",
        *_answers(outcome),
        "",
        *_faults(outcome),
        "",
        *_usage(outcome),
        "",
        *_over_time(outcome),
    ]
    for title, found in (
        ("Not announced", verdict.unannounced),
        ("Foreign rows", verdict.foreign),
        ("Calls", verdict.calls),
        ("Memory and descriptors", verdict.usage),
        ("In the gateways' logs", verdict.gateways),
    ):
        if found:
            lines += ["", f"**{title}: {len(found)}**", "", *(f"- {one}" for one in found[:MOST_SHOWN])]
    return "\n".join([*lines, ""])


def _summary(outcome: Outcome, verdict: Verdict) -> Iterator[str]:
    ledger, needed, upstream = outcome.ledger, outcome.needed, outcome.upstream
    lasted = outcome.ended - outcome.began
    total = sum(ledger.kinds.values())
    quiet = without_excuse(outcome.windows, outcome.began, outcome.ended)
    yield f"| what | in {lasted:.0f} s, seed {outcome.seed} | limit | |"
    yield "|---|---|---|---|"
    yield f"| requests | {total:,} ({total / lasted:.0f}/s of {outcome.per_s:.0f} asked for) | | |"
    yield f"| answered by nginx' micro cache | {outcome.by_nginx:,} | | |"
    yield f"| answers that nothing announced | {len(verdict.unannounced)} | 0 | {_ok(verdict.unannounced)} |"
    yield f"| time in which no problem at all was announced | {quiet:.0f} s | | |"
    yield f"| rows of a foreign VDN | {ledger.foreign} of {ledger.rows:,} | 0 | {_ok(verdict.foreign)} |"
    yield f"| calls required by lifetimes and misses | {needed.least:,} ({needed.most:,} without Redis at times) | | |"
    ratio = upstream.good / max(1, needed.most)
    yield (
        f"| good calls | {upstream.good:,} ({ratio:.2f} of what is required) | {calls.GOOD_ROOM:g} | "
        f"{_ok(verdict.calls)} |"
    )
    callers = calls.callers_of(outcome.needed, ledger.kinds)
    yield (
        f"| all calls, failed ones too | {upstream.total:,} ({upstream.total / max(1, callers):.2f} an answer that "
        f"no fresh page gave) | {calls.ATTEMPTS_ROOM:g} | {_ok(verdict.calls)} |"
    )
    yield f"| processes whose memory or descriptors grew | {len(verdict.usage)} | 0 | {_ok(verdict.usage)} |"
    yield f"| tracebacks in the gateways' logs | {len(verdict.gateways)} | 0 | {_ok(verdict.gateways)} |"
    yield f"| requests sent again, their kept connection closed before them | {ledger.resent:,} | | |"
    if ledger.slowest is not None:
        slowest = ledger.slowest
        during = ", ".join(_lately(slowest, outcome, 0.0)) or "while all was well"
        yield f"| slowest answer | {slowest.ended - slowest.began:.1f} s: {slowest.seen.kind} ({during}) | | |"


def _ok(found: Sequence[str]) -> str:
    return "NOT MET" if found else "ok"


def _answers(outcome: Outcome) -> Iterator[str]:
    yield "| answer | how many |"
    yield "|---|---|"
    for kind, count in outcome.ledger.kinds.most_common():
        yield f"| {kind} | {count:,} |"


def _faults(outcome: Outcome) -> Iterator[str]:
    met: Counter[tuple[str, str]] = Counter()
    for heard in outcome.heard:
        window = excuse(heard.seen.problem, heard.began, heard.ended, outcome.windows)
        if window is not None:
            met[window.fault, heard.seen.problem] += 1
    yield "| fault | times | seconds in all | problems that it announces | how many callers got one |"
    yield "|---|---|---|---|---|"
    for fault, announced in ANNOUNCED.items():
        windows = [window for window in outcome.windows if window.fault == fault]
        if windows:
            seconds = sum(window.ended - window.began for window in windows)
            problems = ", ".join(one.problem for one in announced) or "none"
            count = sum(met[fault, one.problem] for one in announced)
            yield f"| {fault} | {len(windows)} | {seconds:.0f} | {problems} | {count:,} |"


def _usage(outcome: Outcome) -> Iterator[str]:
    yield "| process | lived | memory, first to last quarter | at most | descriptors, first to last | at most |"
    yield "|---|---|---|---|---|---|"
    for life in outcome.lives:
        if life.first is not None:
            yield _life(life)
    short = [life for life in outcome.lives if life.first is None]
    if short:
        mebibytes, files = max(life.most[0] for life in short), max(life.most[1] for life in short)
        yield f"| {len(short)} that were ended sooner | | | {mebibytes:.0f} MiB | | {files:.0f} |"


def _over_time(outcome: Outcome) -> Iterator[str]:
    """Yield a table: at each tenth of the time what each role's processes held together."""
    points = list(over_time(outcome.samples))
    roles = sorted({role for _, role, *_ in points})
    yield f"| after | {' | '.join(f'{role}: MiB, descriptors, threads' for role in roles)} |"
    yield f"|---|{'---|' * len(roles)}"
    for at in sorted({at for at, *_ in points}):
        held = {role: f"{mib:.0f}, {files}, {threads}" for when, role, mib, files, threads in points if when == at}
        yield f"| {at:.0f} s | {' | '.join(held.get(role, '') for role in roles)} |"


def _life(life: Life) -> str:
    first, last, most = life.first or life.last, life.last, life.most
    return (
        f"| {life.role} {life.pid} | {life.ended - life.began:.0f} s | {first[0]:.1f} to {last[0]:.1f} MiB | "
        f"{most[0]:.0f} MiB | {first[1]:.0f} to {last[1]:.0f} | {most[1]:.0f} |"
    )
