"""Row `wait`: a thousand callers wait for a change of one page (`Prefer: wait`), in front of one worker."""

import re
import selectors
import socket
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import requests

from tests.benchmarks.callers import percentile
from tests.benchmarks.contenders import API_KEY, Contender, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.hits import PAGE
from tests.benchmarks.load import interleaved, wrk
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import Upstream, stub_upstream
from tests.support.gateway import KEYS
from tests.support.waiting import wait_until

WAITERS = 1000
FRESH_S = 3
STEADY = "/campaigns?name=steady"
CHANGING = "/campaigns?name=version"
"""The stub gives another page each time."""

LIMIT_S = 10.0


def wait_for_change() -> list[Line]:
    """Measure what those who wait cost when nothing changes, and how soon all hear when something does."""
    settings = {"cache.fresh_s": f"{FRESH_S}", "http.longest_wait_s": "60"}
    with (
        stub_upstream() as upstream,
        gateway(upstream.url, settings) as ours,
        gateway(upstream.url, settings) as idle,
    ):
        steady = _steady(ours, idle, upstream)
    with stub_upstream() as upstream, gateway(upstream.url, settings) as ours:
        return [*steady, *_changing(ours)]


def _steady(ours: Contender, idle: Contender, upstream: Upstream) -> list[Line]:
    for contender in (ours, idle):
        # Connections and threads that there are already are no part of what a wait takes.
        wrk(contender.url + PAGE)
    with ExitStack() as stack:
        tag = ours.get(STEADY).headers["ETag"]
        before = _resident_kib(ours)
        _begin(stack, ours, STEADY, tag)
        each_kib = (_resident_kib(ours) - before) / WAITERS
        calls, began = upstream.calls(), time.monotonic()
        time.sleep(FRESH_S * 4)
        fetched, spans = upstream.calls() - calls, (time.monotonic() - began) / FRESH_S
        loads = interleaved({"beside": lambda: wrk(ours.url + PAGE), "alone": lambda: wrk(idle.url + PAGE)})
        beside, alone = loads["beside"], loads["alone"]
        if _waiting(ours) != WAITERS:
            raise NotMeasured("Somebody was answered though nothing had changed.")
    return [
        Line("wait", f"memory of each of {WAITERS:,} who wait", each_kib, "KiB", at_most=100),
        Line("wait", f"calls in each {FRESH_S} s of freshness", fetched / spans, "", at_most=1.0),
        Line("wait", "hits beside them", beside.requests_s, "/s", "alone", alone.requests_s, at_least=0.9),
        Line("wait", "hits beside them, p99", beside.p99_ms, "ms", "alone", alone.p99_ms),
    ]


def _changing(ours: Contender) -> list[Line]:
    last: list[float] = []
    slow: list[float] = []
    bodies: set[bytes] = set()
    for _ in range(EFFORT.rounds):
        with ExitStack() as stack:
            tag = ours.get(CHANGING).headers["ETag"]
            callers = _begin(stack, ours, CHANGING, tag)
            time.sleep(1)  # No page is fetched more often than that.
            began = time.monotonic()
            requests.delete(
                f"{ours.url}/cache", headers={"X-API-Key": KEYS["operator"]}, timeout=LIMIT_S
            ).raise_for_status()
            ends = _answers(callers, bodies)
            if len(ends) < WAITERS:
                raise NotMeasured(f"Of {WAITERS} only {len(ends)} heard of a change.")
            last.append((ends[-1] - began) * 1000)
            slow.append(percentile([(end - began) * 1000 for end in ends], 99))
    return [
        Line("wait", "from a purge, by way of CC-iSales, to 99 % of them", statistics.median(slow), "ms", at_most=200),
        Line("wait", "to the last of them", statistics.median(last), "ms"),
        Line("wait", "different answers a change", len(bodies) / EFFORT.rounds, "", at_most=1),
    ]


def _begin(stack: ExitStack, ours: Contender, path: str, tag: str) -> list[socket.socket]:
    """Have all of them wait, and return their connections when they do."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {API_KEY}\r\nIf-None-Match: {tag}\r\nPrefer: wait=60\r\n\r\n"
    )
    callers = []
    for _ in range(WAITERS):
        caller = stack.enter_context(socket.create_connection(("127.0.0.1", ours.port), LIMIT_S))
        caller.sendall(request.encode())
        callers.append(caller)
    wait_until(lambda: _waiting(ours) == WAITERS, LIMIT_S)
    return callers


def _answers(callers: Sequence[socket.socket], bodies: set[bytes]) -> list[float]:
    """Return when each got its answer, in order; add what they got to `bodies`."""
    ends = []
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller, selectors.EVENT_READ)
        give_up = time.monotonic() + LIMIT_S
        while selector.get_map() and time.monotonic() < give_up:
            for key, _ in selector.select(0.1):
                answered = key.fileobj
                assert isinstance(answered, socket.socket)
                received = answered.recv(65536)
                ends.append(time.monotonic())
                selector.unregister(answered)
                bodies.add(received.partition(b"\r\n\r\n")[2])
    return ends


def _waiting(ours: Contender) -> float:
    found = re.search(r"^campaign_gateway_waiters (\S+)$", ours.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _resident_kib(ours: Contender) -> float:
    """Return the memory of the worker."""
    found = re.search(r'^process_resident_memory_bytes\{worker="0"\} (\S+)$', ours.get("/metrics").text, re.MULTILINE)
    if found is None or not Path("/proc").exists():
        raise NotMeasured("The process does not tell its memory.")
    return float(found[1]) / 1024
