"""urllib3's connections, made of sockets that keep the deadline, and requests' adapter that pools them."""

import socket
import ssl
from typing import TYPE_CHECKING, Any, cast

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool
from urllib3.util.retry import Retry

from gateway.errors import UpstreamUnreachable
from gateway.isales.transport_head import TolerantResponse
from gateway.isales.transport_socket import CALL, Call, DeadlinedSocket, Phase, tls_failure
from gateway.name_lookup import NAMES, is_too_old
from gateway.trust.certificate import read_all
from gateway.trust.presented import verified

if TYPE_CHECKING:
    _Base = HTTPConnection
else:
    _Base = object


class _Deadlined(_Base):
    _connected_at = float("-inf")
    response_class = TolerantResponse

    @property
    def is_connected(self) -> bool:
        """Whether a kept connection may be used. The pool asks, and reconnects where the answer is no."""
        call = CALL.get()
        return not call.fresh and not is_too_old(self._connected_at, call.deadline.clock) and super().is_connected

    def _new_conn(self) -> socket.socket:
        call = CALL.get()
        call.connected = True
        self._connected_at = call.deadline.clock()
        failure: OSError | None = None
        for family, kind, protocol, _, address in self._addresses(call):
            sock = DeadlinedSocket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(call.patience(Phase.CONNECTING))
                sock.connect(address)
                # What a TLS handshake may take in all: OpenSSL's loop below Python keeps it as one total.
                sock.settimeout(call.patience(Phase.HANDSHAKE))
            except OSError as error:
                sock.close()
                # Without the frames that it came through, of which this is one: see `errors.GatewayError.again`.
                failure = error.with_traceback(None)
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        if isinstance(failure, TimeoutError):
            raise call.timed_out(Phase.CONNECTING)
        if isinstance(failure, ConnectionRefusedError):
            raise UpstreamUnreachable("CC-iSales refused the connection.", retryable_in_s=0)
        if failure is None:
            raise UpstreamUnreachable("CC-iSales cannot be connected to: no address.")
        raise UpstreamUnreachable(f"CC-iSales cannot be connected to: {failure.strerror}.", retryable_in_s=0)

    def _addresses(self, call: Call) -> list[Any]:
        try:
            return NAMES.addresses(self._dns_host, self.port, call.patience(Phase.LOOKING_UP))
        except TimeoutError:
            raise call.timed_out(Phase.LOOKING_UP) from None
        except (socket.gaierror, UnicodeError):
            raise UpstreamUnreachable("The name of CC-iSales does not resolve.") from None


class _PlainConnection(_Deadlined, HTTPConnection):
    pass


class _TlsConnection(_Deadlined, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError:
            raise CALL.get().timed_out(Phase.HANDSHAKE) from None
        except ssl.SSLError as error:
            raise tls_failure(error) from None
        except OSError:
            what = "CC-iSales closed the connection in the TLS handshake."
            raise UpstreamUnreachable(what, retryable_in_s=0) from None
        # Verified by now, so it is there and has an end; so have those above it, and the first end is that of all.
        sock = cast(ssl.SSLSocket, self.sock)
        own: Any = sock.getpeercert()
        ends = (one.ends_at.timestamp() for one in read_all(verified(sock)))
        CALL.get().certificate_expires_at = min(ssl.cert_time_to_seconds(own["notAfter"]), *ends)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class DeadlinedAdapter(HTTPAdapter):
    """Keeps up to `connections` connections that keep deadlines, verifies with `context` alone, and never retries.

    `None` is for plain HTTP. All requests have to be for one host.
    """

    def __init__(self, connections: int, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._pool: ConnectionPool | None = None
        # `total=False` also has errors come out as they are, not wrapped in one about retries.
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=Retry(total=False))

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:  # noqa: FBT001, FBT002 -- the signature is requests'
        """Make the pools of our own kind."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> ConnectionPool:
        """Return the pool, which requests would look up by a dozen properties for each call."""
        pool = self._pool
        if pool is None:
            pool = self._pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return pool

    def close(self) -> None:
        """Close the connections that are kept; who asks all the same gets a new pool."""
        super().close()
        self._pool = None

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: the context verifies. What requests does here would add its own CAs to the context's."""
