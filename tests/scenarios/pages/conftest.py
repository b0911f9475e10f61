"""Page caches as several processes have them, on one Redis and in real time."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gateway.pages.redis_tier import RedisTier
from gateway.shared_store.store import SharedStore
from tests.support.page_cache import House
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import Faults, shared_tier, wait_until_heard


@pytest.fixture
def faults() -> Faults:
    """Return a count of what went wrong with Redis in any process."""
    return Faults()


@pytest.fixture
def make_house(redis: RedisServer, faults: Faults) -> Iterator[Callable[..., House]]:
    """Return a function that makes one more process, which hears the others when it is returned."""
    with ExitStack() as stack:
        made: list[House] = []

        def make(tier: Callable[[SharedStore], RedisTier] = RedisTier, **options: Any) -> House:
            shared = stack.enter_context(shared_tier(redis.url, faults, make=tier))
            house = House(shared=shared, clock=time.monotonic, **options)
            stack.callback(house.cache.close)
            house.cache.subscribe()
            made.append(house)
            wait_until_heard(redis, len(made))
            return house

        yield make
