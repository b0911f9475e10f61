"""Fixtures: a Redis that all tests share one after the other, and one that a test may hurt."""

from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisServer, redis_server


@pytest.fixture(scope="session")
def _redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def redis(_redis: RedisServer) -> RedisServer:
    """Return a Redis that is empty, and that the test must leave well."""
    with _redis.client() as client:
        client.flushall()
    return _redis


@pytest.fixture
def redis_to_hurt() -> Iterator[RedisServer]:
    """Return a Redis of the test's own, which it may stop, kill or fill."""
    with redis_server() as server:
        yield server
