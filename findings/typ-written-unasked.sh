#!/bin/sh
# Tokens that tests make have a header `typ` that some identity providers' tokens lack, and one library has no way without
#
# Software   joserfc 1.8.0, PyJWT 2.15.1, cryptography 50.0.2
# Seen       2026-11-27
#
# Who gives only `alg` and `kid` gets a token whose header has `"typ": "JWT"` too. Okta's custom authorization
# servers, Amazon Cognito and Kubernetes write no `typ` at all, which RFC 7519 (5.1) allows. How to get such a token differs:
#
#                              joserfc.jwt   PyJWT
#       asked for alg and kid  "JWT"         "JWT"
#       asked for typ None     refused       absent
#       signed as plain JWS    absent        "JWT"
#
# Why care   A service that insists on `typ`, since RFC 8725 recommends to look at it, passes every test whose tokens a
#            library has made, and refuses every caller of those providers on the first day. In tests, write headers
#            by hand: with joserfc by its jws module, which adds nothing.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    joserfc==1.8.0 PyJWT==2.15.1 cryptography==50.0.2

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json
import sys
from base64 import urlsafe_b64decode

import jwt
from joserfc import jws
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import RSAKey

key = RSAKey.generate_key(2048)
pem = key.as_pem(private=True)


def typ_of(make):
    try:
        head = make().split(".")[0]
    except Exception:
        return "refused"
    header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return json.dumps(header["typ"]) if "typ" in header else "absent"


seen = {
    "asked for alg and kid": (
        typ_of(lambda: joserfc_jwt.encode({"alg": "RS256", "kid": "k"}, {}, key)),
        typ_of(lambda: jwt.encode({}, pem, "RS256", headers={"kid": "k"})),
    ),
    "asked for typ None": (
        typ_of(lambda: joserfc_jwt.encode({"alg": "RS256", "kid": "k", "typ": None}, {}, key)),
        typ_of(lambda: jwt.encode({}, pem, "RS256", headers={"kid": "k", "typ": None})),
    ),
    "signed as plain JWS": (
        typ_of(lambda: jws.serialize_compact({"alg": "RS256", "kid": "k"}, b"{}", key)),
        typ_of(lambda: jwt.api_jws.encode(b"{}", pem, "RS256", headers={"kid": "k"})),
    ),
}
print(f"{'':22} {'joserfc':13} PyJWT")
for asked, typ in seen.items():
    print(f"{asked:22} {typ[0]:13} {typ[1]}")
expected = {
    "asked for alg and kid": ('"JWT"', '"JWT"'),
    "asked for typ None": ("refused", "absent"),
    "signed as plain JWS": ("absent", '"JWT"'),
}
sys.exit(0 if seen == expected else "The behaviour has changed.")
PYTHON
