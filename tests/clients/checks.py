"""What each client must have seen, whatever it is written in and whoever made it."""

from typing import Any, Final

from gateway.api.openapi import openapi_document
from tests.clients.upstream import BIG_ID, GREATEST_ID, ROWS

OPERATIONS: Final = [
    operation["operationId"] for item in openapi_document()["paths"].values() for operation in item.values()
]
FIRST_IDS: Final = [BIG_ID, 2]
SEEN: Final[dict[str, Any]] = {
    "operations": dict.fromkeys(OPERATIONS, 200),
    "contents": {
        "me": ["api_key", "VDN 1"],
        "counted": [BIG_ID, BIG_ID],
        "exported": len(ROWS),
        "explained": False,
        "health": "ok",
        "vdn": "ok",
        "metrics": True,
        "places": "openapi.json",
        "openapi": "3.1.0",
        "problems": True,
        "problem": 403,
        "purged": [1],
    },
    # An id of more than 32 bits, nulls, and codes of CC-iSales that nobody knows.
    "list": {
        "ids": FIRST_IDS,
        "names": ["秋季", None],
        "statuses": ["running", "unknown"],
        "device_types": ["predictive", "unknown"],
        "begins_at": ["2026-01-01T08:00:00Z", None],
        "page": [1, 2, BIG_ID, (BIG_ID + 1) // 2],
        "totals": [None, BIG_ID],
    },
    "page_2": [4, 5],
    "problem": [400, "invalid-parameters", ["begins_from"]],
    "unauthenticated": [401, "unauthenticated"],
    "not_modified": 304,
    "packed": 100,
    "coding": "gzip",
    "new_fields": [FIRST_IDS, "invalid-parameters"],
}
"""By check. Those of a client's own are beside its tests."""
GREATEST: Final = str(GREATEST_ID)


def new_words(status: str, device_type: str) -> list[Any]:
    """Return what is seen of campaigns whose status and device type are new: `status` and `device_type`."""
    return [FIRST_IDS, [status, status], [device_type, device_type]]
