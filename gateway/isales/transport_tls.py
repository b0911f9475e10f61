"""What is trusted on the way to CC-iSales, and what we show of ourselves."""

import ssl

from gateway.isales.transport_socket import DeadlinedTlsSocket
from gateway.settings.model import IsalesSettings
from gateway.trust.context import client_context


def tls_context(settings: IsalesSettings) -> ssl.SSLContext:
    """Return a context that verifies chain and name, by `ca_file` alone or else by the system's CAs.

    `ValueError` names the setting whose file cannot be used.
    """
    try:
        context = client_context(settings.ca_file)
    except OSError as error:
        raise ValueError(_unusable("ca_file", settings.ca_file, "CA certificates", error)) from error
    context.sslsocket_class = DeadlinedTlsSocket
    if settings.client_cert_file:
        key_file = settings.client_key_file or settings.client_cert_file
        try:
            # An empty password makes an encrypted key fail here, where OpenSSL would ask at the terminal.
            context.load_cert_chain(settings.client_cert_file, key_file, password="")
        except OSError as error:
            files = f"{settings.client_cert_file}, {key_file}"
            raise ValueError(_unusable("client_cert_file", files, "a certificate and its key", error)) from error
    return context


def _unusable(setting: str, files: str, content: str, error: OSError) -> str:
    return f"isales.{setting}: {files} cannot be used ({error.strerror}); give {content} in PEM, not encrypted"
