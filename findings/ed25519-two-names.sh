#!/bin/sh
# One signature algorithm of two names: a provider that writes the new one is refused by most verifiers
#
# Software   joserfc 1.8.0, PyJWT 2.15.1, cryptography 50.0.2
# Seen       2026-11-27
#
# RFC 9864 (October 2025) deprecates the name `EdDSA` in JOSE and registers `Ed25519` and `Ed448` for the same signatures. So a
# JWK and a token of one provider, both right, may carry either name, and for a while the set of keys and the tokens
# of one provider will not agree. What happens then:
#
#   - joserfc knows both names, but holds them to be two algorithms: a key that is published as the one refuses
#     tokens that say the other. A key without `alg` takes both.
#   - PyJWT knows only the old name, in keys and in tokens: a key published as `Ed25519` cannot be read at all, also for
#     tokens that say `EdDSA`, and tokens that say `Ed25519` are refused whatever the key says.
#
#       key says   token says   joserfc   PyJWT
#       (nothing)  EdDSA        taken     taken
#       (nothing)  Ed25519      taken     refused
#       EdDSA      EdDSA        taken     taken
#       EdDSA      Ed25519      refused   refused
#       Ed25519    EdDSA        refused   refused
#       Ed25519    Ed25519      taken     refused
#
# Why care   Whoever checks tokens of somebody else's identity provider sees every token refused from the day on which
#            it writes the new name in one of the two places, with words about the key or the algorithm that lead to the
#            wrong party. What helps with joserfc: leave `alg` out of the key, where the curve decides anyway.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    joserfc==1.8.0 PyJWT==2.15.1 cryptography==50.0.2

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json
import sys
from base64 import urlsafe_b64encode

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import OKPKey


def b64(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def attempt(verify):
    try:
        verify()
    except Exception:
        return "refused"
    return "taken"


private = Ed25519PrivateKey.generate()
NAMES = ["EdDSA", "Ed25519"]
EXPECTED = {
    (None, "EdDSA"): ("taken", "taken"),
    (None, "Ed25519"): ("taken", "refused"),
    ("EdDSA", "EdDSA"): ("taken", "taken"),
    ("EdDSA", "Ed25519"): ("refused", "refused"),
    ("Ed25519", "EdDSA"): ("refused", "refused"),
    ("Ed25519", "Ed25519"): ("taken", "refused"),
}
changed = False
print("key says   token says   joserfc   PyJWT")
for (of_key, of_token), expected in EXPECTED.items():
    key = {"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": b64(private.public_key().public_bytes_raw())}
    if of_key:
        key["alg"] = of_key
    signed = f"{b64(json.dumps({'alg': of_token, 'kid': 'k'}).encode())}.{b64(b'{}')}"
    token = f"{signed}.{b64(private.sign(signed.encode()))}"
    seen = (
        attempt(lambda: joserfc_jwt.decode(token, OKPKey.import_key(key), algorithms=NAMES)),
        attempt(lambda: jwt.decode(token, jwt.PyJWK.from_dict(key), algorithms=NAMES)),
    )
    print(f"{of_key or '(nothing)':10} {of_token:12} {seen[0]:9} {seen[1]}")
    changed = changed or seen != expected
sys.exit("The behaviour has changed." if changed else 0)
PYTHON
