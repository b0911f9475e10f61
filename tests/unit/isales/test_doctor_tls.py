import socket
from datetime import timedelta

from gateway.isales.doctor_network import Address
from gateway.isales.doctor_step import State
from gateway.isales.doctor_tls import days_left, shake_hands
from gateway.trust.certificate import read
from tests.support.certificates import issue
from tests.support.server import free_port
from tests.unit.isales.vendor import NOW, isales_settings


def test_days_left_are_whole_days() -> None:
    """A day that is not whole does not count, and one that has begun since the end counts as gone."""
    certificate = read(issue("isales.example.com").der)
    for left, days in ((timedelta(seconds=1), 0), (timedelta(seconds=-1), -1), (timedelta(days=30), 30)):
        assert days_left(certificate, certificate.ends_at - left) == days


def test_a_listener_that_goes_away() -> None:
    """A connection that cannot be made any more, though it could just before, is a fault of this step."""
    address = Address(socket.AF_INET, ("127.0.0.1", free_port()))
    step = shake_hands(address, "127.0.0.1", isales_settings("https://127.0.0.1"), NOW)
    assert (step.state, step.facts["fault"]) == (State.FAILED, "handshake refused")
