"""What a process answers that is about to end."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.test import Client, TestResponse

from gateway.reload.draining import draining

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


def app(_environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
    """Answer everything alike."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"page"]


def ask(path: str, method: str = "GET") -> TestResponse:
    """Ask the draining app."""
    return Client(draining(app)).open(path, method=method)


def test_answers_are_as_ever_and_close_their_connection() -> None:
    """A caller gets its page, and asks the next time on another connection."""
    answer = ask("/campaigns")
    assert (answer.status_code, answer.get_data()) == (200, b"page")
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Content-Type"] == "text/plain"


def test_readiness_sends_load_balancers_away() -> None:
    """`/readyz` is 503 at once, whatever the app says; a `HEAD` gets no body."""
    answer = ask("/readyz")
    assert (answer.status_code, answer.get_json()) == (503, {"status": "draining"})
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Cache-Control"] == "no-store"
    head = ask("/readyz", "HEAD")
    assert (head.status_code, head.get_data(), head.headers["Content-Length"]) == (503, b"", "21")
