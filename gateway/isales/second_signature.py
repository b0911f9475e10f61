"""A refused signature (HTTP 401) is mended within the call, once: by CC-iSales' clock, or with the other keys."""

from collections.abc import Callable
from dataclasses import replace

from gateway.errors import GatewayError, UpstreamError, UpstreamRefusedCredentials
from gateway.isales.credentials import CLOCK_TOLERANCE_S, Credentials, clock_is_wrong, key_pairs, second_try
from gateway.isales.key_trials import KeyTrials
from gateway.isales.request import VendorRequest
from gateway.isales.retry_policy import least_attempt_s
from gateway.isales.send import Send, VendorAnswer
from gateway.model import Deadline


def in_turn(send: Send, trials: KeyTrials) -> Send:
    """Return `send` for calls that know what they are signed with, each as soon as those keys may be shown.

    Before a slot is waited for: who would be refused anyway ends at once.
    """

    def send_in_turn(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        tenant, credentials = request.tenant, trials.turn(request.tenant, deadline)
        sent = True
        try:
            return send(replace(request, credentials=credentials), deadline)
        except GatewayError as error:
            sent = error.sent
            raise
        finally:
            trials.ended(tenant, credentials, sent=sent)

    return send_in_turn


def in_turn_after_wait(send: Send, trials: KeyTrials) -> Send:
    """Return `send` for calls in turn that have waited for a slot, and are signed with what is known by then.

    Of a queue of calls whose keys are revoked, or whose clock is found wrong, only those under way are refused. Who was
    given keys that were refused meanwhile has another turn.
    """
    send_in_turn = in_turn(send, trials)

    def send_after_wait(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        given = request.signed_with
        if trials.is_over(request.tenant, given):
            return send_in_turn(request, deadline)
        return send(replace(request, credentials=replace(given, clock_ahead_s=trials.known.clock_ahead_s)), deadline)

    return send_after_wait


def with_credentials(send: Send, trials: KeyTrials, attempt_s: Callable[[], float] = least_attempt_s) -> Send:
    """Return `send` with each call signed with what it was given, and with the next best if that is refused.

    A caller's attempt makes two calls at most, the second only if `attempt_s` seconds are left for it, and if its keys
    may be shown.
    """

    def send_with_credentials(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        tenant, first = request.tenant, request.signed_with
        answer = _attempt(send, request, deadline, trials, first)
        if isinstance(answer, VendorAnswer):
            return answer
        clocks = _clocks(first, answer.clock_ahead_s)
        detail = f"{answer.detail} {clocks}"
        second = second_try(first, answer.clock_ahead_s, key_pairs(tenant))
        if second is None or second.keys != first.keys:
            # No other clock would have saved it, so it is the keys.
            if (
                second is None
                or deadline.remaining() < attempt_s()
                or not trials.may_try(tenant, second.keys, first.keys)
            ):
                trials.refused(tenant, first.keys, 1, detail)
                raise answer.again(detail)
            second = replace(second, asks=True)
        elif deadline.remaining() < attempt_s():
            raise answer.again(detail)
        return _second_attempt(send, request, deadline, trials, second, first, clocks)

    return send_with_credentials


def _second_attempt(
    send: Send,
    request: VendorRequest,
    deadline: Deadline,
    trials: KeyTrials,
    second: Credentials,
    first: Credentials,
    clocks: str,
) -> VendorAnswer:
    tenant, other_keys = request.tenant, second.keys != first.keys
    try:
        answer = _attempt(send, request, deadline, trials, second, refused=first)
    except BaseException:
        if other_keys and not trials.is_refused(tenant, first.keys):
            trials.refused(tenant, first.keys, 1, f"It refused the {first.keys.name} keys. {clocks}")
        raise
    finally:
        if other_keys:
            trials.ended(tenant, second)
    if isinstance(answer, VendorAnswer):
        return answer
    if other_keys:
        detail = f"{answer.detail} It refused the {first.keys.name} keys and the {second.keys.name} ones. {clocks}"
        trials.refused(tenant, first.keys, 1, detail)
        trials.refused(tenant, second.keys, 1, detail)
    else:
        detail = f"{answer.detail} It refused another one by its own clock too. {clocks}"
        trials.refused(tenant, second.keys, 2, detail)
        trials.known.refused(tenant, second)
    raise answer.again(detail)


def _attempt(
    send: Send,
    request: VendorRequest,
    deadline: Deadline,
    trials: KeyTrials,
    credentials: Credentials,
    refused: Credentials | None = None,
) -> VendorAnswer | UpstreamRefusedCredentials:
    """Send `request` signed with `credentials`; a refusal is returned, every other error raised."""
    try:
        resends = request.resends + (refused is not None)
        answer = send(replace(request, credentials=credentials, resends=resends), deadline)
    except UpstreamRefusedCredentials as refusal:
        return refusal.again()
    except UpstreamError as error:
        if error.upstream is not None:
            # An envelope, whatever it says, is the answer to a signature that was good.
            trials.accepted(request.tenant, credentials, refused)
        raise
    trials.accepted(request.tenant, credentials, refused)
    return answer


def _clocks(used: Credentials, ahead_s: float | None) -> str:
    if ahead_s is None:
        return "It did not say what time it is."
    if abs(ahead_s) <= CLOCK_TOLERANCE_S:
        return "Its clock and the time that was signed agree."
    ours = used.clock_ahead_s + ahead_s
    differ = f"Its clock is {abs(ours):.0f} s {'ahead of' if ours > 0 else 'behind'} the gateway's"
    return f"{differ}." if clock_is_wrong(used, ahead_s) else f"{differ}, which is not believed."
