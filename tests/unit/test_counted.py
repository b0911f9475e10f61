"""Numbers of things, in words."""

import pytest

from gateway.counted import counted


@pytest.mark.parametrize(("number", "words"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (21, "21 pages")])
def test_one_is_no_plural(number: int, words: str) -> None:
    """All other numbers are, 0 among them."""
    assert counted(number, "page") == words
