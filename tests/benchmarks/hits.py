"""Rows `hit` and `304`: a fresh page, against nginx, Varnish, Flask-Caching's `@cached`, and what the server can do."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.contenders import Contender, bare, earlier, flask_caching, gateway, nginx, varnish
from tests.benchmarks.load import interleaved, wrk
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import Upstream, simulator

PAGE = "/campaigns?status=running&page=1&page_size=10"
_BY_THE_SERVER = frozenset({"connection", "date", "server"})


@dataclass(frozen=True)
class _Field:
    """The gateway and its peers, all with the page in their caches."""

    upstream: Upstream
    gateway: Contender
    nginx: Contender
    varnish: Contender
    cached: Contender
    bare: Contender
    earlier: Contender

    @property
    def peers(self) -> tuple[Contender, ...]:
        return (self.nginx, self.varnish, self.cached)


def hit() -> list[Line]:
    """Measure hits."""
    with _field() as field:
        everybody = (field.gateway, *field.peers, field.bare, field.earlier)
        loads = interleaved({contender.name: partial(wrk, contender.url + PAGE) for contender in everybody})
        _verify(field)
    ours = loads["gateway"]
    return [
        Line("hit", "throughput", ours.requests_s, "/s", "nginx", loads["nginx"].requests_s, at_least=0.7),
        Line("hit", "p99", ours.p99_ms, "ms", "nginx", loads["nginx"].p99_ms, at_most=1.5),
        Line("hit", "throughput", ours.requests_s, "/s", "bare WSGI", loads["bare WSGI"].requests_s, at_least=0.8),
        Line("hit", "p99", ours.p99_ms, "ms", "bare WSGI", loads["bare WSGI"].p99_ms),
        Line("hit", "throughput", ours.requests_s, "/s", "earlier version", loads["earlier version"].requests_s),
        Line("hit", "throughput", ours.requests_s, "/s", "Varnish", loads["Varnish"].requests_s),
        Line("hit", "p99", ours.p99_ms, "ms", "Varnish", loads["Varnish"].p99_ms),
        Line("hit", "throughput", ours.requests_s, "/s", "@cached", loads["@cached"].requests_s, at_least=7),
        Line("hit", "p99", ours.p99_ms, "ms", "@cached", loads["@cached"].p99_ms),
    ]


def not_modified() -> list[Line]:
    """Measure answers to callers who hold the page already."""
    with _field() as field:
        held = {"If-None-Match": field.gateway.get(PAGE).headers["ETag"]}
        conditional = (field.gateway, field.nginx, field.varnish)
        for contender in conditional:
            _expect(contender.get(PAGE, **held).status_code == 304, contender, "does not answer 304")
        loads = interleaved(
            {
                "hit": partial(wrk, field.gateway.url + PAGE),
                **{contender.name: partial(wrk, contender.url + PAGE, held) for contender in conditional},
            }
        )
        _verify(field)
    ours = loads["gateway"]
    return [
        Line("304", "throughput", ours.requests_s, "/s", "its own hits", loads["hit"].requests_s, at_least=1),
        Line("304", "p99", ours.p99_ms, "ms", "its own hits", loads["hit"].p99_ms),
        Line("304", "throughput", ours.requests_s, "/s", "nginx", loads["nginx"].requests_s),
        Line("304", "throughput", ours.requests_s, "/s", "Varnish", loads["Varnish"].requests_s),
    ]


@contextlib.contextmanager
def _field() -> Iterator[_Field]:
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(simulator())
        ours = stack.enter_context(gateway(upstream.url, {"cache.fresh_s": "86400"}))
        ours.get(PAGE)
        peers = [stack.enter_context(start(ours.url)) for start in (nginx, varnish, flask_caching)]
        for peer in peers:
            peer.get(PAGE)
        limit = stack.enter_context(bare(ours.url + PAGE))
        before = stack.enter_context(earlier(upstream.url, {"cache.fresh_s": "86400"}))
        for other in (limit, before):
            other.get(PAGE)
        field = _Field(upstream, ours, peers[0], peers[1], peers[2], limit, before)
        _verify(field)
        yield field


def _verify(field: _Field) -> None:
    """Raise `NotMeasured` unless all answer the same bytes and headers, each from its own cache."""
    ours = field.gateway.get(PAGE)
    _expect("; hit" in ours.headers["Cache-Status"], field.gateway, "does not answer from its cache")
    _expect(len(ours.json()["data"]) == 10, field.gateway, "does not answer with ten rows")
    _expect(field.upstream.calls() == 2, field.gateway, "or its earlier version asked upstream more than once")
    limit = field.bare.get(PAGE)
    own = {name.lower() for name in ours.headers} - {name.lower() for name in limit.headers} - _BY_THE_SERVER
    _expect(limit.content == ours.content and not own, field.bare, "answers otherwise than the gateway")
    for peer in field.peers:
        first, second = peer.get(PAGE), peer.get(PAGE)
        # The gateway behind the peer gives each answer an id of its own.
        same_id = first.headers["X-Request-Id"] == second.headers["X-Request-Id"]
        _expect(same_id, peer, "does not answer from its cache")
        _expect(second.content == ours.content, peer, "answers with another body than the gateway")
        missing = {name.lower() for name in ours.headers} - {name.lower() for name in second.headers} - _BY_THE_SERVER
        _expect(not missing, peer, f"answers without the headers {', '.join(sorted(missing))}")


def _expect(holds: bool, contender: Contender, otherwise: str) -> None:  # noqa: FBT001 -- what is expected, as in `assert`
    if not holds:
        raise NotMeasured(f"{contender.name} {otherwise}.")
