"""What the doctor on the shared cache says is to be done, where that depends on the server's words."""

import ssl

import pytest
from redis import exceptions

from gateway.cli.doctor_shared_hints import hint_for
from gateway.cli.doctor_shared_step import Name
from gateway.settings.model import Secret
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.faults import fault_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), "No TLS is spoken there"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version"), "no TLS 1.2 or later"),
        (ssl.SSLError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired"), "out of date"),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "reads its data first"),
        (exceptions.ConnectionError("Connection closed by server."), "It takes connections and ends them"),
        (exceptions.AuthenticationError("invalid username-password pair"), "Check user and password"),
    ],
)
def test_one_kind_of_fault_has_several_causes(error: Exception, words: str) -> None:
    """Each is told from the others, so that nobody looks for an authority where a port is wrong."""
    hint = hint_for(fault_of(error), Name.CONNECT, StoreAddress(Secret("redis://127.0.0.1:1/0")))
    assert words in hint


def test_a_broken_connection_later_on_is_as_before() -> None:
    """What a place that takes connections means by ending them is said of the step that connects only."""
    fault = fault_of(exceptions.ConnectionError("Connection closed by server."))
    assert "Nobody answers there" in hint_for(fault, Name.LATENCY, StoreAddress(Secret("redis://127.0.0.1:1/0")))
    assert "Nobody answers there" in hint_for(fault, Name.CONNECT, StoreAddress(Secret("unix:///run/s")))
