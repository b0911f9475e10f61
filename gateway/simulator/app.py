"""The application: the vendor's one interface, and the control endpoints beside it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from gateway.simulator.control import control_blueprint
from gateway.simulator.envelope import encode, json_response
from gateway.simulator.guesses import Guesses
from gateway.simulator.interface import CampaignInterface
from gateway.simulator.keys import Keys, Tenant
from gateway.simulator.state import SimulatorState


def _ignore(_line: str) -> None:
    return


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class SimulatorConfig:
    """How a simulator is set up.

    `now` returns the aware UTC time that signatures are checked against and `Date` is made from; each answer takes
    at least `latency_s` seconds; `host_header` is the only `Host` that is let through, any when empty; `log` gets one
    line a call; `guesses` stand for what nobody has published.
    """

    tenants: tuple[Tenant, ...]
    now: Callable[[], datetime] = field(default=_utc_now)
    latency_s: float = 0.0
    host_header: str = ""
    log: Callable[[str], object] = field(default=_ignore)
    guesses: Guesses = field(default_factory=Guesses)


def create_simulator(config: SimulatorConfig) -> Flask:
    """Return the WSGI application; its `SimulatorState` is `extensions["simulator"]`.

    Faults that break the connection need a server that puts the socket into `environ["werkzeug.socket"]`.
    """
    app = Flask(__name__)
    # By itself Flask sends who asks with a slash too many elsewhere: no CC-iSales does, and nobody has signed for that.
    app.url_map.merge_slashes = False
    state = SimulatorState(latency_s=config.latency_s)
    app.extensions["simulator"] = state

    def now() -> datetime:
        return config.now() + timedelta(seconds=state.clock_ahead_s)

    keys = Keys(config.tenants, config.host_header, config.guesses.clock_window_s)
    interface = CampaignInterface(keys, state, now, config.log, config.guesses)
    app.add_url_rule(
        "/rest/isales/v1/openapi/campaigns/<vdn>",
        view_func=interface.answer,
        # All of them, so that the interface itself can say that GET is the only one.
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    )
    app.register_blueprint(control_blueprint(state))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        response = json_response(encode({"error": error.name}), status=error.code or 500)
        if allow := dict(error.get_headers()).get("Allow"):
            response.headers["Allow"] = allow
        return response

    @app.after_request
    def set_date(response: Response) -> Response:
        response.headers.setdefault("Date", http_date(now()))
        return response

    return app
