"""Does a front leave alone what callers and the gateway say to each other? A step for each thing that fronts change.

`deploy/README.md`, "Other fronts", says what a front has to do and how each does it. Each step asks through the front
as a caller, and compares what comes with what the gateway says.
"""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from gateway.front import answer_steps, request_steps
from gateway.front.ask import Caller, NoAnswer
from gateway.front.step import Name, shown
from gateway.isales.doctor_step import State, Step

CACHE_NAME: Final = "campaign-gateway"


def examine(caller: Caller, vdn: int | None, wait_s: int) -> Iterator[Step]:
    """Yield the steps as they are taken; where there is no page to compare with, ANSWER alone, which says why.

    `vdn` is asked for, `None` where the key is for one only. `wait_s` is how long the front has to wait for an answer;
    0 leaves that out. No step raises, whatever the front does.
    """
    path = "/campaigns?" + urlencode({"page_size": 100, **({} if vdn is None else {"vdn": vdn})})
    first = _answer(caller, path)
    yield first
    if first.state is State.FAILED:
        return
    steps: tuple[tuple[Name, Callable[[], Step]], ...] = (
        (Name.TLS, lambda: request_steps.tls(caller)),
        (Name.TAGS, lambda: answer_steps.tags(caller, path)),
        (Name.GZIP, lambda: answer_steps.gzip(caller, path)),
        (Name.CODINGS, lambda: answer_steps.codings(caller, path)),
        (Name.KEPT, lambda: answer_steps.kept(caller, path)),
        (Name.REQUEST_ID, lambda: answer_steps.request_id(caller, path)),
        (Name.HEADERS, lambda: request_steps.headers(caller, path)),
        (Name.TOKENS, lambda: request_steps.tokens(caller, path)),
        (Name.UNDERSCORE, lambda: request_steps.underscore(caller, path)),
        (Name.PROBLEMS, lambda: answer_steps.problems(caller)),
        (Name.METHODS, lambda: request_steps.methods(caller)),
        (Name.LINKS, lambda: answer_steps.links(caller, vdn)),
        (Name.CLOSED, lambda: request_steps.closed(caller)),
        (Name.WAITING, lambda: request_steps.waiting(caller, path, wait_s)),
        (Name.ADDRESS, lambda: request_steps.address(caller)),
    )
    for name, take in steps:
        try:
            yield take()
        except NoAnswer as fault:
            yield Step(name, State.FAILED, f"the front gave no answer ({fault})", hint="Look into its log.")


def _answer(caller: Caller, path: str) -> Step:
    try:
        reply = caller.ask(path)
    except NoAnswer as fault:
        return Step(Name.ANSWER, State.FAILED, str(fault), hint="Check the URL, and whether the front is up.")
    facts = {"status": reply.status, "cache_status": reply.headers.get("cache-status")}
    if reply.status == HTTPStatus.OK and reply.headers.get("cache-status", "").startswith(CACHE_NAME):
        return Step(Name.ANSWER, State.GOOD, "a page of the gateway's", reply.took_s, facts=facts)
    hints: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: "Is the key right? If it is, the front drops X-API-Key.",
        HTTPStatus.FORBIDDEN: "The key may not read this VDN (`--vdn` chooses another), or the front lets nobody in.",
        HTTPStatus.BAD_REQUEST: "A key for several VDNs needs `--vdn`.",
        HTTPStatus.NOT_FOUND: "Is the URL the one under which the gateway is, with its prefix if it has one?",
        HTTPStatus.OK: "Something else answers there, or the front removes Cache-Status.",
    }
    hint = hints.get(reply.status, "Ask the gateway itself, without the front: what does it say?")
    return Step(Name.ANSWER, State.FAILED, f"{reply.status}: {shown(reply)}", reply.took_s, hint, facts)
