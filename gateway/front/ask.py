"""Requests through a front, as a caller sends them: exactly these headers, and nothing followed, unpacked or kept."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

MOST_BYTES: Final = 4_194_304
"""Of a body that is read."""


class NoAnswer(Exception):
    """The front gave none; says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: headers by their names in lower case, and how long it took, seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_s: float

    @property
    def is_of_the_gateway(self) -> bool:
        """Whether it is a page or a problem of the gateway's, as far as its headers tell."""
        media_type = self.headers.get("content-type", "").partition(";")[0]
        return "x-request-id" in self.headers and media_type in {"application/json", "application/problem+json"}


class Caller:
    """Asks the gateway that is at `url` for callers, with an API key. `ca_file` is of authorities to trust."""

    def __init__(self, url: str, key: str, ca_file: str | None = None, timeout_s: float = 20.0) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self._server = urlsplit(self.url)[:2]
        self._timeout_s = timeout_s
        self._tls = ssl.create_default_context(cafile=ca_file)

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, *, with_key: bool = True, method: str = "GET"
    ) -> Reply:
        """Return the answer to a request on a connection of its own. Raises NoAnswer, also for another server's URL.

        `path` begins with a slash, or is a whole URL, as `resolved` returns.
        """
        sent = {**({"X-API-Key": self.key} if with_key else {}), **(headers or {})}
        parts = urlsplit(path if "://" in path else f"{self.url}{path}")
        if (parts.scheme, parts.netloc) != self._server:
            # The key is for the gateway only.
            raise NoAnswer(f"{parts.scheme}://{parts.netloc} is another server")
        began = time.monotonic()
        connection = self._connection(parts)
        try:
            target = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="").geturl()
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read(MOST_BYTES)
            if answer.length:
                raise NoAnswer(f"the answer was cut short, or has more than {MOST_BYTES:,} bytes")
            received = {name.lower(): value for name, value in answer.getheaders()}
        except TimeoutError as fault:
            raise NoAnswer(f"no answer within {self._timeout_s:g} s") from fault
        except (OSError, HTTPException, UnicodeError) as fault:
            # A name that cannot be one of a host is no OSError.
            raise NoAnswer(f"{type(fault).__name__}: {fault}") from fault
        finally:
            connection.close()
        return Reply(answer.status, received, body, time.monotonic() - began)

    def resolved(self, path: str, reference: str) -> str:
        """Return the URL that `reference`, found in the answer to `path`, is for a client (RFC 3986, section 5)."""
        return urljoin(f"{self.url}{path}", reference)

    def _connection(self, parts: SplitResult) -> HTTPConnection:
        if parts.scheme == "https":
            return HTTPSConnection(parts.hostname or "", parts.port, timeout=self._timeout_s, context=self._tls)
        return HTTPConnection(parts.hostname or "", parts.port, timeout=self._timeout_s)
