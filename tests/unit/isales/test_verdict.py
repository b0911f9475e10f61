"""The table of what the end of a call says."""

import pytest

from gateway.errors import (
    InternalError,
    NotFound,
    UpstreamBrokenContract,
    UpstreamFailed,
    UpstreamForbidden,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamRejectedParameters,
    UpstreamResult,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.isales.verdict import Verdict, judge
from gateway.model import Deadline

SAID = UpstreamResult("0200006", "database")
DEADLINE = Deadline.after(8.0)
GOOD, BAD, NOTHING = Verdict.GOOD, Verdict.BAD, Verdict.NOTHING


@pytest.mark.parametrize(
    ("error", "of_vdn", "of_all"),
    [
        (None, GOOD, GOOD),
        (UpstreamRejectedParameters("x", upstream=UpstreamResult("0200001", "")), GOOD, GOOD),
        (UpstreamFailed("x", upstream=SAID), BAD, GOOD),
        (UpstreamOverloaded("x", upstream=SAID), BAD, GOOD),
        (UpstreamRefusedCredentials("x"), BAD, GOOD),
        (UpstreamFailed("x"), BAD, BAD),
        (UpstreamOverloaded("x", retry_after_s=7), BAD, BAD),
        (UpstreamOverloaded("x", one_vdn=True), BAD, NOTHING),
        (UpstreamOverloaded("x", one_vdn=True, upstream=SAID), BAD, GOOD),
        (UpstreamForbidden("x"), NOTHING, NOTHING),
        (UpstreamForbidden("x", upstream=SAID), NOTHING, NOTHING),
        (UpstreamUnreachable("x"), BAD, BAD),
        (UpstreamTimeout("x"), BAD, BAD),
        (UpstreamBrokenContract("x"), BAD, BAD),
        (InternalError("x"), NOTHING, NOTHING),
        (NotFound("x"), NOTHING, NOTHING),
        (RuntimeError("x"), NOTHING, NOTHING),
        (KeyboardInterrupt(), NOTHING, NOTHING),
    ],
)
def test_each_end_says_something_of_the_vdn_and_of_all(
    error: BaseException | None, of_vdn: Verdict, of_all: Verdict
) -> None:
    """An envelope or a refused signature shows that the way is good; what is no answer is bad for both."""
    assert judge(error, DEADLINE) == (of_vdn, of_all)


def test_a_deadline_that_was_shortened_says_nothing() -> None:
    """Who gave CC-iSales less time than usual cannot blame it when that is over, but for other failures."""
    short = Deadline.after(8.0, shortened=True)
    over = Deadline.after(0.0, shortened=True)
    assert judge(UpstreamTimeout("x"), over) == (NOTHING, NOTHING)
    assert judge(UpstreamTimeout("x", sent=False), short) == (NOTHING, NOTHING)
    assert judge(UpstreamTimeout("x"), short) == (BAD, BAD)
    assert judge(UpstreamTimeout("x"), Deadline.after(0.0)) == (BAD, BAD)
    assert judge(UpstreamUnreachable("x"), over) == (BAD, BAD)
