"""What stands in front of the gateway of these tests, and the gateway of tomorrow.

Under `/api` it passes everything on as it is, as a reverse proxy with a prefix does, and notes how answers are coded.
Under `/new-fields` every object of an answer has one more field, under `/new-words` campaigns have a status and a
device type that nobody has heard of: so a client shows what it will do with a later version.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from tests.clients.upstream import serving

API: Final = "/api"
NEW_FIELDS: Final = "/new-fields"
NEW_WORDS: Final = "/new-words"
OF_THE_CONNECTION: Final = {"connection", "keep-alive", "transfer-encoding", "host"}


@dataclass
class Front:
    """The front at `url`. `codings` are those of answers, by the id of their request."""

    url: str = ""
    codings: dict[str, str] = field(default_factory=dict)


@contextmanager
def front(gateway: str) -> Iterator[Front]:
    """Stand in front of the gateway at the URL `gateway` for as long as the context lasts."""
    here = Front()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on()

        def do_DELETE(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            mount, _, path = self.path.removeprefix("/").partition("/")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_CONNECTION}
            if f"/{mount}" != API:
                headers.pop("Accept-Encoding", None)
            connection = HTTPConnection(gateway.removeprefix("http://"))
            connection.request(self.command, f"/{path}", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            here.codings[self.headers.get("X-Request-Id", "")] = answer.headers.get("Content-Encoding", "identity")
            self._answer(answer, body if f"/{mount}" == API else _of_tomorrow(body, words=f"/{mount}" == NEW_WORDS))
            connection.close()

        def _answer(self, answer: HTTPResponse, body: bytes) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {*OF_THE_CONNECTION, "content-length"}:
                    self.send_header(name, value)
            if answer.status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler) as here.url:
        yield here


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
