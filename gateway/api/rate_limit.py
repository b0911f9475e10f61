"""What callers are told of their limit: the header fields of draft-ietf-httpapi-ratelimit-headers-11."""

from typing import Final

from flask import Blueprint, Response, g

from gateway.access.limits import WINDOW_S, Quota

POLICY: Final = '"default"'


def tell_quotas(blueprint: Blueprint) -> None:
    """Send the `Quota` that a view of `blueprint` leaves in `flask.g.quota`, whatever the answer is, problems too."""

    @blueprint.after_request
    def tell_quota(response: Response) -> Response:
        quota: Quota | None = g.get("quota")
        if quota is not None:
            response.headers.extend(rate_limit_headers(quota))
        return response


def rate_limit_headers(quota: Quota) -> list[tuple[str, str]]:
    """Return `RateLimit-Policy` (section 3 of the draft) and `RateLimit` (section 4).

    The effective window `t`, in which no more than `r` requests are possible, ends when the oldest one that counts is a
    minute old. `Retry-After` of a refusal is the same moment, as section 6 has it.
    """
    return [
        ("RateLimit-Policy", f"{POLICY};q={quota.limit};w={WINDOW_S}"),
        ("RateLimit", f"{POLICY};r={quota.remaining};t={quota.whole_seconds}"),
    ]
