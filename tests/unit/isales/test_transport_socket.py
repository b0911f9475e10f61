import socket

import pytest

from gateway.errors import UpstreamTimeout, UpstreamUnreachable
from gateway.isales.transport_socket import CALL, Call, DeadlinedSocket, DroppedConnection, Phase
from gateway.model import Deadline
from tests.support.clock import FakeClock
from tests.unit.isales.vendor import isales_settings

LIMITS = isales_settings("http://127.0.0.1", connect_timeout_s=2.0, read_timeout_s=5.0)


def test_a_step_gets_its_limit_or_what_is_left() -> None:
    """Each step may take as long as its setting says, and never longer than the deadline leaves."""
    clock = FakeClock()
    call = Call(Deadline.after(8.0, clock), LIMITS)
    assert (call.patience(Phase.CONNECTING), call.patience(Phase.READING)) == (2.0, 5.0)
    clock.advance(7.0)
    assert (call.patience(Phase.CONNECTING), call.patience(Phase.READING)) == (1.0, 1.0)
    clock.advance(1.0)
    with pytest.raises(UpstreamTimeout, match=r"after 8\.00 s in the middle of the answer: the deadline passed"):
        call.patience(Phase.READING)


def test_a_timeout_names_the_limit_that_was_met() -> None:
    """Time that runs out says how long it took, in which step, and which setting ended it."""
    clock = FakeClock()
    call = Call(Deadline.after(8.0, clock), LIMITS)
    call.patience(Phase.HANDSHAKE)
    clock.advance(2.0)
    detail = call.timed_out(Phase.HANDSHAKE).detail
    assert detail == (
        "Gave up on CC-iSales after 2.00 s in the TLS handshake:"
        " one step took longer than 2 s (isales.connect_timeout_s)."
    )


@pytest.mark.parametrize(
    ("connected", "received", "error"),
    [(False, 0, DroppedConnection), (True, 0, UpstreamUnreachable), (False, 1, UpstreamUnreachable)],
)
def test_only_a_kept_connection_without_a_byte_of_an_answer_was_dropped(
    *, connected: bool, received: int, error: type[Exception]
) -> None:
    """A request goes again only if its connection was kept and no answer had begun."""
    call = Call(Deadline.after(8.0), LIMITS, connected=connected, received=received)
    assert type(call.broke()) is error


def test_a_request_that_cannot_go_out() -> None:
    """A socket that cannot send is a broken connection, whatever the system calls it."""
    token = CALL.set(Call(Deadline.after(8.0), LIMITS, connected=True))
    try:
        # Of datagrams and without a destination, which no stream can be.
        with DeadlinedSocket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(UpstreamUnreachable):
            sock.sendall(b"GET /")
    finally:
        CALL.reset(token)
