from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.columns import width, wrapped


@given(st.text(max_size=80), st.integers(min_value=2, max_value=40))
def test_wrapped_lines_fit_and_lose_nothing(text: str, columns: int) -> None:
    """No line is wider than asked for, and all that is not blank is there, in order."""
    lines = list(wrapped(text, columns))
    assert lines
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_lines_break_between_words() -> None:
    """A word is broken only where it is too long for a line of its own."""
    assert list(wrapped("one two three", 8)) == ["one two", "three"]
    assert list(wrapped("推荐推荐 ab", 5)) == ["推荐", "推荐", "ab"]
