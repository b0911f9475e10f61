"""The values of labels that are known before anything happens.

Prometheus sees no increase in a series that begins above 0, so an alert would miss the first event. Counters that
alerts look at therefore begin at 0 for these. A series costs a kilobyte; what only a caller or CC-iSales can name
begins when it comes up.
"""

from typing import Final

from gateway.errors import GatewayError, InternalError, UpstreamError, leaves
from gateway.model import FRESH, STALE_IF_ERROR, STALE_WHILE_REVALIDATE, CacheOutcome

OK: Final = "ok"
SUCCESS: Final = "0200000"
"""CC-iSales' result code of a page that came."""

LISTING: Final = "campaigns.list_campaigns"
"""The endpoint that pages answer."""

_TIERS = ("process", "shared")

REQUESTS: Final = (
    *((LISTING, status, "") for status in ("200", "304")),
    *((LISTING, str(leaf.status), leaf.name) for leaf in leaves(GatewayError)),
)
"""Endpoint, status and problem of requests for campaigns."""

LOOKUPS: Final = (
    *((CacheOutcome.HIT, FRESH, tier) for tier in _TIERS),
    *((CacheOutcome.STALE, rung, tier) for rung in (STALE_WHILE_REVALIDATE, STALE_IF_ERROR) for tier in _TIERS),
    (CacheOutcome.MISS, "", ""),
    (CacheOutcome.COLLAPSED, "", ""),
)
"""Outcome, rung and tier."""

CALL_OUTCOMES: Final = (OK, *(leaf.name for leaf in leaves(UpstreamError)), InternalError.name)
"""How a call, an attempt or a refresh may end."""

FETCHES: Final = ((OK, SUCCESS), *((outcome, "") for outcome in CALL_OUTCOMES[1:]))
"""Outcome and result code; where CC-iSales has named a code, the series begins with that."""

WAITS: Final = ("changed", "unchanged", "ended", "problem", "not_applied")
"""How a wait for a change may end."""

SHARED_FAULTS: Final = (
    *("timeout", "refused", "full", "auth", "readonly"),
    *("cluster", "command", "tls", "clients", "role", "other"),
)
SHARED_OPERATIONS: Final = ("look", "lease", "store", "slot", "signature", "limit", "listen", "purge")
SLOT_REFUSALS: Final = ("queue_too_long", "no_slot_in_time", "too_late_to_start")
REFUSED_CALLS: Final = ("circuit", "pause", "locked")
KEYS: Final = ("current", "previous")
TOKEN_KEY_READS: Final = (OK, "failed")
USELESS_TOKEN_CLAIMS: Final = tuple(
    (right, found) for right in ("vdns", "scopes") for found in ("absent", "empty", "odd", "unknown")
)
DRIFT_KINDS: Final = (
    *("unknown_field", "unknown_code", "odd_time", "unreadable_time", "odd_type", "row_left_out"),
    *("not_as_asked", "wrong_total"),
)
