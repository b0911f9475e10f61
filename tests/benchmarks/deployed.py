"""Row `nginx`: hits through the configuration in `deploy/nginx`, against nginx that does nothing but cache."""

import contextlib
from functools import partial

from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks.contenders import Contender, deployed, gateway, nginx, nginx_with_tls
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.hits import PAGE
from tests.benchmarks.load import interleaved, wrk
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import simulator

LOOKUPS = "campaign_gateway_cache_lookups_total"
MOST_ASKED = 0.1
"""The share of requests that may reach the gateway: what nginx keeps for a second or two comes from somewhere."""


def behind_nginx() -> list[Line]:
    """Measure hits through nginx as it is deployed, with TLS, limits, ids and log."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(simulator())
        ours = stack.enter_context(gateway(upstream.url, {"cache.fresh_s": "86400"}))
        front, bare, plain = (stack.enter_context(start(ours.url)) for start in (deployed, nginx_with_tls, nginx))
        for contender in (front, bare, plain):
            contender.get(PAGE)
        before = _asked(ours)
        loads = interleaved({contender.name: partial(wrk, contender.url + PAGE) for contender in (front, bare, plain)})
        asked = _asked(ours) - before
        _verify(front, ours)
    measured, peer = loads[front.name], loads[bare.name]
    if asked > MOST_ASKED * measured.requests_s * EFFORT.seconds * EFFORT.rounds:
        raise NotMeasured(f"the deployed nginx asked the gateway {asked:.0f} times.")
    return [
        Line("nginx", "throughput", measured.requests_s, "/s", bare.name, peer.requests_s, at_least=0.92),
        Line("nginx", "p99", measured.p99_ms, "ms", bare.name, peer.p99_ms, at_most=1.3),
        Line("nginx", "throughput", measured.requests_s, "/s", plain.name, loads[plain.name].requests_s),
        Line("nginx", "requests that reached the gateway", asked, ""),
    ]


def _verify(front: Contender, ours: Contender) -> None:
    answers = [front.get(PAGE) for _ in range(2)]
    direct = ours.get(PAGE)
    if any(answer.content != direct.content for answer in answers):
        raise NotMeasured(f"{front.name} answers with another body than the gateway.")
    if len({answer.headers["X-Request-Id"] for answer in answers}) == 1:
        raise NotMeasured(f"{front.name} gives two answers one id.")
    if front.get(PAGE, **{"X-API-Key": "wrong"}).status_code == direct.status_code:
        raise NotMeasured(f"{front.name} does not decide about access.")


def _asked(ours: Contender) -> float:
    families = text_string_to_metric_families(ours.get("/metrics").text)
    samples = (sample for family in families for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == LOOKUPS)
