"""An identity provider: keys, tokens signed by them, and its JWK set over HTTP. Shares no code with the checks.

`POLICY` is what a gateway is told of it.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.access.claims import TokenPolicy
from tests.support.canaries import plant_made

ISSUER = "https://id.example.com"
AUDIENCE = "campaign-gateway"
POLICY = TokenPolicy(
    ISSUER, AUDIENCE, frozenset(), ("vdns",), ("scope",), scope_prefix="", grants=(), tenants=frozenset({1, 2, 3})
)
HASHES: Mapping[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())
EC_521 = ec.generate_private_key(ec.SECP521R1())
ED = ed25519.Ed25519PrivateKey.generate()
ED_448 = ed448.Ed448PrivateKey.generate()
KEYS: Mapping[str, PrivateKey] = {
    "rsa": RSA,
    "ec": EC,
    "ec-384": EC_384,
    "ec-521": EC_521,
    "ed": ED,
    "ed-448": ED_448,
}


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    """Return a number as JWKs write it."""
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def jwk(key_id: str, key: PrivateKey, **members: Any) -> dict[str, Any]:
    """Return the public half of `key` as a JWK."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        kind = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        point, size = public.public_numbers(), (public.key_size + 7) // 8
        kind = {"kty": "EC", "crv": f"P-{public.key_size}", "x": number(point.x, size), "y": number(point.y, size)}
    else:
        curve = "Ed25519" if isinstance(public, ed25519.Ed25519PublicKey) else "Ed448"
        kind = {"kty": "OKP", "crv": curve, "x": b64(public.public_bytes_raw())}
    return {"kid": key_id, **kind, **members}


def jwks(*keys: dict[str, Any]) -> bytes:
    """Return a JWK set, by default of all keys above."""
    return json.dumps({"keys": list(keys) or [jwk(key_id, key) for key_id, key in KEYS.items()]}).encode()


def claims(now: float | None = None, **changes: Any) -> dict[str, Any]:
    """Return good claims for VDN 1, changed; `None` takes a claim away."""
    at = int(time.time() if now is None else now)
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": at + 300,
        "nbf": at,
        "iat": at,
        "sub": "user-7",
        "client_id": "dashboard",
        "vdns": [1],
        "scope": "openid campaigns:read",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signature(algorithm: str, key: Any, signed: bytes) -> bytes:
    """Sign as RFC 7518 and RFC 8037 have it; `key` is bytes for HMAC."""
    family, digest = algorithm[:2], HASHES.get(algorithm[2:])
    if family == "HS":
        return hmac.new(key, signed, hashlib.sha256).digest()
    if family == "Ed":
        made: bytes = key.sign(signed)
        return made
    assert digest is not None
    if family == "ES":
        size = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    pads = {"RS": padding.PKCS1v15(), "PS": padding.PSS(padding.MGF1(digest), digest.digest_size)}
    made = key.sign(signed, pads[family], digest)
    assert isinstance(made, bytes)
    return made


def token(
    content: Any = None, algorithm: str = "RS256", key_id: str | None = "rsa", key: Any = None, **header: Any
) -> str:
    """Return a token: good for VDN 1 unless told otherwise. `None` takes a member of the header away."""
    head = {"alg": algorithm, "typ": "at+jwt", "kid": key_id, **header}
    head = {name: value for name, value in head.items() if value is not None}
    parts = [head, claims() if content is None else content]
    signed = ".".join(b64(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in parts)
    if algorithm == "none":
        return f"{signed}."
    signer = KEYS[key_id or "rsa"] if key is None else key
    made = f"{signed}.{b64(signature(algorithm, signer, signed.encode()))}"
    plant_made(made)
    return made


def token_of(head: bytes, body: bytes) -> str:
    """Return a token of these very bytes, with the signature of the RSA key by RS256."""
    signed = f"{b64(head)}.{b64(body)}"
    return f"{signed}.{b64(signature('RS256', RSA, signed.encode()))}"


@dataclass
class Provider:
    """What the provider answers at `url`, and how often it was asked. `late_s` is how long it takes."""

    url: str = ""
    status: int = 200
    body: bytes = field(default_factory=jwks)
    headers: dict[str, str] = field(default_factory=dict)
    late_s: float = 0.0
    asked: int = 0


@contextmanager
def provider() -> Iterator[Provider]:
    """Serve a JWK set on the loopback interface for as long as the context lasts."""
    state = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked += 1
            time.sleep(state.late_s)
            self.send_response(state.status)
            for name, value in {"Content-Length": str(len(state.body)), **state.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/jwks"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()
