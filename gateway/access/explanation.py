"""What each check says of a token, as far as it can be told, for whoever wants to know why it is good or not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from gateway.access.bearer import issuer_of, sent_token
from gateway.access.claims import CHECKS, TokenPolicy, client_of, moment
from gateway.access.jwks import TokenKeys
from gateway.access.jws import ReadToken, RefusedToken, check_header, check_signature, read_token
from gateway.access.keys import has_prefix
from gateway.access.rights import Form, rights_of
from gateway.escaping import escaped

SHOWN: Final = 200
"""Characters of one value of a token that are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One check: its name, whether it is passed (`None` if it could not be made), and what was seen. Safe to show."""

    check: str
    passed: bool | None
    seen: str


def explain(
    sent: str, policies: Sequence[TokenPolicy], read_keys: Callable[[TokenPolicy], TokenKeys], now: float
) -> Iterator[Line]:
    """Yield what each check says of `sent`, a token or the value of the header `Authorization` with one.

    These are the checks of `BearerTokens`, in its order, but all of them, whatever the ones before say; only a token
    that cannot be read ends it. `policies` are those of all providers, at least one, and `read_keys` returns the keys
    of one, or raises OSError or ValueError. `now` is in seconds since 1970. No signature is in what is yielded.
    """
    try:
        token = read_token(_token(sent.strip()))
    except RefusedToken as refusal:
        yield Line("form", passed=False, seen=str(refusal))
        return
    yield Line("form", passed=True, seen="a JWS in compact form, with JSON objects in it")
    kind, algorithm = token.header.get("typ", "none, which means JWT"), token.header.get("alg")
    seen = f"alg {_shown(algorithm)}, typ {_shown(kind)}, kid {_shown(token.header.get('kid', 'none'))}"
    yield _checked("header", lambda: check_header(token.header), seen)
    listed = ", ".join(_shown(policy.issuer) for policy in policies)
    seen = f"iss {_shown(token.claims.get('iss', 'none'))}; trusted: {listed}"
    yield (issuer := _checked("issuer", lambda: _policy(token, policies), seen))
    if not issuer.passed and len(policies) > 1:
        return
    # Of an only provider the rest can be told whatever the token says of its issuer.
    policy = _policy(token, policies) if issuer.passed else policies[0]
    yield from _signed(token, policy, read_keys)
    for name, check in CHECKS.items():
        yield _checked(name, partial(check, token.claims, policy, now), _seen(name, token.claims, policy, now))
    yield from _rights(token.claims, policy)


def _token(sent: str) -> str:
    if sent[:7].lower() == "bearer ":
        return sent_token(sent)
    if has_prefix(sent):
        raise RefusedToken("malformed", "This is an API key and no token.")
    return sent


def _policy(token: ReadToken, policies: Sequence[TokenPolicy]) -> TokenPolicy:
    return issuer_of(token.claims, {policy.issuer: policy for policy in policies})


def _checked(name: str, check: Callable[[], object], seen: str) -> Line:
    try:
        check()
    except RefusedToken as refusal:
        return Line(name, passed=False, seen=f"{refusal} ({seen})")
    return Line(name, passed=True, seen=seen)


def _signed(token: ReadToken, policy: TokenPolicy, read_keys: Callable[[TokenPolicy], TokenKeys]) -> Iterator[Line]:
    try:
        keys = read_keys(policy)
    except (OSError, ValueError) as fault:
        yield Line("keys", passed=False, seen=escaped(str(fault)))
        yield Line("signature", passed=None, seen="not checked, for want of keys")
        return
    yield Line("keys", passed=True, seen=described(keys))
    try:
        check_header(token.header)
        check_signature(token, lambda _key_id, *, anew=False: keys)  # noqa: ARG005 -- they have just been read
    except RefusedToken as refusal:
        yield Line("signature", passed=False, seen=str(refusal))
        return
    (key, *_) = keys.named(token.key_id)
    yield Line("signature", passed=True, seen=f"made by the key {_shown(key.kid or 'without a kid')}, {key.key_type}")


def described(keys: TokenKeys) -> str:
    """Return how many keys there are, their names, and which were left out."""
    usable = sum(map(len, keys.by_id.values()))
    names = ", ".join(escaped(key_id or "without a kid")[:SHOWN] for key_id in keys.by_id)
    left_out = f"; left out: {', '.join(map(str, keys.left_out))}" if keys.left_out else ""
    return f"{usable} usable ({names}){left_out}"


def _seen(name: str, claims: Mapping[str, Any], policy: TokenPolicy, now: float) -> str:
    """Return what a check of `CHECKS` looks at."""
    if name == "audience":
        return f"aud {_shown(claims.get('aud', 'none'))}; wanted: {_shown(policy.audience or 'none')}"
    if name == "client":
        accepted = ", ".join(map(_shown, sorted(policy.accepted_clients))) or "any"
        return f"client {_shown(client_of(claims) or 'none')}; accepted: {accepted}"
    if name == "time":
        return f"{', '.join(_times(claims))}; now {_moment(now)}"
    said = ", ".join(f"{name} {_shown(claims[name])}" for name in ("typ", "token_type", "token_use") if name in claims)
    return said or "nothing says that it is no access token"


def _times(claims: Mapping[str, Any]) -> Iterator[str]:
    for name in ("iat", "nbf", "exp"):
        try:
            at = moment(claims, name)
        except RefusedToken:
            yield f"{name} {_shown(claims[name])}"
        else:
            yield f"{name} {'none' if at is None else _moment(at)}"


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g}"


def _rights(claims: Mapping[str, Any], policy: TokenPolicy) -> Iterator[Line]:
    grant, found = rights_of(claims, policy)
    for one in found:
        yield Line(one.right, passed=one.form is Form.GOOD, seen=one.words)
    if not found:
        yield Line("grants", passed=True, seen=grant.no_vdn)
    vdns = ", ".join(map(str, sorted(grant.vdns))) or "none"
    scopes = ", ".join(sorted(grant.scopes)) or "none"
    useful = bool(grant.vdns and grant.scopes)
    yield Line("rights", passed=useful, seen=f"{grant.client}: VDN {vdns}; scopes {scopes}")


def _shown(value: Any) -> str:
    """Return a value of a token, or one to compare with, as text on one line."""
    return escaped(value if isinstance(value, str) else repr(value))[:SHOWN]
