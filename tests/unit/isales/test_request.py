from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given

from gateway.isales import signing
from gateway.isales.credentials import Credentials, key_pairs
from gateway.isales.endpoint import Endpoint
from gateway.isales.request import campaigns_request, sign_request
from gateway.model import CampaignQuery, CampaignStatus, DeviceType
from gateway.settings.model import Secret
from tests.support.campaigns import QUERIES
from tests.unit.isales.vendor import NOW, QUERY, SECRET_KEY, TENANT, tenant

ENDPOINT = Endpoint.parse("https://isales.example.com:28443/gw")


def params(query: CampaignQuery) -> dict[str, str]:
    return dict(campaigns_request(query, TENANT).params)


def test_asks_for_all_by_default() -> None:
    """A bare query sends the four parameters that the vendor requires and no other."""
    request = campaigns_request(QUERY, TENANT)
    assert request.path == "/rest/isales/v1/openapi/campaigns/1"
    assert dict(request.params) == {"status": "0", "deviceType": "0", "curPage": "1", "rowsPerPage": "10"}


def test_asks_for_everything_that_a_query_can_say() -> None:
    """Every part of a query has its parameter, times with four digits for any year."""
    query = CampaignQuery(
        vdn=9999,
        name="春 +%",
        status=CampaignStatus.COMPLETED,
        begins_from=datetime(7, 1, 2, 3, 4, 5),  # noqa: DTZ001 -- queries hold naive wall-clock times
        ends_to=datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001 -- the same
        page=3,
        page_size=100,
        cc_id=65535,
    )
    assert params(query) == {
        "name": "春 +%",
        "status": "4",
        "deviceType": "0",
        "beginTime": "0007-01-02 03:04:05",
        "endTime": "9999-12-31 23:59:59",
        "curPage": "3",
        "rowsPerPage": "100",
        "ccId": "65535",
    }


@pytest.mark.parametrize(
    ("status", "code"), [(CampaignStatus.RUNNING, "2"), (CampaignStatus.PAUSED, "3"), (CampaignStatus.COMPLETED, "4")]
)
def test_each_status_has_its_number(status: CampaignStatus, code: str) -> None:
    """Statuses are asked for by the vendor's numbers."""
    assert params(CampaignQuery(vdn=1, status=status))["status"] == code


@pytest.mark.parametrize(
    ("device_type", "code"),
    [
        (DeviceType.INTELLIGENT_IVR, "1"),
        (DeviceType.PREDICTIVE, "2"),
        (DeviceType.AUTOMATIC_IVR, "3"),
        (DeviceType.PREVIEW, "5"),
        (DeviceType.PREEMPTED, "6"),
    ],
)
def test_each_device_type_has_its_number(device_type: DeviceType, code: str) -> None:
    """Device types are asked for by the vendor's numbers."""
    assert params(CampaignQuery(vdn=1, device_type=device_type))["deviceType"] == code


@pytest.mark.parametrize(
    ("of_query", "of_tenant", "expected"), [("en_US", "zh_CN", "en_US"), (None, "zh_CN", "zh_CN"), (None, "", None)]
)
def test_the_locale_is_the_callers_else_the_tenants(of_query: str | None, of_tenant: str, expected: str | None) -> None:
    """The header for the language names the query's, else the tenant's, else is not there."""
    request = campaigns_request(CampaignQuery(vdn=1, locale=of_query), tenant(locale=of_tenant))
    assert sign_request(request, ENDPOINT, NOW).headers.get("locale") == expected


@given(QUERIES.filter(lambda query: query.device_type is not DeviceType.UNKNOWN))
def test_the_url_carries_the_query_that_was_signed(query: CampaignQuery) -> None:
    """Path and query of the URL are lines two and three of the canonical request."""
    signed = sign_request(campaigns_request(query, TENANT), ENDPOINT, NOW)
    _, path, canonical_query, *_ = signed.signature.canonical_request.split("\n")
    assert signed.url == f"https://isales.example.com:28443{path}?{canonical_query}"


def test_signs_the_host_that_is_sent() -> None:
    """A tenant's own Host is sent and signed in the place of the URL's authority."""
    signed = sign_request(campaigns_request(QUERY, tenant(host_header="inner:8443")), ENDPOINT, NOW)
    assert signed.headers["Host"] == "inner:8443"
    assert signed.signature.canonical_request.endswith("\nhost\nhost:inner%3A8443\n")
    assert sign_request(campaigns_request(QUERY, TENANT), ENDPOINT, NOW).headers["Host"] == "isales.example.com:28443"


def test_signs_with_the_keys_and_the_precision_of_the_tenant() -> None:
    """The authorization is that of the tenant's keys, with a timestamp as the tenant's CC-iSales wants it."""
    signed = sign_request(campaigns_request(QUERY, tenant(timestamp_precision="milliseconds")), ENDPOINT, NOW)
    expected = signing.sign(
        "AK", Secret(SECRET_KEY), "2026-01-02T03:04:05.678Z", "host", signed.signature.canonical_request
    )
    assert signed.headers["Authorization"] == expected.authorization
    assert signed.headers["Authorization"].startswith("auth-v2/AK/2026-01-02T03:04:05.678Z/host/")


def test_signs_with_other_keys_where_the_request_says_so() -> None:
    """Credentials in the request go before the tenant's current keys, and the time is the one that is given."""
    rotating = tenant(previous_access_key="OLD", previous_secret_key=Secret("an-older-secret"))
    request = replace(campaigns_request(QUERY, rotating), credentials=Credentials(key_pairs(rotating)[1], 60.0))
    signed = sign_request(request, ENDPOINT, NOW)
    expected = signing.sign(
        "OLD", Secret("an-older-secret"), "2026-01-02T03:04:05Z", "host", signed.signature.canonical_request
    )
    assert signed.headers["Authorization"] == expected.authorization
    assert "an-older-secret" not in repr(request)


def test_a_signed_request_shows_no_credentials() -> None:
    """The representation has no secret key and no signature in it."""
    signed = sign_request(campaigns_request(QUERY, TENANT), ENDPOINT, NOW)
    assert signed.signature.signature not in repr(signed)
    assert SECRET_KEY not in repr(signed)


def test_a_trace_is_told_and_not_signed() -> None:
    """The signature is the same with and without it, so that no proxy that changes it spoils a call."""
    request = campaigns_request(QUERY, TENANT)
    without = sign_request(request, ENDPOINT, NOW)
    told = sign_request(replace(request, traceparent="00-1-2-00"), ENDPOINT, NOW)
    assert told.signature == without.signature
    assert told.headers == {**without.headers, "traceparent": "00-1-2-00"}


@pytest.mark.parametrize("base_url", ["https://isales.example.com:443", "https://isales.example.com"])
def test_the_port_of_the_scheme_is_neither_sent_nor_signed(base_url: str) -> None:
    """Both ways to write the URL come to the same `Host`, on the wire and in the signature."""
    signed = sign_request(campaigns_request(QUERY, TENANT), Endpoint.parse(base_url), NOW)
    assert signed.headers["Host"] == "isales.example.com"
    assert "host:isales.example.com\n" in signed.signature.canonical_request
    assert signed.url.startswith("https://isales.example.com/rest/")
