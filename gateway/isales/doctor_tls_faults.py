"""What can be wrong with TLS towards CC-iSales beside its certificates: the kinds, how each is told, and what to do."""

import ssl
from enum import StrEnum
from typing import Final

from gateway.settings.model import IsalesSettings


class TlsFault(StrEnum):
    """What is wrong with a handshake, but for certificates (`gateway.trust.chain`)."""

    NOT_TLS = "not TLS"
    CLIENT_CERTIFICATE_WANTED = "client certificate wanted"
    CLIENT_CERTIFICATE_REFUSED = "client certificate refused"
    HANDSHAKE_REFUSED = "handshake refused"
    NO_ANSWER = "no answer"


class ClosedAfterHandshake(OSError):
    """The other end closed the connection as soon as it had seen our side of the handshake."""


OLD_VERSIONS: Final = frozenset({"TLSv1", "TLSv1.1"})

_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")

# Alerts about a certificate (RFC 8446 section 6.2), which from a server can only be about ours.
_ABOUT_OURS: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")


def fault_of(error: OSError, settings: IsalesSettings) -> TlsFault:
    """Return the kind of fault that ended a handshake with `error`."""
    if isinstance(error, TimeoutError):
        return TlsFault.NO_ANSWER
    if isinstance(error, ClosedAfterHandshake):
        # Its alert may have been overtaken by its closing. Nothing else of ours was left to look at by then.
        return TlsFault.CLIENT_CERTIFICATE_REFUSED if settings.client_cert_file else TlsFault.CLIENT_CERTIFICATE_WANTED
    reason = (isinstance(error, ssl.SSLError) and error.reason) or ""
    if any(word in reason for word in _NOT_TLS):
        return TlsFault.NOT_TLS
    if "ALERT" in reason and any(word in reason for word in _ABOUT_OURS):
        given = settings.client_cert_file and "CERTIFICATE_REQUIRED" not in reason
        return TlsFault.CLIENT_CERTIFICATE_REFUSED if given else TlsFault.CLIENT_CERTIFICATE_WANTED
    return TlsFault.HANDSHAKE_REFUSED


def words_of(fault: TlsFault, error: OSError, settings: IsalesSettings) -> str:
    """Return what was seen, in OpenSSL's words where it has any."""
    if fault is TlsFault.NO_ANSWER:
        return f"no answer in the handshake within {settings.connect_timeout_s:g} s (isales.connect_timeout_s)"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError) and error.reason:
        return f"{fault}: {error.reason.replace('_', ' ').lower()}"
    after = ", it seems: closed right after the handshake" if isinstance(error, ClosedAfterHandshake) else ""
    return f"{fault}{after or ': the other end closed the connection'}"


def hint_of(fault: TlsFault, settings: IsalesSettings, spoken: tuple[str, str] | None = None) -> str:
    """Return what to do. `spoken` is version and suite that the other end agrees to with whoever takes all of them."""
    ours = "isales.client_cert_file"
    return {
        TlsFault.NOT_TLS: (
            "What listens there does not speak TLS: check scheme and port of isales.base_url, and what is in between."
        ),
        TlsFault.CLIENT_CERTIFICATE_WANTED: (
            f"CC-iSales wants mutual TLS: get a client certificate from its administrators, set {ours} and"
            " isales.client_key_file."
        ),
        TlsFault.CLIENT_CERTIFICATE_REFUSED: (
            f"CC-iSales does not take our certificate, {ours} ({settings.client_cert_file}): have its administrators"
            " say whether it is expired, revoked, or of an authority that they do not trust."
        ),
        TlsFault.HANDSHAKE_REFUSED: _old(*spoken)
        if spoken
        else (
            "Whatever is offered, the other end ends the handshake: it may not know the name in isales.base_url, or "
            f"want a client certificate ({ours}). CC-iSales' administrators can tell from its log."
        ),
        TlsFault.NO_ANSWER: (
            "What listens there takes connections but says nothing: check scheme and port of isales.base_url, and"
            " whether CC-iSales is overloaded or a firewall looks into TLS."
        ),
    }[fault]


def _old(version: str, suite: str) -> str:
    """Return what is too old about what the other end speaks."""
    mend = "have CC-iSales' administrators enable TLS 1.2 or 1.3 with ECDHE and AES-GCM"
    if version in OLD_VERSIONS:
        return f"CC-iSales speaks {version} at best, and TLSv1.2 is the least here: {mend}."
    if version != "TLSv1.3" and not suite.startswith(("ECDHE-", "DHE-")):
        return (
            f"CC-iSales exchanges keys by RSA alone ({suite}), without forward secrecy, which is not done here: {mend}."
        )
    if suite.endswith("-SHA"):
        return f"CC-iSales has suites of CBC with SHA-1 alone ({suite}), which are not used here: {mend}."
    if suite.startswith("DHE-"):
        return f"CC-iSales' Diffie-Hellman key is too small ({suite}; 2048 bits are the least): {mend}."
    return (
        f"CC-iSales agrees to {version} with {suite} where anything is taken, and to nothing that is offered here; "
        f"a key or signature of the handshake may be too weak: {mend}."
    )
