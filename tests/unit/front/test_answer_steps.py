"""What the doctor makes of answers that a front has changed."""

import gzip
import json
from collections.abc import Iterator

import pytest

from gateway.front import answer_steps
from gateway.front.ask import Caller, NoAnswer
from gateway.isales.doctor_step import State
from tests.scenarios.upstream.raw_server import RawServer, http, says, says_and_closes

BODY = json.dumps({"data": ["x" * 2000]}).encode()
PACKED = gzip.compress(BODY)
PATH = "/campaigns?page_size=100"


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Return what the doctor takes for the front."""
    with RawServer() as raw:
        yield raw


@pytest.fixture
def caller(server: RawServer) -> Caller:
    """Return a caller of it."""
    return Caller(f"{server.url}/", "a-key", timeout_s=5)


def page(*headers: str, body: bytes = BODY, status: str = "200 OK") -> bytes:
    """Return an answer of a front with these headers."""
    return http(status, body, "Content-Type: application/json", *headers)


def test_a_tag_that_brings_304(server: RawServer, caller: Caller) -> None:
    """The tag that came is sent back, for the same coding; a weak one is told as that."""
    server.will(says(page('ETag: W/"a"')), says(http("304 NOT MODIFIED", b"", 'ETag: W/"a"')))
    step = answer_steps.tags(caller, PATH)
    assert (step.state, step.seen) == (State.GOOD, '304 for W/"a" (weak: the front changed it)')
    assert b'If-None-Match: W/"a"\r\n' in server.requests[1]
    assert all(b"Accept-Encoding: identity\r\n" in request for request in server.requests)


def test_a_page_that_changes_meanwhile_says_nothing(server: RawServer, caller: Caller) -> None:
    """Another tag comes with the whole page: that may be right."""
    server.will(says(page('ETag: "a"')), says(page('ETag: "b"')))
    assert answer_steps.tags(caller, PATH).state is State.SKIPPED


def test_gzip_under_the_tag_of_identity(server: RawServer, caller: Caller) -> None:
    """Caches would take one for the other."""
    server.will(says(page('ETag: "a"')), says(page('ETag: "a"', "Content-Encoding: gzip", body=PACKED)))
    assert answer_steps.gzip(caller, PATH).state is State.FAILED


@pytest.mark.parametrize(("body", "state"), [(b"{}", State.SKIPPED), (BODY, State.WARNING)])
def test_no_gzip(server: RawServer, caller: Caller, body: bytes, state: State) -> None:
    """Small answers are not compressed by the gateway either."""
    server.usually = says(page('ETag: "a"', body=body))
    assert answer_steps.gzip(caller, PATH).state is state


@pytest.mark.parametrize(
    ("again", "state"),
    [
        (http("304 NOT MODIFIED", b"", 'ETag: "a-br"'), State.WARNING),
        (page('ETag: "a-br"', "Content-Encoding: br"), State.FAILED),
    ],
)
def test_a_front_that_compresses(server: RawServer, caller: Caller, again: bytes, state: State) -> None:
    """It is a warning as long as tags survive it."""
    server.will(says(page('ETag: "a-br"', "Content-Encoding: br")), says(again))
    step = answer_steps.codings(caller, PATH)
    assert step.state is state
    assert step.facts["content_encoding"] == "br"


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        (("Age: 3", "Campaigns-As-Of: Fri, 27 Nov 2026 10:00:00 GMT"), State.WARNING),
        (("Age: 0", "Campaigns-As-Of: Fri, 27 Nov 2026 10:00:00 GMT"), State.GOOD),
        (("Campaigns-As-Of: Fri, 27 Nov 2026 10:00:00 GMT",), State.GOOD),
        (("Age: 3",), State.GOOD),
    ],
)
def test_an_age_is_a_caches(server: RawServer, caller: Caller, headers: tuple[str, ...], state: State) -> None:
    """The gateway sends none; one that did told no time of its data."""
    server.will(*(says(page(f"X-Request-Id: {number}", *headers)) for number in range(3)))
    assert answer_steps.kept(caller, PATH).state is state


def test_links_that_lead_elsewhere_are_not_followed(server: RawServer, caller: Caller) -> None:
    """To another server, or out of the prefix: the key is for the gateway only."""
    problem = json.dumps({"type": "http://127.0.0.1:9/problems/x", "status": 400}).encode()
    below = Caller(f"{server.url}/api", "a-key")
    for link, asked in (("/campaigns?page=2", below), ("http://127.0.0.1:9/?page=2", caller)):
        server.will(says(page(f'Link: <{link}>; rel="next"')), says(page(body=problem, status="400 BAD REQUEST")))
        before = len(server.requests)
        step = answer_steps.links(asked, 1)
        assert (step.state, link in step.seen, "problems/x" in step.seen) == (State.FAILED, True, True)
        assert len(server.requests) == before + 2
    with pytest.raises(NoAnswer, match="is another server"):
        caller.ask("http://127.0.0.1:9/campaigns")


def test_links_under_a_prefix(server: RawServer) -> None:
    """References that are relative lead back, wherever the gateway is mounted."""
    problem = json.dumps({"type": "problems/invalid-parameters", "status": 400}).encode()
    server.will(says(page('Link: <?page=2>; rel="next"')), says(page(body=problem, status="400 BAD REQUEST")))
    server.usually = says(page())
    assert answer_steps.links(Caller(f"{server.url}/api", "a-key"), None).state is State.GOOD
    assert [request.split(b" ")[1] for request in server.requests[2:]] == [
        b"/api/problems/invalid-parameters",
        b"/api/campaigns?page=2",
    ]


def test_what_is_no_problem_of_ours(server: RawServer, caller: Caller) -> None:
    """A page of the front's own, or a document that is none; what is shown of it is cut and printable."""
    for body in (b"<html>", b"[]", b'{"status": 200}', json.dumps({"detail": "\x1b" + "a" * 300}).encode()):
        server.will(says_and_closes(page(body=body, status="400 BAD REQUEST")))
        step = answer_steps.problems(caller)
        assert step.state is State.FAILED
        assert len(step.seen) < 120
        assert step.seen.isprintable()
