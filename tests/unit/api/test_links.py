"""The links between pages."""

import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.links import link_header
from gateway.api.query import MAX_PAGE
from gateway.model import Campaign, CampaignPage, CampaignStatus, DeviceType

ROW = Campaign(1, None, CampaignStatus.RUNNING, DeviceType.PREVIEW, None, None, None)


def page(number: int, rows: int, total_items: int | None) -> CampaignPage:
    """Return a page of at most ten campaigns."""
    return CampaignPage((ROW,) * rows, number, 10, total_items, None, None)


def pages(header: str) -> dict[str, int]:
    """Return the number of the page that each relation leads to."""
    links = re.findall(r'<\?(?:[^>]*&)?page=([0-9]+)>; rel="([a-z]+)"', header)
    return {relation: int(number) for number, relation in links}


@pytest.mark.parametrize(
    ("number", "rows", "total_items", "expected"),
    [
        (1, 10, 35, {"first": 1, "next": 2, "last": 4}),
        (2, 10, 35, {"first": 1, "prev": 1, "next": 3, "last": 4}),
        (4, 5, 35, {"first": 1, "prev": 3, "last": 4}),
        (1, 10, 10, {"first": 1, "last": 1}),
        (1, 0, 0, {"first": 1, "last": 1}),
        (9, 0, 35, {"first": 1, "prev": 4, "last": 4}),
        (9, 0, 0, {"first": 1, "prev": 1, "last": 1}),
        (1, 10, None, {"first": 1, "next": 2}),
        (3, 10, None, {"first": 1, "prev": 2, "next": 4}),
        (3, 9, None, {"first": 1, "prev": 2}),
        (MAX_PAGE, 10, None, {"first": 1, "prev": MAX_PAGE - 1}),
        (1, 10, MAX_PAGE * 10, {"first": 1, "next": 2, "last": MAX_PAGE}),
        (1, 10, MAX_PAGE * 10 + 1, {"first": 1, "next": 2}),
    ],
)
def test_relations(number: int, rows: int, total_items: int | None, expected: dict[str, int]) -> None:
    """Each relation is there when it leads somewhere, and never beyond the last page."""
    assert pages(link_header("", page(number, rows, total_items).paging)) == expected


def test_the_callers_parameters_stay_in_their_order() -> None:
    """The page is replaced where it stands, or added at the end; everything is encoded anew."""
    assert link_header("page=1&name=a+%3E,%22b%22&vdn=1", page(1, 0, 0).paging).startswith(
        '<?page=1&name=a%20%3E%2C%22b%22&vdn=1>; rel="first"'
    )
    assert link_header("ends_to=2018-11-30T00:00:00%2B08:00", page(1, 0, 0).paging).startswith(
        '<?ends_to=2018-11-30T00%3A00%3A00%2B08%3A00&page=1>; rel="first"'
    )


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_name_survives_in_a_harmless_header(name: str) -> None:
    """A link target is plain ASCII without the characters that end it, and means what the caller meant."""
    header = link_header(urlencode({"name": name, "vdn": 1}), page(1, 10, None).paging)
    targets = re.findall("<([^>]*)>", header)
    assert re.fullmatch(r"(<[!-;=?-~]+>; rel=\"[a-z]+\"(, )?)+", header)
    assert [dict(parse_qsl(urlsplit(target).query, keep_blank_values=True)) for target in targets] == [
        {"name": name, "vdn": "1", "page": str(number)} for number in (1, 2)
    ]


@pytest.mark.parametrize(
    "asked",
    [
        "http://gateway.example/campaigns",
        "https://gateway.example:8443/campaigns?vdn=1&name=a%2Fb",
        "https://example.com/isales/v2/campaigns?page=7",
        "http://[::1]:8080/a%20b/campaigns?name=%3F%23",
    ],
)
@given(name=st.text(st.characters(codec="utf-8"), max_size=10))
def test_targets_resolve_wherever_the_gateway_is_mounted(asked: str, name: str) -> None:
    """A target is a query alone: scheme, host and path are those of the request (RFC 3986, 5.2), whatever they are."""
    header = link_header(urlencode({"name": name}), page(2, 10, 35).paging)
    targets = re.findall("<([^>]*)>", header)
    assert len(targets) == 4
    for target in targets:
        there, here = urlsplit(urljoin(asked, target)), urlsplit(asked)
        assert target.startswith("?")
        assert (there.scheme, there.netloc, there.path) == (here.scheme, here.netloc, here.path)
        assert there.query == target[1:]
