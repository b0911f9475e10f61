"""Content coding, media types and validators."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.representation import (
    GZIP_FROM_BYTES,
    PROXY_SUFFIXES,
    accepts,
    choose,
    entity_tag,
    gzip_entity_tag,
    held_tag,
    media_type_quality,
    render,
)
from gateway.api.resolution import preferred_locale
from gateway.model import Representation

LONG = b"campaign " * 500
TAG = entity_tag(LONG)
GZIP_TAG = gzip_entity_tag(TAG)
PLAIN = Representation(LONG, TAG)
PACKED = Representation(gzip.compress(LONG, mtime=0), GZIP_TAG, "gzip")
HEADERS = st.none() | st.text(st.characters(codec="latin-1")) | st.from_regex(r"[a-z*/;q=0-9.,\" W-]*", fullmatch=True)


def represent(body: bytes, accept_encoding: str | None) -> Representation:
    """Return `body` in the coding that is sent."""
    return choose(render(body), accept_encoding)


@given(st.binary(), HEADERS)
def test_what_is_sent_decodes_to_the_body(body: bytes, accept_encoding: str | None) -> None:
    """For any header the bytes are the body or its gzip, always the same, under a tag of their own."""
    sent = represent(body, accept_encoding)
    assert sent == represent(body, accept_encoding)
    if sent.content_encoding:
        assert gzip.decompress(sent.body) == body
        assert sent.etag == gzip_entity_tag(entity_tag(body))
    else:
        assert (sent.body, sent.etag) == (body, entity_tag(body))


@given(st.binary(), st.binary())
def test_tags_tell_bytes_apart(body: bytes, other: bytes) -> None:
    """Tags are equal exactly when the bytes are, and never those of a gzip."""
    assert (entity_tag(body) == entity_tag(other)) is (body == other)
    assert entity_tag(body) != gzip_entity_tag(entity_tag(other))


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=0.001", "gzip"),
        ("deflate, br", None),
        ("deflate, gzip;q=0.5, br;q=1.0", "gzip"),
        ("*", "gzip"),
        ("*;q=0", None),
        ("gzip;q=0, *", None),
        ("*;q=0, gzip;q=1.0", "gzip"),
        ("identity", None),
        ("identity, gzip", "gzip"),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=1", "gzip"),
        ("identity;q=0", None),
        ("identity;q=0, *", "gzip"),
        ("gzip;q=2", None),
        ("gzip;q=abc", None),
        ('gzip", ,;', None),
        (",,gzip ;q=0.3,", "gzip"),
    ],
)
def test_coding_of_a_long_body(accept_encoding: str | None, coding: str | None) -> None:
    """RFC 9110 decides about gzip; what is malformed does not ask for it."""
    assert represent(LONG, accept_encoding).content_encoding == coding


def test_packed_bytes_do_not_depend_on_the_time() -> None:
    """The time stamp of the gzip header (RFC 1952) is empty, so one tag always names the same bytes."""
    packed = represent(LONG, "gzip").body
    assert packed[4:8] == bytes(4)
    assert gzip.decompress(packed) == LONG


def test_gzip_has_to_be_worth_it() -> None:
    """A short body is sent as it is, unless that is refused."""
    short = b"x" * (GZIP_FROM_BYTES - 1)
    assert represent(short, "gzip").content_encoding is None
    assert represent(short + b"x", "gzip").content_encoding == "gzip"
    assert represent(b"short", "gzip, identity;q=0").content_encoding == "gzip"


def test_a_body_that_grows_is_sent_as_it_is() -> None:
    """Bytes that gzip cannot shrink are not packed."""
    packed = gzip.compress(b"".join(entity_tag(str(i).encode()).encode() for i in range(2000)), mtime=0)
    assert len(packed) >= GZIP_FROM_BYTES
    assert represent(packed, "gzip").content_encoding is None


@pytest.mark.parametrize(
    ("if_none_match", "held"),
    [
        (None, None),
        ("", None),
        ("*", TAG),
        (" * ", TAG),
        (TAG, TAG),
        (f"W/{TAG}", TAG),
        (GZIP_TAG, None),
        (f'"other", {GZIP_TAG}', None),
        (f'"a,b",,\t{TAG} ,', TAG),
        (f"{GZIP_TAG}, {TAG}", TAG),
        ('"other"', None),
        ('""', None),
        (TAG.strip('"'), None),
        (f"w/{TAG}", None),
        (f"{TAG} {TAG}", None),
        (f"*, {TAG}", None),
        (f'{TAG}, "open', None),
        (f"{TAG}, bare", None),
    ],
)
def test_if_none_match(if_none_match: str | None, held: str | None) -> None:
    """The tag of what would be sent counts, weakly compared; a malformed header does not count at all."""
    assert held_tag(if_none_match, PLAIN) == held


def test_the_tag_of_the_gzip_is_its_own() -> None:
    """The representation that would be sent may be the gzip one, and then the tag of the other does not count."""
    assert held_tag("*", PACKED) == GZIP_TAG
    assert held_tag(f"{TAG}, W/{GZIP_TAG}", PACKED) == GZIP_TAG
    assert held_tag(TAG, PACKED) is None


def test_the_tag_of_the_gzip_ends_as_no_proxy_marks_one() -> None:
    """Caddy takes `-gzip` off any tag that ends in it, so ours has its mark in front."""
    assert f'"gzip.{TAG[1:]}' == GZIP_TAG
    assert not any(GZIP_TAG[:-1].endswith(suffix) for suffix in PROXY_SUFFIXES)
    assert not any(suffix in TAG for suffix in PROXY_SUFFIXES)


@pytest.mark.parametrize("suffix", ["-gzip", "-br", "-zstd", "-df", ";gzip"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "{}, W/{}"])
def test_a_proxys_suffix_marks_our_identity_body(suffix: str, form: str) -> None:
    """What a proxy compressed on its way is still that body, and its tag is told as ours; ours in gzip it is not."""
    marked = f'{TAG[:-1]}{suffix}"'
    assert held_tag(form.format(marked, marked), PLAIN) == TAG
    assert held_tag(form.format(marked, marked), PACKED) is None


@pytest.mark.parametrize("wrong", ["-GZIP", "gzip", "-gzip-gzip", ";br", "--gzip", "-", "-deflate", "-gzip "])
def test_other_suffixes_are_no_proxys(wrong: str) -> None:
    """A tag is opaque but for the marks that are known."""
    assert held_tag(f'{TAG[:-1]}{wrong}"', PLAIN) is None
    assert held_tag(f'"x{TAG[1:-1]}-gzip"', PLAIN) is None


@pytest.mark.parametrize("suffix", PROXY_SUFFIXES)
def test_a_suffix_of_our_gzip_is_nobodys(suffix: str) -> None:
    """No proxy compresses what is compressed, so such a tag is neither of ours."""
    marked = f'{GZIP_TAG[:-1]}{suffix}"'
    assert held_tag(marked, PACKED) is None
    assert held_tag(marked, PLAIN) is None


@given(HEADERS)
def test_any_header_is_compared(if_none_match: str | None) -> None:
    """No header makes the comparison fail, and long rows of blanks cost one pass."""
    assert held_tag(if_none_match, PLAIN) in (None, TAG)
    assert held_tag(" " * 60_000 + "x", PLAIN) is None
    assert held_tag('"tag",' * 10_000 + "x", PLAIN) is None


@pytest.mark.parametrize(
    ("accept", "allowed"),
    [
        (None, True),
        ("", True),
        ("application/json", True),
        ("Application/JSON", True),
        ("application/json;charset=utf-8", True),
        ("application/json; charset=utf-8; q=0.1", True),
        ("application/*", True),
        ("*/*", True),
        ("*", True),
        ("text/html", False),
        ("text/*, image/png", False),
        ("application/problem+json", False),
        ("application/json;q=0", False),
        ("application/json;q=0, */*", False),
        ("application/*;q=0, */*", False),
        ("*/*;q=0, application/json;q=0.2", True),
        ("application/json;q=0;v=1, application/json", True),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("nonsense", True),
        ("nonsense, text/html", False),
        ("application/json;q=7", True),
    ],
)
def test_media_types(accept: str | None, allowed: bool) -> None:  # noqa: FBT001 -- a column of the table
    """The most specific range of Accept decides; a header without any range decides nothing."""
    assert accepts("application/json", accept) is allowed


def long(preference: str, characters: int) -> str:
    """Return a header of this length that asks for `preference`."""
    return (
        preference + ",x/x;q=0.1" * ((characters - len(preference)) // 10) + " " * ((characters - len(preference)) % 10)
    )


def test_a_long_header_counts_as_absent() -> None:
    """Up to 1,000 characters preferences are read, of one character more or of many none."""
    assert not accepts("application/json", long("text/html", 1000))
    assert represent(LONG, long("gzip", 1000)).content_encoding == "gzip"
    assert preferred_locale(long("en", 1000)) == "en_US"
    for characters in (1001, 9000, 60_000):
        assert accepts("application/json", long("text/html", characters))
        assert media_type_quality("application/json", long("text/html", characters)) == 1
        assert represent(LONG, long("gzip", characters)).content_encoding is None
        assert preferred_locale(long("en", characters)) is None


@given(HEADERS)
def test_any_accept_gives_a_weight(accept: str | None) -> None:
    """No header makes the negotiation fail."""
    assert 0 <= media_type_quality("application/json", accept) <= 1
