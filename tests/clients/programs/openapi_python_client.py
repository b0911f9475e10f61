"""A program for the client that openapi-python-client made: it prints what it saw, as JSON."""

import json
import sys
from typing import Any

from campaigns.api.cache import explain_query, purge_cache
from campaigns.api.campaigns import count_campaigns, export_campaigns, get_me, list_campaigns
from campaigns.api.documentation import (
    explain_problem,
    get_api_document,
    list_places,
    list_problems,
    read_console,
    read_docs,
)
from campaigns.api.operations import check_health, check_readiness, get_metrics
from campaigns.client import AuthenticatedClient, Client
from campaigns.models import CampaignPage, Problem, ProblemName

front, key = sys.argv[1:]


def client(mount: str) -> AuthenticatedClient:
    """Return a client of what is under `mount`."""
    return AuthenticatedClient(f"{front}{mount}", token=key, prefix="", auth_header_name="X-API-Key")


def page_of(client: AuthenticatedClient, **query: Any) -> CampaignPage:
    """Return the page that a query gets."""
    page = list_campaigns.sync(client=client, **query)
    assert isinstance(page, CampaignPage)
    return page


def ids(page: CampaignPage) -> list[int]:
    """Return the ids of a page."""
    return [campaign.id for campaign in page.data]


def problem_of(client: AuthenticatedClient | Client, **query: Any) -> tuple[int, Problem]:
    """Return the status and the problem that a query gets."""
    answer = list_campaigns.sync_detailed(client=client, **query)
    assert isinstance(answer.parsed, Problem)
    return int(answer.status_code), answer.parsed


def name(problem: Problem) -> str:
    """Return the kind of a problem."""
    return str(problem.type_.rpartition("/")[2])


WRONG = {"begins_from": "2026-02-01", "ends_to": "2026-01-01"}
here, tomorrow = client("/api"), client("/new-fields")
first = list_campaigns.sync_detailed(client=here, page_size=2)
page = first.parsed
status, problem = problem_of(here, **WRONG)
refused, unauthenticated = problem_of(Client(f"{front}/api"))
unchanged = list_campaigns.sync_detailed(client=here, page_size=2, if_none_match=first.headers["ETag"])

answers = {
    "getMe": get_me.sync_detailed(client=here),
    "countCampaigns": count_campaigns.sync_detailed(client=here),
    "exportCampaigns": export_campaigns.sync_detailed(client=here),
    "explainQuery": explain_query.sync_detailed(client=here, page_size=2),
    "checkHealth": check_health.sync_detailed(client=here),
    "checkReadiness": check_readiness.sync_detailed(client=here),
    "getMetrics": get_metrics.sync_detailed(client=here),
    "listPlaces": list_places.sync_detailed(client=here),
    "getApiDocument": get_api_document.sync_detailed(client=here),
    "readDocs": read_docs.sync_detailed(client=here),
    "readConsole": read_console.sync_detailed(client=here),
    "listProblems": list_problems.sync_detailed(client=here),
    "explainProblem": explain_problem.sync_detailed(client=here, name=ProblemName.FORBIDDEN),
    "purgeCache": purge_cache.sync_detailed(client=here),
}
json.dump(
    {
        "operations": {"listCampaigns": first.status_code, **{op: each.status_code for op, each in answers.items()}},
        "contents": {
            "me": [answers["getMe"].parsed.credential, answers["getMe"].parsed.vdns[0].name],
            "counted": [answers["countCampaigns"].parsed.total, answers["countCampaigns"].parsed.by_status.paused],
            "exported": len(answers["exportCampaigns"].parsed.splitlines()),
            "explained": answers["explainQuery"].parsed.fetch_under_way,
            "health": answers["checkHealth"].parsed.status,
            "vdn": answers["checkReadiness"].parsed.dependencies["isales"].vdns["1"].status,
            "metrics": answers["getMetrics"].parsed.startswith("# HELP"),
            "places": answers["listPlaces"].parsed["openapi"],
            "openapi": answers["getApiDocument"].parsed["openapi"],
            "problems": len(answers["listProblems"].parsed.problems) > 10,
            "problem": answers["explainProblem"].parsed.status,
            "purged": answers["purgeCache"].parsed.vdns,
        },
        "list": {
            "ids": ids(page),
            "names": [campaign.name for campaign in page.data],
            "statuses": [campaign.status for campaign in page.data],
            "device_types": [campaign.device_type for campaign in page.data],
            "begins_at": [each.begins_at and each.begins_at.strftime("%Y-%m-%dT%H:%M:%SZ") for each in page.data],
            "page": [page.page.number, page.page.size, page.page.total_items, page.page.total_pages],
            "totals": [page.totals.skill_queue, page.totals.ivr],
        },
        "page_2": ids(page_of(here, page=2, page_size=2)),
        "greatest_id": str(page_of(here, page=5, page_size=1).data[0].id),
        "problem": [status, name(problem), [fault.parameter for fault in problem.errors]],
        "unauthenticated": [refused, name(unauthenticated)],
        "not_modified": unchanged.status_code,
        "packed": len(ids(page_of(here, page_size=100, x_request_id="packed"))),
        "new_fields": [ids(page_of(tomorrow, page_size=2)), name(problem_of(tomorrow, **WRONG)[1])],
    },
    sys.stdout,
)
