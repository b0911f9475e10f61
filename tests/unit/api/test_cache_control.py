"""What a caller may ask of the cache, and what is made of headers that ask for anything else."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.api.cache_control import LONGEST_HEADER, MOST_S, request_directives
from gateway.model import NO_DIRECTIVES, RequestDirectives


def asked(
    max_age_s: int | None = None, stale_if_error_s: int | None = None, *, only_if_cached: bool = False
) -> RequestDirectives:
    """Return directives."""
    return RequestDirectives(max_age_s, stale_if_error_s, only_if_cached)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, NO_DIRECTIVES),
        ("", NO_DIRECTIVES),
        ("max-age=5", asked(5)),
        ("Max-Age=5", asked(5)),
        ("MAX-AGE = 5", asked(5)),
        ("max-age\t=\t5", asked(5)),
        ('max-age="5"', asked(5)),
        ("max-age=0", asked(0)),
        ("max-age=007", asked(7)),
        (r'private="a \"b, max-age=1", max-age=5', asked(5)),
        ("no-cache", asked(0)),
        ("No-Cache", asked(0)),
        ("no-cache=x", asked(0)),
        ("max-age=5, no-cache", asked(0)),
        ("only-if-cached", asked(only_if_cached=True)),
        ("only-if-cached=1", asked(only_if_cached=True)),
        ("stale-if-error=60", asked(None, 60)),
        ("stale-if-error=0", asked(None, 0)),
        ("max-age=5, stale-if-error=60, only-if-cached", asked(5, 60, only_if_cached=True)),
        (",, max-age=5 ,\t,only-if-cached,", asked(5, only_if_cached=True)),
        # RFC 9111, section 4.2.1: of directives that contradict each other the most restrictive.
        ("max-age=9, max-age=3, max-age=5", asked(3)),
        ("stale-if-error=9, stale-if-error=3", asked(None, 3)),
        # Out of range: as the end of the range that it is beyond.
        ("max-age=-1", asked(0)),
        ("stale-if-error=-99999999999999999999", asked(None, 0)),
        (f"max-age={MOST_S}", asked(MOST_S)),
        (f"max-age={MOST_S + 1}", asked(MOST_S)),
        ("stale-if-error=9999999999999", asked(None, MOST_S)),
        (f"max-age={'0' * 200}7", asked(7)),
        (f"max-age={'9' * 900}", asked(MOST_S)),
        # What cannot be read is passed over, and nothing else for it.
        ("max-age", NO_DIRECTIVES),
        ("max-age=", NO_DIRECTIVES),
        ("max-age=x, stale-if-error=7", asked(None, 7)),
        ("max-age=1.5", NO_DIRECTIVES),
        ("max-age=+5", NO_DIRECTIVES),
        ("max-age=5s", NO_DIRECTIVES),
        ("max-age=5 6", NO_DIRECTIVES),
        ("max-age=1e3", NO_DIRECTIVES),
        ("max-age=５", NO_DIRECTIVES),
        ("max-age=1_0", NO_DIRECTIVES),
        ('max-age=" 5"', NO_DIRECTIVES),
        ('max-age="5', NO_DIRECTIVES),
        ("max-age=--5", NO_DIRECTIVES),
        ("max-age: 5", NO_DIRECTIVES),
        ("max age=5", NO_DIRECTIVES),
        ("max-age=5;only-if-cached", NO_DIRECTIVES),
        ("=5, max-age=6", asked(6)),
        ("s-maxage=5", NO_DIRECTIVES),
        ("x-max-age=5", NO_DIRECTIVES),
        # A comma within quotes separates nothing.
        ('ext="a, no-cache", max-age=5', asked(5)),
        ('ext="only-if-cached,max-age=1"', NO_DIRECTIVES),
        # After a quote that nobody closes nothing can be told apart.
        ('max-age=5, ext="a, no-cache', asked(5)),
        # Known elsewhere, and passed over here.
        ("no-store", NO_DIRECTIVES),
        ("max-stale=600, min-fresh=10, no-transform, must-revalidate", NO_DIRECTIVES),
    ],
)
def test_what_a_header_asks_for(header: str | None, expected: RequestDirectives) -> None:
    """Directives are read as RFC 9111 writes them, in any case, and each by itself."""
    assert request_directives(header) == expected


def test_a_long_header_counts_as_absent() -> None:
    """Up to so many characters it is read, of one more none."""
    padding = "x" * (LONGEST_HEADER - len("max-age=5,"))
    assert request_directives(f"max-age=5,{padding}") == asked(5)
    assert request_directives(f"max-age=5,{padding}x") == NO_DIRECTIVES


@given(st.text(st.characters(codec="latin-1")) | st.from_regex(r"[a-z0-9=,\" \t;-]*", fullmatch=True))
@example('"' * LONGEST_HEADER)
@example('a="' * (LONGEST_HEADER // 3))
@example(" \t" * (LONGEST_HEADER // 2))
@example("a=" + " " * (LONGEST_HEADER - 2))
def test_no_header_is_a_fault(header: str) -> None:
    """Whatever is sent, the answer is directives within their range."""
    directives = request_directives(header)
    for seconds in (directives.max_age_s, directives.stale_if_error_s):
        assert seconds is None or 0 <= seconds <= MOST_S


Said = tuple[str, str, int]
"""A directive as it is written, what it is about, and the seconds that count."""


def numbers(form: str, about: str) -> st.SearchStrategy[Said]:
    """Return directives with a number, in range or not."""
    return st.integers(-(10**12), 10**12).map(lambda n: (form.format(n), about, min(max(n, 0), MOST_S)))


READABLE = st.one_of(
    numbers("max-age={}", "max-age"),
    numbers('Max-Age="{}"', "max-age"),
    numbers("stale-if-error = {}", "stale-if-error"),
    st.sampled_from(["no-cache", "NO-CACHE"]).map(lambda text: (text, "max-age", 0)),
    st.sampled_from(["only-if-cached", "Only-If-Cached"]).map(lambda text: (text, "only-if-cached", 0)),
)
UNREADABLE = st.sampled_from(
    ["", "x", "max-age", "max-age=x", "stale-if-error=1.5", "no-store", 'ext="no-cache, max-age=1"', "=", "\xe9"]
).map(lambda text: (text, "nothing", 0))


@given(st.lists(READABLE | UNREADABLE, max_size=12), st.sampled_from([",", ", ", " ,\t", ",,"]))
def test_each_directive_is_read_by_itself_and_the_strictest_counts(said: list[Said], separator: str) -> None:
    """Of any mixture, in any order, what counts is the least of each readable number, and whether anybody said so."""
    header = separator.join(text for text, _, _ in said)
    least = {
        about: min((seconds for _, of, seconds in said if of == about), default=None)
        for about in ("max-age", "stale-if-error", "only-if-cached")
    }
    assert request_directives(header) == RequestDirectives(
        least["max-age"], least["stale-if-error"], least["only-if-cached"] is not None
    )
