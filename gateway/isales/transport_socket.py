"""Sockets that keep a call's total deadline, whatever drips out of the other end.

HTTP libraries bound each socket operation, so an answer of one byte a second holds its caller for ever. Here every
operation gets what is left of the deadline. Which call that is comes from a context variable: the libraries between
the transport and its sockets have no argument for it.

Failures leave here as errors of the gateway. The libraries above wrap `OSError` and pass all else on untouched.
"""

import socket
import ssl
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from gateway.errors import UpstreamTimeout, UpstreamUnreachable
from gateway.model import Deadline
from gateway.settings.model import IsalesSettings
from gateway.trust.certificate import Certificate, in_file, read_all
from gateway.trust.chain import Diagnosis, Peer, diagnose
from gateway.trust.presented import ShowingTlsSocket, presented_with


class DroppedConnection(Exception):
    """A kept connection turned out to be closed before any byte of an answer: the request can go again at once."""


class Phase(Enum):
    """What a call is doing, in words that follow "after 2.00 s", and the setting that limits each such step."""

    LOOKING_UP = "while looking up its name", "connect_timeout_s"
    CONNECTING = "while connecting", "connect_timeout_s"
    HANDSHAKE = "in the TLS handshake", "connect_timeout_s"
    SENDING = "while sending the request", "read_timeout_s"
    WAITING = "waiting for the answer", "read_timeout_s"
    READING = "in the middle of the answer", "read_timeout_s"


@dataclass(slots=True)
class Call:
    """One HTTP exchange. Times in seconds; `fresh` forbids a kept connection.

    `connected` tells whether this call opened its connection, and `certificate_expires_at`, seconds since 1970, with
    which certificate; `received` how many bytes came, and `ended` whether the other end is done sending.
    """

    deadline: Deadline
    limits: IsalesSettings
    fresh: bool = False
    connected: bool = False
    certificate_expires_at: float | None = None
    received: int = 0
    ended: bool = False
    _started: float = field(init=False)
    _deadline_is_next: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._started = self.deadline.clock()

    def patience(self, phase: Phase) -> float:
        """Return the seconds that the next step may take, all above 0. `UpstreamTimeout` if no time is left."""
        limit = self._limit(phase)
        left = self.deadline.remaining()
        self._deadline_is_next = left <= limit
        if left <= 0.0:
            raise self.timed_out(phase)
        return min(limit, left)

    def timed_out(self, phase: Phase) -> UpstreamTimeout:
        """Return the error for time that ran out in `phase`."""
        took = self.deadline.clock() - self._started
        why = "the deadline passed"
        if not self._deadline_is_next:
            why = f"one step took longer than {self._limit(phase):g} s (isales.{phase.value[1]})"
        return UpstreamTimeout(f"Gave up on CC-iSales after {took:.2f} s {phase.value[0]}: {why}.")

    def _limit(self, phase: Phase) -> float:
        return float(getattr(self.limits, phase.value[1]))

    def broke(self) -> UpstreamUnreachable | DroppedConnection:
        """Return the error for a connection that the other end gave up."""
        if self.received:
            what = "The connection to CC-iSales broke in the middle of the answer."
            return UpstreamUnreachable(what, retryable_in_s=0)
        if not self.connected:
            return DroppedConnection()
        return UpstreamUnreachable("CC-iSales closed the connection without an answer.", retryable_in_s=0)


CALL: Final[ContextVar[Call]] = ContextVar("isales_call")
"""The call that this thread is making."""

if TYPE_CHECKING:
    _Base = socket.socket
else:
    _Base = object


class _Deadlined(_Base):
    def sendall(self, *args: Any) -> None:
        call = CALL.get()
        self.settimeout(call.patience(Phase.SENDING))
        try:
            super().sendall(*args)
        except TimeoutError:
            raise call.timed_out(Phase.SENDING) from None
        except (BrokenPipeError, ConnectionResetError):
            # urllib3 carries on after these: an answer may have come before the other end closed.
            raise
        except OSError:
            raise call.broke() from None

    def recv_into(self, *args: Any) -> int:
        call = CALL.get()
        phase = Phase.READING if call.received else Phase.WAITING
        self.settimeout(call.patience(phase))
        try:
            count = super().recv_into(*args)
        except TimeoutError:
            raise call.timed_out(phase) from None
        except ssl.SSLError as error:
            raise tls_failure(error) from None
        except OSError:
            raise call.broke() from None
        call.received += count
        call.ended = not count
        if call.ended and not call.received:
            raise call.broke()
        return count


class DeadlinedSocket(_Deadlined, socket.socket):
    """A plain socket that keeps the deadline of `CALL`."""


class DeadlinedTlsSocket(_Deadlined, ShowingTlsSocket):
    """A TLS socket that keeps the deadline of `CALL`."""


def diagnosis_of(
    error: ssl.SSLCertVerificationError, chain: tuple[Certificate, ...], settings: IsalesSettings, now: datetime
) -> Diagnosis:
    """Return what is wrong with `chain`, the certificates that CC-iSales presented when `error` refused them."""
    ca_file = settings.ca_file
    host = urlsplit(settings.base_url).hostname or ""
    peer = Peer("CC-iSales", host.rstrip("."), "isales.ca_file", ca_file, in_file(ca_file) if ca_file else ())
    return diagnose(error.verify_code, error.verify_message, chain, peer, now)


def tls_failure(error: ssl.SSLError) -> UpstreamUnreachable:
    """Return the error for a TLS failure, with what is wrong with the whole chain, or in OpenSSL's words.

    Only a connection that closed is worth another try: certificates and versions do not change in a moment.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        seen = diagnosis_of(error, read_all(presented_with(error)), CALL.get().limits, datetime.now(UTC)).seen
        return UpstreamUnreachable(f"The certificate of CC-iSales is refused: {seen}.")
    reason = (error.reason or "the connection closed").replace("_", " ").lower()
    closed = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return UpstreamUnreachable(f"TLS with CC-iSales failed: {reason}.", retryable_in_s=0 if closed else None)
