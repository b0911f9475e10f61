from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isales.http_date import parse_http_date


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 -0000",
        "Sun, 06 Nov 1994 16:49:37 +0800",
    ],
)
def test_all_forms_of_dates(text: str) -> None:
    """The form of today, the two of old and a zone of mail are the same moment, in UTC where no zone is named."""
    moment = parse_http_date(text)
    assert moment == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "7", "Sun, 31 Feb 2026 08:49:37 GMT", "Fri, 02 Jan 2026 03:05:05 +99999999999999999999"]
)
def test_what_is_no_date(text: str) -> None:
    """What no calendar and no number type holds is no date."""
    assert parse_http_date(text) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,30} [0-9:]{3,30} [+-][0-9]{1,30}"))
def test_no_date_raises(text: str) -> None:
    """Whatever comes, it is an aware time or none."""
    moment = parse_http_date(text)
    assert moment is None or isinstance(moment.utcoffset(), timedelta)
