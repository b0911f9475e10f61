"""A refused signature (HTTP 401) is mended within the call, once: by CC-iSales' clock, or with the other keys."""

from collections.abc import Callable
from dataclasses import replace

from gateway.errors import UpstreamError, UpstreamRefusedCredentials
from gateway.isales.credentials import CLOCK_TOLERANCE_S, Credentials, clock_is_wrong, key_pairs, second_try
from gateway.isales.known_credentials import KnownCredentials
from gateway.isales.request import VendorRequest
from gateway.isales.retry_policy import least_attempt_s
from gateway.isales.send import Send, VendorAnswer
from gateway.model import Deadline


def with_credentials(send: Send, known: KnownCredentials, attempt_s: Callable[[], float] = least_attempt_s) -> Send:
    """Return `send` with each call signed with what is known to work, and with the next best if that is refused.

    A caller's attempt makes two calls at most, the second only if `attempt_s` seconds are left for it.
    """

    def send_with_credentials(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        tenant = request.tenant
        first = known.best(tenant)
        answer = _attempt(send, request, deadline, known, first)
        if isinstance(answer, VendorAnswer):
            return answer
        second = second_try(first, answer.clock_ahead_s, key_pairs(tenant))
        if second is None or deadline.remaining() < attempt_s():
            raise answer.again(f"{answer.detail} {_clocks(first, answer.clock_ahead_s)}")
        again = _attempt(send, request, deadline, known, second, refused=first)
        if isinstance(again, VendorAnswer):
            return again
        if second.keys == first.keys:
            known.refused(tenant, second)
            tried = "It refused another one by its own clock too."
        else:
            tried = f"It refused the {first.keys.name} keys and the {second.keys.name} ones."
        raise again.again(f"{again.detail} {tried} {_clocks(first, answer.clock_ahead_s)}")

    return send_with_credentials


def _attempt(
    send: Send,
    request: VendorRequest,
    deadline: Deadline,
    known: KnownCredentials,
    credentials: Credentials,
    refused: Credentials | None = None,
) -> VendorAnswer | UpstreamRefusedCredentials:
    """Send `request` signed with `credentials`; a refusal is returned, every other error raised."""
    try:
        answer = send(replace(request, credentials=credentials), deadline)
    except UpstreamRefusedCredentials as refusal:
        return refusal.again()
    except UpstreamError as error:
        if error.upstream is not None:
            # An envelope, whatever it says, is the answer to a signature that was good.
            known.accepted(request.tenant, credentials, refused)
        raise
    known.accepted(request.tenant, credentials, refused)
    return answer


def _clocks(used: Credentials, ahead_s: float | None) -> str:
    if ahead_s is None:
        return "It did not say what time it is."
    if abs(ahead_s) <= CLOCK_TOLERANCE_S:
        return "Its clock and the time that was signed agree."
    ours = used.clock_ahead_s + ahead_s
    differ = f"Its clock is {abs(ours):.0f} s {'ahead of' if ours > 0 else 'behind'} the gateway's"
    return f"{differ}." if clock_is_wrong(used, ahead_s) else f"{differ}, which is not believed."
