"""What one certificate says, in words that are safe to show."""

import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.bounded_file import read_bounded
from gateway.escaping import escaped

SHOWN_NAMES: Final = 3
SHOWN_CHARACTERS: Final = 100
_TELLING: Final = (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME)
_KNOWN_EXTENSIONS: Final = (
    x509.AuthorityInformationAccess,
    x509.AuthorityKeyIdentifier,
    x509.BasicConstraints,
    x509.CertificatePolicies,
    x509.CRLDistributionPoints,
    x509.ExtendedKeyUsage,
    x509.InhibitAnyPolicy,
    x509.IssuerAlternativeName,
    x509.KeyUsage,
    x509.NameConstraints,
    x509.PolicyConstraints,
    x509.SubjectAlternativeName,
    x509.SubjectKeyIdentifier,
)

E = TypeVar("E", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate. `subject` and `issuer` are names for people, `names` those of subjectAltName; times are UTC.

    `common_name` is empty where there is none. `key` and `signed_with` are words, such as "RSA of 2048 bits" and
    "SHA256", and `key_bits` is 0 where a size says nothing. `may_sign` tells whether it is an authority's that may sign
    others (RFC 5280, sections 4.2.1.3 and 4.2.1.9), `below` how many authorities may stand below it, `for_servers`
    whether a server may show it. `unknown` are the critical extensions that nobody here knows.
    """

    subject: str
    issuer: str
    common_name: str
    names: tuple[str, ...]
    begins_at: datetime
    ends_at: datetime
    key: str
    key_bits: int
    signed_with: str
    may_sign: bool
    below: int | None
    for_servers: bool
    unknown: tuple[str, ...]
    sha256: str
    parsed: x509.Certificate

    @property
    def shown_names(self) -> str:
        """The names, of many only the first."""
        more = len(self.names) - SHOWN_NAMES
        return ", ".join(self.names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")

    @property
    def is_its_own_issuer(self) -> bool:
        """Whether it was issued in its own name."""
        return self.parsed.subject == self.parsed.issuer

    def is_signed_by(self, other: "Certificate") -> bool:
        """Tell whether the key of `other` has signed it."""
        try:
            self.parsed.verify_directly_issued_by(other.parsed)
        except Exception:  # noqa: BLE001 -- what a library makes of odd keys and algorithms is no proof
            return False
        return True


def read(der: bytes) -> Certificate:
    """Return what the certificate `der` says. Raises ValueError where it cannot be read."""
    try:
        parsed = x509.load_der_x509_certificate(der)
        key, bits = _key_of(parsed)
        constraints = _extension(parsed, x509.BasicConstraints)
        usage, purposes = _extension(parsed, x509.KeyUsage), _extension(parsed, x509.ExtendedKeyUsage)
        return Certificate(
            subject=_shown(parsed.subject),
            issuer=_shown(parsed.issuer),
            common_name=_common_name(parsed.subject),
            names=_names_of(parsed),
            begins_at=parsed.not_valid_before_utc,
            ends_at=parsed.not_valid_after_utc,
            key=key,
            key_bits=bits,
            signed_with=_signed_with(parsed),
            may_sign=constraints is not None and constraints.ca and (usage is None or usage.key_cert_sign),
            below=None if constraints is None else constraints.path_length,
            for_servers=purposes is None
            or any(
                purpose in purposes
                for purpose in (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
            ),
            unknown=tuple(
                each.oid.dotted_string
                for each in parsed.extensions
                if each.critical and not isinstance(each.value, _KNOWN_EXTENSIONS)
            ),
            sha256=hashlib.sha256(der).hexdigest(),
            parsed=parsed,
        )
    except ValueError:
        raise
    except Exception as error:
        # The library has many words for odd certificates.
        raise ValueError(str(error)) from error


def read_all(ders: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    """Return the certificates that can be read of `ders`."""
    found = []
    for der in ders:
        try:
            found.append(read(der))
        except ValueError:
            continue
    return tuple(found)


def soonest(chain: tuple[Certificate, ...]) -> Certificate:
    """Return the one of `chain`, which is not empty, that expires first: from then on all of it is refused."""
    return min(chain, key=lambda one: one.ends_at)


def in_file(path: str) -> tuple[Certificate, ...]:
    """Return the certificates in the PEM file at `path` that can be read; none where the file cannot."""
    try:
        text = read_bounded(path).decode("ascii", errors="replace")
    except OSError:
        return ()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    blocks = [part.partition(end)[0] for part in text.split(begin)[1:]]
    ders = []
    for block in blocks:
        try:
            ders.append(ssl.PEM_cert_to_DER_cert(f"{begin}{block}{end}"))
        except ValueError:
            continue
    return read_all(tuple(ders))


def _names_of(parsed: x509.Certificate) -> tuple[str, ...]:
    alternative = _extension(parsed, x509.SubjectAlternativeName)
    if alternative is None:
        return ()
    wanted = (x509.DNSName, x509.IPAddress)
    return tuple(_safe(str(name.value)) for name in alternative if isinstance(name, wanted))


def _extension(parsed: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _key_of(parsed: x509.Certificate) -> tuple[str, int]:
    try:
        key = parsed.public_key()
    except Exception:  # noqa: BLE001 -- one of an algorithm that nobody here knows
        return "a key of an unknown kind", 0
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "DSA"
        return f"{kind} of {key.key_size} bits", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name, 0
    return type(key).__name__.removesuffix("PublicKey"), 0


def _signed_with(parsed: x509.Certificate) -> str:
    try:
        algorithm = parsed.signature_hash_algorithm
    except Exception:  # noqa: BLE001 -- the same
        return "an unknown algorithm"
    return "" if algorithm is None else algorithm.name.upper()


def _shown(name: x509.Name) -> str:
    parts = [str(part.value) for oid in _TELLING for part in name.get_attributes_for_oid(oid)]
    return ", ".join(map(_safe, parts)) or _safe(name.rfc4514_string()) or "nobody"


def _common_name(name: x509.Name) -> str:
    return next((_safe(str(part.value)) for part in name.get_attributes_for_oid(NameOID.COMMON_NAME)), "")


def _safe(text: str) -> str:
    shown = escaped(text[:SHOWN_CHARACTERS])
    return shown if len(text) <= SHOWN_CHARACTERS else f"{shown}..."
