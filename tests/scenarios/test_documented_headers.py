"""Headers of answers, held against those that the OpenAPI document tells."""

from typing import Any

import pytest

from tests.support.gateway import GatewayUnderTest

OF_THE_TRANSPORT = {"Content-Length", "Content-Type", "Date"}


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/campaigns", {}, 200),
        ("/campaigns", {"headers": {"Accept-Encoding": "gzip"}}, 200),
        ("/campaigns", {"headers": {"If-None-Match": "*"}}, 304),
        ("/campaigns", {"key": "limited-key"}, 401),
        ("/campaigns?page=0", {}, 400),
        ("/campaigns?vdn=2", {}, 403),
        ("/campaigns", {"method": "POST"}, 405),
        ("/campaigns", {"headers": {"Accept": "text/html"}}, 406),
        ("/cache", {"method": "DELETE", "key": "purger-key"}, 200),
        ("/cache", {"method": "DELETE"}, 403),
        ("/cache/explain", {"key": "doctor-key"}, 200),
        ("/healthz", {}, 200),
        ("/readyz", {}, 200),
        ("/metrics", {}, 200),
        ("/openapi.json", {}, 200),
        ("/openapi.json", {"headers": {"If-None-Match": "*"}}, 304),
        ("/docs", {"headers": {"Accept-Encoding": "gzip"}}, 200),
        ("/docs", {"headers": {"If-None-Match": "*"}}, 304),
        ("/problems", {}, 200),
        ("/problems", {"headers": {"Accept": "application/json"}}, 200),
        ("/problems", {"headers": {"Accept": "image/png"}}, 406),
        ("/problems/internal-error", {}, 200),
        ("/problems/nothing", {}, 404),
    ],
)
def test_no_answer_has_a_header_that_nobody_tells(
    gateway: GatewayUnderTest, path: str, options: dict[str, Any], status: int
) -> None:
    """What an answer carries stands under its path and status, and what every answer carries is there."""
    answer = gateway.get(path, **options)
    assert answer.status_code == status
    template = "/problems/{name}" if path.startswith("/problems/") else path.partition("?")[0]
    operations = gateway.get("/openapi.json").get_json()["paths"][template]
    operation = operations.get(options.get("method", "GET").lower()) or operations["get"]
    told = set(operation["responses"][str(status)]["headers"])
    assert set(answer.headers.keys()) - OF_THE_TRANSPORT <= told
    assert {"X-Content-Type-Options", "X-Request-Id", "Server-Timing"} <= set(answer.headers.keys())
