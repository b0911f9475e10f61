"""From the claims of a verified token to what its holder may do. Pure; what is odd is denied, and told."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.access.claims import TokenPolicy, client_of
from gateway.access.clients import Grant
from gateway.settings.schema import SCOPES

NAME_CHARACTERS: Final = 64
SHOWN_CHARACTERS: Final = 40
_UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9._@|/+-]")
_VDN = re.compile(r"[1-9][0-9]{0,3}")
_HARMLESS = re.compile(r"[-+*0-9.,;: '\"\[\]]{1,8}")
"""Texts that cannot say who somebody is, nor their telephone number, and may be shown."""

_PREFIXED = re.compile(rf"([A-Za-z0-9._:/-]{{1,{SHOWN_CHARACTERS}}}[/:.|])({'|'.join(SCOPES)})")


class Form(StrEnum):
    """What was found where a right was looked for.

    What it takes; or no such claim, nothing in it, nothing that can be read, or nothing that exists here.
    """

    GOOD = "good"
    ABSENT = "absent"
    EMPTY = "empty"
    ODD = "odd"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """Where one kind of right was looked for, what form that had (the worst of several), and a sentence about it."""

    right: str
    claims: tuple[str, ...]
    form: Form
    words: str


@dataclass(frozen=True, slots=True)
class _Read:
    """The entries of one claim that count, the form of it, and words about it, such as `is not there`."""

    entries: frozenset[Any]
    form: Form
    words: str


def rights_of(claims: Mapping[str, Any], policy: TokenPolicy) -> tuple[Grant, tuple[Found, ...]]:
    """Return what the claims allow, or what the settings do for who it is; and what was found of VDNs and scopes.

    No VDN and no scope where a claim is absent or not wholly as it should be.
    """
    name = _name(claims)
    subject, client = claims.get("sub"), client_of(claims)
    for given in policy.grants:
        if (given.subject and given.subject == subject) or (given.client and given.client == client):
            vdns = policy.tenants if given.vdns is None else given.vdns & policy.tenants
            who = "the subject" if given.subject else "the client"
            why = f"The settings (jwt.grants) say what {who} of this token may do, whatever its claims say."
            return Grant(name, given.scopes, vdns, bearer=True, no_vdn=why, no_scope=why), ()
    all_vdns, found_vdns = _looked_up("vdns", claims, policy.vdns_claims, lambda value: _vdns(value, policy.tenants))
    all_scopes, found_scopes = _looked_up(
        "scopes", claims, policy.scopes_claims, lambda value: _scopes(value, policy.scope_prefix)
    )
    grant = Grant(name, all_scopes, all_vdns, bearer=True, no_vdn=found_vdns.words, no_scope=found_scopes.words)
    return grant, (found_vdns, found_scopes)


def claims_at(claims: Mapping[str, Any], path: str) -> Iterator[Any]:
    """Yield the value of the claim called `path`, or at that path of names with dots between them; nothing if absent.

    Names may have dots themselves, as `extn.vdns` or `https://example.com/vdns` do: what is called so as a whole
    counts, else the longest beginning that is.
    """
    if path in claims:
        yield claims[path]
        return
    end = path.rfind(".")
    while end >= 0:
        below = claims.get(path[:end])
        if isinstance(below, Mapping):
            for value in claims_at(below, path[end + 1 :]):
                yield value
                return
        end = path.rfind(".", 0, end)


def _looked_up(
    right: str, claims: Mapping[str, Any], paths: Sequence[str], read: Callable[[Any], _Read]
) -> tuple[frozenset[Any], Found]:
    """Return what all of the claims at `paths` have together, and what was found there."""
    seen = [
        (path, next(map(read, claims_at(claims, path)), _Read(frozenset(), Form.ABSENT, "is not there")))
        for path in paths
    ]
    entries = frozenset[Any]().union(*(one.entries for _, one in seen))
    forms = [one.form for _, one in seen]
    # Of several claims those that are not there do not matter where one is; an odd one always does.
    form = next(form for form in (Form.ODD, Form.GOOD, Form.UNKNOWN, Form.EMPTY, Form.ABSENT) if form in forms)
    words = ", ".join(f"`{path}` {one.words}" for path, one in seen)
    return entries, Found(right, tuple(paths), form, f"Looked for in the token's claims: {words}.")


def _vdns(claim: Any, tenants: frozenset[int]) -> _Read:
    if claim in ("*", ["*"]):
        return _Read(tenants, Form.GOOD, "is all VDNs")
    listed = _entries(claim)
    if not listed:
        return _nothing(claim, "VDNs, 1 to 9999", listed)
    # One odd entry spoils the claim: who wrote it meant something that is not understood here.
    odd = [entry for entry in listed if not _is_vdn(entry)]
    if odd:
        return _Read(frozenset(), Form.ODD, f"{_described(claim)}{_example(odd[0])}, which is no VDN (1 to 9999)")
    vdns = tenants & frozenset(map(int, listed))
    if vdns:
        return _Read(vdns, Form.GOOD, f"lists VDN {', '.join(map(str, sorted(vdns)))}")
    return _Read(vdns, Form.UNKNOWN, "lists no VDN that is served here")


def _is_vdn(value: Any) -> bool:
    # The text of `True`, an int to Python, has no digits either.
    return isinstance(value, int | str) and _VDN.fullmatch(str(value)) is not None


def _scopes(claim: Any, prefix: str) -> _Read:
    """Return the gateway's own scopes among those of a claim: an array, or a text with blanks (RFC 8693, 4.2)."""
    listed = _entries(claim)
    if not listed:
        return _nothing(claim, "scopes", listed)
    if not all(isinstance(entry, str) for entry in listed):
        return _Read(frozenset(), Form.ODD, f"{_described(claim)}, of which one is no text")
    scopes = frozenset(SCOPES) & {entry.removeprefix(prefix) for entry in listed if entry.startswith(prefix)}
    if scopes:
        return _Read(scopes, Form.GOOD, f"lists {', '.join(sorted(scopes))}")
    cut = f" after the prefix `{prefix}`" if prefix else ""
    return _Read(
        scopes, Form.UNKNOWN, f"lists {len(listed)}, none of which is a scope of the gateway{cut}{_meant(listed)}"
    )


def _meant(listed: Sequence[str]) -> str:
    """Return what may be wrong with scopes of which none is ours."""
    prefixed = next((found for entry in listed if (found := _PREFIXED.fullmatch(entry))), None)
    if prefixed:
        return f"; `{prefixed[0]}` is one after the prefix `{prefixed[1]}` (jwt.scope_prefix)"
    if any(re.search(r"[,;\[\]]", entry) for entry in listed):
        return "; between scopes of a text there are blanks and nothing else"
    return ""


def _entries(claim: Any) -> list[Any] | None:
    """Return the entries of a list, of a text with blanks, or of a single number, which is a list of one."""
    if isinstance(claim, list):
        return claim
    if isinstance(claim, str):
        return [entry for entry in claim.split(" ") if entry]
    return [claim] if type(claim) is int else None


def _nothing(claim: Any, wanted: str, listed: list[Any] | None) -> _Read:
    if listed is not None:
        return _Read(frozenset(), Form.EMPTY, "is empty")
    if claim is None:
        return _Read(frozenset(), Form.EMPTY, "is null")
    hint = "; name what is in it by a path with dots" if isinstance(claim, dict) else ""
    return _Read(frozenset(), Form.ODD, f"{_described(claim)}, not a list of {wanted}{hint}")


def _described(claim: Any) -> str:
    kinds = {list: "is a list", str: "is a text", dict: "is an object", bool: "is true or false"}
    return kinds.get(type(claim), "is a number")


def _example(entry: Any) -> str:
    """Return an entry of a claim, to stand behind what that is, unless it may say more than numbers do."""
    if isinstance(entry, int | float | str) and _HARMLESS.fullmatch(str(entry)):
        return f" with {entry!r}"
    return " with an entry"


def _name(claims: Mapping[str, Any]) -> str:
    """Return who it is, for logs. The colon cannot be in a configured client's name, so that none is mistaken."""
    name = client_of(claims) or claims.get("sub")
    if isinstance(name, str) and name:
        return f"jwt:{_UNSAFE_IN_NAMES.sub('_', name[:NAME_CHARACTERS])}"
    return "jwt:unnamed"
