"""`flask tokens`: why a bearer token is good, or is not."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Final

import click
from flask.cli import with_appcontext

from gateway.access.claims import TokenPolicy
from gateway.access.explanation import explain
from gateway.access.jwks import TokenKeys, parse_jwks
from gateway.access.key_source import reader_of
from gateway.cli.app import current_gateway
from gateway.cli.columns import wrapped
from gateway.cli.endings import ToldEndingGroup
from gateway.cli.exit_codes import ExitCode
from gateway.cli.terminal import print_step
from gateway.settings.model import JwtSettings

MOST_BYTES: Final = 65_536
COLUMNS: Final = 100
INDENT: Final = 20
STATES: Final[Mapping[bool | None, str]] = {True: "good", False: "failed", None: "skipped"}


@click.group(cls=ToldEndingGroup)
def tokens() -> None:
    """Look at bearer tokens."""


@tokens.command(name="explain", short_help="Say what is made of a bearer token.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("misplaced", nargs=-1, metavar="")
@with_appcontext
def explain_token(as_json: bool, misplaced: tuple[str, ...]) -> None:  # noqa: FBT001 -- click passes options by name
    """Say what each check makes of a token: its key, its claims, and what its holder may read.

    The token is read from standard input, so that it is in no list of processes and no history, and it is not shown.
    The keys are read from the identity provider. It fails where the token is not good, or is good for nothing.
    """
    if misplaced:
        # click itself would repeat it.
        raise click.UsageError(
            "A token is no argument: there it is in the list of processes and in the shell's history. Pass it on "
            "standard input, as in `flask tokens explain < file`."
        )
    issuers = current_gateway().settings.issuers
    if not issuers:
        raise click.ClickException("Bearer tokens are off: no `issuer` is set in [jwt].")
    by_issuer: dict[str, JwtSettings] = {jwt.issuer: jwt for jwt in issuers}

    def read_keys(policy: TokenPolicy) -> TokenKeys:
        return parse_jwks(reader_of(by_issuer[policy.issuer])())

    policies = [TokenPolicy.of(jwt, current_gateway().settings.tenants) for jwt in issuers]
    lines = []
    for line in explain(_sent(), policies, read_keys, time.time()):
        lines.append(line)
        if not as_json:
            first, *others = wrapped(line.seen, COLUMNS - INDENT)
            print_step(f"{STATES[line.passed]:8} {line.check:10} {first}")
            for other in others:
                click.echo(" " * INDENT + other)
    good = all(line.passed for line in lines)
    if as_json:
        checks = [{"check": line.check, "state": STATES[line.passed], "seen": line.seen} for line in lines]
        click.echo(json.dumps({"good": good, "checks": checks}, ensure_ascii=False))
    else:
        click.echo("\nThe token is good." if good else "\nThe token is of no use as it is; see what failed.")
    sys.exit(ExitCode.DONE if good else ExitCode.FAILED)


def _sent() -> str:
    """Return what is on standard input; somebody who types sees nothing of it."""
    if sys.stdin.isatty():
        return str(click.prompt("Token", hide_input=True, err=True))
    sent = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(sent) > MOST_BYTES:
        raise click.ClickException(f"Standard input is longer than {MOST_BYTES} bytes, and no token is.")
    if not sent.strip():
        raise click.UsageError(
            "There is no token on standard input; pass it there, as in `flask tokens explain < file`."
        )
    return sent.decode("latin-1")
