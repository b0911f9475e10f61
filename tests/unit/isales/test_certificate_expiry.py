"""What is said of a certificate, and when, on a clock that the test moves."""

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from gateway.isales.certificate_expiry import CertificateExpiry
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.unit.isales.vendor import counted

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class House:
    """A `CertificateExpiry` at `now`, and what it showed."""

    def __init__(self) -> None:
        self.now = NOW
        self.numbers = UpstreamNumbers()
        self.expiry = CertificateExpiry(self.numbers, lambda: self.now)

    def said_of(self, expires: datetime) -> list[tuple[object, ...]]:
        """Return what is logged when a certificate that expires then is seen."""
        with capture_logs() as lines:
            self.expiry.seen(expires.timestamp())
        return [(line["event"], line["log_level"], line["expires_at"], line["days_left"]) for line in lines]


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (timedelta(days=13, hours=23), 13),
        (timedelta(hours=1), 0),
        (timedelta(hours=-1), -1),
        (timedelta(days=14), None),
    ],
)
def test_less_than_two_weeks_are_said(left: timedelta, days: int | None) -> None:
    """A certificate with less than fourteen days left is warned of, and every one is shown."""
    house = House()
    expires = NOW + left
    said = [] if days is None else [("certificate_expires_soon", "warning", expires.isoformat(), days)]
    assert house.said_of(expires) == said
    assert counted(house.numbers, "upstream_certificate_expiry_timestamp_seconds") == {"": expires.timestamp()}


@pytest.mark.parametrize("direction", [1, -1])
def test_it_is_said_once_a_day(direction: int) -> None:
    """However many connections are made, and whichever way the clock goes, a day passes between two warnings."""
    house = House()
    said = []
    for hours in (0, 0, 23, 24, 24, 47, 48):
        house.now = NOW + direction * timedelta(hours=hours)
        said.append(len(house.said_of(NOW + timedelta(days=5))))
    assert said == [1, 0, 0, 1, 0, 0, 1]
