"""The doctor on identity providers: can the keys of bearer tokens be read, and what is in them."""

import ssl
import time
from collections.abc import Iterable, Iterator

from gateway.access.explanation import described
from gateway.access.jwks import parse_jwks
from gateway.access.key_source import reader_of
from gateway.escaping import escaped
from gateway.isales.doctor_step import Fact, Name, State, Step
from gateway.settings.model import JwtSettings


def examine_issuers(issuers: Iterable[JwtSettings]) -> Iterator[Step]:
    """Yield a step for each identity provider, as soon as its keys have been read once."""
    for jwt in issuers:
        yield _step(jwt)


def _step(jwt: JwtSettings) -> Step:
    source = jwt.jwks_url or jwt.jwks_file
    facts: dict[str, Fact] = {"issuer": jwt.issuer, "source": source, "keys": None, "left_out": None}
    began = time.monotonic()
    try:
        keys = parse_jwks(reader_of(jwt)())
    except (OSError, ValueError) as fault:
        seen = f"{jwt.issuer}: its keys could not be read from {source}: {escaped(str(fault))}"
        return Step(Name.ISSUER, State.FAILED, seen, time.monotonic() - began, _hint(jwt, fault), facts)
    took = time.monotonic() - began
    facts |= {"keys": sum(map(len, keys.by_id.values())), "left_out": len(keys.left_out)}
    return Step(Name.ISSUER, State.GOOD, f"{jwt.issuer}: keys: {described(keys)}", took, facts=facts)


def _hint(jwt: JwtSettings, fault: OSError | ValueError) -> str:
    if not jwt.jwks_url:
        return "Put the JWK set of the provider into the file that jwt.jwks_file names, and let the gateway read it."
    if isinstance(fault, ssl.SSLError):
        return (
            "The system does not trust the provider's certificate: name a file with its authority in the variable"
            " SSL_CERT_FILE, or have the certificate mended."
        )
    if isinstance(fault, OSError):
        return (
            "Check host and port of jwt.jwks_url, and that this machine is let through to them: proxies are not used."
            " Where there is no way, fetch the keys otherwise and set jwt.jwks_file."
        )
    return "Set jwt.jwks_url to the `jwks_uri` of the provider's discovery document."
