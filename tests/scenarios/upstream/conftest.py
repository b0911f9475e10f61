"""CC-iSales as it may be, and the gateway's way to it without the rest of the gateway."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.isales.call_duration import CallDuration
from gateway.isales.drift import DriftLog
from gateway.isales.fetch import fetch_page
from gateway.isales.key_trials import KeyTrials
from gateway.isales.known_credentials import KnownCredentials
from gateway.isales.retry import Retries, with_retries
from gateway.isales.second_signature import with_credentials
from gateway.isales.send import sign_and_send
from gateway.isales.shared_slots import NO_SHARED_SLOTS
from gateway.isales.signature_budget import NO_SHARED_BUDGET
from gateway.isales.slots import Slots, with_slots
from gateway.isales.transport import Transport
from gateway.model import CampaignPage, CampaignQuery, Deadline
from gateway.settings.model import Tenant
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.scenarios.upstream.raw_server import RawServer
from tests.unit.isales.vendor import QUERY, TENANT, isales_settings

Fetch = Callable[..., CampaignPage]
"""Fetches a page: `fetch(query=..., deadline_s=...)`, both with defaults."""


@pytest.fixture
def upstream() -> Iterator[RawServer]:
    """Serve plain HTTP."""
    with RawServer() as server:
        yield server


@pytest.fixture
def connect() -> Iterator[Callable[..., Fetch]]:
    """Return what makes a `Fetch` for a base URL, a tenant and changes to the settings.

    Without `retries` each call is made once. `now` is the clock that is signed by.
    """
    with ExitStack() as stack:

        def connect_to(
            base_url: str,
            tenant: Tenant = TENANT,
            retries: Retries | None = None,
            now: Callable[[], datetime] = lambda: datetime.now(UTC),
            **changes: Any,
        ) -> Fetch:
            settings = isales_settings(base_url, **changes)
            transport = stack.enter_context(closing(Transport(settings)))
            numbers = UpstreamNumbers()
            trials = KeyTrials(KnownCredentials(numbers), NO_SHARED_BUDGET, numbers, time.monotonic)
            send = with_credentials(sign_and_send(transport, now), trials)
            send = with_slots(
                send, Slots(settings.concurrency, CallDuration(settings.deadline_s), NO_SHARED_SLOTS, numbers)
            )
            if retries:
                send = with_retries(send, retries)
            fetch = fetch_page(send, {tenant.vdn: tenant}, DriftLog(numbers))

            def fetch_within(query: CampaignQuery = QUERY, deadline_s: float = 5.0) -> CampaignPage:
                return fetch(query, Deadline.after(deadline_s))

            return fetch_within

        yield connect_to


@pytest.fixture
def fetch(upstream: RawServer, connect: Callable[..., Fetch]) -> Fetch:
    """Return a `Fetch` from `upstream` with one connection, so that one left broken would be found by the next call."""
    return connect(upstream.url, concurrency=1, max_response_bytes=65536)
