"""What the measurement of caches makes of what was asked and what reached the gateway."""

import pytest

from tests.benchmarks.caches.relay import Heard
from tests.benchmarks.caches.reuse import Asked, reuse

START = 1_000.0


def asked(how: str, status: int = 200) -> list[Asked]:
    """Return a request each half second: `h` is a hit, `w` one that waits for the gateway."""
    begins = [START + number / 2 for number in range(len(how))]
    return [Asked(at, at + {"h": 0.001, "w": 0.11}[kind], status) for at, kind in zip(begins, how, strict=True)]


def heard(after_s: float, max_age_s: int, status: int = 200) -> Heard:
    """Return a request that reached the gateway so long after the start, and that it told this of."""
    at = START + after_s + 0.002
    return Heard(at, at + 0.1, conditional=status == 304, status=status, max_age_s=max_age_s)


def test_a_page_is_reused_until_the_gateway_is_waited_for() -> None:
    """Of five requests the first and the last two were waited for: it was reused for one second of one."""
    last = heard(2.0, 0, 304)
    seen = reuse(asked("whhww"), [heard(0, 1), heard(1.5, 0, 304), last])
    assert (seen.told_s, seen.last_s, seen.behind, seen.stale_s) == (1, 1.0, 0, 0.0)
    assert [(at, request.status) for at, request in seen.anew] == [(1.5, 304), (2.0, 304)]
    assert seen.verdict(0.5) == "as told"


def test_what_is_asked_behind_is_not_waited_for() -> None:
    """A page that is shown while the gateway is asked is shown for too long, for as long as it is past its time."""
    seen = reuse(asked("whhhh"), [heard(0, 1), heard(1.5, 15)])
    assert seen.behind == 1
    assert seen.stale_s == pytest.approx(1.5 - 1 - 0.102)
    assert seen.verdict(0.5) == "TOO LONG"


def test_what_is_never_reused_is_not_kept() -> None:
    """Each request reaches the gateway."""
    seen = reuse(asked("www"), [heard(0, 5), heard(0.5, 4), heard(1.0, 4)])
    assert (seen.last_s, seen.verdict(0.5)) == (0.0, "not kept")


def test_what_is_reused_for_much_less_than_it_may_be_is_told() -> None:
    """One second of five is less than whole seconds explain."""
    seen = reuse(asked("whhw"), [heard(0, 5), heard(1.5, 3)])
    assert (seen.last_s, seen.verdict(0.5)) == (1.0, "less")


def test_a_page_from_a_304_is_good_for_what_that_told() -> None:
    """The latest answer counts, also where it has no page."""
    seen = reuse(asked("wwhhh"), [heard(0, 0), heard(0.5, 15, 304)])
    assert (seen.last_s, seen.stale_s) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("status", "requests", "reason"),
    [(502, [heard(0, 5)], "2 of 2 requests were not answered 200"), (200, [heard(-5, 5)], "did not reach the gateway")],
)
def test_what_says_nothing_of_a_cache_is_refused(status: int, requests: list[Heard], reason: str) -> None:
    """Answers other than pages, and a first one that the gateway did not give."""
    with pytest.raises(ValueError, match=reason):
        reuse(asked("wh", status=status), requests)
