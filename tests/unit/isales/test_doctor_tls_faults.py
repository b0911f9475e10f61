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


@pytest.mark.parametrize("fault", TlsFault)
def test_every_fault_has_a_hint(fault: TlsFault) -> None:
    """Also where nothing more could be found out."""
    for settings in (PLAIN, MUTUAL):
        assert hint_of(fault, settings).endswith(".")


@pytest.mark.parametrize(
    ("version", "suite", "word"),
    [
        ("TLSv1.1", "ECDHE-RSA-AES128-SHA", "TLSv1.1 at best"),
        ("TLSv1.2", "AES128-GCM-SHA256", "RSA alone (AES128-GCM-SHA256)"),
        ("TLSv1.2", "ECDHE-RSA-AES128-SHA", "CBC with SHA-1 alone"),
        ("TLSv1.2", "DHE-RSA-AES128-GCM-SHA256", "Diffie-Hellman key is too small"),
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "may be too weak"),
    ],
)
def test_what_is_too_old(version: str, suite: str, word: str) -> None:
    """What the other end agrees to with a client that takes everything tells why it does not with us."""
    assert word in hint_of(TlsFault.HANDSHAKE_REFUSED, PLAIN, (version, suite))
