"""The certificates that the other end presents, also in a handshake in which they are refused."""

import ssl
from typing import Any


class ShowingTlsSocket(ssl.SSLSocket):
    """A TLS socket whose errors of verification know what was presented: see `presented_with`."""

    def do_handshake(self, *block: bool) -> None:
        """Do the handshake; raises as `ssl.SSLSocket` does. `block` is one at most, and gevent's socket takes none."""
        try:
            super().do_handshake(*block)
        except ssl.SSLCertVerificationError as error:
            error.presented = presented(self)  # type: ignore[attr-defined]  # -- read by `presented_with` alone
            raise


def presented(sock: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the certificates that the other end presented, its own first, in DER; verified or not."""
    within = _within(sock)
    return _ders(None if within is None else within.get_unverified_chain())


def verified(sock: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the certificates by which the other end was found trusted, from its own up to the one we trust, in DER.

    Others that it presents besides, such as those for older clients, are not among them. Empty before the handshake.
    """
    within = _within(sock)
    return _ders(None if within is None else within.get_verified_chain())


def _within(sock: ssl.SSLSocket) -> Any:
    # Methods of the socket itself from Python 3.13 on; before, of what is within it.
    return sock._sslobj  # type: ignore[attr-defined] # noqa: SLF001 -- see above


def _ders(chain: Any) -> tuple[bytes, ...]:
    return tuple(ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain or ())


def presented_with(error: ssl.SSLCertVerificationError) -> tuple[bytes, ...]:
    """Return what the other end presented when `error` ended the handshake; empty where that was not seen."""
    chain: tuple[bytes, ...] = getattr(error, "presented", ())
    return chain
