"""Which bytes are sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.byte_range import UnsatisfiableRangeError, asked_range

TAG = '"tag"'


@pytest.mark.parametrize(
    ("ranges", "if_range", "expected"),
    [
        (None, None, None),
        ("bytes=0-9", None, (0, 10)),
        ("bytes=90-", None, (90, 100)),
        ("bytes=-10", None, (90, 100)),
        ("bytes=-100", None, (0, 100)),
        ("bytes=-101", None, (0, 100)),
        ("bytes=95-500", None, (95, 100)),
        ("bytes=0-9", TAG, (0, 10)),
        ("bytes=0-9", '"other"', None),
        ("bytes=0-9", f"W/{TAG}", None),
        ("bytes=0-9", "Fri, 27 Nov 2026 13:00:00 GMT", None),
        ("bytes=0-9,20-29", None, None),
        ("rows=0-9", None, None),
        ("bytes=9-0", None, None),
        ("nonsense", None, None),
        ("bytes=0-9" + " " * 200, None, None),
    ],
)
def test_one_range_of_the_file_that_is_meant(
    ranges: str | None, if_range: str | None, expected: tuple[int, int] | None
) -> None:
    """All is sent where a range cannot be read, there are several, or another file is meant."""
    assert asked_range(ranges, if_range, TAG, 100) == expected


def test_a_range_beyond_the_end() -> None:
    """There is nothing to send; of an empty file all is sent, which is nothing."""
    with pytest.raises(UnsatisfiableRangeError):
        asked_range("bytes=100-", None, TAG, 100)
    assert asked_range("bytes=0-", None, TAG, 0) is None


@given(st.text(max_size=60), st.text(max_size=20) | st.none(), st.integers(0, 1000))
def test_whatever_is_sent(ranges: str, if_range: str | None, size: int) -> None:
    """There is a part of the file, all of it, or none; never a fault."""
    try:
        found = asked_range(f"bytes={ranges}", if_range, TAG, size)
    except UnsatisfiableRangeError:
        return
    assert found is None or 0 <= found.start < found.end <= size
