"""The wire: one signed request out, one HTTP answer in, within a deadline and within a size."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from traceback import clear_frames
from typing import TYPE_CHECKING, Final

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import DecodeError, HTTPError

from gateway.errors import GatewayError, UpstreamBrokenContract
from gateway.isales.endpoint import Endpoint
from gateway.isales.request import METHOD, SignedRequest
from gateway.isales.transport_connection import DeadlinedAdapter
from gateway.isales.transport_socket import CALL, Call, DroppedConnection, Phase
from gateway.isales.transport_tls import tls_context
from gateway.model import Deadline
from gateway.settings.model import IsalesSettings

if TYPE_CHECKING:
    from requests import Response

__all__ = ["DroppedConnection", "Reply", "Transport"]

CHUNK_BYTES: Final = 65536
OK: Final = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer with its decoded body. The body of an answer other than 200 is empty if it could not be read."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Connections to CC-iSales, kept and shared by all threads of this process.

    With each new one over TLS `certificate_seen` is told when its certificate expires, seconds since 1970.
    """

    def __init__(
        self, settings: IsalesSettings, certificate_seen: Callable[[float], None] = lambda _expires_at: None
    ) -> None:
        self.endpoint = Endpoint.parse(settings.base_url)
        self._settings = settings
        self._certificate_seen = certificate_seen
        # No session, which would take proxies from the environment, keep cookies and read redirects to their end.
        # The system's authorities take 20 ms to read, and plain HTTP is for those who try things out again and again.
        tls = tls_context(settings) if self.endpoint.scheme == "https" else None
        self._adapter = DeadlinedAdapter(settings.concurrency, tls)

    def get(self, signed: SignedRequest, deadline: Deadline, *, fresh: bool = False) -> Reply:
        """Send `signed` and return the answer, on a new connection if `fresh`.

        Raises `UpstreamUnreachable`, `UpstreamTimeout` or `UpstreamBrokenContract`; and, unless `fresh`,
        `DroppedConnection` when the request has to go again on a new connection.
        """
        call = Call(deadline, self._settings, fresh)
        call.patience(Phase.CONNECTING)
        token = CALL.set(call)
        try:
            return self._exchange(signed)
        except DecodeError:
            what = "cannot be decompressed"
        except (requests.RequestException, HTTPError):
            what = "is cut short" if call.ended else "is not HTTP that can be read"
        finally:
            CALL.reset(token)
            if call.certificate_expires_at is not None:
                self._certificate_seen(call.certificate_expires_at)
        # Not raised above, where it would keep the libraries' frames, and in them a socket, for as long as it lives.
        raise UpstreamBrokenContract(f"The answer of CC-iSales {what}.")

    def close(self) -> None:
        """Close the connections that are kept."""
        self._adapter.close()

    def _exchange(self, signed: SignedRequest) -> Reply:
        with closing(self._adapter.send(_prepared(signed), stream=True)) as response:
            try:
                body = self._body(response)
            except (GatewayError, HTTPError) as fault:
                # From Python 3.12 on a generator that a fault has gone through and its caller keep each other, and with
                # them all other callers, until somebody looks for garbage.
                clear_frames(fault.__traceback__)
                if response.status_code == OK:
                    raise
                body = b""
            return Reply(response.status_code, response.headers, body)

    def _body(self, response: "Response") -> bytes:
        body = bytearray()
        # The decoder is given a size too, so that a few bytes that unpack to millions never do so at once.
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self._settings.max_response_bytes:
                raise UpstreamBrokenContract(
                    f"The answer of CC-iSales is larger than {self._settings.max_response_bytes} bytes"
                    " (isales.max_response_bytes)."
                )
        return bytes(body)


def _prepared(signed: SignedRequest) -> requests.PreparedRequest:
    # Filled by hand: `prepare` would write the URL anew after it was signed.
    prepared = requests.PreparedRequest()
    prepared.method = METHOD
    prepared.url = signed.url
    prepared.headers = CaseInsensitiveDict(signed.headers)
    prepared.hooks = {"response": []}
    return prepared
