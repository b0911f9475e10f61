"""`flask campaigns`: what callers get, at the terminal."""

import re
from typing import Any
from urllib.parse import urlencode

import click
from flask.cli import with_appcontext

from gateway.api.public import page_body
from gateway.api.query import CampaignsQuerySchema, parse_campaigns_query
from gateway.api.resolution import resolve
from gateway.cli.app import Gateway, current_gateway
from gateway.cli.differences import shown
from gateway.cli.endings import Failure, ToldEndingGroup
from gateway.cli.terminal import print_table
from gateway.cli.text import TEXT
from gateway.counted import counted
from gateway.errors import GatewayError, InvalidParameters
from gateway.model import Campaign, CampaignPage, CampaignQuery, Deadline

DESCRIPTIONS = {name: field.metadata["description"] for name, field in CampaignsQuerySchema().fields.items()}
FILTERS = ("vdn", "name", "status", "device_type", "begins_from", "ends_to", "page", "page_size", "cc_id")


_NAMED = re.compile("|".join(rf"\b{name}\b" for name in FILTERS if "_" in name))
"""Parameters that sentences speak of; the names of the others are words."""


def with_query_options(command: Any) -> Any:
    """Give a command one option for each parameter of `GET /campaigns`."""
    for name in reversed(FILTERS):
        command = option(name)(command)
    return command


def option(name: str) -> Any:
    """Return a decorator that gives a command the option for one parameter of `GET /campaigns`."""
    return click.option(_option(name), name, type=TEXT, help=DESCRIPTIONS[name])


def query_of(gateway: Gateway, options: dict[str, str | None]) -> CampaignQuery:
    """Return the query that the options ask for, by the same rules as the endpoint; raises click's UsageError."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        parameters = parse_campaigns_query(urlencode(given))
        vdns = gateway.settings.tenants
        vdn = parameters.vdn or (next(iter(vdns)) if len(vdns) == 1 else 0)
        if vdn not in vdns:
            listed = ", ".join(map(str, sorted(vdns))) or "none"
            what = "Name a VDN with --vdn" if parameters.vdn is None else f"VDN {vdn} is not configured"
            raise click.UsageError(f"{what}; configured are: {listed}.")
        tenant = vdns[vdn]
        return resolve(parameters, vdn, tenant.time_zone, tenant.cc_id, None)
    except InvalidParameters as error:
        raise option_faults(error) from error


def option_faults(error: InvalidParameters) -> click.UsageError:
    """Return all faults of parameters as those of the options that they were given by."""
    faults = (f"{_option(fault.parameter)}: {_with_options(fault.message)}" for fault in error.errors)
    return click.UsageError("\n  ".join(faults))


def failure(error: GatewayError) -> Failure:
    """Return `error` as the command line says it: the problem, what happened, and what operators can do.

    What is said to callers is about headers and members of answers, of which there are none here. Programs are told the
    problem by name, with what CC-iSales said.
    """
    lines = [f"{error.name}: {error.detail}"]
    if error.upstream:
        lines.append(f"CC-iSales: {error.upstream.code} {error.upstream.description}")
    if error.retry_after_s is not None:
        lines.append(f"Try again in {error.retry_after_s} s.")
    remedy = error.remedy.partition("Operators: ")[2]
    if remedy:
        lines.append(f"{remedy[0].upper()}{remedy[1:]}")
    told: dict[str, Any] = {"problem": error.name}
    if error.upstream:
        told["upstream"] = {"result_code": error.upstream.code, "result_desc": error.upstream.description}
    if error.retry_after_s is not None:
        told["retry_after_s"] = error.retry_after_s
    return Failure("\n  ".join(lines), told)


def _option(parameter: str) -> str:
    return f"--{parameter.replace('_', '-')}"


def _with_options(sentence: str) -> str:
    return _NAMED.sub(lambda found: _option(found[0]), sentence)


@click.group(cls=ToldEndingGroup)
def campaigns() -> None:
    """Ask for campaigns as callers do, without a key."""


@campaigns.command(name="list", short_help="List one page of campaigns.")
@with_appcontext
@with_query_options
@click.option("--json", "as_json", is_flag=True, help="Print what `GET /campaigns` answers.")
def list_campaigns(as_json: bool, **options: str | None) -> None:  # noqa: FBT001 -- click passes options by name
    """List one page of campaigns, as a table or as JSON."""
    gateway = current_gateway()
    query = query_of(gateway, options)
    try:
        served = gateway.serve(query, Deadline.after(gateway.settings.isales.deadline_s))
    except GatewayError as error:
        raise failure(error) from error
    if as_json:
        click.echo(page_body(served.page))
        return
    print_page(served.page)


def print_page(page: CampaignPage) -> None:
    """Print the campaigns of `page` in columns, and a line of counts below."""
    head = ("ID", "NAME", "STATUS", "DEVICE TYPE", "BEGINS", "ENDS", "CALLER")
    print_table(head, [_cells(campaign) for campaign in page.campaigns])
    total = "an unknown number of campaigns" if page.total_items is None else counted(page.total_items, "campaign")
    last = None if page.total_pages is None else max(1, page.total_pages)
    where = f"page {page.number} of {last or '?'},"
    if last is not None and page.number > last:
        where = f"page {page.number}, after the last of {last};"
    missing = f"; {page.left_out} more on this page cannot be used" if page.left_out else ""
    click.echo(f"{where} {total}{missing}")


def _cells(campaign: Campaign) -> tuple[str, ...]:
    times = [
        moment.strftime("%Y-%m-%d %H:%M:%SZ") if moment else "-" for moment in (campaign.begins_at, campaign.ends_at)
    ]
    name, caller = shown(campaign.name or None), shown(campaign.caller_number or None)
    return (str(campaign.id), name, campaign.status.value, campaign.device_type.value, *times, caller)
