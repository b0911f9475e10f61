"""Pages of other origins, and what nginx says by itself."""

from collections.abc import Callable

import pytest

from gateway.api.cors import EXPOSED_HEADERS
from tests.scenarios.nginx.conftest import page
from tests.scenarios.upstream.raw_server import RawServer, says
from tests.support.nginx import OUTSIDE, DeployedNginx
from tests.support.server import free_port

APP = "https://app.example.com"
LISTED = {f"# {APP} 1;": f"{APP} 1;"}
FEW = {
    "limit_req_zone $limited_address zone=campaign_requests:10m rate=100r/s;": (
        "limit_req_zone $limited_address zone=campaign_requests:10m rate=1r/m;"
    ),
    "limit_req zone=campaign_requests burst=200 nodelay;": "limit_req zone=campaign_requests burst=4 nodelay;",
}
"""So few that the sixth request of a minute is one too many; those to closed paths do not count."""


@pytest.fixture
def nginx(in_front_of: Callable[..., DeployedNginx]) -> DeployedNginx:
    """Return nginx that knows one origin, with nobody behind it."""
    return in_front_of(f"http://127.0.0.1:{free_port()}", LISTED | FEW)


def test_pages_of_listed_origins_can_read_its_problems(nginx: DeployedNginx) -> None:
    """All kinds of them, and when to come back."""
    origin = {"Origin": APP}
    answers = [
        nginx.get("/campaigns", headers=origin),
        nginx.get("/campaigns", headers={**origin, "X-Long": "a" * 11_000}),
        nginx.get("/metrics", headers=origin, source=OUTSIDE),
        nginx.get("/nothing", headers=origin),
        *(nginx.get("/campaigns", headers=origin, source=OUTSIDE) for _ in range(6)),
    ]
    assert {answer.status for answer in answers} == {400, 403, 404, 429, 500}
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == APP
        assert answer.headers["timing-allow-origin"] == APP
        assert answer.headers["vary"] == "Origin"
        exposed = set(answer.headers["access-control-expose-headers"].split(", "))
        assert {"Retry-After", "X-Request-Id"} <= exposed <= set(EXPOSED_HEADERS.split(", "))


@pytest.mark.parametrize(
    "other",
    ["https://evil.example", "http://app.example.com", f"{APP}:444", f"{APP}.evil.example", "null", "*", "", "default"],
)
def test_pages_of_others_cannot(nginx: DeployedNginx, other: str) -> None:
    """No permission is sent, for none that is nearly one of them either."""
    for headers in ({"Origin": other}, {}):
        answer = nginx.get("/nothing", headers=headers)
        assert (answer.status, answer.headers["vary"]) == (404, "Origin")
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_as_delivered_nobody_can(recording: DeployedNginx) -> None:
    """With the file as it is delivered no origin may read what nginx says."""
    answer = recording.get("/nothing", headers={"Origin": APP})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_what_the_gateway_allows_is_left_alone(stand_in: RawServer, in_front_of: Callable[..., DeployedNginx]) -> None:
    """It comes through once, also where the gateway allows what nginx does not, and the other way round."""
    nginx = in_front_of(stand_in.url, LISTED)
    for allowed, header in (("*", "Access-Control-Allow-Origin: *"), ("", "X-Other: x")):
        stand_in.usually = says(page(status="403 FORBIDDEN", cache_status=header))
        asked = f"GET /campaigns HTTP/1.1\r\nHost: x\r\nOrigin: {APP}\r\nConnection: close\r\n\r\n"
        head = nginx.raw(asked.encode()).partition(b"\r\n\r\n")[0].decode().lower().splitlines()
        found = [line for line in head if line.startswith("access-control")]
        assert found == ([f"access-control-allow-origin: {allowed}"] if allowed else [])
