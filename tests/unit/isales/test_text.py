import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gateway.isales.text import escaped


@given(st.text(st.characters(), max_size=60))
def test_escaped_text_is_printable_and_tells_what_was_there(text: str) -> None:
    """Nothing that moves a cursor is left, what can be shown stays, and it can be encoded whatever it was."""
    shown = escaped(text, 60)
    assert shown.isprintable()
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in shown)
    shown.encode()
    if text.isprintable():
        assert shown == text


def test_escaped_text_is_cut() -> None:
    """A text that is too long says that it was cut."""
    assert escaped("推荐\x1b[31m\u202e", 10) == "推荐\\x1b[31m\\u202e"
    assert escaped("abcdef", 3) == "abc..."
