"""Nobody waits beside a page, in the process that fetches or in one that follows it over the lease."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import UpstreamFailed
from gateway.model import CampaignPage, CampaignQuery, Deadline
from gateway.pages.freshness import Lifetimes
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import LANDING_CHANNEL, Faults
from tests.support.waiting import wait_until

PAST_REVALIDATION = Lifetimes(fresh_s=0, stale_while_revalidate_s=0, stale_if_error_s=60)
PAGE = page_of(1)


class Hanging:
    """An upstream that hangs until the test lets it go on."""

    def __init__(self) -> None:
        self.called, self.go_on = threading.Event(), threading.Event()
        self.failure: Exception | None = None

    def __call__(self, query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        """Wait, then answer or fail."""
        self.called.set()
        assert self.go_on.wait(20)
        if self.failure is not None:
            raise self.failure
        return PAGE


@pytest.fixture
def upstream() -> Hanging:
    """Return an upstream that hangs."""
    return Hanging()


def test_no_caller_waits_beside_a_page_for_another_process(make_house: Callable[..., House], upstream: Hanging) -> None:
    """While one hangs all callers of both have the page; what comes in the end is fetched once, and is in both."""
    one, two = (make_house(fetch=upstream, lifetimes=PAST_REVALIDATION, slow_s=0.05) for _ in range(2))
    upstream.go_on.set()
    assert one.cache.serve(QUERY, Deadline.after(10)).page == PAGE
    assert two.cache.explain(QUERY).tier == "shared"
    upstream.go_on.clear()
    upstream.called.clear()
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(house.cache.serve, QUERY, Deadline.after(20)) for house in (one, two) for _ in range(5)]
        served = [each.result(10) for each in waiting]
    assert upstream.called.is_set()
    assert not upstream.go_on.is_set()
    assert {(page.page, page.detail) for page in served} == {(PAGE, "stale-if-slow")}
    before = {page.as_of for page in served}
    assert len(before) == 1
    assert all(house.cache.explain(QUERY).fetch_under_way for house in (one, two))
    upstream.go_on.set()
    wait_until(lambda: not any(house.cache.explain(QUERY).fetch_under_way for house in (one, two)))


def test_who_has_no_page_waits_for_the_other_process_and_has_its_page(
    make_house: Callable[..., House], upstream: Hanging
) -> None:
    """One call for both; a caller with little time leaves it to the others."""
    one, two = (make_house(fetch=upstream) for _ in range(2))
    with ThreadPoolExecutor(2) as pool:
        leading = pool.submit(one.cache.serve, QUERY, Deadline.after(20, shortened=True))
        assert upstream.called.wait(10)
        upstream.called.clear()
        following = pool.submit(two.cache.serve, QUERY, Deadline.after(20))
        wait_until(lambda: two.cache.explain(QUERY).fetch_under_way)
        upstream.go_on.set()
        assert leading.result(10).page == following.result(10).page == PAGE
    assert not upstream.called.is_set()


def test_a_failure_of_the_leader_is_known_in_the_other_process(
    make_house: Callable[..., House], upstream: Hanging
) -> None:
    """Who followed it has its page at once from then on, and asks no more often than the leader."""
    one, two = (make_house(fetch=upstream, lifetimes=PAST_REVALIDATION, slow_s=20) for _ in range(2))
    upstream.go_on.set()
    one.cache.serve(QUERY, Deadline.after(10))
    two.cache.explain(QUERY)
    upstream.go_on.clear()
    upstream.failure = UpstreamFailed("down")
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(house.cache.serve, QUERY, Deadline.after(20)) for house in (one, two)]
        wait_until(lambda: all(house.cache.explain(QUERY).fetch_under_way for house in (one, two)))
        upstream.go_on.set()
        assert [each.result(10).detail for each in waiting] == ["upstream-failed"] * 2
    upstream.called.clear()
    for house in (one, two):
        served = house.cache.serve(QUERY, Deadline.after(10))
        assert (served.detail, served.waited) == ("upstream-failed", False)
    assert not upstream.called.is_set()


def test_a_process_that_does_not_answer_is_no_error(
    make_house: Callable[..., House], redis: RedisServer, faults: Faults
) -> None:
    """Pages land beside it, as soon as it has been waited for for a moment, and are shared."""
    one, two = make_house(), make_house()
    with redis.client() as client, client.pubsub() as silent:
        silent.subscribe(LANDING_CHANNEL)
        wait_until(lambda: client.pubsub_numsub(LANDING_CHANNEL)[0][1] == 3)
        for vdn in range(1, 6):
            query = CampaignQuery(vdn=vdn)
            assert one.cache.serve(query, Deadline.after(10)).stored
            assert two.cache.serve(query, Deadline.after(10)).tier == "shared"
    assert two.fetched == []
    assert faults["timeout"] < 3
