"""`Send`, the signature that the steps towards CC-iSales share, and the innermost of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.isales.outcome import envelope_of
from gateway.isales.request import VendorRequest, sign_request
from gateway.isales.transport import DroppedConnection, Transport
from gateway.model import Deadline


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """A successful envelope."""

    envelope: Mapping[str, Any]


Send = Callable[[VendorRequest, Deadline], VendorAnswer]
"""Sends a request within a deadline and returns the successful answer, or raises one leaf of `UpstreamError`."""


def sign_and_send(
    transport: Transport, now: Callable[[], datetime], sent_again: Callable[[], None] = lambda: None
) -> Send:
    """Return the `Send` that signs with the time of `now` (aware) and makes one attempt.

    `sent_again` is called when its request goes out a second time, because a kept connection was closed under it.
    """

    def send(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        started = deadline.clock()
        ahead = timedelta(seconds=request.signed_with.clock_ahead_s)
        signed = sign_request(request, transport.endpoint, now() + ahead)
        try:
            reply = transport.get(signed, deadline)
        except DroppedConnection:
            # CC-iSales closed a kept connection just as we used it, and said nothing: no attempt took place. A GET may
            # go again whatever became of the first. On a new connection it cannot happen twice.
            sent_again()
            signed = sign_request(request, transport.endpoint, now() + ahead)
            reply = transport.get(signed, deadline, fresh=True)
        if request.answered is not None:
            request.answered.status = reply.status
        took_s, withheld = deadline.clock() - started, signed.withheld(request.tenant)
        return VendorAnswer(envelope_of(reply, now() + ahead, took_s, searched=request.searches, withheld=withheld))

    return send
