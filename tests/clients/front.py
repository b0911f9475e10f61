"""What stands in front of the gateways of these tests, and the gateway of tomorrow.

Under `/api` it passes everything on as it is, as a reverse proxy with a prefix does, and notes how answers are coded.
Under `/new-fields` every object of an answer has one more field, under `/new-words` campaigns have a status and a
device type that nobody has heard of: so a client shows what it will do with a later version.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler
from queue import Empty, Queue
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.clients.upstream import serving

API: Final = "/api"
NEW_FIELDS: Final = "/new-fields"
NEW_WORDS: Final = "/new-words"
OF_THE_CONNECTION: Final = {"connection", "keep-alive", "transfer-encoding", "host"}
REFUSALS: Final = [(503, 0)] * 3 + [(503, 1)] + [(429, 0)] * 3 + [(429, 1)]
"""Statuses, and what `Retry-After` says. So many, for urllib3 comes again three times before it tells who uses it."""
PATIENCE_S: Final = 60.0
"""How long an example may take for one step on a busy machine."""


@dataclass
class Hurdles:
    """Refuses the first requests for campaigns, passes on others to the gateway at `gateway`, and notes all.

    `old` counts requests for pages behind the first that take what a cache has.
    """

    gateway: str
    refusals: list[tuple[int, int]] = field(default_factory=REFUSALS.copy)
    not_before: float = 0.0
    early: int = 0
    old: int = 0
    waited: bool = False
    statuses: "Queue[int]" = field(default_factory=Queue)

    def verdict(self) -> tuple[int, int] | None:
        """Return the status to refuse a request with, and what `Retry-After` says, if it is not to be passed on."""
        if monotonic() < self.not_before:
            self.early += 1
            return 429, 1
        if not self.refusals:
            return None
        status, pause_s = self.refusals.pop(0)
        self.not_before = monotonic() + pause_s
        return status, pause_s

    def wait_for(self, status: int, otherwise: Callable[[], str]) -> None:
        """Return when a client has got this status; fail with what `otherwise` returns when it stays away."""
        try:
            while self.statuses.get(timeout=PATIENCE_S) != status:
                pass
        except Empty:
            pytest.fail(f"no answer had the status {status}: {otherwise()}")


@dataclass
class Front:
    """The front at `url`, before the gateway at `gateway`. In `/api` there are `hurdles`, if any.

    `codings` are those of answers, by the id of their request.
    """

    gateway: str
    url: str = ""
    codings: dict[str, str] = field(default_factory=dict)
    hurdles: Hurdles | None = None


@contextmanager
def front(gateway: str) -> Iterator[Front]:
    """Stand in front of the gateway at the URL `gateway` for as long as the context lasts."""
    here = Front(gateway)

    class Handler(_Handler):
        front = here

    with serving(Handler) as here.url:
        yield here


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: Front

    def do_GET(self) -> None:
        mount, _, path = self.path.removeprefix("/").partition("/")
        hurdles = self.front.hurdles
        if not hurdles:
            self._pass_on(self.front.gateway, f"/{mount}", path)
            return
        asked = parse_qs(urlsplit(path).query)
        hurdles.old += asked.get("page", ["1"]) != ["1"] and self.headers["Cache-Control"] != "no-cache"
        refused = hurdles.verdict() if path.startswith("campaigns") else None
        if refused is not None:
            self._refuse(*refused)
            return
        answer = self._pass_on(hurdles.gateway, f"/{mount}", path)
        hurdles.waited = hurdles.waited or "Preference-Applied" in answer.headers
        hurdles.statuses.put(answer.status)

    def do_DELETE(self) -> None:
        self.do_GET()

    def _pass_on(self, gateway: str, mount: str, path: str) -> HTTPResponse:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_CONNECTION}
        if mount != API:
            headers.pop("Accept-Encoding", None)
        with closing(HTTPConnection(gateway.removeprefix("http://"))) as connection:
            connection.request(self.command, f"/{path}", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        self.front.codings[self.headers.get("X-Request-Id", "")] = answer.headers.get("Content-Encoding", "identity")
        # Who is ended while it waits is not there any more.
        with suppress(ConnectionError):
            self._answer(answer, body if mount == API else _of_tomorrow(body, words=mount == NEW_WORDS))
        return answer

    def _answer(self, answer: HTTPResponse, body: bytes) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {*OF_THE_CONNECTION, "content-length"}:
                self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, pause_s: int) -> None:
        problem = {"type": "problems/x", "title": "x", "status": status, "detail": "x", "instance": "campaigns"}
        body = json.dumps({**problem, "request_id": "x"}).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Retry-After", str(pause_s))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _of_tomorrow(body: bytes, *, words: bool) -> bytes:
    document = json.loads(body)
    if words:
        for campaign in document.get("data", ()):
            campaign.update(status="archived", device_type="carrier_pigeon")
    else:
        _add_fields(document)
    return json.dumps(document).encode()


def _add_fields(part: Any) -> None:
    if isinstance(part, list):
        for each in part:
            _add_fields(each)
    elif isinstance(part, dict):
        for each in part.values():
            _add_fields(each)
        part["new_tomorrow"] = {"since": 2027, "words": ["a", None]}
