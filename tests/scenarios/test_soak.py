"""The soak, for `SOAK_SECONDS` (30): everything at once, and no error that the contract does not announce."""

import os

from tests.soak.announced import ANNOUNCED
from tests.soak.report import judge, report
from tests.soak.run import DENSE, WELL_S, soak
from tests.support.programs import program

SECONDS = float(os.environ.get("SOAK_SECONDS") or 30)
SEED = int(os.environ.get("SOAK_SEED") or 1)
PER_S = 50.0


def test_under_random_faults_callers_get_only_what_is_announced() -> None:
    """No error without its fault, no foreign row, no call too many, no growth; and at the end all is well again."""
    program("nginx", "nginx")
    outcome = soak(SECONDS, SEED, PER_S, DENSE, each_once=True)
    verdict = judge(outcome)
    print(f"\n{report(outcome, verdict)}")  # noqa: T201 -- shown with -s, and when it fails
    assert verdict.faults == []
    assert all(heard.ended < outcome.ended - WELL_S for heard in outcome.heard)
    assert {window.fault for window in outcome.windows} == set(ANNOUNCED)
    assert any(life.role == "A worker" and life.first is not None for life in outcome.lives)
    # It was a mix: each way that an answer can come was taken, and pages went through all their ages.
    kinds = outcome.ledger.kinds
    for kind in ("200 hit", "200 miss", "200 stale, stale-while-revalidate", "304 hit", "503 upstream-overloaded"):
        assert kinds[kind] > 0, kind
    for start in ("400", "401", "403", "429", "502", "200 stale, upstream-"):
        assert any(kind.startswith(start) for kind in kinds), start
    assert outcome.ledger.rows > 0
    assert outcome.by_nginx > 0
    assert outcome.upstream.failed
