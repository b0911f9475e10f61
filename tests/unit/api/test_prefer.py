"""What of `Prefer` counts (RFC 7240)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.prefer import LONGEST_HEADER, MOST_S, wait_of


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=10", 10),
        ("Wait=10", 10),
        ("wait = 10", 10),
        (' wait="10" ', 10),
        ("wait=10; foo; bar=1", 10),
        ("respond-async, wait=10", 10),
        ("return=minimal; x=wait, ,wait=7", 7),
        ('handling="strict, wait=5", wait=7', 7),
        (r'handling="a \"b, wait=5", wait=7', 7),
        (r'handling="a \", wait=5', 0),
        ("wait=007", 7),
        # The first of its name counts (section 2), as it comes of several headers.
        ("wait=3, wait=9", 3),
        ("wait=abc, wait=9", 0),
        ("wait=60", 60),
        ("wait=61", MOST_S),
        ("wait=99999", MOST_S),
        (f"wait={'9' * 900}", MOST_S),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait=abc", 0),
        ("wait=", 0),
        ('wait=""', 0),
        ("wait", 0),
        ("await=10", 0),
        ("wait=1 0", 0),
        ("wait=\u0661", 0),
        ("return=minimal", 0),
        ("", 0),
        (f"{'a' * LONGEST_HEADER}, wait=5", 0),
    ],
)
def test_the_seconds_that_a_caller_would_wait(prefer: str, seconds: int) -> None:
    """What cannot be read, and all other preferences, are passed over; what is too much is cut."""
    assert wait_of(prefer) == seconds


@given(st.text(st.characters(max_codepoint=0xFF)) | st.from_regex(r'(wait *= *"?[0-9a-z]*"?;?,? *)*'))
def test_no_preference_is_an_error(prefer: str) -> None:
    """Whatever `Prefer` says, reading it raises nothing."""
    assert 0 <= wait_of(prefer) <= MOST_S
