"""The doctor on TLS: what the gateway's own handshake comes to, and the certificate, also one that is refused."""

import hashlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway.counted import counted
from gateway.isales.doctor_network import Address
from gateway.isales.doctor_step import Fact, Name, State, Step
from gateway.isales.doctor_tls_faults import ClosedAfterHandshake, TlsFault, fault_of, hint_of, words_of
from gateway.isales.text import escaped
from gateway.isales.transport_tls import tls_context
from gateway.settings.model import IsalesSettings

FEW_DAYS: Final = 30
"""Less than so many days before a certificate expires are a warning."""

SHOWN_NAMES: Final = 3
TEXT_CHARACTERS: Final = 100
ALERT_WAIT_S: Final = 0.1
FACTS: Final = ("protocol", "subject_names", "issuer", "not_after", "days_left", "sha256", "fault")
_SECONDS_A_DAY: Final = 86400

# X509_V_FLAG_NO_CHECK_TIME (OpenSSL's x509_vfy.h), which Python has no name for.
_NO_CHECK_TIME: Final = 0x200000


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says: names that it is for, those of its issuer, and when it expires (aware, UTC)."""

    names: tuple[str, ...]
    issuer_names: tuple[str, ...]
    expires_at: datetime

    @classmethod
    def read(cls, decoded: Mapping[str, Any]) -> "Certificate":
        """Read what `SSLSocket.getpeercert` returns. The texts come from the other end and are escaped."""
        names = tuple(escaped(value, TEXT_CHARACTERS) for _, value in decoded.get("subjectAltName", ()))
        parts = dict(pair for group in decoded["issuer"] for pair in group)
        wanted = ("commonName", "organizationalUnitName", "organizationName")
        issuer = tuple(escaped(parts[part], TEXT_CHARACTERS) for part in wanted if part in parts)
        return cls(
            names, issuer or ("nobody",), datetime.fromtimestamp(ssl.cert_time_to_seconds(decoded["notAfter"]), UTC)
        )

    @property
    def issuer(self) -> str:
        """The names of the issuer, the most telling first."""
        return ", ".join(self.issuer_names)

    @property
    def shown_names(self) -> str:
        """The names, of many only the first."""
        more = len(self.names) - SHOWN_NAMES
        return ", ".join(self.names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")

    def days_left(self, now: datetime) -> int:
        """Return the whole days until it expires, below 0 once it has."""
        return int((self.expires_at - now).total_seconds() // _SECONDS_A_DAY)

    def facts(self, now: datetime) -> dict[str, Fact]:
        """Return its part of a step's facts."""
        return {
            "subject_names": self.names,
            "issuer": self.issuer,
            "not_after": self.expires_at.isoformat().replace("+00:00", "Z"),
            "days_left": self.days_left(now),
        }


def shake_hands(address: Address, host: str, settings: IsalesSettings, now: datetime) -> Step:
    """Return the step TLS: the handshake that the gateway makes with `host` at `address`, and nothing sent after it."""
    facts: dict[str, Fact] = {**dict.fromkeys(FACTS), "trusted_by": settings.ca_file or "system"}
    began = time.monotonic()
    try:
        with _handshake(address, host, tls_context(settings), settings) as tls:
            certificate = Certificate.read(tls.getpeercert() or {})
            facts |= {"protocol": tls.version(), "sha256": _sha256(tls), **certificate.facts(now)}
            _await_alert(tls, time.monotonic() - began, settings)
    except OSError as error:
        took = time.monotonic() - began
        refused = None
        if isinstance(error, ssl.SSLCertVerificationError):
            refused, facts["sha256"] = _refused_certificate(address, host, settings)
            facts |= refused.facts(now) if refused else {}
        fault = fault_of(error, settings)
        hint = hint_of(fault, settings, refused.issuer if refused else "", refused.shown_names if refused else "")
        if fault in (TlsFault.SELF_SIGNED, TlsFault.UNKNOWN_CA) and facts["sha256"]:
            hint += f" SHA-256 of the certificate: {facts['sha256']}"
        facts["fault"] = fault.value
        seen = words_of(fault, error, settings)
        if fault is TlsFault.EXPIRED and refused:
            seen += f", on {_minute(refused.expires_at)}"
        return Step(Name.TLS, State.FAILED, seen, took, hint, facts)
    took = time.monotonic() - began
    days = certificate.days_left(now)
    whose = f"{certificate.shown_names or 'no name'}, by {certificate.issuer_names[0]}"
    seen = f"{facts['protocol']}, {whose}, {counted(days, 'day')} left"
    if days < FEW_DAYS:
        until = _minute(certificate.expires_at)
        hint = f"Have CC-iSales' administrators renew the certificate before {until}: from then on it is refused."
        return Step(Name.TLS, State.WARNING, seen, took, hint, facts)
    return Step(Name.TLS, State.GOOD, seen, took, facts=facts)


def _handshake(address: Address, host: str, context: ssl.SSLContext, settings: IsalesSettings) -> ssl.SSLSocket:
    sock = address.connect(settings.connect_timeout_s)
    try:
        # A name with the dot of the root at its end is called, but certificates are made out without it.
        return context.wrap_socket(sock, server_hostname=host.rstrip("."))
    except BaseException:
        sock.close()
        raise


def _await_alert(tls: ssl.SSLSocket, took_s: float, settings: IsalesSettings) -> None:
    """Wait for a word against our certificate, which in TLS 1.3 comes only after our side of the handshake is done.

    Raises `OSError` if it comes. The wait is twice what the handshake took: more than one way there and back.
    """
    if tls.version() != "TLSv1.3":
        return
    tls.settimeout(min(max(2 * took_s, ALERT_WAIT_S), settings.connect_timeout_s))
    try:
        closed = not tls.recv(1)
    except TimeoutError:
        # Silence is right: it is for us to speak first.
        return
    except ConnectionError:
        # Python 3.11 reads a reset as an end instead.
        closed = True
    if closed:
        raise ClosedAfterHandshake


def _refused_certificate(
    address: Address, host: str, settings: IsalesSettings
) -> tuple[Certificate | None, str | None]:
    """Return the certificate that was refused and the SHA-256 of it; `None` where they cannot be had.

    This looks without verifying, so whoever answers may be anybody. Nothing is sent to them but the two handshakes:
    no request, no signature, no client certificate. What is seen is for the report and is trusted by nothing.
    """
    blind = _context()
    blind.verify_mode = ssl.CERT_NONE
    try:
        with _handshake(address, host, blind, settings) as tls:
            der, sha256 = tls.getpeercert(binary_form=True) or b"", _sha256(tls)
    except OSError:
        return None, None
    # The standard library decodes only a certificate that it has verified. So let it verify, against that one itself.
    pinned = _context()
    pinned.verify_flags = pinned.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    try:
        pinned.load_verify_locations(cadata=der)
        with _handshake(address, host, pinned, settings) as tls:
            return Certificate.read(tls.getpeercert() or {}), sha256
    except (OSError, LookupError, ValueError):
        return None, sha256


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    return context


def _sha256(tls: ssl.SSLSocket) -> str:
    return hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()
