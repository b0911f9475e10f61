"""How many calls are required, and what are too many."""

from tests.soak.announced import Window
from tests.soak.calls import AHEAD, ALONE_AFTER_S, FRESH_COMPLETED_S, FRESH_S, Required, Upstream, faults_of, required
from tests.soak.mix import Page

USUAL = Page(1, "", "", 1, 10)
COMPLETED = Page(1, "completed", "", 1, 10)


def test_a_page_is_fetched_again_when_it_is_asked_for_and_not_fresh() -> None:
    """Requests while it is fresh take no call, nor does time in which nobody asks."""
    asks = [(at, USUAL) for at in (0.0, 1.0, FRESH_S - 0.1, FRESH_S, FRESH_S + 1, 100.0)]
    assert required(asks, [], 2) == Required(3, 3)


def test_a_page_that_is_asked_for_may_be_refreshed_ahead() -> None:
    """From the share of its lifetime on at which the first may be."""
    for share, most in ((AHEAD - 0.01, 1), (AHEAD, 2)):
        assert required([(0.0, USUAL), (share * FRESH_S, USUAL)], [], 2) == Required(1, most)
        assert required([(0.0, COMPLETED), (share * FRESH_COMPLETED_S, COMPLETED)], [], 2) == Required(1, most)


def test_pages_have_lifetimes_of_their_own() -> None:
    """Completed campaigns are fresh for longer, and each page is fetched by itself."""
    asks = [(at, page) for at in (0.0, FRESH_S, FRESH_COMPLETED_S) for page in (USUAL, COMPLETED)]
    assert required(asks, [], 2) == Required(5, 5)


def test_each_process_may_fetch_for_itself_while_redis_is_in_trouble() -> None:
    """Requests go to them in turn; a request that would take a call anyway takes one, not two."""
    often = [(float(at), USUAL) for at in range(8)]
    assert required(often, [], 2) == Required(2, 3)
    assert required(often, [Window("hang", 0.0, 8.0)], 2) == Required(2, 3)
    assert required(often, [Window("redis-hangs", 0.0, 8.0)], 2) == Required(2, 4)
    # Each of three is asked every three seconds, which is late enough to refresh ahead.
    assert required(often, [Window("redis-killed", 0.0, 8.0)], 3) == Required(2, 8)
    seldom = [(10.0 * at, USUAL) for at in range(8)]
    assert required(seldom, [Window("redis-hangs", 0.0, 80.0)], 2) == Required(8, 8)


def test_redis_does_not_have_what_was_fetched_without_it() -> None:
    """It is left alone for five seconds more, and does not have the pages of that time while they are fresh."""
    asks = [(10.0, USUAL), (11.0, USUAL)]
    after = 10.0 - ALONE_AFTER_S - FRESH_S
    assert required(asks, [Window("redis-hangs", 0.0, after + 1.1)], 2) == Required(1, 2)
    assert required(asks, [Window("redis-hangs", 0.0, after + 0.9)], 2) == Required(1, 1)


def test_calls_that_nothing_required_are_told() -> None:
    """Of good calls there may be a few more than required; no call may be without a caller."""
    kinds = {"200 hit": 1000, "200 miss": 80, "502 upstream-failed": 20}
    assert faults_of(Upstream(100, {"hang": 10}), Required(80, 100), kinds) == []
    assert faults_of(Upstream(106, {}), Required(80, 100), kinds) == ["106 good calls, and 100 were required"]
    assert faults_of(Upstream(100, {"hang": 30}), Required(80, 100), kinds) == [
        "130 calls for 100 answers that may have taken one"
    ]
    late = {**kinds, "200 hit, late": 40}
    assert faults_of(Upstream(100, {"hang": 68}), Required(80, 100), late) == []
    assert faults_of(Upstream(100, {"hang": 69}), Required(80, 100), late) != []
    assert faults_of(Upstream(10, {"hang": 135}), Required(8, 10), late) != []
