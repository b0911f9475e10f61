"""`flask campaigns watch`: what changes in a running gateway's list, as it changes."""

import json
import random
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import IO, Any, Final, NamedTuple
from urllib.parse import urlencode

import click

from gateway.api.query import parse_campaigns_query
from gateway.cli.campaigns import campaigns, option_faults, with_query_options
from gateway.cli.differences import Row, differences, shown
from gateway.cli.endings import Failure, forget_output
from gateway.cli.exit_codes import ExitCode
from gateway.cli.front import key_option, read_key
from gateway.cli.text import URL
from gateway.counted import counted
from gateway.errors import InvalidParameters
from gateway.front.ask import Caller, NoAnswer, Reply

SLACK_S: Final = 15.0
"""How much longer than the wait an answer may take: the gateway's deadline, and what fronts add."""

LEAST_PAUSE_S: Final = 1.0
MOST_PAUSE_S: Final = 60.0
_SECONDS: Final = re.compile("[0-9]{1,9}")
_NEVER: Final = threading.Event()
MOST_ROWS: Final = "100"
REFUSED: Final = frozenset({400, 401, 403, 404, 405, 406})
"""What will not be another answer by itself."""


class Page(NamedTuple):
    """A page that came: its rows, how many there are in all, and when CC-iSales gave it (HTTP-date)."""

    rows: list[Row]
    total: int | None
    as_of: str


class Refused(Exception):
    """The gateway refuses, and will go on to; says why, and by which problem, empty for none of ours."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(_problem(reply))
        self.problem = _problem_name(reply)


class Watcher:
    """Asks for a page again and again, and yields each that is another one than before.

    `tell` is given one sentence when trouble begins, and one when it is over. `pause` waits for so many seconds, and
    `chance` gives a number from 0 to 1.
    """

    def __init__(
        self,
        caller: Caller,
        path: str,
        wait_s: int,
        tell: Callable[[str], None],
        pause: Callable[[float], object] = _NEVER.wait,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._caller = caller
        self._path = path
        self._wait_s = wait_s
        self._tell = tell
        self._pause = pause
        self._chance = chance
        self._etag = ""
        self._failures = 0

    def pages(self) -> Iterator[Page]:
        """Yield pages until nobody asks for more; raises Refused."""
        while True:
            reply, why = self._ask()
            if reply is None or why:
                self._fail(why, reply)
                continue
            page = _page(reply) if reply.status == HTTPStatus.OK else None
            if reply.status == HTTPStatus.OK and page is None:
                self._fail("an answer that is no page of campaigns", None)
                continue
            if self._failures:
                self._tell("it answers again")
                self._failures = 0
            if page is not None:
                self._etag = reply.headers.get("etag", "")
                yield page
            self._rest(reply)

    def _ask(self) -> tuple[Reply | None, str]:
        """Return what came, and why that is not good."""
        headers = {"If-None-Match": self._etag, "Prefer": f"wait={self._wait_s}"} if self._etag else {}
        try:
            reply = self._caller.ask(self._path, headers)
        except NoAnswer as reason:
            return None, str(reason)
        if reply.status in REFUSED:
            raise Refused(reply)
        return reply, "" if reply.status in {200, 304} else _problem(reply)

    def _fail(self, why: str, reply: Reply | None) -> None:
        """Wait before the next try: twice as long each time, or as long as the gateway asks for."""
        self._failures += 1
        if self._failures == 1:
            self._tell(f"{why}; trying again")
        most_s = min(MOST_PAUSE_S, LEAST_PAUSE_S * 2.0 ** min(self._failures - 1, 10))
        asked = "" if reply is None else reply.headers.get("retry-after", "")
        self._pause(float(asked) if _SECONDS.fullmatch(asked) else most_s * (1 + self._chance()) / 2)

    def _rest(self, reply: Reply) -> None:
        """Wait here where the gateway has not let us wait, because others do, or because it ends or reloads."""
        if "preference-applied" not in reply.headers and reply.status == HTTPStatus.NOT_MODIFIED:
            self._pause(float(self._wait_s))
        elif reply.took_s < LEAST_PAUSE_S and reply.status == HTTPStatus.NOT_MODIFIED:
            self._pause(LEAST_PAUSE_S * self._chance())


@campaigns.command(short_help="Print what changes, as it changes.")
@click.argument("url", type=URL, envvar="CAMPAIGN_GATEWAY_URL")
@key_option
@with_query_options
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="Authorities to trust, PEM.")
@click.option(
    "--wait",
    "wait_s",
    type=click.IntRange(1, 60),
    default=10,
    show_default=True,
    help="Seconds to wait for a change before it is asked for again.",
)
@click.option("--once", is_flag=True, help="End after the first change.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def watch(
    url: str,
    key_file: IO[str] | None,
    ca_file: str | None,
    wait_s: int,
    once: bool,  # noqa: FBT001 -- click passes options by name
    as_json: bool,  # noqa: FBT001 -- the same
    **options: str | None,
) -> None:
    """Print what changes in the campaigns of a running gateway at URL, one line a change, until it is ended.

    It asks as a caller does, with a key, so that the gateway's one call to CC-iSales is enough for all who watch; a
    gateway of its own, as for `list`, would make its own. It watches one page, of 100 campaigns unless told otherwise:
    a campaign that moves to another page is gone. `+` has appeared, `-` is gone, `~` has another value. Trouble is told
    on standard error when it begins and when it is over, and is waited out. It fails where the gateway refuses.
    """
    caller = Caller(url, read_key(key_file), ca_file, wait_s + SLACK_S)
    watcher = Watcher(caller, _path(options), wait_s, lambda said: click.echo(f"{url}: {said}", err=True))
    try:
        _print(watcher.pages(), once=once, as_json=as_json)
    except Refused as reason:
        raise Failure(str(reason), {"problem": reason.problem} if reason.problem else {}) from None
    except BrokenPipeError:
        # Who has seen enough of what has no end.
        forget_output()
        sys.exit(ExitCode.DONE)


def _print(pages: Iterator[Page], *, once: bool, as_json: bool) -> None:
    before: Page | None = None
    for page in pages:
        if before is None:
            of = "an unknown number" if page.total is None else f"{page.total}"
            begun = {"change": "watching", "campaigns": len(page.rows), "of": page.total}
            _say(page, begun if as_json else None, f"watching {counted(len(page.rows), 'campaign')} of {of}")
        else:
            changed = [(each.document(), each.line()) for each in differences(before.rows, page.rows)]
            if before.total != page.total:
                total = {"change": "total", "before": before.total, "after": page.total}
                changed.append((total, f"~ total: {shown(before.total)} -> {shown(page.total)}"))
            for document, line in changed:
                _say(page, document if as_json else None, line)
            if once and changed:
                return
        before = page


def _say(page: Page, document: Mapping[str, Any] | None, line: str) -> None:
    said = f"{page.as_of}  {line}" if document is None else json.dumps({"as_of": page.as_of, **document})
    # Each at once, for who reads it through a pipe.
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()


def _path(options: Mapping[str, str | None]) -> str:
    """Return what to ask for; raises click's UsageError for what the gateway would refuse."""
    query = urlencode({"page_size": MOST_ROWS, **{name: value for name, value in options.items() if value is not None}})
    try:
        parse_campaigns_query(query)
    except InvalidParameters as error:
        raise option_faults(error) from error
    return f"/campaigns?{query}"


def _page(reply: Reply) -> Page | None:
    try:
        document = json.loads(reply.body)
        rows, total = document["data"], document["page"]["total_items"]
        known = all({"id", "name", "status", "begins_at", "ends_at"} <= row.keys() for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Page(rows, total, reply.headers.get("campaigns-as-of", "")) if known else None


def _problem(reply: Reply) -> str:
    """Return what a problem says; of any other answer its status."""
    try:
        document = json.loads(reply.body)
        return shown(f"{_problem_name(reply)}: {document['detail']} (request {document['request_id']})")
    except (ValueError, KeyError, TypeError):
        return f"HTTP {reply.status}, which is no answer of the gateway's"


def _problem_name(reply: Reply) -> str:
    try:
        begin, _, name = str(json.loads(reply.body)["type"]).rpartition("/")
    except (ValueError, KeyError, TypeError):
        return ""
    return name if begin.endswith("problems") else ""
