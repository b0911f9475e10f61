"""What goes wrong with CC-iSales and with Redis."""

from collections.abc import Mapping

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.soak.clients import VDNS, access_key
from tests.soak.faults import Lane, Play
from tests.support.redis_server import RedisServer

CLOCK_AHEAD_S = 3600.0
RETRY_AFTER = "2"

FAULTS: Mapping[str, Fault] = {
    "latency": Fault("latency", seconds=0.8),
    "http-500": Fault("http-status", status=500),
    "http-429": Fault("http-status", status=429, retry_after=RETRY_AFTER),
    "http-503": Fault("http-status", status=503, retry_after=RETRY_AFTER),
    "http-401": Fault("http-status", status=401),
    "result-code": Fault("result-code", result_code="0299999"),
    "parameters-rejected": Fault("result-code", result_code="02000003"),
    **{
        kind: Fault(kind)
        for kind in (
            "hang",
            "drip",
            "drip-headers",
            "reset-before",
            "reset-in-headers",
            "reset-in-body",
            "short-body",
            "not-json",
            "html",
            "bom",
            "gzip-bomb",
            "redirect",
        )
    },
}
"""Faults that the simulator plays to every call."""


def of_isales(simulator: SimulatorServer) -> dict[str, Play]:
    """Return what can go wrong with CC-iSales."""

    def armed(kind: str, fault: Fault) -> Play:
        def play(lane: Lane) -> None:
            with lane.window(kind):
                simulator.faults.arm(fault)
                lane.hold()
                simulator.faults.clear()

        return play

    def stopped(lane: Lane) -> None:
        with lane.window("stopped"):
            simulator.stop()
            lane.hold()
            simulator.start()

    def revoked(lane: Lane) -> None:
        vdn = lane.source.choice(VDNS)
        with lane.window("keys-revoked", f"VDN {vdn}"):
            simulator.revoked = frozenset({access_key(vdn)})
            lane.hold()
            simulator.revoked = frozenset()

    def clock(lane: Lane) -> None:
        with lane.window("clock-wrong"):
            simulator.clock_ahead_s = CLOCK_AHEAD_S
            lane.hold()
            simulator.clock_ahead_s = 0.0

    return {
        **{kind: armed(kind, fault) for kind, fault in FAULTS.items()},
        "stopped": stopped,
        "keys-revoked": revoked,
        "clock-wrong": clock,
    }


def of_redis(redis: RedisServer) -> dict[str, Play]:
    """Return what can go wrong with Redis."""

    def hangs(lane: Lane) -> None:
        with lane.window("redis-hangs"):
            redis.pause()
            lane.hold()
            redis.resume()

    def killed(lane: Lane) -> None:
        with lane.window("redis-killed"):
            redis.kill()
            lane.hold()
            redis.start()

    return {"redis-hangs": hangs, "redis-killed": killed}
