import ssl

import pytest

from gateway.isales.doctor_tls_faults import ClosedAfterHandshake, TlsFault, fault_of, hint_of, words_of
from tests.unit.isales.vendor import isales_settings

PLAIN = isales_settings("https://isales.example.com")
MUTUAL = isales_settings("https://isales.example.com", client_cert_file="ours.pem")


def tls_error(reason: str) -> ssl.SSLError:
    """Return an error as OpenSSL gives it."""
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "without", "with_ours"),
    [
        (tls_error("WRONG_VERSION_NUMBER"), TlsFault.NOT_TLS, TlsFault.NOT_TLS),
        (tls_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), TlsFault.HANDSHAKE_REFUSED, TlsFault.HANDSHAKE_REFUSED),
        (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), TlsFault.HANDSHAKE_REFUSED, TlsFault.HANDSHAKE_REFUSED),
        (
            tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            TlsFault.CLIENT_CERTIFICATE_WANTED,
            TlsFault.CLIENT_CERTIFICATE_WANTED,
        ),
        (
            tls_error("SSLV3_ALERT_BAD_CERTIFICATE"),
            TlsFault.CLIENT_CERTIFICATE_WANTED,
            TlsFault.CLIENT_CERTIFICATE_REFUSED,
        ),
        (tls_error("TLSV1_ALERT_UNKNOWN_CA"), TlsFault.CLIENT_CERTIFICATE_WANTED, TlsFault.CLIENT_CERTIFICATE_REFUSED),
        (ClosedAfterHandshake(), TlsFault.CLIENT_CERTIFICATE_WANTED, TlsFault.CLIENT_CERTIFICATE_REFUSED),
        (ConnectionResetError(), TlsFault.HANDSHAKE_REFUSED, TlsFault.HANDSHAKE_REFUSED),
        (TimeoutError(), TlsFault.NO_ANSWER, TlsFault.NO_ANSWER),
    ],
    ids=lambda value: str(value) if isinstance(value, OSError) else "",
)
def test_what_ended_a_handshake(error: OSError, without: TlsFault, with_ours: TlsFault) -> None:
    """Alerts about a certificate are about ours: wanted where we have none, refused where we have one."""
    assert (fault_of(error, PLAIN), fault_of(error, MUTUAL)) == (without, with_ours)
    assert str(without) in words_of(without, error, PLAIN)


def test_a_verification_that_fails_for_another_reason() -> None:
    """A certificate that OpenSSL refuses for what is rare keeps OpenSSL's words."""
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = 26, "unsuitable certificate purpose"
    fault = fault_of(error, PLAIN)
    assert fault is TlsFault.CERTIFICATE_REFUSED
    assert words_of(fault, error, PLAIN) == "certificate refused: unsuitable certificate purpose"


@pytest.mark.parametrize("fault", TlsFault)
def test_every_fault_has_a_hint(fault: TlsFault) -> None:
    """Also where no certificate could be seen."""
    for settings in (PLAIN, MUTUAL):
        assert hint_of(fault, settings, "", "").endswith(".")
