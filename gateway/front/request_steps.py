"""What becomes of callers' requests on their way through a front: their headers, methods, paths, and patience."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from gateway.front.ask import Caller, NoAnswer, Reply
from gateway.front.step import Name, document_of, shown
from gateway.isales.doctor_step import State, Step

TOKEN_CHARS: Final = 8192
HEADER_CHARS: Final = 10_000
"""What has to pass: the longest token that the gateway takes, and what its own nginx takes of a header."""

CLOSED: Final = ("/metrics", "/readyz", "/healthz", "/cache/explain")


def tls(caller: Caller) -> Step:
    """Tell whether keys are encrypted on their way to the front."""
    parts = urlsplit(caller.url)
    if parts.scheme == "https":
        return Step(Name.TLS, State.GOOD, "keys and pages are encrypted on their way to the front")
    with suppress(ValueError):
        if ip_address(parts.hostname or "").is_loopback:
            return Step(Name.TLS, State.SKIPPED, "plain HTTP, within this machine")
    seen = "plain HTTP: keys are on the wire in the clear"
    return Step(Name.TLS, State.WARNING, seen, hint="Give the front a certificate.")


def headers(caller: Caller, path: str) -> Step:
    """Tell whether a header passes that is as large as the gateway's own nginx takes."""
    hint = f"Raise the front's limit: a header may have {HEADER_CHARS:,} bytes."
    return _large(Name.HEADERS, hint, HEADER_CHARS, lambda: caller.ask(path, {"X-Padding": "a" * HEADER_CHARS}), 200)


def tokens(caller: Caller, path: str) -> Step:
    """Tell whether the largest token passes."""
    bearer = {"Authorization": f"Bearer {'a' * TOKEN_CHARS}"}
    hint = f"Raise the front's limit: a token may have {TOKEN_CHARS:,} bytes."
    step = _large(Name.TOKENS, hint, TOKEN_CHARS, lambda: caller.ask(path, bearer, with_key=False), 401)
    if step.state is not State.GOOD:
        return step
    with_token, without = (
        document_of(caller.ask(path, headers, with_key=False)).get("detail") for headers in (bearer, {})
    )
    if with_token == without:
        seen = "the gateway says the same with a token as without any credentials"
        hint = "Either it takes no tokens ([[jwt]]), or the front drops Authorization (Squid: `login=PASSTHRU`)."
        return Step(Name.TOKENS, State.WARNING, seen, hint=hint)
    return Step(Name.TOKENS, State.GOOD, f"Authorization with {TOKEN_CHARS:,} bytes reaches the gateway", step.took_s)


def _large(name: Name, hint: str, size: int, ask: Callable[[], Reply], expected: int) -> Step:
    try:
        reply = ask()
    except NoAnswer as fault:
        return Step(name, State.FAILED, f"{size:,} bytes in a header: {fault}", hint=hint)
    if reply.status == expected and reply.is_of_the_gateway:
        return Step(name, State.GOOD, f"a header of {size:,} bytes passes", reply.took_s)
    return Step(name, State.FAILED, f"{size:,} bytes in a header: {reply.status}, {shown(reply)}", reply.took_s, hint)


def underscore(caller: Caller, path: str) -> Step:
    """Tell whether headers with an underscore are dropped."""
    key = caller.ask(path).status
    reply = caller.ask(path, {"X_API_Key": caller.key}, with_key=False)
    if key == HTTPStatus.OK == reply.status:
        hint = "Drop headers with an underscore: callers could write X_Forwarded_For, which is X-Forwarded-For here."
        return Step(Name.UNDERSCORE, State.FAILED, "a key in X_API_Key is taken for one in X-API-Key", hint=hint)
    return Step(Name.UNDERSCORE, State.GOOD, "headers with an underscore do not pass")


def methods(caller: Caller) -> Step:
    """Tell whether other methods than GET pass."""
    options = caller.ask("/campaigns", method="OPTIONS", with_key=False)
    purge = caller.ask("/cache", method="DELETE", with_key=False)
    facts: Mapping[str, int] = {"OPTIONS": options.status, "DELETE": purge.status}
    if options.status == HTTPStatus.NO_CONTENT:
        return Step(Name.METHODS, State.GOOD, "OPTIONS reaches the gateway", facts=facts)
    hint = "Pass OPTIONS on: pages in browsers ask by it whether they may call."
    return Step(Name.METHODS, State.WARNING, f"OPTIONS: {options.status}", hint=hint, facts=facts)


def closed(caller: Caller) -> Step:
    """Tell whether what is for operators is closed."""
    found = [path for path in CLOSED if caller.ask(path).status == HTTPStatus.OK]
    if not found:
        return Step(Name.CLOSED, State.GOOD, "what is for operators is closed")
    seen = f"{', '.join(found)} can be had through the front"
    return Step(Name.CLOSED, State.WARNING, seen, hint="Close them to the outside; if this is the inside, all is well.")


def waiting(caller: Caller, path: str, wait_s: int) -> Step:
    """Tell whether the front waits as long as the gateway does."""
    if not wait_s:
        return Step(Name.WAITING, State.SKIPPED, "left out")
    tag = caller.ask(path).headers.get("etag", "")
    hint = f"Raise the front's read timeout: the gateway may take {wait_s} s to answer (`Prefer: wait`)."
    try:
        reply = caller.ask(path, {"If-None-Match": tag, "Prefer": f"wait={wait_s}"})
    except NoAnswer as fault:
        return Step(Name.WAITING, State.FAILED, f"no answer after a wait: {fault}", hint=hint)
    applied = "preference-applied" in reply.headers
    if reply.status not in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED} or not reply.headers.get("cache-status"):
        return Step(Name.WAITING, State.FAILED, f"{reply.status}: {shown(reply)}", reply.took_s, hint)
    if not applied:
        return Step(Name.WAITING, State.SKIPPED, "the gateway answered at once", reply.took_s)
    return Step(Name.WAITING, State.GOOD, "the front waits as long as the gateway does", reply.took_s)


def address(caller: Caller) -> Step:
    """Tell where it is to be seen what the caller's address is to the gateway."""
    identifier = f"front-doctor-{uuid.uuid4().hex[:12]}"
    caller.ask("/campaigns?page=0", {"X-Request-Id": identifier, "X-Forwarded-For": "192.0.2.1"})
    hint = (
        f"In the gateway's log, the line with {identifier} must have this machine's address as `remote`, not 192.0.2.1."
    )
    return Step(Name.ADDRESS, State.SKIPPED, "what the gateway took for the caller's address is in its log", hint=hint)
