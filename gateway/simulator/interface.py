"""The campaign interface itself: what is checked in which order, and what is answered."""

import time
from collections.abc import Callable
from datetime import datetime

from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed

from gateway.simulator import result_codes
from gateway.simulator.envelope import Envelope, encode, failure, json_response, page_of
from gateway.simulator.fault_kinds import FAULT_KINDS
from gateway.simulator.faults import Exchange, Fault
from gateway.simulator.guard import Guard
from gateway.simulator.guesses import Guesses
from gateway.simulator.keys import Keys
from gateway.simulator.query import ParameterError, read_query, read_vdn
from gateway.simulator.signature import ReceivedRequest, SignatureError, canonical_query
from gateway.simulator.state import SimulatorState
from gateway.simulator.wrong_answers import locked, refusal, spring_error

CONTENT_TYPE = "application/json; charset=UTF-8"
CONTENT_TYPES = frozenset({CONTENT_TYPE, "application/json;charset=UTF-8"})
"""The vendor writes it with and without the space."""


class CampaignInterface:
    """Answers `GET /rest/isales/v1/openapi/campaigns/{vdnId}` with Flask's current request.

    Checked in this order: method (405), whether the address is locked (403), signature (401), vdnId, whether the key is
    the VDN's (401), whether the VDN calls too often (429); then an armed fault is played in place of the answer; else
    Content-Type and the parameters are checked.
    """

    def __init__(
        self,
        keys: Keys,
        state: SimulatorState,
        now: Callable[[], datetime],
        log: Callable[[str], object],
        guesses: Guesses,
    ) -> None:
        self._keys = keys
        self._state = state
        self._now = now
        self._log = log
        self._guesses = guesses
        self._guard = Guard(guesses)

    def answer(self, vdn: str) -> Response:
        """Return the answer for the VDN that `vdn`, the end of the path, names."""
        if request.method != "GET":
            raise MethodNotAllowed(["GET"])
        began = time.monotonic()
        self._state.calls.begin()
        try:
            response, outcome = self._answer(_received(), vdn)
            # The work is part of the latency, so that it is as exact as a caller's measurement needs it.
            self._state.pause_for_latency(began)
        except BaseException:
            self._state.calls.end()
            raise
        if response.is_streamed:
            # A call that hangs or drips is in flight until it is over.
            response.call_on_close(self._state.calls.end)
        else:
            # Before the answer is out, else its caller could make the next call while this one still counts.
            self._state.calls.end()
        if response.status_code == 401:  # noqa: PLR2004 -- HTTP's own name for it
            self._state.calls.refuse()
        self._log(f"{request.method} {_printable(request.environ['RAW_URI'])} {_printable(outcome)}")
        return response

    def _answer(self, received: ReceivedRequest, vdn_text: str) -> tuple[Response, str]:
        address, now = request.remote_addr or "", self._now()
        if self._guard.is_locked(address, now):
            self._state.calls.lock_out()
            return locked(received.path, now), "403 the address is locked"
        try:
            tenant = self._keys.verified(received, now, self._state.revoked)
            vdn = tenant.permitted(read_vdn(vdn_text))
        except SignatureError as error:
            self._guard.refused(address, now)
            return refusal(str(error), received.path, now), f"401 {error}"
        except ParameterError as error:
            return _honest(failure(error.code, _locale(received), error.detail))
        self._guard.accepted(address)
        if self._guard.is_too_soon(vdn, now):
            return spring_error(429, "Too Many Requests", "called too often", received.path, now), "429"
        self._state.calls.accept(vdn, canonical_query(received.query))
        armed = self._state.faults.take()
        if armed is None:
            return _honest(self._envelope(vdn, received))
        return self._faulty(*armed, vdn, received)

    def _faulty(self, fault: Fault, turn: int, vdn: int, received: ReceivedRequest) -> tuple[Response, str]:
        self._state.pause(fault.latency_s)
        exchange = Exchange(
            fault=fault,
            turn=turn,
            envelope_with=lambda more: self._envelope(vdn, received, more),
            locale=_locale(received),
            now=self._now(),
            pause=self._state.pause,
            connection=request.environ["werkzeug.socket"],
            path=received.path,
        )
        return FAULT_KINDS[fault.kind](exchange), f"fault {fault.kind}"

    def _envelope(self, vdn: int, received: ReceivedRequest, more_campaigns: int = 0) -> Envelope:
        locale = _locale(received)
        content_type = received.headers.get("content-type", "")
        if content_type not in CONTENT_TYPES:
            detail = f"Content-Type {content_type!r}, {CONTENT_TYPE}"
            return failure(result_codes.PARAMETER_ERROR, locale, detail)
        try:
            query = read_query(received.query, status_v2_required=self._guesses.status_v2_required)
        except ParameterError as error:
            return failure(error.code, locale, error.detail)
        campaigns = self._state.listings.of(vdn, more_campaigns)
        envelope = page_of(campaigns, query, self._guesses.name_comparison)
        self._state.listings.called(vdn)
        return envelope


def _honest(envelope: Envelope) -> tuple[Response, str]:
    return json_response(encode(envelope)), str(envelope["resultCode"])


def _received() -> ReceivedRequest:
    # The raw target and not Flask's path and arguments, which are decoded and would sign differently.
    path, _, query = request.environ["RAW_URI"].partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return ReceivedRequest(request.method, path, query, headers, request.get_data())


def _locale(received: ReceivedRequest) -> str:
    return received.headers.get("locale", result_codes.CHINESE)


def _printable(text: str) -> str:
    return text.encode("unicode_escape").decode()
