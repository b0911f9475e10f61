"""The doctor on TLS: what the gateway's own handshake comes to, and the certificate, also one that is refused."""

import ssl
import time
import warnings
from datetime import datetime
from typing import Final

from gateway.counted import counted
from gateway.isales.doctor_network import Address
from gateway.isales.doctor_step import Fact, Name, State, Step
from gateway.isales.doctor_tls_faults import ClosedAfterHandshake, TlsFault, fault_of, hint_of, words_of
from gateway.isales.transport_socket import diagnosis_of
from gateway.isales.transport_tls import tls_context
from gateway.settings.model import IsalesSettings
from gateway.trust.certificate import Certificate, read, read_all, soonest
from gateway.trust.chain import minute
from gateway.trust.presented import presented_with, verified

FEW_DAYS: Final = 30
"""Less than so many days before a certificate expires are a warning."""

ALERT_WAIT_S: Final = 0.1
FACTS: Final = ("protocol", "subject_names", "issuer", "not_after", "days_left", "sha256", "fault")
_SECONDS_A_DAY: Final = 86400


def shake_hands(address: Address, host: str, settings: IsalesSettings, now: datetime) -> Step:
    """Return the step TLS: the handshake that the gateway makes with `host` at `address`, and nothing sent after it."""
    facts: dict[str, Fact] = {**dict.fromkeys(FACTS), "trusted_by": settings.ca_file or "system"}
    began = time.monotonic()
    try:
        with _handshake(address, host, tls_context(settings), settings) as tls:
            own = read(tls.getpeercert(binary_form=True) or b"")
            first = soonest((own, *read_all(verified(tls))))
            facts |= {"protocol": tls.version(), **certificate_facts(own, now)}
            _await_alert(tls, time.monotonic() - began, settings)
    except OSError as error:
        took = time.monotonic() - began
        if isinstance(error, ssl.SSLCertVerificationError):
            chain = read_all(presented_with(error))
            facts |= certificate_facts(chain[0], now) if chain else {}
            diagnosis = diagnosis_of(error, chain, settings, now)
            facts["fault"], seen = diagnosis.fault.value, f"{diagnosis.fault}: {diagnosis.seen}"
            return Step(Name.TLS, State.FAILED, seen, took, diagnosis.hint, facts)
        fault = fault_of(error, settings)
        spoken = _spoken(address, host, settings) if fault is TlsFault.HANDSHAKE_REFUSED else None
        facts["fault"] = fault.value
        return Step(
            Name.TLS, State.FAILED, words_of(fault, error, settings), took, hint_of(fault, settings, spoken), facts
        )
    took = time.monotonic() - began
    seen = f"{facts['protocol']}, {own.shown_names or 'no name'}, by {own.issuer}, {_left(own, now)} left"
    if first is not own:
        facts["chain_days_left"] = days_left(first, now)
        seen += f", but {_left(first, now)} of {first.subject}, above it"
    if days_left(first, now) < FEW_DAYS:
        return Step(Name.TLS, State.WARNING, seen, took, _renewal(own, first), facts)
    return Step(Name.TLS, State.GOOD, seen, took, facts=facts)


def _left(certificate: Certificate, now: datetime) -> str:
    return counted(days_left(certificate, now), "day")


def _renewal(own: Certificate, first: Certificate) -> str:
    """Return what to do before `first`, which may be the server's `own` or one above it, expires."""
    until = minute(first.ends_at)
    if first is own:
        return f"Have CC-iSales' administrators renew the certificate before {until}: from then on it is refused."
    return (
        f"From {until} on the server's own is refused too. Have CC-iSales' administrators have it present what "
        f"{first.subject} has by then; where that is in isales.ca_file, put the new one there beside it."
    )


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


def _spoken(address: Address, host: str, settings: IsalesSettings) -> tuple[str, str] | None:
    """Return the version and the suite that the other end agrees to with a client that takes everything, or `None`.

    Nothing is verified and nothing sent but the handshake: what is seen is for the report and is trusted by nothing.
    """
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    blind.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        # To say that these are old is what it is for.
        warnings.simplefilter("ignore", DeprecationWarning)
        blind.minimum_version = ssl.TLSVersion.TLSv1
    try:
        with _handshake(address, host, blind, settings) as tls:
            suite, _, _ = tls.cipher() or ("", "", 0)
            return tls.version() or "", suite
    except OSError:
        return None


def certificate_facts(certificate: Certificate, now: datetime) -> dict[str, Fact]:
    """Return what a step tells programs of a certificate."""
    return {
        "subject_names": certificate.names,
        "issuer": certificate.issuer,
        "not_after": certificate.ends_at.isoformat().replace("+00:00", "Z"),
        "days_left": days_left(certificate, now),
        "sha256": certificate.sha256,
    }


def days_left(certificate: Certificate, now: datetime) -> int:
    """Return the whole days until it expires, below 0 once it has."""
    return int((certificate.ends_at - now).total_seconds() // _SECONDS_A_DAY)
