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

SAID = UpstreamResult("0200006", "database")
GOOD, BAD, UNANSWERED, NOTHING = Verdict.GOOD, Verdict.BAD, Verdict.UNANSWERED, Verdict.NOTHING


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
        (UpstreamUnreachable("x"), UNANSWERED, UNANSWERED),
        (UpstreamTimeout("x"), UNANSWERED, UNANSWERED),
        (UpstreamUnreachable("x", sent=False), BAD, BAD),
        (UpstreamTimeout("x", sent=False), BAD, BAD),
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
    """An envelope or a refused signature shows that the way is good; what is no answer is bad for both.

    Silence and want of a connection are told from what some proxy on the way has answered.
    """
    assert judge(error) == (of_vdn, of_all)
