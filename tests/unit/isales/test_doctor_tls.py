import socket
from datetime import UTC, datetime, timedelta

from gateway.isales.doctor_network import Address
from gateway.isales.doctor_step import State
from gateway.isales.doctor_tls import Certificate, shake_hands
from tests.support.server import free_port
from tests.unit.isales.vendor import NOW, isales_settings

DECODED = {
    "issuer": ((("countryName", "CN"),), (("organizationName", "Acme\x1b[31m"),), (("commonName", "Acme\u202e CA"),)),
    "subjectAltName": (("DNS", "isales.example.com\n"), ("IP Address", "192.0.2.1")),
    "notAfter": "Jan  2 03:04:06 2026 GMT",
}


def test_a_certificate_is_read_and_made_safe() -> None:
    """Names and issuer are those of the certificate, what cannot be shown escaped."""
    certificate = Certificate.read(DECODED)
    assert certificate.names == ("isales.example.com\\n", "192.0.2.1")
    assert certificate.issuer == "Acme\\u202e CA, Acme\\x1b[31m"
    assert Certificate.read({**DECODED, "issuer": ()}).issuer == "nobody"
    assert certificate.expires_at == datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    assert Certificate.read({**DECODED, "subjectAltName": ()}).shown_names == ""


def test_days_left_are_whole_days() -> None:
    """A day that is not whole does not count, and one that has begun since the end counts as gone."""
    certificate = Certificate.read(DECODED)
    for left, days in ((timedelta(seconds=1), 0), (timedelta(seconds=-1), -1), (timedelta(days=30), 30)):
        assert certificate.days_left(certificate.expires_at - left) == days


def test_a_listener_that_goes_away() -> None:
    """A connection that cannot be made any more, though it could just before, is a fault of this step."""
    address = Address(socket.AF_INET, ("127.0.0.1", free_port()))
    step = shake_hands(address, "127.0.0.1", isales_settings("https://127.0.0.1"), NOW)
    assert (step.state, step.facts["fault"]) == (State.FAILED, "handshake refused")
