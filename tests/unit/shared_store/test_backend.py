"""The backend that Flask-Caching makes: bytes as they are, our time limits, and no password anywhere."""

from collections.abc import Iterator

import pytest
from flask import Flask

from gateway.settings.model import Secret
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import KEY_PREFIX, redis_backend
from tests.support.redis_server import RedisServer, redis_server


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """Return a server with a password."""
    with redis_server(password="p@ss/wörd") as server:
        yield server


def test_flask_caching_keeps_bytes_as_they_are(redis: RedisServer) -> None:
    """Get, set and delete of the backend take and give bytes, under the gateway's prefix."""
    backend = redis_backend(Flask("test"), StoreAddress(redis.url))
    assert backend.set("a", b"12", timeout=5) is True
    with redis.client() as client:
        assert (backend.get("a"), client.get(KEY_PREFIX + "a")) == (b"12", b"12")
    assert (backend.delete("a"), backend.get("a")) == (True, None)
    backend.close()


def test_nothing_shows_the_password(redis: RedisServer) -> None:
    """Neither the backend nor its clients nor Flask's configuration do."""
    app = Flask("test")
    backend = redis_backend(app, StoreAddress(redis.url))
    shown = repr([backend, backend.client, backend.waiting, backend.client.connection_pool, app.config, app.extensions])
    backend.close()
    assert redis.url.reveal() not in shown
    assert redis.password not in shown


@pytest.mark.parametrize(
    "url",
    ["http://geheim", "redis://:ge/heim@host:1", "redis://host?db=geheim", "redis://host?geheim=1", "", "redis://h:x"],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    """The error says how it is written, and repeats nothing of what may be a password."""
    with pytest.raises(ValueError, match=r"cache\.shared_url is no URL of a Redis") as raised:
        redis_backend(Flask("test"), StoreAddress(Secret(url)))
    assert "heim" not in str(raised.value)
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://user:p%40ss@host:7/3?socket_timeout=99", {"host": "host", "port": 7, "db": 3, "password": "p@ss"}),
        ("rediss://host?ssl_ca_certs=/ca.pem&decode_responses=1", {"host": "host", "ssl_ca_certs": "/ca.pem"}),
        ("unix:///run/redis.sock?db=2&password=p", {"path": "/run/redis.sock", "db": 2, "password": "p"}),
    ],
)
def test_all_forms_of_url_are_understood(url: str, expected: dict[str, object]) -> None:
    """Whatever they say of time limits and decoding, ours count."""
    backend = redis_backend(Flask("test"), StoreAddress(Secret(url)))
    options = backend.client.connection_pool.connection_kwargs
    assert options | expected == options
    assert (options["socket_timeout"], options["socket_connect_timeout"], options["decode_responses"]) == (
        0.2,
        0.2,
        False,
    )
    backend.close()
