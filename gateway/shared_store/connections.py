"""Connections to Redis whose names are looked up within a time, and that are given up when they may lead elsewhere."""

import socket
import ssl
import time
from typing import Any, Final

from redis import Redis
from redis.connection import Connection, ConnectionPool, SSLConnection
from redis.exceptions import ConnectionError  # noqa: A004 -- as redis-py calls it
from redis.sentinel import (
    MasterNotFoundError,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from gateway.name_lookup import NAMES, is_too_old
from gateway.trust.context import client_context

NO_LIMIT_S: Final = 3600.0
_SPEAKS_FIRST: Final = "Connection not ready"


class NamedConnection(Connection):
    """A connection over TCP."""

    connected_at = float("-inf")

    def _connect(self) -> socket.socket:
        # As redis-py's own, which leaves names to the system however long that takes.
        sock = NAMES.connect(self.host, self.port, float(self.socket_connect_timeout or NO_LIMIT_S))
        try:
            if self.socket_keepalive:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.settimeout(self.socket_timeout)
        except OSError:
            sock.close()
            raise
        self.connected_at = time.monotonic()
        return sock


class NamedTlsConnection(SSLConnection, NamedConnection):
    """A connection over TLS, verified as all others of the gateway are: see `gateway.trust.context`."""

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        # redis-py's own trusts the system's authorities beside those of a file, and is stricter from Python 3.13 on.
        options: Any = self
        context = client_context(options.ca_certs or "")
        if options.ca_path or options.ca_data:
            context.load_verify_locations(capath=options.ca_path, cadata=options.ca_data)
        context.check_hostname, context.verify_mode = options.check_hostname, options.cert_reqs
        if options.certfile:
            context.load_cert_chain(options.certfile, options.keyfile, options.certificate_password)
        if options.ssl_min_version is not None:
            context.minimum_version = options.ssl_min_version
        if options.ssl_ciphers:
            context.set_ciphers(options.ssl_ciphers)
        return context.wrap_socket(sock, server_hostname=self.host)


class SentinelsConnection(SentinelManagedConnection, NamedConnection):
    """A connection over TCP to the master that Sentinels name."""


class SentinelsTlsConnection(SentinelManagedSSLConnection, NamedTlsConnection):
    """A connection over TLS to the master that Sentinels name."""


class FollowingPool(ConnectionPool):
    """Hands out no connection that may be one to an address that was left: none older than two minutes or than `leave`.

    redis-py itself keeps a connection to a master that was demoted for as long as that answers.
    """

    left_at = float("-inf")

    def leave(self) -> None:
        """Give up each connection that was made before now, when it is next asked for."""
        self.left_at = time.monotonic()

    def get_connection(self, *args: Any, **options: Any) -> Any:
        """Return a connection that is connected. Raises what redis-py raises."""
        try:
            connection: Any = super().get_connection(*args, **options)
        except ConnectionError as error:
            self._let_it_say(error)
            raise
        if isinstance(connection, NamedConnection) and (
            connection.connected_at <= self.left_at or is_too_old(connection.connected_at)
        ):
            fresh: Any = connection
            fresh.disconnect()
            try:
                fresh.connect()
            except BaseException:
                self.release(connection)
                raise
        return connection

    def _let_it_say(self, error: ConnectionError) -> None:
        """Raise what a server says that speaks first, as one that takes no more clients does.

        redis-py takes that for what is left of an earlier answer, and does not read it.
        """
        if str(error) != _SPEAKS_FIRST:
            return
        connection: Any = self.connection_class(**self.connection_kwargs)
        try:
            connection.connect()
            connection.read_response()
        finally:
            connection.disconnect()


class AskedSentinel(Redis):
    """A client for a Sentinel that keeps what the latest question ended in, of which redis-py tells the class alone."""

    failure: Exception | None = None

    def sentinel_masters(self) -> Any:
        """Return all masters that it knows. Raises what redis-py raises."""
        self.failure = None
        try:
            return super().sentinel_masters()
        except Exception as error:
            self.failure = error
            raise


class FollowingSentinelPool(SentinelConnectionPool, FollowingPool):
    """The same for the master that Sentinels name; they are asked for each connection that is made."""

    def get_connection(self, *args: Any, **options: Any) -> Any:
        """Return a connection that is connected. Raises what redis-py raises, with the cause."""
        try:
            return super().get_connection(*args, **options)
        except MasterNotFoundError as error:
            self._raise_cause(error)
            raise

    def get_master_address(self) -> Any:
        """Return host and port. Raises what redis-py raises, with the cause."""
        try:
            return super().get_master_address()  # type: ignore[no-untyped-call] # -- redis-py has no types here
        except MasterNotFoundError as error:
            self._raise_cause(error)
            raise

    def _raise_cause(self, error: MasterNotFoundError) -> None:
        """Raise `error` from what a Sentinel said, or how it could not be asked, where none of them has answered."""
        failures = [sentinel.failure for sentinel in self.sentinel_manager.sentinels]
        if all(failures):
            raise error from failures[0]


def named(kind: type[Any] | None) -> type[Any]:
    """Return the class of ours for one of redis-py's; that of sockets of the machine has no name."""
    kinds: dict[type[Any] | None, type[Any]] = {
        None: NamedConnection,
        Connection: NamedConnection,
        SSLConnection: NamedTlsConnection,
    }
    return kinds.get(kind, kind or NamedConnection)


def by_sentinels(kind: type[Any]) -> type[Any]:
    """Return the class for connections as those of `kind`, to the master that Sentinels name."""
    return SentinelsTlsConnection if kind is NamedTlsConnection else SentinelsConnection
