from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import InternalError
from gateway.isales.drift import DriftLog
from gateway.isales.fetch import fetch_page
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.send import VendorAnswer
from gateway.model import Deadline
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.unit.isales.vendor import QUERY, counted, envelope, row, tenant

SHANGHAI = tenant(time_zone=ZoneInfo("Asia/Shanghai"))
DEADLINE = Deadline.after(5)


def send(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
    assert request == campaigns_request(QUERY, SHANGHAI)
    assert deadline is DEADLINE
    return VendorAnswer(envelope(data=[row(status=9, strBeginTime="2018-11-30")]))


def test_asks_and_translates_for_the_tenant_of_the_vdn() -> None:
    """A query is asked with the tenant's keys within the caller's deadline, and read by the tenant's clock."""
    numbers = UpstreamNumbers()
    page = fetch_page(send, {1: SHANGHAI}, DriftLog(numbers))(QUERY, DEADLINE)
    assert page.campaigns[0].begins_at == datetime(2018, 11, 29, 16, tzinfo=UTC)
    assert counted(numbers, "upstream_drift") == {"unknown_code": 1}


def test_a_vdn_without_a_tenant_is_a_bug() -> None:
    """A query for a VDN that is not set up should not get here, and calls nobody."""
    with pytest.raises(InternalError):
        fetch_page(send, {1: SHANGHAI}, DriftLog(UpstreamNumbers()))(replace(QUERY, vdn=2), DEADLINE)
