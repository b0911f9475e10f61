"""Things of the vendor that the tests speak about: a tenant with its keys, settings, a good page, what was counted."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.model import CampaignQuery
from gateway.settings.model import IsalesSettings, Secret, Tenant
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.canaries import plant

SECRET_KEY = "a-secret-key-of-the-tests"
plant(SECRET_KEY)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
QUERY = CampaignQuery(vdn=1)

TENANT = Tenant(
    vdn=1,
    name="VDN 1",
    access_key="AK",
    secret_key=Secret(SECRET_KEY),
    previous_access_key="",
    previous_secret_key=Secret(""),
    host_header="",
    timestamp_precision="seconds",
    time_zone=ZoneInfo("UTC"),
    cc_id=0,
    locale="zh_CN",
)

_SETTINGS = IsalesSettings(
    base_url="http://127.0.0.1",
    ca_file="",
    client_cert_file="",
    client_key_file="",
    connect_timeout_s=2.0,
    read_timeout_s=5.0,
    deadline_s=8.0,
    max_response_bytes=4194304,
    concurrency=10,
    processes=0,
    max_attempts=2,
    retry_budget=0.1,
    breaker_failure_ratio=0.5,
    breaker_min_calls=10,
    breaker_window_s=30.0,
    breaker_open_s=5.0,
    breaker_open_max_s=60.0,
    locked_pause_s=300.0,
)


def isales_settings(base_url: str, **changes: Any) -> IsalesSettings:
    """Return the default settings for a CC-iSales at `base_url`, with `changes`."""
    return replace(_SETTINGS, base_url=base_url, **changes)


def tenant(**changes: Any) -> Tenant:
    """Return the tenant with `changes`."""
    return replace(TENANT, **changes)


def envelope(**changes: Any) -> dict[str, Any]:
    """Return a good page of no rows, with `changes`; its total is that of its rows."""
    rows = changes.get("data")
    total = len(rows) if isinstance(rows, list) else 0
    return {"resultCode": "0200000", "resultDesc": "", "totalSize": total, "data": [], **changes}


def row(**changes: Any) -> dict[str, Any]:
    """Return a good row, with `changes`."""
    return {"id": 3, "name": "666", "status": 2, "deviceType": 2, "callerNo": "10080", **changes}


def as_json(document: Any) -> bytes:
    """Return `document` as the vendor sends it."""
    return json.dumps(document, ensure_ascii=False).encode()


def counted(numbers: UpstreamNumbers, name: str) -> dict[str, float]:
    """Return what the metric of this name tells, by the values of its labels; what is 0 is left out."""
    named = {f"campaign_gateway_{name}", f"campaign_gateway_{name}_total"}
    return {
        " ".join(sample.labels.values()): sample.value
        for metric in numbers.registry.restricted_registry(named).collect()
        for sample in metric.samples
        if sample.value
    }
