"""Rows of the simulator as the gateway shows them: each names its VDN in three places."""

from collections.abc import Mapping
from typing import Any


def vdns_of_row(row: Mapping[str, Any]) -> set[int]:
    """Return the VDNs that a row names, in its id, its name and its number: one, unless rows were mixed up."""
    named = int(row["name"].rpartition(" ")[2].partition("-")[0])
    return {row["id"] // 100_000, named, int(row["caller_number"][:4])}
