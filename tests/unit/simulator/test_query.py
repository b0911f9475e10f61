"""The vendor's limits for each parameter, and the result code for each fault."""

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.query import CampaignQuery, ParameterError, read_query, read_vdn

RIGHT = {"status": "0", "deviceType": "0", "curPage": "1", "rowsPerPage": "10"}


def read(**changes: str | None) -> CampaignQuery:
    """Read the smallest right query with `changes`; `None` leaves a parameter out."""
    given = {**RIGHT, **changes}
    return read_query("&".join(f"{name}={quote(value)}" for name, value in given.items() if value is not None))


def code_of(**changes: str | None) -> str:
    """Return the result code that the right query with `changes` is refused with."""
    with pytest.raises(ParameterError) as refused:
        read(**changes)
    return refused.value.code


def test_smallest_query() -> None:
    """The four required parameters are enough, and mean no filter."""
    assert read() == CampaignQuery("", 0, 0, "", "", 1, 10, None)


def test_full_query() -> None:
    """Every parameter arrives decoded."""
    full = read(
        name="50% off & 十一",
        status="2",
        deviceType="5",
        beginTime="2026-01-01 00:00:00",
        endTime="2026-02-01 00:00:00",
        curPage="3",
        rowsPerPage="100",
        ccId="65535",
    )
    assert full == CampaignQuery("50% off & 十一", 2, 5, "2026-01-01 00:00:00", "2026-02-01 00:00:00", 3, 100, 65535)


@pytest.mark.parametrize("parameter", ["status", "deviceType", "curPage", "rowsPerPage"])
def test_required_parameter_is_missing(parameter: str) -> None:
    """A required parameter that is not there is 02000001."""
    assert code_of(**{parameter: None}) == "02000001"


@pytest.mark.parametrize("parameter", ["status", "deviceType"])
def test_required_parameter_is_empty(parameter: str) -> None:
    """Status and device type have no default: empty, they are 02000001."""
    assert code_of(**{parameter: ""}) == "02000001"


def test_paging_parameters_have_defaults() -> None:
    """Empty, the page number is 1 and the page has 10 rows."""
    query = read(curPage="", rowsPerPage="")
    assert (query.page, query.rows_per_page) == (1, 10)


@pytest.mark.parametrize("parameter", ["name", "beginTime", "endTime", "ccId"])
def test_empty_optional_parameter_is_not_given(parameter: str) -> None:
    """An optional parameter without a value is no filter."""
    assert read(**{parameter: ""}) == read()


@pytest.mark.parametrize("page", ["0", "-1", "-2147483648"])
def test_page_below_one_is_corrected(page: str) -> None:
    """A page number below 1 becomes 1."""
    assert read(curPage=page).page == 1


@pytest.mark.parametrize("parameter", ["status", "deviceType", "curPage", "rowsPerPage", "ccId"])
@pytest.mark.parametrize(
    "value", ["x", "1.0", "1_0", "+1", " 1", "１", "0x1", "--1", "2147483648", "1" * 5000, "-", "true", "null"]
)
def test_wrong_type(parameter: str, value: str) -> None:
    """What is not an int of 32 bits in plain digits is 02000006."""
    assert code_of(**{parameter: value}) == "02000006"


@pytest.mark.parametrize(("parameter", "allowed"), [("status", {0, 2, 3, 4}), ("deviceType", {0, 1, 2, 3, 5, 6})])
def test_listed_values_only(parameter: str, allowed: set[int]) -> None:
    """Of status and device type just the values in the vendor's tables pass; others are 02000007."""
    for value in range(-1, 9):
        if value in allowed:
            read(**{parameter: str(value)})
        else:
            assert code_of(**{parameter: str(value)}) == "02000007"


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("rowsPerPage", "0"), ("rowsPerPage", "101"), ("rowsPerPage", "-5"), ("ccId", "0"), ("ccId", "65536")],
)
def test_out_of_range(parameter: str, value: str) -> None:
    """A number outside the vendor's range is 02000007."""
    assert code_of(**{parameter: value}) == "02000007"


def test_name_length_is_in_characters() -> None:
    """A name of 30 characters passes, in any script; one of 31 is 02000003."""
    assert read(name="📞" * 30).name == "📞" * 30
    assert code_of(name="a" * 31) == "02000003"


@pytest.mark.parametrize("name", ["line\ttab", "a\nb", "a\x00", "\x7f", "\x85"])
def test_control_characters_are_illegal(name: str) -> None:
    """Control characters in a parameter are 02000002."""
    assert code_of(name=name) == "02000002"


def test_bytes_that_are_no_text_are_illegal() -> None:
    """Percent-encoded bytes that are not UTF-8 are 02000002."""
    with pytest.raises(ParameterError) as refused:
        read_query("status=0&deviceType=0&curPage=1&rowsPerPage=10&name=%FF")
    assert refused.value.code == "02000002"


@pytest.mark.parametrize("parameter", ["beginTime", "endTime"])
@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-1-1 0:0:0",
        "2026-02-30 00:00:00",
        "2026-01-01 24:00:00",
        "2026-01-01 00:00:00Z",
        " 2026-01-01 00:00:00",
        "soon",
    ],
)
def test_time_in_another_form(parameter: str, text: str) -> None:
    """A time that is not yyyy-MM-dd HH:mm:ss, or not on the calendar, is 02000008."""
    assert code_of(**{parameter: text}) == "02000008"


def test_begin_after_end() -> None:
    """Times that leave nothing between them are 02000009; the same second twice passes."""
    second = "2026-01-01 00:00:00"
    read(beginTime=second, endTime=second)
    assert code_of(beginTime="2026-01-01 00:00:01", endTime=second) == "02000009"


@pytest.mark.parametrize("extra", ["status=0", "_=1", "Status=0", "=1"])
def test_unknown_or_repeated_parameter(extra: str) -> None:
    """A parameter that is unknown or comes twice is 02000011."""
    with pytest.raises(ParameterError) as refused:
        read_query(f"status=0&deviceType=0&curPage=1&rowsPerPage=10&{extra}")
    assert refused.value.code == "02000011"


@pytest.mark.parametrize("text", ["0", "10000", "-1"])
def test_vdn_out_of_range(text: str) -> None:
    """A VDN outside 1..9999 is 02000007."""
    with pytest.raises(ParameterError) as refused:
        read_vdn(text)
    assert refused.value.code == "02000007"


def test_vdn() -> None:
    """The VDNs at both ends of the range are read; what is no number is 02000006."""
    assert (read_vdn("1"), read_vdn("9999")) == (1, 9999)
    with pytest.raises(ParameterError) as refused:
        read_vdn("one")
    assert refused.value.code == "02000006"


@given(st.dictionaries(st.sampled_from(["name", *RIGHT, "beginTime", "endTime", "ccId"]), st.text()))
def test_nothing_but_a_result_code_is_raised(changes: dict[str, str]) -> None:
    """Whatever the values are, the query is read or refused with a code."""
    raw = "&".join(
        f"{name}={quote(value.encode('utf-8', 'replace'), safe='')}" for name, value in {**RIGHT, **changes}.items()
    )
    with contextlib.suppress(ParameterError):
        assert 1 <= read_query(raw).rows_per_page <= 100
