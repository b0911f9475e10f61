"""Connections to a real Redis: they follow a name, and lose nothing by it."""

import time
from contextlib import closing
from typing import Any

from flask import Flask
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

from gateway.name_lookup import MOST_AGE_S
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import redis_backend
from gateway.shared_store.connections import NamedConnection, NamedTlsConnection, named
from tests.support.redis_server import RedisServer


def test_a_connection_that_is_too_old_is_made_anew(redis: RedisServer) -> None:
    """A young one is used again, and one of more than two minutes is not."""
    with closing(redis_backend(Flask("test"), StoreAddress(redis.url))) as backend:
        ids = [backend.client.client_id(), backend.client.client_id()]
        pool = backend.client.connection_pool
        connection: Any = pool.get_connection()
        connection.connected_at = time.monotonic() - MOST_AGE_S - 1
        pool.release(connection)
        ids += [backend.client.client_id(), backend.client.client_id()]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_each_kind_of_connection_has_its_own() -> None:
    """TCP and TLS look names up within a time; a socket of this machine has no name."""
    assert named(None) is named(Connection) is NamedConnection
    assert named(SSLConnection) is NamedTlsConnection
    assert named(UnixDomainSocketConnection) is UnixDomainSocketConnection
