"""What `Cache-Status` says (RFC 9211), read as the structured field that it is (RFC 9651)."""

from typing import Any

import http_sf

NAME = "campaign-gateway"


def read(header: str) -> dict[str, str | int | bool]:
    """Return what the gateway's cache, which must be the only one there, says of an answer; tokens as texts.

    Raises ValueError for what is no such field.
    """
    members: Any = http_sf.parse(header.encode("ascii"), tltype="list")  # its types are those of all fields
    ((cache, parameters),) = members
    if str(cache) != NAME:
        raise ValueError(f"{cache} is not {NAME}")
    return {name: str(value) if isinstance(value, http_sf.Token) else value for name, value in parameters.items()}


def is_fresh(header: str) -> bool:
    """Tell whether the page is fresh."""
    return int(read(header)["ttl"]) >= 0
