"""A program for the client that openapi-generator made in Python: it prints what it saw, as JSON."""

import json
import sys
from typing import Any

import campaigns
from campaigns.exceptions import ApiException

front, key = sys.argv[1:]
default_url = campaigns.Configuration().host


def client(url: str, api_key: str | None = key) -> campaigns.ApiClient:
    """Return a client of what is at `url`."""
    keys = {"ApiKey": api_key} if api_key else {}
    return campaigns.ApiClient(campaigns.Configuration(host=url, api_key=keys))


def ids(page: campaigns.CampaignPage) -> list[int]:
    """Return the ids of a page."""
    return [campaign.id for campaign in page.data]


def problem_of(api: campaigns.CampaignsApi, **query: Any) -> tuple[int, campaigns.Problem]:
    """Return the status and the problem that a query gets."""
    try:
        api.list_campaigns(**query)
    except ApiException as error:
        refusal = error
    assert isinstance(refusal.data, campaigns.Problem)
    return refusal.status, refusal.data


def name(problem: campaigns.Problem) -> str:
    """Return the kind of a problem."""
    return str(problem.type.rpartition("/")[2])


WRONG = {"begins_from": "2026-02-01", "ends_to": "2026-01-01"}
here = client(default_url)
api, cache = campaigns.CampaignsApi(here), campaigns.CacheApi(here)
operations, documentation = campaigns.OperationsApi(here), campaigns.DocumentationApi(here)

first = api.list_campaigns_with_http_info(page_size=2)
page = first.data
try:
    # Names of headers come as they were sent, so in lower case from one server and not from another.
    sent = {field.lower(): value for field, value in first.headers.items()}
    api.list_campaigns(page_size=2, if_none_match=sent["etag"])
    not_modified = 200
except ApiException as error:
    not_modified = error.status
packing = client(default_url)
packing.set_default_header("Accept-Encoding", "gzip")
status, problem = problem_of(api, **WRONG)
refused, unauthenticated = problem_of(campaigns.CampaignsApi(client(default_url, None)))
tomorrow = campaigns.CampaignsApi(client(f"{front}/new-fields"))

answers = {
    "getMe": api.get_me_with_http_info(),
    "countCampaigns": api.count_campaigns_with_http_info(),
    "exportCampaigns": api.export_campaigns_with_http_info(),
    "explainQuery": cache.explain_query_with_http_info(page_size=2),
    "checkHealth": operations.check_health_with_http_info(),
    "checkReadiness": operations.check_readiness_with_http_info(),
    "getMetrics": operations.get_metrics_with_http_info(),
    "listPlaces": documentation.list_places_with_http_info(),
    "getApiDocument": documentation.get_api_document_with_http_info(),
    "readDocs": documentation.read_docs_with_http_info(),
    "readConsole": documentation.read_console_with_http_info(),
    "listProblems": documentation.list_problems_with_http_info(),
    "explainProblem": documentation.explain_problem_with_http_info(name=campaigns.ProblemName.FORBIDDEN),
    "purgeCache": cache.purge_cache_with_http_info(),
}
json.dump(
    {
        "default_url": default_url,
        "operations": {"listCampaigns": first.status_code, **{op: each.status_code for op, each in answers.items()}},
        "contents": {
            "me": [answers["getMe"].data.credential.value, answers["getMe"].data.vdns[0].name],
            "counted": [answers["countCampaigns"].data.total, answers["countCampaigns"].data.by_status.paused],
            "exported": len(answers["exportCampaigns"].data.splitlines()),
            "explained": answers["explainQuery"].data.fetch_under_way,
            "health": answers["checkHealth"].data.status.value,
            "vdn": answers["checkReadiness"].data.dependencies["isales"].vdns["1"].status.value,
            "metrics": answers["getMetrics"].data.startswith("# HELP"),
            "places": answers["listPlaces"].data["openapi"],
            "openapi": answers["getApiDocument"].data["openapi"],
            "problems": len(answers["listProblems"].data.problems) > 10,
            "problem": answers["explainProblem"].data.status,
            "purged": answers["purgeCache"].data.vdns,
        },
        "list": {
            "ids": ids(page),
            "names": [campaign.name for campaign in page.data],
            "statuses": [campaign.status.value for campaign in page.data],
            "device_types": [campaign.device_type.value for campaign in page.data],
            "begins_at": [each.begins_at and each.begins_at.strftime("%Y-%m-%dT%H:%M:%SZ") for each in page.data],
            "page": [page.page.number, page.page.size, page.page.total_items, page.page.total_pages],
            "totals": [page.totals.skill_queue, page.totals.ivr],
        },
        "page_2": ids(api.list_campaigns(page=2, page_size=2)),
        "greatest_id": str(api.list_campaigns(page=5, page_size=1).data[0].id),
        "problem": [status, name(problem), [fault.parameter for fault in problem.errors or []]],
        "unauthenticated": [refused, name(unauthenticated)],
        "not_modified": not_modified,
        "packed": len(ids(campaigns.CampaignsApi(packing).list_campaigns(page_size=100, x_request_id="packed"))),
        "new_fields": [ids(tomorrow.list_campaigns(page_size=2)), name(problem_of(tomorrow, **WRONG)[1])],
    },
    sys.stdout,
)
