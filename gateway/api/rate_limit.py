"""Requests are counted against the limit of their client, and callers told of it.

The header fields are those of draft-ietf-httpapi-ratelimit-headers-11.
"""

from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, g, request

from gateway.access.clients import Grant
from gateway.access.limits import WINDOW_S, Quota
from gateway.api.fast_path import COUNTED

POLICY: Final = '"default"'


def count(grant: Grant, take: Callable[[str, int], Quota]) -> None:
    """Count the current request, which nothing fresh answers, by `take`, where its client has a limit.

    Raises RateLimited. One that has waited for a change is counted once.
    """
    if grant.requests_per_minute and COUNTED not in request.environ:
        g.quota = take(grant.client, grant.requests_per_minute)
        g.quota.require()


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
