"""Bearer tokens (RFC 6750): from the header `Authorization` to a grant."""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog

from gateway.access.claims import TokenPolicy, check_claims
from gateway.access.clients import Grant
from gateway.access.jws import (
    MAX_TOKEN_BYTES,
    FindKeys,
    RefusedToken,
    check_header,
    check_signature,
    read_token,
)
from gateway.access.keys import has_prefix
from gateway.access.last_use import LastUses
from gateway.access.rights import Form, Found, rights_of
from gateway.bounded_lru import BoundedLru
from gateway.errors import BearerChallenge, Unauthenticated

KEPT_S: Final = 60.0
"""Longest time that a token is taken without a new look at its signature: how late a withdrawn key takes effect."""

KEPT_BYTES: Final = 4_194_304
MAX_HEADER_CHARACTERS: Final = MAX_TOKEN_BYTES + len("Bearer ")
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)
_NUMBER_BYTES: Final = 64

T = TypeVar("T")
log = structlog.get_logger("gateway.access")


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An identity provider: what its tokens must say, and its keys."""

    policy: TokenPolicy
    find_keys: FindKeys


def issuer_of(claims: Mapping[str, Any], issuers: Mapping[str, T]) -> T:
    """Return the one of `issuers`, by their `iss`, that a token says to be from, which must be exact.

    Raises RefusedToken if there is none. The claims need not be verified: they are, with the keys of who is returned.
    """
    issuer = claims.get("iss")
    found = issuers.get(issuer) if isinstance(issuer, str) else None
    if found is None:
        trusted = "the one that is" if len(issuers) == 1 else "one of those that are"
        raise RefusedToken("bad-issuer", f"The issuer (iss) of the token is not {trusted} trusted here.")
    return found


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a good token allows, until when on the monotonic clock this may be used, and when the token expires."""

    grant: Grant
    usable_until: float
    expires: float

    def __len__(self) -> int:
        return _NUMBER_BYTES * len(self.grant.vdns) + len(self.grant.no_vdn) + len(self.grant.no_scope)


class BearerTokens:
    """Knows good tokens when it sees them. Neither they nor parts of them are kept, only their SHA-256.

    `count` is told the outcome of each check that was made: `ok` or the reason of the refusal; `count_useless` of each
    good token the kind of right that its claims do not give, and what was found. `uses` is where the last use of each
    holder is noted.
    """

    def __init__(
        self,
        issuers: Iterable[TrustedIssuer],
        count: Callable[[str], None],
        wall: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
        uses: LastUses | None = None,
        count_useless: Callable[[str, str], None] = lambda _right, _found: None,
    ) -> None:
        self._issuers = {issuer.policy.issuer: issuer for issuer in issuers}
        self._count = count
        self._count_useless = count_useless
        self._wall = wall
        self._uses = uses or LastUses()
        self._clock = clock
        self._verified: BoundedLru[bytes, _Verified] = BoundedLru(KEPT_BYTES)

    def find(self, authorization: str) -> Grant | None:
        """Return what the token in `authorization` allows if it has been verified lately, `None` if it is to be now."""
        if len(authorization) > MAX_HEADER_CHARACTERS:
            return None
        kept = self._verified.get(_digest(authorization))
        if kept is None or self._clock() >= kept.usable_until or self._wall().timestamp() >= kept.expires:
            return None
        return kept.grant

    def authenticate(self, authorization: str) -> Grant:
        """Return what the token in `authorization`, the value of that header, allows.

        Raises Unauthenticated if it is not good, InternalError if that cannot be told for want of keys.
        """
        known = self.find(authorization)
        if known is not None:
            return known
        try:
            grant, expires, now = self._verify(authorization)
        except RefusedToken as refusal:
            self._count(refusal.reason)
            raise Unauthenticated(str(refusal), bearer=BearerChallenge("invalid_token")) from None
        self._count("ok")
        usable_until = self._clock() + min(KEPT_S, expires - now)
        self._verified.put(_digest(authorization), _Verified(grant, usable_until, expires))
        return grant

    def _verify(self, authorization: str) -> tuple[Grant, float, float]:
        if len(authorization) > MAX_HEADER_CHARACTERS:
            raise RefusedToken("too-large", f"The token is longer than {MAX_TOKEN_BYTES} bytes.")
        token = read_token(sent_token(authorization))
        check_header(token.header)
        issuer = issuer_of(token.claims, self._issuers)
        check_signature(token, issuer.find_keys)
        # Looked at after the keys have been waited for.
        now = self._wall().timestamp()
        expires = check_claims(token.claims, issuer.policy, now)
        grant, found = rights_of(token.claims, issuer.policy)
        self._tell(grant, issuer.policy, found)
        return replace(grant, use=self._uses.of_token(grant.client)), expires, now

    def _tell(self, grant: Grant, policy: TokenPolicy, found: Iterable[Found]) -> None:
        """Count and log claims that give nothing, or are odd: else nobody sees why a good token is good for nothing."""
        for one in found:
            if one.form is not Form.GOOD:
                self._count_useless(one.right, one.form)
                log.warning(
                    "token_claims",
                    client=grant.client,
                    issuer=policy.issuer,
                    looked_for=list(one.claims),
                    found=one.form.value,
                    words=one.words,
                )


def sent_token(authorization: str) -> str:
    """Return the token in `authorization`, the value of that header; raises RefusedToken if it is not in that form."""
    sent = _BEARER.fullmatch(authorization)
    if sent is None and "," in authorization:
        # Servers join headers that come more than once so (RFC 9110, section 5.3), and no token has a comma.
        raise RefusedToken("malformed", "The header Authorization was sent more than once; send one token.")
    if sent is None:
        raise RefusedToken("malformed", "The header Authorization is not `Bearer` and one token.")
    if has_prefix(sent[1]):
        raise RefusedToken("malformed", "This is an API key and no token; send it in the header X-API-Key.")
    return sent[1]


def is_bearer(authorization: str) -> bool:
    """Tell whether the header `Authorization` has this value's scheme (RFC 9110, section 11.1: in any case)."""
    return authorization[:7].rstrip(" ").lower() == "bearer"


def _digest(authorization: str) -> bytes:
    # WSGI hands header bytes over as Latin-1 characters.
    return hashlib.sha256(authorization.encode("latin-1")).digest()
