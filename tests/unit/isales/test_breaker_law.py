"""The laws of admission: whatever calls do, none goes that its ways refuse, and the pauses are kept."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.errors import UpstreamOverloaded
from gateway.isales.breaker import Admission
from tests.unit.isales.breakers import DATABASE, DEAD, House
from tests.unit.isales.vendor import counted

OUTCOMES: list[BaseException | None] = [
    None,
    DEAD,
    DATABASE,
    RuntimeError("bug"),
    UpstreamOverloaded("busy", retry_after_s=7, pause_s=7),
    UpstreamOverloaded("busy", retry_after_s=20, pause_s=20, one_vdn=True),
]


class BreakersMachine(RuleBasedStateMachine):
    """Calls of two VDNs begin and end in any order; what is admitted must fit what the ways say."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.pending: list[tuple[Admission, bool]] = []
        self.paused_until = {"all": float("-inf"), "1": float("-inf"), "2": float("-inf")}

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 5.0, 10.0, 40.0]))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.house.clock.advance(seconds)

    @rule(vdn=st.sampled_from([1, 2]))
    def begin(self, vdn: int) -> None:
        """Ask for a call: none goes on a way that is open, paused, or has a probe under way."""
        report = self.house.breakers.report()
        words = {report.get("all"), report.get(str(vdn))}
        before = len(self.pending)
        try:
            admission = self.house.breakers.admit(vdn, 1000.0)
        except UpstreamOverloaded as error:
            refused_s = error.retry_after_s or 0
        else:
            refused_s = 0
            self._admitted(admission, words, probe_of_all="all" in report)
        assert (refused_s > 0) is (len(self.pending) == before)
        assert refused_s <= 60
        assert refused_s == 0 or words != {None}

    def _admitted(self, admission: Admission, words: set[str | None], *, probe_of_all: bool) -> None:
        now = self.house.clock.now
        assert words <= {None, "half-open"}
        assert all(now >= self.paused_until[way] for way in ("all", str(admission.vdn)))
        assert not (probe_of_all and any(probing for _, probing in self.pending)), "one probe of all at a time"
        self.pending.append((admission, probe_of_all))

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def end(self, data: st.DataObject, outcome: BaseException | None) -> None:
        """End any pending call in any way."""
        admission, _ = self.pending.pop(data.draw(st.integers(0, len(self.pending) - 1)))
        clock = self.house.clock
        self.house.breakers.settle(admission, outcome)
        if isinstance(outcome, UpstreamOverloaded) and outcome.pause_s is not None:
            way = str(admission.vdn) if outcome.one_vdn else "all"
            self.paused_until[way] = max(self.paused_until[way], clock() + outcome.pause_s)

    @invariant()
    def pauses_agree(self) -> None:
        """Compare what is left of each pause with what CC-iSales asked for."""
        left = {way: max(0.0, until - self.house.clock.now) for way, until in self.paused_until.items()}
        assert counted(self.house.numbers, "upstream_pause_seconds") == {way: s for way, s in left.items() if s}


TestBreakersMachine = BreakersMachine.TestCase
