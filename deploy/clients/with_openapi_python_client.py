"""All running campaigns, and all again whenever one comes or goes: the client of openapi-python-client."""

import os
import time

import httpx
from campaigns.api.campaigns import list_campaigns
from campaigns.client import AuthenticatedClient
from campaigns.models import CampaignPage, CampaignStatusFilter
from campaigns.types import Response

FIRST = AuthenticatedClient(
    os.environ["GATEWAY"],
    token=os.environ["API_KEY"],
    prefix="",
    auth_header_name="X-API-Key",
    headers={"Prefer": "wait=10"},
    timeout=httpx.Timeout(30),  # httpx gives up after 5 s by itself
)
OTHERS = FIRST.with_headers({"Cache-Control": "no-cache"})


def ask(page: int, tag: str = '""') -> Response[CampaignPage]:
    """Return a page, or that it is the one of `tag` (304); comes again when 429 and 503 say so."""
    while True:
        answer = list_campaigns.sync_detailed(
            client=OTHERS if page > 1 else FIRST,
            status=CampaignStatusFilter.RUNNING,
            page=page,
            page_size=100,
            if_none_match=tag,
        )
        if answer.status_code in (200, 304):
            return answer
        if answer.status_code not in (429, 503):
            raise SystemExit(answer.content.decode())
        time.sleep(int(answer.headers.get("Retry-After", 5)))


held = '""'
while True:
    first = ask(1, held)
    if first.status_code == 200:  # noqa: PLR2004 -- HTTP's OK
        pages = [first.parsed] + [ask(page).parsed for page in range(2, (first.parsed.page.total_pages or 1) + 1)]
        found = {campaign.id: campaign for page in pages for campaign in page.data}
        print(f"{len(found)} campaigns are running", flush=True)  # noqa: T201 -- it is for people
        held = first.headers["ETag"]
    elif "Preference-Applied" not in first.headers:
        time.sleep(2)
