"""`flask front`: what stands between callers and the gateway."""

import json
import os
import sys
from typing import IO, Any

import click

from gateway.cli.doctor import lines, step_document, summary, verdict
from gateway.cli.endings import ToldEndingGroup
from gateway.cli.exit_codes import ExitCode
from gateway.cli.terminal import print_step
from gateway.cli.text import URL
from gateway.front.ask import Caller
from gateway.front.doctor import examine
from gateway.isales.doctor_step import State, Step

KEY_VARIABLE = "CAMPAIGN_GATEWAY_KEY"


@click.group(cls=ToldEndingGroup)
def front() -> None:
    """Look at the way from callers to the gateway."""


key_option = click.option(
    "--key-file",
    type=click.File(encoding="utf-8-sig"),
    envvar=f"{KEY_VARIABLE}_FILE",
    help=f"File that holds an API key, `-` for standard input; or the key in the variable {KEY_VARIABLE}.",
)
"""For commands that ask as callers do; `read_key` reads what it names."""


@front.command(short_help="Examine the proxy in front, as a caller.")
@click.argument("url", type=URL)
@key_option
@click.option("--vdn", type=click.IntRange(1, 9999), help="The VDN to ask for, where the key is for several.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="Authorities to trust, PEM.")
@click.option(
    "--wait",
    "wait_s",
    type=click.IntRange(0, 60),
    default=10,
    show_default=True,
    help="Seconds that it has to wait for an answer; 0: left out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, when all is done.")
def doctor(
    url: str,
    key_file: IO[str] | None,
    vdn: int | None,
    ca_file: str | None,
    wait_s: int,
    as_json: bool,  # noqa: FBT001 -- click passes options by name
) -> None:
    """Examine the front that the gateway is behind, at URL: the address of callers, with its prefix if it has one.

    It asks as a caller does, some thirty requests, one at a time: do tags bring 304, compressed or not, do headers of
    10 KiB and tokens pass, are headers with underscores dropped.
    """
    caller = Caller(url, read_key(key_file), ca_file)
    taken: list[Step] = []
    if not as_json:
        click.echo(f"The front at {url}\n")
    for step in examine(caller, vdn, wait_s):
        taken.append(step)
        if not as_json:
            print_step("\n".join(lines(step)))
    click.echo(json.dumps(document(url, taken), ensure_ascii=False) if as_json else f"\n{summary(taken)}")
    sys.exit(ExitCode.FAILED if verdict(taken) is State.FAILED else ExitCode.DONE)


def document(url: str, steps: list[Step]) -> dict[str, Any]:
    """Return what `--json` prints. Keys may be added, none goes or changes."""
    return {"url": url, "result": verdict(steps), "steps": [step_document(step) for step in steps]}


def read_key(key_file: IO[str] | None) -> str:
    """Return the API key. It is never an argument: those are seen by all users of the machine, and kept by shells."""
    try:
        key = key_file.read().strip() if key_file else os.environ.get(KEY_VARIABLE, "")
    except UnicodeDecodeError:
        key = ""
    if not key or not key.isascii() or not key.isprintable():
        raise click.UsageError(f"An API key is needed: one line in the file of --key-file, or in {KEY_VARIABLE}.")
    return key
