"""The parameters of `GET /campaigns`."""

from datetime import UTC, date, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.query import (
    DEVICE_TYPES,
    STATUSES,
    CampaignsParameters,
    CampaignsQuerySchema,
    QueryParser,
    parse_campaigns_query,
)
from gateway.errors import InvalidParameters
from gateway.model import CampaignStatus, DeviceType

NAMES = list(CampaignsQuerySchema().fields)
NOISE = st.lists(
    st.tuples(
        st.sampled_from(NAMES) | st.text(max_size=8),
        st.text(max_size=50)
        | st.integers().map(str)
        | st.sampled_from(["%", "%zz", "%ff", "2018-11-30", "+", "=", ";"]),
    ).map("=".join)
).map("&".join)


def faults(raw_query: str) -> dict[str, str]:
    """Return what is wrong with a query, by parameter."""
    with pytest.raises(InvalidParameters) as refusal:
        parse_campaigns_query(raw_query)
    return {fault.parameter: fault.message for fault in refusal.value.errors}


def faulty(raw_query: str, **zones: str) -> list[str]:
    """Return the parameters that are wrong for a caller that may read the VDNs `v1`, `v2` and so on in these zones."""
    by_vdn = {int(name.removeprefix("v")): ZoneInfo(zone) for name, zone in zones.items()}
    context = Flask("test").test_request_context(environ_overrides={"QUERY_STRING": raw_query})
    try:
        with context:
            QueryParser().parse(CampaignsQuerySchema(by_vdn), context.request, location="query")
    except InvalidParameters as refusal:
        return [fault.parameter for fault in refusal.errors]
    return []


@given(st.text() | NOISE)
def test_any_query_is_read_or_refused_with_reasons(raw_query: str) -> None:
    """Nothing but InvalidParameters is ever raised, and it always names a fault."""
    messages: list[str] = []
    try:
        refused = not isinstance(parse_campaigns_query(raw_query), CampaignsParameters)
    except InvalidParameters as refusal:
        refused = True
        messages = [fault.message for fault in refusal.errors]
    assert bool(messages) is refused
    assert all(message.endswith((".", "?")) for message in messages)


def test_an_empty_query_has_the_defaults() -> None:
    """Without parameters the first page of ten is asked for."""
    assert parse_campaigns_query("") == CampaignsParameters(page=1, page_size=10)


def test_all_parameters_at_once() -> None:
    """Each parameter arrives as the type that it is."""
    assert parse_campaigns_query(
        "vdn=9999&name=%E4%B8%AD+x&status=completed&device_type=preview&begins_from=2018-11-30T08:00:00%2B08:00"
        "&ends_to=2018-12-31&page=2147483647&page_size=100&cc_id=65535"
    ) == CampaignsParameters(
        vdn=9999,
        name="中 x",
        status=CampaignStatus.COMPLETED,
        device_type=DeviceType.PREVIEW,
        begins_from=datetime(2018, 11, 30, tzinfo=UTC),
        ends_to=date(2018, 12, 31),
        page=2147483647,
        page_size=100,
        cc_id=65535,
    )


@pytest.mark.parametrize("parameter", ["vdn", "page", "page_size", "cc_id"])
@pytest.mark.parametrize(
    "alias",
    [
        "", "%201", "1%20", "+1", "%2B1", "-1", "01", "1.0", "1.", "1e0", "1_0", "0x1", "１", "%EF%BC%91", "١", "²",
        "1%00", "1%0A", "true", "null", "NaN", "%5B1%5D", "1,2", "0", "-0", "00", "99999999999", "9" * 5000,
    ],
)  # fmt: skip
def test_numbers_have_one_spelling(parameter: str, alias: str) -> None:
    """No other spelling of a number is taken, nor one out of range or of any length."""
    assert list(faults(f"{parameter}={alias}")) == [parameter]


@pytest.mark.parametrize(
    ("parameter", "limit"), [("vdn", 9999), ("page", 2147483647), ("page_size", 100), ("cc_id", 65535)]
)
def test_limits_of_numbers(parameter: str, limit: int) -> None:
    """The limits themselves are allowed; one more is refused in words that name the value and the limits."""
    for number in (1, limit):
        assert getattr(parse_campaigns_query(f"{parameter}={number}"), parameter) == number
    assert faults(f"{parameter}={limit + 1}") == {parameter: f"{limit + 1} is out of range. Send 1 to {limit}."}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("device_type", DEVICE_TYPES)
def test_every_word_is_read(status: CampaignStatus, device_type: DeviceType) -> None:
    """Each word of the contract is taken."""
    parameters = parse_campaigns_query(f"status={status}&device_type={device_type}")
    assert (parameters.status, parameters.device_type) == (status, device_type)


@pytest.mark.parametrize("word", ["", "Running", "RUNNING", "running ", "draft", "unknown", "2", "running,paused"])
@pytest.mark.parametrize("parameter", ["status", "device_type"])
def test_other_words_are_refused(parameter: str, word: str) -> None:
    """Words that the contract does not have, or in another case, are refused, and the right ones are listed."""
    message = faults(urlencode({parameter: word}))[parameter]
    assert ("running, paused, completed" if parameter == "status" else "automatic_ivr") in message


def test_names_may_be_empty_and_long_in_bytes() -> None:
    """A name is counted in code points and may be empty."""
    assert parse_campaigns_query("name=").name == ""
    assert parse_campaigns_query(urlencode({"name": "𝄞" * 30})).name == "𝄞" * 30


@pytest.mark.parametrize(
    ("name", "part"),
    [("x" * 31, "has 31 characters, 30 are allowed"), ("a\x00", "U+0000"), ("\r\n", "U+000D"), ("\x85", "U+0085")],
)
def test_names_that_are_refused(name: str, part: str) -> None:
    """A name that is too long or holds a control character is refused."""
    assert part in faults(urlencode({"name": name}))["name"]


def test_messages_show_short_and_harmless_values() -> None:
    """A message cuts the value to forty characters and escapes what cannot be printed."""
    message = faults(urlencode({"name": "\x1b[31m" + "x" * 500}))["name"]
    assert message.startswith(r'"\x1b[31m' + "x" * 35 + '…"')


@pytest.mark.parametrize(
    ("written", "meant"),
    [("pagesize", "page_size"), ("pageSize", "page_size"), ("deviceType", "device_type"), ("stauts", "status")],
)
def test_a_mistyped_parameter_is_answered_with_the_right_one(written: str, meant: str) -> None:
    """A close unknown name gets a suggestion."""
    assert faults(f"{written}=1") == {written: f"The parameter is not known. Did you mean {meant}?"}


@pytest.mark.parametrize("name", ["_", "api_key_of_mine", "_schema", "x.y", "x" * 500])
def test_other_unknown_parameters_are_answered_with_all_names(name: str) -> None:
    """An unknown name that resembles none lists those that exist."""
    (message,) = faults(f"{name}=1").values()
    assert message.endswith(f"Known are {', '.join(NAMES)}.")


def test_all_faults_come_in_one_answer_in_the_order_of_the_query() -> None:
    """Faults of every kind are reported together, and the detail counts them."""
    with pytest.raises(InvalidParameters, match="8 faults") as refusal:
        parse_campaigns_query("page=0&x=%ff&status=&vdn=1&vdn=1&name=%zz&begins_from=2018-11-30&ends_to=2018-11-29&=1")
    assert [fault.parameter for fault in refusal.value.errors] == [
        *("page", "x", "x", "status", "vdn", "name", "begins_from", ""),
    ]


def test_one_fault_is_the_detail() -> None:
    """A single fault is told in the detail too."""
    with pytest.raises(InvalidParameters, match=r"page: 0 is out of range\. Send 1 to 2147483647\."):
        parse_campaigns_query("page=0")


def test_too_many_parameters_are_a_fault_among_the_others() -> None:
    """The faults of the first fifty are named, those of the rest are not, however many there are."""
    named = faults("page=0&" + "&".join(f"p{number}=1" for number in range(10_000)))
    assert list(named) == ["page", *(f"p{number}" for number in range(50))]
    assert named["page"] == "0 is out of range. Send 1 to 2147483647."
    assert named["p49"].startswith("The query has 10001 parameters, 50 are allowed; this one and those after it")
    assert sum(map(len, named.values())) < 10_000


def test_too_many_of_a_known_parameter_are_one_fault() -> None:
    """A name that stands on both sides of the limit is told once, in the words of the limit."""
    assert list(faults("&".join(["page=1"] * 51))) == ["page"]
    assert "51 parameters" in faults("&".join(["page=1"] * 51))["page"]


REVERSED = "begins_from=2024-02-02&ends_to=2024-02-01T00:00:00Z"


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ("", []),
        ("&pgae=1", ["pgae"]),
        ("&page=1&page=1", ["page"]),
        ("&name=" + "x" * 31, ["name"]),
        ("&page=0&pgae=1&status=x&=1", ["page", "pgae", "status", ""]),
    ],
)
@pytest.mark.parametrize(
    "period",
    [REVERSED, "begins_from=2024-02-02&ends_to=2024-02-01", "begins_from=2024-02-02T00:00:00Z&ends_to=2024-02-01"],
)
def test_the_order_of_times_is_told_with_everything_else(period: str, others: str, named: list[str]) -> None:
    """A reversed period of any kind is one of all faults, with a VDN that is missing too."""
    assert faulty(period + others, v1="UTC") == ["begins_from", *named]
    assert faulty(period + others, v1="UTC", v2="Asia/Shanghai") == ["begins_from", *named, "vdn"]


def test_the_zone_is_that_of_the_vdn_that_is_meant() -> None:
    """The VDN that is named decides; where several are possible, only what is wrong in all of them is a fault."""
    mixed = "begins_from=2018-11-30&ends_to=2018-11-29T16:00:00Z"
    zones = {"v1": "UTC", "v2": "Asia/Shanghai"}
    assert faulty(f"{mixed}&vdn=1", **zones) == ["begins_from"]
    assert faulty(f"{mixed}&vdn=2", **zones) == []
    assert faulty(mixed, **zones) == ["vdn"]
    assert faulty(f"{mixed}&vdn=0", **zones) == ["vdn"]
    assert faulty(f"{REVERSED}&vdn=0", **zones) == ["begins_from", "vdn"]
    # Of a VDN that the caller may not read, its zone is not told.
    assert faulty(f"{REVERSED}&vdn=3", **zones) == []


def test_times_beyond_the_calendar_are_told_with_everything_else() -> None:
    """A time that the zone's calendar cannot hold is one of all faults."""
    assert faulty("ends_to=9999-12-31T23:59:59Z&page=0", v1="Asia/Shanghai") == ["ends_to", "page"]


def test_what_was_not_read_is_not_called_missing() -> None:
    """The VDN may stand beyond the limit of parameters."""
    many = "&".join(f"p{number}=1" for number in range(50))
    assert faulty("page=0", v1="UTC", v2="UTC") == ["page", "vdn"]
    assert "vdn" not in faulty(f"{many}&x=1&vdn=1", v1="UTC", v2="UTC")


def test_a_bare_plus_in_an_offset_is_explained() -> None:
    """The usual mistake with offsets gets its own words."""
    assert "write the + of an offset as %2B" in faults("ends_to=2018-11-30T00:00:00+08:00")["ends_to"]


@pytest.mark.parametrize(
    ("begins_from", "ends_to", "in_order"),
    [
        ("2018-11-30", "2018-11-30", True),
        ("2018-11-30", "2018-11-29", False),
        ("2018-11-30T00:00:00Z", "2018-11-30T00:00:00Z", True),
        ("2018-11-30T08:00:00%2B08:00", "2018-11-30T00:00:00Z", True),
        ("2018-11-30T00:00:01Z", "2018-11-30T00:00:00Z", False),
        ("2018-11-30T00:00:00.9Z", "2018-11-30T00:00:00.1Z", False),
        ("2018-11-30T00:00:00.1Z", "2018-11-30T00:00:01.0Z", True),
        ("9999-12-31T23:59:59.9-23:59", "0001-01-01T00:00:00%2B23:59", False),
    ],
)
def test_order_of_times(begins_from: str, ends_to: str, *, in_order: bool) -> None:
    """Two dates and two instants are compared at once, as whole seconds that lie between them."""
    raw_query = f"begins_from={begins_from}&ends_to={ends_to}"
    if in_order:
        parse_campaigns_query(raw_query)
    else:
        assert "begins_from is after ends_to" in faults(raw_query)["begins_from"]


def test_an_empty_time_is_refused() -> None:
    """A time without a value is a fault."""
    assert faults("begins_from=")["begins_from"].startswith("There is no value.")


def test_an_empty_word_is_refused() -> None:
    """In words that are right for filters and for forms of files: what a form is left out for is no "all"."""
    assert faults("status=")["status"] == (
        "There is no value. Send one of running, paused, completed, or leave the parameter out."
    )


@pytest.mark.parametrize("raw_query", ["", "page=2&name=%C3%A9", "name=\xc3\xa9"])
def test_the_flask_parser_reads_the_same(raw_query: str) -> None:
    """Through webargs, views get what the pure function gives."""
    with Flask("test").test_request_context(environ_overrides={"QUERY_STRING": raw_query}) as context:
        parsed = QueryParser().parse(CampaignsQuerySchema(), context.request, location="query")
    assert parsed == parse_campaigns_query(raw_query)


@pytest.mark.parametrize("raw_query", ["page=1&page=1", "x=1", "name=%", "page=0&y=%ff&stauts=1"])
def test_the_flask_parser_refuses_the_same(raw_query: str) -> None:
    """Through webargs, queries are refused for the same reasons, unknown parameters too."""
    context = Flask("test").test_request_context(environ_overrides={"QUERY_STRING": raw_query})
    with context, pytest.raises(InvalidParameters) as refusal:
        QueryParser().parse(CampaignsQuerySchema(), context.request, location="query")
    with pytest.raises(InvalidParameters) as expected:
        parse_campaigns_query(raw_query)
    assert refusal.value.errors == expected.value.errors


SHOWN_ONLY = [("status", "draft"), ("status", "unknown"), ("device_type", "unknown")]


@pytest.mark.parametrize(("parameter", "word"), SHOWN_ONLY)
def test_what_is_shown_but_cannot_be_asked_for_is_told_so(parameter: str, word: str) -> None:
    """A word of the answers that CC-iSales has no filter for is no unknown word."""
    message = faults(f"{parameter}={word}")[parameter]
    assert message.startswith(f'"{word}" is in answers, but cannot be asked for')
    assert "is not known" not in message
