"""What the doctor makes of a front that changes requests, refuses them or gives up."""

from collections.abc import Iterator

import pytest

from gateway.front import request_steps
from gateway.front.ask import Caller, NoAnswer
from gateway.front.doctor import examine
from gateway.front.step import Name
from gateway.isales.doctor_step import State
from tests.scenarios.upstream.raw_server import RawServer, http, says, says_and_closes

PATH = "/campaigns"
PAGE = http(
    "200 OK",
    b"{}",
    'ETag: "a"',
    "Cache-Status: campaign-gateway; hit",
    "Content-Type: application/json",
    "X-Request-Id: 1",
)
SAME = ("304 NOT MODIFIED", b"", 'ETag: "a"', "Cache-Status: campaign-gateway; hit")


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Return what the doctor takes for the front."""
    with RawServer() as raw:
        yield raw
        raw.stopping.set()


@pytest.fixture
def caller(server: RawServer) -> Caller:
    """Return a caller of it who is not patient."""
    return Caller(server.url, "a-key", timeout_s=0.5)


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("https://campaigns.example.com", State.GOOD),
        ("http://127.0.0.1:8000", State.SKIPPED),
        ("http://[::1]:8000/api", State.SKIPPED),
        ("http://campaigns.example.com", State.WARNING),
        ("http://192.0.2.1", State.WARNING),
    ],
)
def test_plain_http_is_warned_of(url: str, state: State) -> None:
    """Plain HTTP is a warning, except within one machine."""
    assert request_steps.tls(Caller(url, "a-key")).state is state


def test_a_front_that_waits(server: RawServer, caller: Caller) -> None:
    """The gateway says that it waited, and the front let it."""
    server.will(says(PAGE), says(http(*SAME, "Preference-Applied: wait=5")))
    assert request_steps.waiting(caller, PATH, 5).state is State.GOOD
    assert b"Prefer: wait=5\r\n" in server.requests[1]
    assert b'If-None-Match: "a"\r\n' in server.requests[1]


def test_a_front_that_gives_up(server: RawServer, caller: Caller) -> None:
    """By an answer of its own, by none, or by closing the connection."""
    for behaviour in (
        says(http("504 Gateway Time-out", b"<html>", "Content-Type: text/html")),
        says_and_closes(b""),
        server.is_silent,
    ):
        server.will(says(PAGE), behaviour)
        step = request_steps.waiting(caller, PATH, 5)
        assert (step.state, "read timeout" in step.hint) == (State.FAILED, True)


def test_a_gateway_that_does_not_wait(server: RawServer, caller: Caller) -> None:
    """Then there is nothing to learn about the front."""
    server.will(says(PAGE), says(http(*SAME)))
    assert request_steps.waiting(caller, PATH, 5).state is State.SKIPPED
    assert request_steps.waiting(caller, PATH, 0).state is State.SKIPPED


def test_a_header_that_cuts_the_connection(server: RawServer, caller: Caller) -> None:
    """Some fronts say nothing when a header is too large."""
    server.will(says_and_closes(b""))
    step = request_steps.headers(caller, PATH)
    assert (step.state, "10,000 bytes" in step.seen) == (State.FAILED, True)


@pytest.mark.parametrize("said", ["", "no HTTP\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"])
def test_no_answer_is_told_as_that(server: RawServer, caller: Caller, said: str) -> None:
    """What is no answer of HTTP, whatever it is, raises NoAnswer."""
    server.will(says_and_closes(said.encode()))
    with pytest.raises(NoAnswer):
        caller.ask(PATH)


def test_no_step_raises(server: RawServer, caller: Caller) -> None:
    """A front that answers once and never again fails each step that asks, and the doctor goes on."""
    server.will(says(PAGE))
    server.usually = says_and_closes(b"")
    steps = {step.name: step for step in examine(caller, None, 1)}
    assert list(steps) == list(Name)
    assert steps[Name.ANSWER].state is State.GOOD
    failed = {name for name, step in steps.items() if step.state is State.FAILED}
    assert failed == set(Name) - {Name.ANSWER, Name.TLS}


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "499 X", "599 X"])
def test_what_is_no_page_of_the_gateways(server: RawServer, caller: Caller, status: str) -> None:
    """Another site, a login, or a status that nobody knows: the first step says so, and is the last."""
    server.will(says(http(status, b"<html>", "Content-Type: text/html")))
    (step,) = examine(caller, 1, 0)
    assert (step.name, step.state, step.facts["status"]) == (Name.ANSWER, State.FAILED, int(status[:3]))
    assert b"GET /campaigns?page_size=100&vdn=1 HTTP/1.1\r\n" in server.requests[0]
