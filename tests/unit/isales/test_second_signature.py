import pytest

from gateway.errors import (
    UpstreamError,
    UpstreamFailed,
    UpstreamRefusedCredentials,
    UpstreamResult,
    UpstreamTimeout,
)
from gateway.isales.credentials import Credentials, key_pairs
from gateway.isales.key_trials import KeyTrials
from gateway.isales.known_credentials import KnownCredentials
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.second_signature import in_turn, with_credentials
from gateway.isales.send import Send, VendorAnswer
from gateway.isales.signature_budget import NO_SHARED_BUDGET
from gateway.model import Deadline
from gateway.settings.model import Secret, Tenant
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.clock import FakeClock
from tests.unit.isales.vendor import QUERY, SECRET_KEY, TENANT, tenant

ROTATING = tenant(previous_access_key="OLD", previous_secret_key=Secret("an-older-secret"))
CURRENT, PREVIOUS = key_pairs(ROTATING)
ANSWER = VendorAnswer({})
SAID = "CC-iSales answered HTTP 401 to the gateway's signature."


class Upstream:
    """Takes the signatures of `good` keys by its clock, which is `ahead_s` ahead; says what time it is, or not."""

    def __init__(self, *good: str, ahead_s: float = 0.0, tells_time: bool = True) -> None:
        self.good = good
        self.ahead_s = ahead_s
        self.signed: list[Credentials] = []
        self.error: UpstreamError | None = None
        self._tells_time = tells_time

    def __call__(self, request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        """Make one call."""
        used = request.signed_with
        self.signed.append(used)
        ahead = self.ahead_s - used.clock_ahead_s
        if used.keys.access_key not in self.good or abs(ahead) > 900:
            raise UpstreamRefusedCredentials(SAID, clock_ahead_s=ahead if self._tells_time else None)
        if self.error:
            raise self.error
        return ANSWER


def signing(upstream: Upstream, clock: FakeClock | None = None) -> Send:
    clock = clock or FakeClock()
    numbers = UpstreamNumbers()
    trials = KeyTrials(KnownCredentials(numbers, clock), NO_SHARED_BUDGET, numbers, clock)
    return in_turn(with_credentials(upstream, trials, lambda: 0.2), trials)


def ask(send: Send, of: Tenant = ROTATING, left_s: float = 8.0) -> VendorAnswer:
    return send(campaigns_request(QUERY, of), Deadline.after(left_s, FakeClock()))


def refusal(send: Send, of: Tenant = ROTATING, left_s: float = 8.0) -> str:
    with pytest.raises(UpstreamRefusedCredentials) as caught:
        ask(send, of, left_s)
    assert caught.value.__context__ is None
    assert SECRET_KEY not in repr(caught.value)
    return caught.value.detail


def test_a_good_signature_is_one_call() -> None:
    """What is accepted at once is not signed twice."""
    upstream = Upstream("AK", "OLD")
    assert ask(signing(upstream)) is ANSWER
    assert upstream.signed == [Credentials(CURRENT)]


@pytest.mark.parametrize("ahead", [1200.0, -1200.0, 86_000.0])
def test_a_clock_that_differs_is_measured_once(ahead: float) -> None:
    """The call is signed again by CC-iSales' clock, and the next ones at once."""
    upstream = Upstream("AK", ahead_s=ahead)
    send = signing(upstream)
    assert [ask(send) for _ in range(3)] == [ANSWER] * 3
    assert upstream.signed == [Credentials(CURRENT), *[Credentials(CURRENT, ahead)] * 3]


def test_a_clock_that_was_mended_is_measured_again() -> None:
    """One more call finds out that our own clock is good again."""
    upstream = Upstream("AK", ahead_s=1200.0)
    send = signing(upstream)
    ask(send)
    upstream.ahead_s = 0.4
    assert [ask(send) for _ in range(2)] == [ANSWER] * 2
    assert upstream.signed[-3:] == [Credentials(CURRENT, 1200.0), Credentials(CURRENT), Credentials(CURRENT)]


def test_previous_keys_are_tried_and_remembered() -> None:
    """Where only the previous keys are good the first call costs two, the next ones one."""
    upstream = Upstream("OLD")
    send = signing(upstream)
    assert [ask(send) for _ in range(3)] == [ANSWER] * 3
    assert [used.keys for used in upstream.signed] == [CURRENT, PREVIOUS, PREVIOUS, PREVIOUS]


def test_remembered_keys_that_are_revoked() -> None:
    """When the previous keys stop being good the current ones are tried in the same call."""
    upstream = Upstream("OLD")
    send = signing(upstream)
    ask(send)
    upstream.good = ("AK",)
    assert [ask(send) for _ in range(2)] == [ANSWER] * 2
    assert [used.keys for used in upstream.signed[2:]] == [PREVIOUS, CURRENT, CURRENT]


def test_keys_that_are_all_wrong_cost_two_calls_and_say_so() -> None:
    """Both pairs are tried once each, and the error says that, and that it is not the clock."""
    upstream = Upstream()
    assert refusal(signing(upstream)) == (
        f"{SAID} It refused the current keys and the previous ones. Its clock and the time that was signed agree."
    )
    assert [used.keys for used in upstream.signed] == [CURRENT, PREVIOUS]


@pytest.mark.parametrize(
    ("upstream", "why"),
    [
        (Upstream(), "Its clock and the time that was signed agree."),
        (Upstream(tells_time=False), "It did not say what time it is."),
        (Upstream(ahead_s=1e6), "Its clock is 1000000 s ahead of the gateway's, which is not believed."),
    ],
)
def test_nothing_better_to_sign_with_is_one_call(upstream: Upstream, why: str) -> None:
    """With one pair and a clock that is good, unknown or absurd the refusal stands, with what is known of the clock."""
    assert refusal(signing(upstream), TENANT) == f"{SAID} {why}"
    assert len(upstream.signed) == 1


def test_a_wrong_clock_and_wrong_current_keys_at_once() -> None:
    """A call that the right clock does not save makes the next one begin with the previous keys."""
    upstream = Upstream("OLD", ahead_s=-1200.0)
    send = signing(upstream)
    assert refusal(send) == (
        f"{SAID} It refused another one by its own clock too. Its clock is 1200 s behind the gateway's."
    )
    assert [ask(send) for _ in range(2)] == [ANSWER] * 2
    assert upstream.signed == [
        Credentials(CURRENT),
        Credentials(CURRENT, -1200.0),
        Credentials(PREVIOUS),
        Credentials(PREVIOUS, -1200.0),
        Credentials(PREVIOUS, -1200.0),
    ]


def test_no_second_call_that_cannot_finish() -> None:
    """When the deadline leaves less than a call needs, the refusal is raised."""
    upstream = Upstream("OLD")
    send = signing(upstream)
    assert SAID in refusal(send, left_s=0.19)
    assert len(upstream.signed) == 1
    assert ask(send, left_s=0.21) is ANSWER


def test_an_envelope_is_an_accepted_signature() -> None:
    """A failure that CC-iSales itself reports shows that the signature was good; one on the way shows nothing."""
    upstream = Upstream("OLD")
    send = signing(upstream)
    upstream.error = UpstreamTimeout("late")
    with pytest.raises(UpstreamTimeout):
        ask(send)
    upstream.error = UpstreamFailed("failed", upstream=UpstreamResult("0200006", ""))
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            ask(send)
    assert [used.keys for used in upstream.signed] == [CURRENT, PREVIOUS, PREVIOUS, PREVIOUS]
