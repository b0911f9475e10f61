"""Pages of other origins, through the whole gateway: hits, misses and everything that can go wrong."""

from collections.abc import Callable

import pytest

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest

APP = "https://app.example.com"
EVIL = "https://evil.example.com"
ORIGIN = {"Origin": APP}


@pytest.fixture
def shared(make_gateway: Callable[..., GatewayUnderTest]) -> GatewayUnderTest:
    """Return a gateway that pages of one origin may call."""
    return make_gateway(http__cors_origins=f'["{APP}"]')


def test_hits_and_misses_can_be_read(shared: GatewayUnderTest) -> None:
    """A page of the listed origin may read an answer whichever way it came, 304 too; any other page none of them."""
    for _ in range(2):
        mine = shared.get("/campaigns", headers=ORIGIN)
        assert mine.headers["Access-Control-Allow-Origin"] == APP
        others = shared.get("/campaigns", headers={"Origin": EVIL})
        nobodys = shared.get("/campaigns")
        for answer in (others, nobodys):
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        for answer in (mine, others, nobodys):
            assert answer.headers.getlist("Vary") == [
                "Accept, Accept-Encoding, Authorization, X-API-Key, Prefer, Origin"
            ]
        unchanged = shared.get("/campaigns", headers={**ORIGIN, "If-None-Match": mine.headers["ETag"]})
        assert (unchanged.status_code, unchanged.headers["Access-Control-Allow-Origin"]) == (304, APP)


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/campaigns?page=0", {}, 400),
        ("/campaigns", {"key": None}, 401),
        ("/campaigns?vdn=2", {}, 403),
        ("/nothing", {}, 404),
        ("/campaigns", {"method": "POST"}, 405),
        ("/cache/explain", {}, 403),
        ("/problems", {"headers": {"Accept": "image/png"}}, 406),
    ],
)
def test_problems_can_be_read(shared: GatewayUnderTest, path: str, options: dict[str, object], status: int) -> None:
    """A page is told what is wrong, wherever it went wrong."""
    headers = {**ORIGIN, **options.pop("headers", {})}  # type: ignore[dict-item]  # -- the table holds what `get` takes
    answer = shared.get(path, headers=headers, **options)  # type: ignore[arg-type]  # -- the same
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Vary"] == "Accept-Language, Origin"


def test_failures_can_be_read(simulator: SimulatorServer, shared: GatewayUnderTest) -> None:
    """CC-iSales' failures and our own bugs are answers like all others, with what to wait for exposed."""
    shared.app.add_url_rule("/broken", view_func=lambda: str(1 / 0))
    simulator.faults.arm(Fault("http-status", status=503, retry_after="60", times=1))
    overloaded = shared.get("/campaigns", headers=ORIGIN)
    assert (overloaded.status_code, overloaded.headers["Retry-After"]) == (503, "60")
    assert "Retry-After" in overloaded.headers["Access-Control-Expose-Headers"]
    assert shared.get("/broken", headers=ORIGIN).headers["Access-Control-Allow-Origin"] == APP


def test_a_preflight_asks_nobody(simulator: SimulatorServer, shared: GatewayUnderTest) -> None:
    """It needs no key, is no `OPTIONS` of the path, and a page that is not listed gets that instead."""
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
    mine = shared.get("/campaigns", key=None, method="OPTIONS", headers={**ORIGIN, **asked})
    assert (mine.status_code, mine.headers["Access-Control-Allow-Methods"]) == (204, "GET, HEAD")
    assert "Allow" not in mine.headers
    others = shared.get("/campaigns", key=None, method="OPTIONS", headers={"Origin": EVIL, **asked})
    assert (others.status_code, others.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    assert not [name for name, _ in others.headers if name.startswith("Access-Control")]
    assert simulator.calls.total == 0


def test_without_origins_nothing_is_said_of_them(gateway: GatewayUnderTest) -> None:
    """No answer depends on the origin then."""
    for path in ("/campaigns", "/campaigns", "/nothing", "/openapi.json"):
        answer = gateway.get(path, headers=ORIGIN)
        assert "Origin" not in answer.headers.get("Vary", "")
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_every_answer_is_what_it_says(gateway: GatewayUnderTest) -> None:
    """No browser is to guess another media type: not of pages and files, not of data, not of problems."""
    paths = ("/campaigns", "/campaigns", "/nothing", "/docs", "/docs/static/try.js", "/docs/static/style.css")
    for path in (*paths, "/problems", "/openapi.json", "/healthz", "/readyz", "/metrics", "/me", "/cache/explain"):
        with gateway.get(path, headers={"Accept": "text/html"} if path == "/problems" else {}) as answer:
            assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
            own = path.startswith(("/docs", "/problems", "/openapi"))
            assert ("Cross-Origin-Resource-Policy" in answer.headers) == own
