"""Listing campaigns through the whole chain: caller, gateway, signature, simulator and back."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from requests.utils import parse_header_links

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest

VENDOR_SAMPLE = {
    "data": [
        {
            "id": 3,
            "name": "666",
            "status": "draft",
            "device_type": "predictive",
            "begins_at": "2018-11-30T00:00:00Z",
            "ends_at": "2018-11-30T23:59:59Z",
            "caller_number": "10080",
        },
        {
            "id": 4,
            "name": "666333696",
            "status": "draft",
            "device_type": "predictive",
            "begins_at": "2018-11-30T00:00:00Z",
            "ends_at": "2018-11-30T23:59:59Z",
            "caller_number": "10080",
        },
        {
            "id": 2,
            "name": "SAAS_JST",
            "status": "paused",
            "device_type": "predictive",
            "begins_at": "2018-11-29T00:00:00Z",
            "ends_at": "2018-12-08T23:59:59Z",
            "caller_number": "10080",
        },
    ],
    "page": {"number": 1, "size": 10, "total_items": 3, "total_pages": 1},
    "totals": {"skill_queue": 3, "ivr": 0},
}


def test_the_vendors_sample_comes_out_right(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """The vendor's own sample answer, byte for byte, is the page that the interface promises."""
    simulator.faults.arm(Fault("vendor-sample", times=1))
    answer = gateway.get("/campaigns")
    assert answer.get_json() == VENDOR_SAMPLE
    assert list(answer.get_json()["data"][0]) == list(VENDOR_SAMPLE["data"][0])  # type: ignore[index] # -- a list


def test_bare_dates_are_read_in_the_tenants_zone(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """A date in Shanghai begins eight hours earlier than in UTC."""
    gateway = make_gateway(tenants__0__time_zone="Asia/Shanghai")
    simulator.faults.arm(Fault("vendor-sample", times=1))
    row = gateway.get("/campaigns").get_json()["data"][0]
    assert (row["begins_at"], row["ends_at"]) == ("2018-11-29T16:00:00Z", "2018-11-30T15:59:59Z")


def all_pages(gateway: GatewayUnderTest, query: str, size: int = 100) -> list[dict[str, Any]]:
    """Return the rows of all pages of a query."""
    rows: list[dict[str, Any]] = []
    page, pages = 1, 1
    while page <= pages:
        document = gateway.get(f"/campaigns?page={page}&page_size={size}&{query}").get_json()
        rows += document["data"]
        pages = document["page"]["total_pages"]
        page += 1
    return rows


def test_paging_reaches_every_campaign_once(gateway: GatewayUnderTest) -> None:
    """All 250 campaigns of the VDN are found by paging, none twice."""
    rows = all_pages(gateway, "")
    assert len(rows) == len({row["id"] for row in rows}) == 250
    first = gateway.get("/campaigns").get_json()
    assert first["page"] == {"number": 1, "size": 10, "total_items": 250, "total_pages": 25}
    assert first["totals"] == {"skill_queue": 150, "ivr": 100}


@pytest.mark.parametrize(
    ("parameter", "value", "count"),
    [
        ("status", "running", 60),
        ("status", "paused", 70),
        ("status", "completed", 80),
        ("device_type", "intelligent_ivr", 50),
        ("device_type", "predictive", 50),
        ("device_type", "automatic_ivr", 50),
        ("device_type", "preview", 50),
        ("device_type", "preempted", 50),
    ],
)
def test_filters_by_code_give_those_campaigns(
    gateway: GatewayUnderTest, parameter: str, value: str, count: int
) -> None:
    """Each status and device type filters by itself, and every row says so."""
    rows = all_pages(gateway, f"{parameter}={value}")
    assert len(rows) == count
    assert {row[parameter] for row in rows} == {value}


def test_names_reach_the_upstream_as_they_are(gateway: GatewayUnderTest) -> None:
    """A campaign of each kind of name is found by its own, whatever characters that has."""
    rows = all_pages(gateway, "")
    names = {row["name"] for row in rows}
    odd = {name for name in names if any(char in name for char in " +&%~'\"") or not name.isascii()}
    # One of those that differ in their numbers alone.
    different = {re.sub("[0-9]+", "", name): name for name in sorted(odd)}
    assert len(different) > 10
    for name in different.values():
        found = gateway.get(f"/campaigns?page_size=100&name={quote(name)}").get_json()
        assert name in {row["name"] for row in found["data"]}, name


def test_times_filter_in_the_tenants_zone(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """The same instant, whatever its offset, selects the same campaigns."""
    gateway = make_gateway(tenants__0__time_zone="Asia/Shanghai")
    rows = all_pages(gateway, "")
    moment = sorted(row["begins_at"] for row in rows)[125]
    expected = {row["id"] for row in rows if row["begins_at"] >= moment}
    assert {row["id"] for row in all_pages(gateway, f"begins_from={moment}")} == expected
    shifted = f"{moment.removesuffix('Z')}-00:00"
    assert {row["id"] for row in all_pages(gateway, f"begins_from={shifted}")} == expected


def test_what_is_asked_upstream(simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """Every parameter becomes the vendor's, in the tenant's zone, with the tenant's call centre as default."""
    gateway = make_gateway(tenants__0__time_zone="Asia/Shanghai", tenants__0__cc_id="2")
    gateway.get("/campaigns")
    gateway.get(
        "/campaigns?status=paused&device_type=preview&begins_from=2024-01-31T23:00:00.5Z&ends_to=2024-03-01&page=2"
        "&page_size=7&cc_id=1&name=%E6%8E%A8%E8%8D%90+a"
    )
    assert list(simulator.calls.snapshot()["by_query"]) == [
        "ccId=2&curPage=1&deviceType=0&rowsPerPage=10&status=0",
        (
            "beginTime=2024-02-01%2007%3A00%3A01&ccId=1&curPage=2&deviceType=5&endTime=2024-03-01%2023%3A59%3A59"
            "&name=%E6%8E%A8%E8%8D%90%20a&rowsPerPage=7&status=3"
        ),
    ]


def test_links_lead_through_the_pages(gateway: GatewayUnderTest) -> None:
    """Following `next` from the first page ends at the last one."""
    path, seen = "/campaigns?page_size=100&status=completed&vdn=1", 0
    while path:
        answer = gateway.get(path)
        seen += len(answer.get_json()["data"])
        links = {link["rel"]: link["url"] for link in parse_header_links(answer.headers["Link"])}
        assert all(target.startswith("?") for target in links.values())
        path = urljoin(path, links["next"]) if "next" in links else ""
    assert seen == 80


def test_head_is_get_without_the_body(gateway: GatewayUnderTest) -> None:
    """`HEAD` has the headers of `GET`, its length included."""
    got, head = gateway.get("/campaigns"), gateway.get("/campaigns", method="HEAD")
    assert head.data == b""
    for name in ("ETag", "Content-Length", "Content-Type", "Link", "Vary", "Cache-Control", "Campaigns-As-Of"):
        assert head.headers[name] == got.headers[name]


def test_one_unusable_row_does_not_fail_the_page(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Rows without a usable id are left out and counted, unknown codes are `unknown`, and the page is served."""
    simulator.faults.arm(Fault("odd-rows", times=1))
    answer = gateway.get("/campaigns")
    assert answer.status_code == 200
    rows = answer.get_json()["data"]
    assert rows
    assert all(isinstance(row["id"], int) for row in rows)
    assert "unknown" in {row["status"] for row in rows} | {row["device_type"] for row in rows}
    numbers = gateway.get("/metrics").get_data(as_text=True)
    assert 'campaign_gateway_upstream_drift_total{kind="row_left_out"}' in numbers
    assert 'campaign_gateway_upstream_drift_total{kind="unknown_code"}' in numbers


@pytest.mark.parametrize("kind", ["only-return-code", "only-result-code"])
def test_older_and_newer_envelopes_are_taken(simulator: SimulatorServer, gateway: GatewayUnderTest, kind: str) -> None:
    """One pair of result fields is enough."""
    simulator.faults.arm(Fault(kind, times=1))
    assert gateway.get("/campaigns").get_json()["page"]["total_items"] == 250


@pytest.mark.parametrize("precision", ["seconds", "milliseconds"])
def test_both_kinds_of_timestamps_are_signed(make_gateway: Callable[..., GatewayUnderTest], precision: str) -> None:
    """The tenant's precision is accepted by the signature check."""
    assert make_gateway(tenants__0__timestamp_precision=precision).get("/campaigns").status_code == 200


def test_a_host_override_is_sent_and_signed(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """The tenant's `Host` goes over the wire and into the signature, whatever the URL says."""
    assert make_gateway(tenants__0__host_header="isales.example.com:28443").get("/campaigns").status_code == 200
