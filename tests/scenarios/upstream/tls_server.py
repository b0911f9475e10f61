"""A CC-iSales of bare sockets behind TLS, with certificates of its own authorities."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from tests.scenarios.upstream.raw_server import RawServer

CA = trustme.CA()
OTHER_CA = trustme.CA()


def ca_file_in(folder: Path) -> str:
    """Write the certificate of `CA`, which the gateway is to trust, into `folder`; return the path."""
    path = folder / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return str(path)


def tls_server_context(certificate: trustme.LeafCert, trusted: trustme.CA | None = None) -> ssl.SSLContext:
    """Return what serves `certificate`, to clients with a certificate of the CA `trusted` alone if that is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if trusted:
        trusted.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def serving(certificate: trustme.LeafCert, trusted: trustme.CA | None = None) -> Iterator[RawServer]:
    """Serve TLS with `certificate`, to clients with a certificate of the CA `trusted` alone if that is given."""
    with RawServer(tls=tls_server_context(certificate, trusted)) as server:
        yield server
