"""Text of others made safe to show."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gateway.escaping import escaped


@given(st.text(st.characters()))
def test_nothing_that_is_not_to_be_shown_is_left(text: str) -> None:
    """No control, format, separator or lone surrogate comes through, what can be shown stays, and UTF-8 can hold it."""
    shown = escaped(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()
    assert escaped(shown) == shown
    assert not text.isprintable() or shown == text


def test_the_escapes_are_those_of_python() -> None:
    """Whoever reads a line can tell which character was there."""
    assert escaped("a\x1bb\n\x9b\u2028\u202e\ud800 推") == "a\\x1bb\\n\\x9b\\u2028\\u202e\\ud800 推"
