"""Questions that a firewall took for an attack: they are not asked again for a while, and all others are.

A campaign may well be called something that looks like an attack (`O'Brien (VIP)*!`). Nobody else is to go without for
that, and to ask again and again could have the gateway's address locked.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.errors import UpstreamForbidden
from gateway.isales.request import VendorRequest
from gateway.isales.send import Send, VendorAnswer
from gateway.isales.signing import Params
from gateway.model import Deadline

MOST_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class _Stopped:
    until: float
    error: UpstreamForbidden


class HostileQueries:
    """Remembers them for `pause_s` seconds of the monotonic `clock`; safe to use from any thread."""

    def __init__(self, pause_s: float, clock: Callable[[], float]) -> None:
        self._pause_s = pause_s
        self._clock = clock
        self._stopped: OrderedDict[tuple[int, Params], _Stopped] = OrderedDict()
        self._lock = threading.Lock()

    def look(self, request: VendorRequest) -> None:
        """Raise the `UpstreamForbidden` that `request` has met lately."""
        if not request.searches:
            return
        key = (request.tenant.vdn, request.params)
        with self._lock:
            stopped = self._stopped.get(key)
            if stopped is None:
                return
            left_s = stopped.until - self._clock()
            if left_s <= 0.0:
                del self._stopped[key]
                return
        raise self._told(stopped.error, left_s, sent=False)

    def stopped(self, request: VendorRequest, error: UpstreamForbidden) -> UpstreamForbidden:
        """Take note that `request` has just met `error`; return what to raise."""
        error = error.again()
        pause_s = max(self._pause_s, error.retry_after_s or 0)
        with self._lock:
            self._stopped[request.tenant.vdn, request.params] = _Stopped(self._clock() + pause_s, error)
            while len(self._stopped) > MOST_REMEMBERED:
                self._stopped.popitem(last=False)
        return self._told(error, pause_s, sent=True)

    @staticmethod
    def _told(error: UpstreamForbidden, left_s: float, *, sent: bool) -> UpstreamForbidden:
        told = error.again(retry_after_s=math.ceil(left_s))
        told.sent = sent
        return told


def refuse_hostile(send: Send, queries: HostileQueries) -> Send:
    """Return `send` without the questions that a firewall has stopped lately."""

    def send_unless_hostile(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        queries.look(request)
        try:
            return send(request, deadline)
        except UpstreamForbidden as error:
            if error.of_query and error.sent:
                raise queries.stopped(request, error) from None
            raise

    return send_unless_hostile
