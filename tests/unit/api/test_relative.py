"""References from what was asked for to what is ours, wherever we are mounted."""

from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.relative import itself, way_up

HOST = "http://gateway.example"
SAFE = "/:@!$&'()*+,;=~"
SEGMENTS = st.text(st.characters(min_codepoint=1, max_codepoint=0xFF, exclude_characters="/"), min_size=1, max_size=6)
# `urljoin` takes a semicolon at the end of a path away, as parameters that are empty (RFC 1808); browsers do not.
NO_DOTS = SEGMENTS.filter(lambda segment: segment not in {".", ".."} and not segment.endswith(";"))
PATHS = st.builds(
    lambda parts, end: "/" + "/".join(parts) + end, st.lists(NO_DOTS, min_size=1), st.sampled_from(["", "/"])
)
MOUNTS = st.lists(NO_DOTS, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts))


def resolved(mount: str, path: str, reference: str) -> str:
    """Return the path that a client comes to that has asked for `path` below `mount` and follows `reference`."""
    assert not urlsplit(reference).scheme
    assert not reference.startswith("/")
    target = urlsplit(urljoin(HOST + quote(mount + path, SAFE, "latin-1"), reference))
    assert f"{target.scheme}://{target.netloc}" == HOST
    return unquote(target.path, "latin-1")


@given(mount=MOUNTS, path=PATHS, told=st.booleans())
def test_references_resolve_where_we_are_mounted(mount: str, path: str, told: bool) -> None:  # noqa: FBT001 -- hypothesis draws it
    """Under any prefix and from any path, whether the server has told us of the prefix or not."""
    known = mount if told else ""
    assert resolved(mount, path, f"{way_up(path, known)}problems/not-found") == f"{mount}/problems/not-found"
    assert resolved(mount, path, itself(path, known)) == mount + path


@pytest.mark.parametrize(
    ("path", "up", "own"),
    [
        ("/campaigns", "", "campaigns"),
        ("/campaigns/", "../", "../campaigns/"),
        ("/cache/explain", "../", "../cache/explain"),
        ("/a/b/c", "../../", "../../a/b/c"),
        ("/", "", "./"),
        ("", "", "./"),
        ("*", "", "*"),
        ("//campaigns", "../", "..//campaigns"),
        ("///a", "../../", "../..///a"),
        ("/a/../b", "", "a/../b"),
        ("/a/./b", "../", "../a/./b"),
        ("/../../a", "", "../../a"),
        ("/a:b", "", "./a:b"),
        ("/a/b:c", "../", "../a/b:c"),
        ("/é ?#%/\\x".encode().decode("latin-1"), "../", "../%C3%A9%20%3F%23%25/%5Cx"),
    ],
)
def test_what_is_told_of_a_path(path: str, up: str, own: str) -> None:
    """The way up counts slashes as RFC 3986 does, and the path itself can be read in what leads back to it."""
    assert (way_up(path), itself(path)) == (up, own)


@pytest.mark.parametrize(("asked", "mount"), [("", "/api"), ("", "/x/é y".encode().decode("latin-1"))])
def test_the_mount_itself_without_a_slash(asked: str, mount: str) -> None:
    """Its own last segment is the way down, which is known where the server tells the prefix."""
    assert resolved(mount, asked, f"{way_up(asked, mount)}docs") == f"{mount}/docs"
    assert resolved(mount, asked, itself(asked, mount)) == f"{mount}/"
