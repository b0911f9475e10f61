"""Certificates of every kind, good and bad, as a test orders them."""

import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.support.programs import program

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
SERVERS = (ExtendedKeyUsageOID.SERVER_AUTH,)
CLIENTS = (ExtendedKeyUsageOID.CLIENT_AUTH,)
PRIVATE_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.55555.1")


@lru_cache(maxsize=8)
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Return an RSA key, one for each size: they take long to make."""
    return rsa.generate_private_key(65537, bits)


def ec_key() -> ec.EllipticCurvePrivateKey:
    """Return a key on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)


def issue(
    common_name: str = "",
    *,
    by: Issued | None = None,
    names: Sequence[str] = (),
    begins: datetime = NOW - DAY,
    ends: datetime = NOW + 300 * DAY,
    key: Key | None = None,
    authority: bool = False,
    pathlen: int | None = None,
    signs: bool = True,
    usage: bool = True,
    purposes: Sequence[ObjectIdentifier] | None = None,
    only_below: str = "",
    private_extension: bool = False,
    key_identifiers: bool = True,
) -> Issued:
    """Return a certificate of that name, signed by `by`, or by itself. `names` are those of subjectAltName."""
    key = key or ec_key()
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
    signer = by.key if by else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(by.certificate.subject if by else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_name, names))), critical=not common_name)
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=pathlen), critical=True)
        if usage:
            builder = builder.add_extension(_usage(signs=signs), critical=True)
    if purposes is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if only_below:
        permitted = x509.NameConstraints([x509.DNSName(only_below)], None)
        builder = builder.add_extension(permitted, critical=True)
    if private_extension:
        builder = builder.add_extension(x509.UnrecognizedExtension(PRIVATE_EXTENSION, b"\x05\x00"), critical=True)
    if key_identifiers:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(above, critical=False)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Issued(builder.sign(signer, algorithm), key)


def root(name: str = "Root", **options: object) -> Issued:
    """Return an authority that signs itself."""
    return issue(name, authority=True, **options)  # type: ignore[arg-type]  # -- passed on as they are


def between(by: Issued, name: str = "Issuing", **options: object) -> Issued:
    """Return an authority below another one."""
    return issue(name, by=by, authority=True, **options)  # type: ignore[arg-type]  # -- passed on as they are


def signed_with_sha1(by: Issued, name: str, folder: Path) -> Issued:
    """Return a certificate for `name` as the program openssl still makes them; the library signs with SHA-1 no more."""
    key = ec_key()
    for file, issued in (("ca", by), ("own", Issued(by.certificate, key))):
        (folder / f"{file}-key.pem").write_bytes(_private_pem(issued))
    (folder / "ca-cert.pem").write_bytes(by.pem)
    command = [program("openssl", "openssl"), "req", "-x509", "-sha1", "-days", "300", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-CA", "ca-cert.pem", "-CAkey", "ca-key.pem"]
    command += ["-key", "own-key.pem", "-out", "own.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return Issued(x509.load_pem_x509_certificate((folder / "own.pem").read_bytes()), key)


def presenting(folder: Path, own: Issued, *others: Issued) -> ssl.SSLContext:
    """Return a server's context that presents `own` and then `others`, of whatever quality they are."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    file = folder / "presented.pem"
    file.write_bytes(b"".join([_private_pem(own), own.pem, *(other.pem for other in others)]))
    context.load_cert_chain(file)
    return context


def _private_pem(issued: Issued) -> bytes:
    return issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        # A prefix asks for what is an address to be put there as a name.
        return x509.DNSName(name.removeprefix("dns:"))


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
