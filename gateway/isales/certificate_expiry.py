"""When the certificate of CC-iSales expires: shown always, and said while there is still time to renew it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from gateway.telemetry.upstream_numbers import UpstreamNumbers

SOON: Final = timedelta(days=14)
SAY_AGAIN_AFTER: Final = timedelta(days=1)


class CertificateExpiry:
    """Takes note of each certificate that was accepted. `now` returns the aware time. Safe to use from any thread."""

    def __init__(self, metrics: UpstreamNumbers, now: Callable[[], datetime]) -> None:
        self._metrics = metrics
        self._now = now
        self._said_at: datetime | None = None
        self._lock = threading.Lock()

    def seen(self, expires_at: float) -> None:
        """Take note of a certificate that expires at `expires_at`, seconds since 1970."""
        self._metrics.certificate_expires(expires_at)
        now = self._now()
        expires = datetime.fromtimestamp(expires_at, UTC)
        if expires - now >= SOON or not self._is_news(now):
            return
        structlog.get_logger("gateway.isales").warning(
            "certificate_expires_soon",
            expires_at=expires.isoformat(timespec="seconds"),
            days_left=(expires - now).days,
            remedy="have CC-iSales' administrators renew it or the one above it: see `flask isales doctor`",
        )

    def _is_news(self, now: datetime) -> bool:
        with self._lock:
            # Whichever way the clock was moved.
            if self._said_at is not None and abs(now - self._said_at) < SAY_AGAIN_AFTER:
                return False
            self._said_at = now
            return True
