"""The one policy of TLS towards others: CC-iSales, identity providers and Redis are verified alike on every Python.

- TLS 1.2 is the least; suites and key sizes are those of Python and OpenSSL.
- Chain and name are verified. Names are those of subjectAltName alone (RFC 9525, section 6.3): a common name counts for
  nothing.
- What `ca_file` holds is trusted as it is meant: also an intermediate or the certificate of the server itself, and
  nothing else beside it. Without it the system's authorities are trusted.
- RFC 5280 is not held against authorities to the letter (`VERIFY_X509_STRICT`), as Python does from 3.13 on: those of
  appliances and of many a company lack a key identifier or a usage, and would be refused on some machines only.
"""

import ssl

from gateway.trust.presented import ShowingTlsSocket

ADDED_FLAGS = ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_TRUSTED_FIRST
REMOVED_FLAGS = ssl.VERIFY_X509_STRICT


def client_context(ca_file: str = "") -> ssl.SSLContext:
    """Return what verifies by the certificates in the PEM file `ca_file`, or else by the system's authorities.

    Raises OSError where the file cannot be read or holds none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.verify_flags = (context.verify_flags | ADDED_FLAGS) & ~REMOVED_FLAGS
    context.sslsocket_class = ShowingTlsSocket
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    else:
        context.load_default_certs()
    return context
