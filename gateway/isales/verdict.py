"""What the end of a call says about the way to CC-iSales, pure: of one VDN, and of the whole.

An answer that only CC-iSales can give, be it a failure or a refused signature, shows that the way is good; whose fault
it is is then a matter between CC-iSales and that VDN.
"""

from enum import Enum
from typing import Final, NamedTuple

from gateway.errors import (
    UpstreamError,
    UpstreamForbidden,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamRejectedParameters,
    UpstreamTimeout,
    UpstreamUnreachable,
)


class Verdict(Enum):
    """What one call says. `UNANSWERED` is bad, and nothing came back at all: no connection, or silence."""

    GOOD = "good"
    BAD = "bad"
    UNANSWERED = "unanswered"
    NOTHING = "nothing"


class Judgement(NamedTuple):
    """What one call says of its VDN, and of the whole of CC-iSales."""

    vdn: Verdict
    whole: Verdict


NO_JUDGEMENT: Final = Judgement(Verdict.NOTHING, Verdict.NOTHING)


def judge(error: BaseException | None) -> Judgement:
    """Return what a call says by ending in `error`, or in an answer if that is `None`."""
    if error is None or isinstance(error, UpstreamRejectedParameters):
        return Judgement(Verdict.GOOD, Verdict.GOOD)
    if not isinstance(error, UpstreamError) or isinstance(error, UpstreamForbidden):
        # What is forbidden locks ways by itself, see `breaker`.
        return NO_JUDGEMENT
    if error.upstream is not None or isinstance(error, UpstreamRefusedCredentials):
        return Judgement(Verdict.BAD, Verdict.GOOD)
    if isinstance(error, UpstreamOverloaded) and error.one_vdn:
        # Perhaps of a proxy on the way, so it does not show that all is good behind it.
        return Judgement(Verdict.BAD, Verdict.NOTHING)
    if isinstance(error, UpstreamUnreachable | UpstreamTimeout) and error.sent:
        return Judgement(Verdict.UNANSWERED, Verdict.UNANSWERED)
    return Judgement(Verdict.BAD, Verdict.BAD)
