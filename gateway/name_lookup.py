"""Names looked up within a time: no timeout interrupts the system's resolver, and a mute name server holds it for long.

The look-up is left to a thread of its own, which goes on when nobody waits any more; who asks for the same meanwhile
waits for the same one, so that there are no more such threads than names.
"""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from gateway.daemon_thread import start_daemon_thread

Resolve = Callable[[str, int], list[Any]]
"""Returns what `socket.getaddrinfo` does, and raises what that raises."""


def system_resolver(host: str, port: int) -> list[Any]:
    """Ask the system for the addresses of `host` for TCP."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class NameLookup:
    """Looks names up by `resolve`. Safe to use from any thread."""

    def __init__(self, resolve: Resolve = system_resolver) -> None:
        self._resolve = resolve
        self._under_way: dict[tuple[str, int], Future[list[Any]]] = {}
        self._lock = threading.Lock()

    def addresses(self, host: str, port: int, limit_s: float) -> list[Any]:
        """Return what `socket.getaddrinfo` says of `host`, an address or a name, within `limit_s` seconds.

        Raises `TimeoutError` when it says nothing so long, `OSError` (`socket.gaierror`) or `UnicodeError` when it
        cannot.
        """
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            # A name, which has to be asked for.
            pass
        with self._lock:
            answer = self._under_way.get((host, port))
            first = answer is None
            if answer is None:
                answer = self._under_way[host, port] = Future()
        if first and start_daemon_thread(lambda: self._ask(host, port), "name-lookup") is None:
            self._ended(host, port).set_exception(OSError(f"{host} cannot be looked up: no more threads"))
        try:
            failure = answer.exception(timeout=max(limit_s, 0.0))
        except TimeoutError:
            raise TimeoutError(f"nothing was said of {host} within {limit_s:g} s") from None
        if failure is not None:
            raise failure.with_traceback(None)
        return answer.result()

    def connect(self, host: str, port: int, limit_s: float) -> socket.socket:
        """Return a socket that is connected to the first address of `host` that takes it.

        The look-up and each address have `limit_s` seconds, which the socket keeps as its timeout. Raises
        what `addresses` and `socket.connect` raise.
        """
        failure: OSError | None = None
        for family, kind, protocol, _, address in self.addresses(host, port, limit_s):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(limit_s)
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error.with_traceback(None)
            else:
                return sock
        raise failure or OSError(f"{host} has no address")

    def _ask(self, host: str, port: int) -> None:
        try:
            found = self._resolve(host, port)
        except Exception as error:  # noqa: BLE001 -- handed to whoever waits, who knows which are expected
            self._ended(host, port).set_exception(error)
        else:
            self._ended(host, port).set_result(found)

    def _ended(self, host: str, port: int) -> "Future[list[Any]]":
        with self._lock:
            return self._under_way.pop((host, port))


NAMES: Final = NameLookup()
"""That of this process."""

MOST_AGE_S: Final = 120.0
"""So long a connection is kept at most, so that a name that has moved to another address is followed."""


def is_too_old(connected_at: float, clock: Callable[[], float] = time.monotonic) -> bool:
    """Tell whether a connection that was made at `connected_at` of `clock` is to be given up for a new one."""
    return clock() - connected_at > MOST_AGE_S
