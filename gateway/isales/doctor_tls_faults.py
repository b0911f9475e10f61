"""What can be wrong with TLS towards CC-iSales: the kinds, how each is told, and what to do about it."""

import ssl
from enum import StrEnum
from typing import Final

from gateway.settings.model import IsalesSettings


class TlsFault(StrEnum):
    """What is wrong with a handshake."""

    UNKNOWN_CA = "unknown CA"
    SELF_SIGNED = "self-signed"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "wrong name"
    CERTIFICATE_REFUSED = "certificate refused"
    NOT_TLS = "not TLS"
    CLIENT_CERTIFICATE_WANTED = "client certificate wanted"
    CLIENT_CERTIFICATE_REFUSED = "client certificate refused"
    HANDSHAKE_REFUSED = "handshake refused"
    NO_ANSWER = "no answer"


# The numbers are OpenSSL's X509_V_ERR_* (x509_vfy.h), which Python hands over as `verify_code`.
_BY_VERIFY_CODE: Final = {
    2: TlsFault.UNKNOWN_CA,
    9: TlsFault.NOT_YET_VALID,
    10: TlsFault.EXPIRED,
    18: TlsFault.SELF_SIGNED,
    19: TlsFault.UNKNOWN_CA,
    20: TlsFault.UNKNOWN_CA,
    21: TlsFault.UNKNOWN_CA,
    62: TlsFault.WRONG_NAME,
    64: TlsFault.WRONG_NAME,
}


class ClosedAfterHandshake(OSError):
    """The other end closed the connection as soon as it had seen our side of the handshake."""


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
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(error.verify_code, TlsFault.CERTIFICATE_REFUSED)
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
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{fault}: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError) and error.reason:
        return f"{fault}: {error.reason.replace('_', ' ').lower()}"
    after = ", it seems: closed right after the handshake" if isinstance(error, ClosedAfterHandshake) else ""
    return f"{fault}{after or ': the other end closed the connection'}"


def hint_of(fault: TlsFault, settings: IsalesSettings, issuer: str, names: str) -> str:
    """Return what to do. `issuer` and `names` are those of the certificate that was seen, empty where none was."""
    by = f"its issuer, {issuer}" if issuer else "its issuer"
    trust = (
        f"isales.ca_file ({settings.ca_file}) does not hold {by}"
        if settings.ca_file
        else f"The system does not trust {by}, and isales.ca_file is empty"
    )
    ours = "isales.client_cert_file"
    return {
        TlsFault.UNKNOWN_CA: (
            f"{trust}. Get the certificate of that authority from CC-iSales' administrators and put it into"
            " isales.ca_file; if there are intermediates that CC-iSales does not send, them too."
        ),
        TlsFault.SELF_SIGNED: (
            "Ask CC-iSales' administrators whether its certificate has the SHA-256 below. If so, put that "
            "certificate into isales.ca_file. Where it has no names in it either, deploy/README.md says how to "
            "live with it safely."
        ),
        TlsFault.EXPIRED: (
            "CC-iSales' administrators have to renew its certificate. If they have, check this machine's clock."
        ),
        TlsFault.NOT_YET_VALID: "Check this machine's clock; else CC-iSales' administrators have to mend it.",
        TlsFault.WRONG_NAME: (
            f"Use a host in isales.base_url that the certificate is for{f' ({names})' if names else ''}, or have"
            " CC-iSales' administrators add this one to it; deploy/README.md says what to do about one without names."
        ),
        TlsFault.CERTIFICATE_REFUSED: "Tell CC-iSales' administrators these words; their certificate has to be mended.",
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
        TlsFault.HANDSHAKE_REFUSED: (
            "CC-iSales may speak nothing newer than TLS 1.1 (TLS 1.2 is the least here), share no cipher with us, or"
            f" want a client certificate ({ours}). Its administrators can tell from its log."
        ),
        TlsFault.NO_ANSWER: (
            "What listens there takes connections but says nothing: check scheme and port of isales.base_url, and"
            " whether CC-iSales is overloaded or a firewall looks into TLS."
        ),
    }[fault]
