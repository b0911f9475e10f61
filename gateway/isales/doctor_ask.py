"""The doctor's question: a few rows of a VDN, asked by the gateway's own signing, transport and reading, and noted."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final

from gateway.errors import UpstreamError
from gateway.isales.doctor_step import Name
from gateway.isales.request import SignedRequest, campaigns_request
from gateway.isales.send import Send, sign_and_send
from gateway.isales.text import WITHHELD, escaped
from gateway.isales.translate import translate
from gateway.isales.transport import Reply, Transport
from gateway.model import CampaignPage, CampaignQuery, Deadline
from gateway.settings.model import IsalesSettings, Tenant

ROWS: Final = 10
"""Enough of them to see whether rows can be used."""


class ObservedTransport(Transport):
    """The gateway's transport, which also keeps the last request and its HTTP answer (`None` where none came)."""

    def __init__(self, settings: IsalesSettings) -> None:
        super().__init__(settings)
        self.signed: SignedRequest | None = None
        self.reply: Reply | None = None

    def get(self, signed: SignedRequest, deadline: Deadline, *, fresh: bool = False) -> Reply:
        """Send as the gateway does. Raises what that raises."""
        self.signed, self.reply = signed, None
        self.reply = super().get(signed, deadline, fresh=fresh)
        return self.reply


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what came of it.

    `reply` is the HTTP answer, `None` where none came. `page` is set when all was good, else `error`. `understood`
    tells whether the answer was an envelope of CC-iSales. Times are this machine's, aware; `took_s` is in seconds.
    """

    tenant: Tenant
    host_header: str
    sent_at: datetime
    received_at: datetime
    took_s: float
    reply: Reply | None
    page: CampaignPage | None
    error: UpstreamError | None
    understood: bool
    withheld: tuple[str, ...] = field(repr=False)

    @property
    def blocked_by(self) -> Name | None:
        """The step that failed so that there is no page; `None` where there is one."""
        if self.reply is None:
            return Name.HTTP
        if self.reply.status == HTTPStatus.UNAUTHORIZED:
            return Name.SIGNATURE
        return None if self.page else Name.QUERY

    def shown(self, text: str, limit: int) -> str:
        """Return `text` of the other end for people: control characters escaped, and no secret of ours echoed."""
        for secret in self.withheld:
            text = text.replace(secret, WITHHELD)
        return escaped(text, limit)


class Questioner:
    """Asks for rows of one VDN at a time, over connections that are kept. `now` returns the aware time."""

    def __init__(self, settings: IsalesSettings, now: Callable[[], datetime]) -> None:
        self._transport = ObservedTransport(settings)
        self._send: Send = sign_and_send(self._transport, now)
        self._now = now
        # Each step of a call has a limit of its own, but many small steps would add up.
        self._limit_s = min(settings.deadline_s, settings.connect_timeout_s + settings.read_timeout_s)

    def ask(self, tenant: Tenant) -> Exchange:
        """Return what came of asking for the first rows of the VDN of `tenant`."""
        query = CampaignQuery(tenant.vdn, page_size=ROWS, cc_id=tenant.cc_id or None)
        page: CampaignPage | None = None
        failure: UpstreamError | None = None
        understood = False
        sent_at, began = self._now(), time.monotonic()
        try:
            answer = self._send(campaigns_request(query, tenant), Deadline.after(self._limit_s))
            understood = True
            page = translate(answer.envelope, query, tenant.time_zone).usable_page()
        except UpstreamError as error:
            failure = error
            understood = understood or error.upstream is not None
        took_s, received_at = time.monotonic() - began, self._now()
        return Exchange(
            tenant,
            tenant.host_header or self._transport.endpoint.authority,
            sent_at,
            received_at,
            took_s,
            self._transport.reply,
            page,
            failure,
            understood,
            self._transport.signed.withheld(tenant) if self._transport.signed else (),
        )

    def close(self) -> None:
        """Close the connections that are kept."""
        self._transport.close()
