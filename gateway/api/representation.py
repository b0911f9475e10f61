"""Which bytes a caller gets, and whether any: content coding, media type and validators (RFC 9110). Pure.

werkzeug reads the lists; what it makes of odd ones decides how they are used here. Its `parse_etags` takes unquoted
tags and loses the empty one, so entity tags are read here.
"""

import gzip
import hashlib
import re
from functools import lru_cache
from typing import Final

from werkzeug.http import parse_accept_header

from gateway.model import RenderedPage, Representation

GZIP_FROM_BYTES: Final = 1024
LONGEST_HINT: Final = 1000
"""Characters of `Accept`, `Accept-Encoding` or `Accept-Language`. A longer one counts as absent."""

PROXY_SUFFIXES: Final = ("-gzip", "-br", "-zstd", "-df", ";gzip")
"""What Apache, Caddy, Traffic Server, lighttpd and others append to a strong tag, within its quotes."""

_ENTITY_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
# Possessive, so that a long header of blanks costs one pass.
_ENTITY_TAGS: Final = re.compile(rf"[ \t,]*+{_ENTITY_TAG}(?:[ \t]*+,[ \t,]*+{_ENTITY_TAG})*+[ \t,]*+")


def render(body: bytes) -> RenderedPage:
    """Return `body` with its entity tags, and in gzip where that is worth it.

    It is from `GZIP_FROM_BYTES` bytes on, if gzip is smaller.
    """
    identity = Representation(body, entity_tag(body))
    packed = _packed(identity) if len(body) >= GZIP_FROM_BYTES else None
    worth_it = packed is not None and len(packed.body) < len(body)
    return RenderedPage(identity, packed if worth_it else None)


def choose(rendered: RenderedPage, accept_encoding: str | None) -> Representation:
    """Return the identity or the gzip coding of `rendered`, as `Accept-Encoding` asks (RFC 9110, section 12.5.3).

    gzip is sent when it was asked for, no less than identity, and is worth it. A caller that refuses identity gets
    gzip all the same, one that refuses both gets identity.
    """
    if accept_encoding is None:
        return rendered.identity
    gzip_quality, identity_quality = _coding_qualities(hint(accept_encoding))
    if gzip_quality == 0 or gzip_quality < (identity_quality or 0):
        return rendered.identity
    if rendered.packed is None:
        return _packed(rendered.identity) if identity_quality == 0 else rendered.identity
    return rendered.packed


def wants_gzip(size: int, accept_encoding: str | None) -> bool:
    """Return whether `choose` would send gzip of a body of `size` bytes that gzip makes smaller."""
    gzip_quality, identity_quality = _coding_qualities(hint(accept_encoding))
    if accept_encoding is None or gzip_quality == 0 or gzip_quality < (identity_quality or 0):
        return False
    return size >= GZIP_FROM_BYTES or identity_quality == 0


def entity_tag(body: bytes) -> str:
    """Return the strong entity tag of `body`, quoted: equal for equal bytes, different for others."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def gzip_entity_tag(etag: str) -> str:
    """Return the tag of the gzip coding of what `etag` names; strong tags of different codings have to differ.

    In front, because suffixes belong to proxies: some mark with one what they compress, and take it off again.
    """
    return f'"gzip.{etag[1:]}'


def held_tag(if_none_match: str | None, coding: Representation) -> str | None:
    """Return the tag of `coding`, which would be sent, if the caller holds that already, or `None`.

    Weak comparison, `*` is any. The tag of the other coding does not count, because the condition is about the
    representation that was negotiated (RFC 9110, section 13.1.2): a caller that holds the gzip coding and does not take
    gzip any more must get the body. The tag of the identity coding with what a proxy appended when it compressed that
    is a tag of it. A malformed header counts as absent.
    """
    etag = coding.etag
    # What most callers send, and hits are many.
    if if_none_match is None or if_none_match == etag:
        return if_none_match
    if if_none_match.strip(" \t") == "*":
        return etag
    if not _ENTITY_TAGS.fullmatch(if_none_match):
        return None
    held = {tag.removeprefix("W/") for tag in re.findall(_ENTITY_TAG, if_none_match)}
    ours = {etag}
    if coding.content_encoding is None:
        ours.update(f'{etag[:-1]}{suffix}"' for suffix in PROXY_SUFFIXES)
    return etag if held & ours else None


def is_named(etag: str, if_match: str) -> bool:
    """Return whether `If-Match` names the representation with `etag` (RFC 9110, section 13.1.1).

    Strong comparison, `*` is any. Here a malformed header names none: who sends one wants no other representation.
    """
    if if_match.strip(" \t") == "*":
        return True
    return _ENTITY_TAGS.fullmatch(if_match) is not None and etag in re.findall(_ENTITY_TAG, if_match)


def hint(preferences: str | None) -> str | None:
    """Return what a header of content negotiation says, `None` if that is more than anybody needs to say.

    Anybody may send one, and it takes milliseconds to read a long one. Preferences are hints, which a server may pass
    over (RFC 9110, section 12.1).
    """
    return None if preferences is None or len(preferences) > LONGEST_HINT else preferences


def accepts(media_type: str, accept: str | None) -> bool:
    """Return whether the header `Accept` allows `media_type`."""
    return _media_type_quality(media_type, hint(accept)) > 0


def media_type_quality(media_type: str, accept: str | None) -> float:
    """Return the weight, 0 to 1, that `Accept` gives `media_type`; the most specific range decides (RFC 9110, 12.5.1).

    Parameters other than the weight are left aside, so `application/json;charset=utf-8` allows `application/json`.
    A header that holds no media range at all counts as absent, which allows everything.
    """
    return _media_type_quality(media_type, hint(accept))


# Callers send a handful of different headers over and over.
@lru_cache(maxsize=256)
def _media_type_quality(media_type: str, accept: str | None) -> float:
    quality: dict[str, float] = {}
    # `*; q=.2` is wrong twice over, but Java's own client sends it by default.
    for item, weight in parse_accept_header(re.sub(r"(?i)(;[ \t]*q=)\.", r"\g<1>0.", accept or "")):
        media_range = item.partition(";")[0].strip(" \t").lower()
        media_range = "*/*" if media_range == "*" else media_range
        if "/" in media_range:
            quality[media_range] = max(weight, quality.get(media_range, 0))
    for media_range in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        if media_range in quality:
            return quality[media_range]
    return 0 if quality else 1


def _packed(identity: Representation) -> Representation:
    return Representation(gzip.compress(identity.body, mtime=0), gzip_entity_tag(identity.etag), "gzip")


@lru_cache(maxsize=256)
def _coding_qualities(accept_encoding: str | None) -> tuple[float, float | None]:
    """Return how much the caller wants gzip, and identity; `None` for identity not mentioned, which allows it."""
    quality = {coding.lower(): weight for coding, weight in reversed(parse_accept_header(accept_encoding))}
    any_other = quality.get("*")
    gzip_quality = max((quality[coding] for coding in ("gzip", "x-gzip") if coding in quality), default=any_other or 0)
    return gzip_quality, quality.get("identity", any_other if any_other == 0 else None)
