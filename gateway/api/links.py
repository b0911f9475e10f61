"""The `Link` header that leads from page to page (RFC 8288)."""

from functools import lru_cache
from urllib.parse import quote, urlencode

from gateway.api.query import MAX_PAGE
from gateway.api.query_string import Parameters, decode
from gateway.model import Paging


# A crowd that wants one page wants one header.
@lru_cache(maxsize=256)
def link_header(raw_query: str, page: Paging) -> str:
    """Return the value of `Link` for `page`, which answers `raw_query`, a valid query.

    The targets keep the caller's parameters in their order and are queries alone, references relative to the address
    that was asked (RFC 3986, section 5.2), so they hold wherever the gateway is mounted and no header can bend them.
    `first` is always there; `prev` after the first page, and never beyond the last; `last` when the total is
    known and a query may name so high a page; `next` when there are more pages or, with an unknown total, when this one
    is full.
    """
    parameters = decode(raw_query)
    first, last = 1, None if page.total_pages is None else max(page.total_pages, 1)
    more = page.number < last if last is not None else page.full
    targets = {
        "first": first,
        "prev": min(page.number - 1, last or page.number) if page.number > first else None,
        "next": page.number + 1 if more and page.number < MAX_PAGE else None,
        "last": last if last is None or last <= MAX_PAGE else None,
    }
    return ", ".join(
        f'<{_target(parameters, number)}>; rel="{relation}"'
        for relation, number in targets.items()
        if number is not None
    )


def _target(parameters: Parameters, number: int) -> str:
    return f"?{urlencode({**parameters, 'page': str(number)}, quote_via=quote, safe='')}"
