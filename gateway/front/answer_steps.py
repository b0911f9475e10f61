"""What becomes of the gateway's answers on their way through a front: tags, codings, ids, problems, links."""

import re
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from gateway.front.ask import Caller, NoAnswer, Reply
from gateway.front.step import Name, document_of, shown
from gateway.isales.doctor_step import State, Step

COMPRESSED_FROM_BYTES: Final = 1024
"""Smaller answers the gateway does not compress."""


def tags(caller: Caller, path: str) -> Step:
    """Tell whether the tag of a page that is not compressed brings 304."""
    return _comes_back(caller, path, Name.TAGS, "identity", caller.ask(path, {"Accept-Encoding": "identity"}))


def gzip(caller: Caller, path: str) -> Step:
    """Tell whether compression comes through as the gateway makes it, and its tag brings 304."""
    plain = caller.ask(path, {"Accept-Encoding": "identity"})
    packed = caller.ask(path, {"Accept-Encoding": "gzip"})
    tags = (plain.headers.get("etag", ""), packed.headers.get("etag", ""))
    if packed.headers.get("content-encoding") != "gzip":
        seen = "the answer is not compressed, though it was asked for"
        hint = "Pages below 1 KiB are not. Others: does the front remove Accept-Encoding, or unpack what comes?"
        state = State.SKIPPED if len(packed.body) < COMPRESSED_FROM_BYTES else State.WARNING
        return Step(Name.GZIP, state, seen, hint=hint, facts={"etag": tags[1]})
    if tags[0] == tags[1]:
        seen = f"gzip and identity have the same tag {tags[0]}"
        hint = "Caches would take one for the other. Switch the front's compression off."
        return Step(Name.GZIP, State.FAILED, seen, hint=hint, facts={"etag": tags[1]})
    return _comes_back(caller, path, Name.GZIP, "gzip", packed)


def codings(caller: Caller, path: str) -> Step:
    """Tell whether the front compresses by itself."""
    accepted = "br, zstd, deflate"
    reply = caller.ask(path, {"Accept-Encoding": accepted})
    coding = reply.headers.get("content-encoding")
    if coding is None:
        return Step(Name.CODINGS, State.GOOD, "the front does not compress")
    step = _comes_back(caller, path, Name.CODINGS, accepted, reply)
    if step.state is State.GOOD:
        hint = "It works, at the price of compressing each answer again. The gateway has done so once for all."
        return Step(Name.CODINGS, State.WARNING, f"the front compresses ({coding})", hint=hint, facts=step.facts)
    return step


def _comes_back(caller: Caller, path: str, name: Name, accepted: str, reply: Reply) -> Step:
    """Return whether the tag of `reply` brings 304 where this coding is accepted."""
    tag = reply.headers.get("etag")
    facts = {"etag": tag, "content_encoding": reply.headers.get("content-encoding")}
    if tag is None:
        hint = "The front removes ETag, as some do where they compress: leave compression to the gateway."
        return Step(name, State.FAILED, "the answer has no tag", hint=hint, facts=facts)
    again = caller.ask(path, {"Accept-Encoding": accepted, "If-None-Match": tag})
    if again.status == HTTPStatus.NOT_MODIFIED:
        weak = " (weak: the front changed it)" if tag.startswith("W/") else ""
        return Step(name, State.GOOD, f"304 for {tag}{weak}", again.took_s, facts=facts)
    if again.headers.get("etag") != tag:
        return Step(name, State.SKIPPED, "the page changed meanwhile; try again", facts=facts)
    hint = (
        "Callers get the whole page each time. Pass If-None-Match on, where the front has a cache too, and switch its "
        "compression off: it changes tags on their way out, or back."
    )
    return Step(name, State.FAILED, f"{again.status} and the whole page for {tag}", again.took_s, hint, facts)


def kept(caller: Caller, path: str) -> Step:
    """Tell whether the front repeats an answer to a request that is not the one that it was for."""
    ids = [uuid.uuid4().hex for _ in range(3)]
    replies = [caller.ask(path, {"X-Request-Id": identifier}) for identifier in ids]
    came_back = [reply.headers.get("x-request-id") for reply in replies]
    if len(set(came_back)) < len(ids):
        hint = "Pages are private, and access is decided for each request: switch the front's cache off."
        return Step(Name.KEPT, State.FAILED, "the front repeats an answer that was another request's", hint=hint)
    age = next((reply.headers["age"] for reply in replies if _is_old(reply)), None)
    if age is not None:
        hint = "The gateway sends none, so there is a cache: switch it off."
        return Step(Name.KEPT, State.WARNING, f"the answer has an Age, {age} s", hint=hint)
    return Step(Name.KEPT, State.GOOD, "each answer is of its own request")


def _is_old(reply: Reply) -> bool:
    """Tell whether somebody between counts the age of this; the gateway tells it by another header."""
    counted = re.fullmatch(r"0*[1-9][0-9]*", reply.headers.get("age", ""))
    return counted is not None and "campaigns-as-of" in reply.headers


def request_id(caller: Caller, path: str) -> Step:
    """Tell whether callers get the id back that they sent."""
    identifier = uuid.uuid4().hex
    came_back = caller.ask(path, {"X-Request-Id": identifier}).headers.get("x-request-id")
    if came_back == identifier:
        return Step(Name.REQUEST_ID, State.GOOD, "X-Request-Id comes back as it was sent")
    hint = "Pass X-Request-Id on, and back: so that caller, front and gateway have the same in their logs."
    return Step(Name.REQUEST_ID, State.WARNING, f"another X-Request-Id comes back: {came_back}", hint=hint)


def problems(caller: Caller) -> Step:
    """Tell whether problems of the gateway come through."""
    reply = caller.ask("/campaigns?page=0")
    document = document_of(reply)
    if reply.status == HTTPStatus.BAD_REQUEST and document.get("status") == reply.status:
        return Step(Name.PROBLEMS, State.GOOD, "problems of the gateway come through", reply.took_s)
    hint = "Let all answers through, whatever their status (no proxy_intercept_errors, no ProxyErrorOverride)."
    return Step(Name.PROBLEMS, State.FAILED, f"{reply.status}: {shown(reply)}", reply.took_s, hint)


def links(caller: Caller, vdn: int | None) -> Step:
    """Tell whether links, and types of problems, lead back to the gateway where it is mounted."""
    path = "/campaigns?" + urlencode({"page_size": 1, **({} if vdn is None else {"vdn": vdn})})
    link = re.search(r'<([^>]*)>; rel="next"', caller.ask(path).headers.get("link", ""))
    kind = str(document_of(caller.ask("/campaigns?page=0")).get("type", ""))
    leads_to = {f"the page of a problem ({kind})": caller.resolved("/campaigns", kind)}
    if link:
        leads_to[f"the next page ({link[1]})"] = caller.resolved(path, link[1])
    broken = [what for what, url in leads_to.items() if not _is_there(caller, url)]
    if not broken:
        return Step(Name.LINKS, State.GOOD, "links and types of problems lead back to the gateway")
    seen = f"{' and '.join(broken)} cannot be had through the front"
    return Step(Name.LINKS, State.FAILED, seen, hint="Pass on all paths of the gateway, below the same prefix.")


def _is_there(caller: Caller, url: str) -> bool:
    if not url.startswith(f"{caller.url}/"):
        return False
    with suppress(NoAnswer):
        return caller.ask(url, {"Accept": "application/json"}).status == HTTPStatus.OK
    return False
