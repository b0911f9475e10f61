"""The cache key of a query: injective and canonical."""

import hashlib
import json
from dataclasses import fields
from datetime import datetime

from gateway.model import CampaignQuery
from gateway.pages.codec import FORMAT_VERSION


def page_key(query: CampaignQuery, source: str, namespace: str) -> str:
    """Return the key under which the page that answers `query` is kept.

    Two queries have the same key exactly when they ask the same `source` the same thing of the same VDN. `source`
    names what a page depends on beside the query: which CC-iSales it comes from and in which zone its times are read.
    The VDN stands in the clear, and so does the `namespace` of gateways that share pages, so that the pages of either
    can be found; all else is hashed (SHA-256), in braces: all keys about one page are on one node of a cluster.
    """
    asked = {field.name: _plain(getattr(query, field.name)) for field in fields(query) if field.compare}
    canonical = json.dumps([source, asked], ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"{prefix_of(query.vdn)}{namespace}:{{{hashlib.sha256(canonical.encode('ascii')).hexdigest()}}}"


def vdn_of(key: str) -> int:
    """Return the VDN of a key that `page_key` made."""
    return int(key.split(":", 3)[2])


def prefix_of(vdn: int | None, version: int = FORMAT_VERSION) -> str:
    """Return how the keys of one VDN begin, or those of all."""
    return f"page:{version}:" + ("" if vdn is None else f"{vdn}:")


def tag_of(key: str) -> str:
    """Return the part of a key in braces, with them, which decides about its node in a cluster (Redis' hash tag)."""
    return key[key.find("{") :] if "{" in key else ""


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
