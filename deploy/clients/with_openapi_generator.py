"""All running campaigns, and all again whenever one comes or goes: the client of openapi-generator for Python."""

import os
import time
from collections.abc import Mapping

import campaigns
from campaigns.exceptions import ApiException

CONFIGURATION = campaigns.Configuration(host=os.environ["GATEWAY"], api_key={"ApiKey": os.environ["API_KEY"]})
API = campaigns.CampaignsApi(campaigns.ApiClient(CONFIGURATION))


def ask(page: int, tag: str = '""') -> tuple[campaigns.CampaignPage | None, Mapping[str, str]]:
    """Return a page and its headers, no page where it is that of `tag` (304); comes again when 429 and 503 say so."""
    while True:
        try:
            answer = API.list_campaigns_with_http_info(
                status="running",
                page=page,
                page_size=100,
                if_none_match=tag,
                _headers={"Prefer": "wait=10"} if page == 1 else {"Cache-Control": "no-cache"},
                _request_timeout=30,
            )
        except ApiException as refusal:
            found_page, headers, status = None, refusal.headers, refusal.status
            if status not in (304, 429, 503):
                raise
        else:
            found_page, headers, status = answer.data, answer.headers, answer.status_code
        # Of answers they are a plain dict, with the names as they came: nginx and HTTP/2 write them in their own way.
        headers = {name.lower(): value for name, value in headers.items()}
        if status in (200, 304):
            return found_page, headers
        time.sleep(int(headers.get("retry-after", 5)))


held = '""'
while True:
    first, headers = ask(1, held)
    if first:
        pages = [first] + [ask(page)[0] for page in range(2, (first.page.total_pages or 1) + 1)]
        found = {campaign.id: campaign for page in pages if page for campaign in page.data}
        print(f"{len(found)} campaigns are running", flush=True)  # noqa: T201 -- it is for people
        held = headers["etag"]
    elif "preference-applied" not in headers:
        time.sleep(2)
