"""Are the files for TLS usable? Asked when settings are loaded, so that all that is wrong is said at once."""

import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from gateway.bounded_file import read_bounded

CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")


class TlsSettings(NamedTuple):
    """The names of the settings of one section that name files for TLS."""

    ca_file: str
    cert_file: str
    key_file: str


ISALES: Final = TlsSettings("ca_file", "client_cert_file", "client_key_file")
SHARED: Final = TlsSettings("shared_ca_file", "shared_cert_file", "shared_key_file")


def tls_faults(section: Mapping[str, Any], names: TlsSettings = ISALES) -> Iterator[tuple[str, str]]:
    """Yield for each file that `names` of `section` name and that cannot be used its setting and what is wrong.

    Settings that are empty or not in `section` are passed over.
    """
    ca_file, cert_file = section.get(names.ca_file, ""), section.get(names.cert_file, "")
    key_setting = names.key_file if section.get(names.key_file) else names.cert_file
    if ca_file and (fault := _unlike(ca_file, CERTIFICATE, "certificate") or _ca_fault(ca_file)):
        yield names.ca_file, fault
    if not cert_file or names.key_file not in section:
        return
    key_file = section[key_setting]
    cert_fault = _unlike(cert_file, CERTIFICATE, "certificate")
    if cert_fault:
        yield names.cert_file, cert_fault
    # A file that cannot be read at all is not told of twice where it is both.
    if (key_fault := _key_fault(key_file)) and key_fault != cert_fault:
        yield key_setting, key_fault
    if not cert_fault and not key_fault and (fault := _pair_fault(cert_file, key_file)):
        yield key_setting, fault


def _unlike(path: str, content: re.Pattern[bytes], what: str) -> str | None:
    """Return what is wrong with the file at `path`, if it cannot be read or holds no `content`."""
    if "-----BEGIN" in path:
        return "must be the path of a file, not what is in it"
    try:
        found = read_bounded(path)
    except OSError as fault:
        return f"{path!r} cannot be read: {fault.strerror}"
    except ValueError:
        return "must be the path of a file"
    if not content.search(found):
        return f"{path!r} holds no {what} in PEM, the text form that begins with -----BEGIN"
    return None


def _ca_fault(path: str) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError as fault:
        return f"{path!r} holds a certificate that cannot be read ({_why(fault)})"
    return None


def _key_fault(path: str) -> str | None:
    if fault := _unlike(path, PRIVATE_KEY, "private key"):
        return fault
    if ENCRYPTED.search(read_bounded(path)):
        return f"the private key in {path!r} is encrypted; `openssl pkey -in <file> -out <new file>` decrypts it"
    return None


def _pair_fault(cert_file: str, key_file: str) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert_file, key_file, password="")
    except OSError as fault:
        if isinstance(fault, ssl.SSLError) and fault.reason == "KEY_VALUES_MISMATCH":
            return f"the private key in {key_file!r} does not belong to the first certificate in {cert_file!r}"
        return f"the certificate in {cert_file!r} and the private key in {key_file!r} cannot be used ({_why(fault)})"
    return None


def _why(fault: OSError) -> str:
    reason = fault.reason if isinstance(fault, ssl.SSLError) else fault.strerror
    return (reason or "unknown reason").replace("_", " ").lower()
