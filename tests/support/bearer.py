"""Bearer tokens as callers of a gateway under test send them."""

from werkzeug.test import TestResponse

from tests.support.gateway import GatewayUnderTest
from tests.support.identity_provider import AUDIENCE, ISSUER


def jwt(**changes: str) -> dict[str, str]:
    """Return the settings of `[jwt]`."""
    return {f"jwt__{name}": value for name, value in {"issuer": ISSUER, "audience": AUDIENCE, **changes}.items()}


def ask(gateway: GatewayUnderTest, sent: str, path: str = "/campaigns", **headers: str) -> TestResponse:
    """Ask with a bearer token and nothing else."""
    return gateway.get(path, key=None, headers={"Authorization": f"Bearer {sent}", **headers})


def problem(answer: TestResponse) -> tuple[int, str]:
    """Return status and name of a problem."""
    return answer.status_code, answer.get_json()["type"].rpartition("/")[2]


def numbers(gateway: GatewayUnderTest) -> str:
    """Return the metrics."""
    return gateway.get("/metrics", key=None).get_data(as_text=True)
