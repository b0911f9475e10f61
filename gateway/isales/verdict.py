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
)
from gateway.impatience import is_impatience
from gateway.model import Deadline


class Verdict(Enum):
    """What one call says."""

    GOOD = "good"
    BAD = "bad"
    NOTHING = "nothing"


class Judgement(NamedTuple):
    """What one call says of its VDN, and of the whole of CC-iSales."""

    vdn: Verdict
    whole: Verdict


NO_JUDGEMENT: Final = Judgement(Verdict.NOTHING, Verdict.NOTHING)


def judge(error: BaseException | None, deadline: Deadline) -> Judgement:
    """Return what a call that had until `deadline` says by ending in `error`, or in an answer if that is `None`."""
    if error is None or isinstance(error, UpstreamRejectedParameters):
        return Judgement(Verdict.GOOD, Verdict.GOOD)
    if not isinstance(error, UpstreamError) or is_impatience(error, deadline):
        return NO_JUDGEMENT
    if isinstance(error, UpstreamForbidden):
        # It locks ways by itself, see `breaker`.
        return NO_JUDGEMENT
    if error.upstream is not None or isinstance(error, UpstreamRefusedCredentials):
        return Judgement(Verdict.BAD, Verdict.GOOD)
    if isinstance(error, UpstreamOverloaded) and error.one_vdn:
        # Perhaps of a proxy on the way, so it does not show that all is good behind it.
        return Judgement(Verdict.BAD, Verdict.NOTHING)
    return Judgement(Verdict.BAD, Verdict.BAD)
