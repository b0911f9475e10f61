"""The numbers of a served gateway with two workers, whichever answers and whatever becomes of them."""

import gzip
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from gateway.simulator.server import SimulatorServer
from gateway.telemetry import sharing
from tests.support.gateway import GatewayUnderTest
from tests.support.server import ServedGateway, served_gateway
from tests.support.waiting import wait_until

LIMIT_S = 30.0
WORKERS = 2
PROMTOOL = shutil.which("promtool")
ANSWERED = 'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="200"}'
DURATIONS = 'campaign_gateway_request_duration_seconds_count{endpoint="campaigns.list_campaigns"}'
MISSES = 'campaign_gateway_cache_lookups_total{outcome="miss",rung="",tier=""}'
HELD = "campaign_gateway_cache_held_pages"


@pytest.fixture(scope="module")
def served(_simulator: SimulatorServer) -> Iterator[ServedGateway]:
    """Return a gateway with two workers; the last test of it ends it."""
    with served_gateway(_simulator.base_url, WORKERS, GRANIAN_RESPAWN_INTERVAL="0.5") as gateway:
        wait_until(lambda: len(gateway.worker_pids()) == WORKERS, LIMIT_S)
        yield gateway


def ask(gateway: ServedGateway, times: int) -> None:
    """Send so many requests, each on a connection of its own, so that every worker gets some."""
    for _ in range(times):
        headers = {"X-API-Key": "web-key", "Connection": "close"}
        assert requests.get(f"{gateway.url}/campaigns", headers=headers, timeout=LIMIT_S).status_code == 200


def numbers(gateway: ServedGateway) -> dict[str, float]:
    """Return the numbers of one scrape."""
    text = requests.get(f"{gateway.url}/metrics", headers={"Connection": "close"}, timeout=LIMIT_S).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def scraped(gateway: ServedGateway, sample: str, times: int = 12) -> list[float]:
    """Return one number of so many scrapes that every worker answers some."""
    return [numbers(gateway).get(sample, 0.0) for _ in range(times)]


def test_the_processes_tell_what_they_use(served: ServedGateway) -> None:
    """`process_*` of each worker stand under a label of its own."""
    found = numbers(served)
    memory = {}
    for pid in served.worker_pids():
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        memory[pid] = 1024 * int(re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[0])
    told = [found[f'process_resident_memory_bytes{{worker="{number}"}}'] for number in range(WORKERS)]
    for one, other in zip(sorted(told), sorted(memory.values()), strict=True):
        assert one == pytest.approx(other, rel=0.5)
    for number in range(WORKERS):
        assert found[f'process_cpu_seconds_total{{worker="{number}"}}'] > 0
        assert 0 < found[f'process_open_fds{{worker="{number}"}}'] < found[f'process_max_fds{{worker="{number}"}}']


def test_every_scrape_tells_of_all_workers_and_a_dead_one_is_neither_lost_nor_doubled(served: ServedGateway) -> None:
    """What a worker that was killed counted stays in the sum, what it held does not; its successor adds to it.

    The successor has its name, and has just started.
    """
    ask(served, 40)
    wait_until(lambda: numbers(served)[ANSWERED] == 40, LIMIT_S)
    before = numbers(served)
    assert before[MISSES] == before[HELD] == WORKERS
    # Once every worker says so, every worker has written so.
    wait_until(lambda: scraped(served, ANSWERED) == [40.0] * 12, LIMIT_S)
    victim = served.worker_pids()[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(now := served.worker_pids()) == WORKERS and victim not in now, LIMIT_S)
    started = 'process_start_time_seconds{{worker="{}"}}'.format

    def has_its_place() -> bool:
        later = numbers(served)
        starts = [later.get(started(number), 0.0) for number in range(WORKERS)]
        latest = max(before[started(number)] for number in range(WORKERS))
        return started(WORKERS) not in later and sum(latest < start for start in starts) == 1

    wait_until(has_its_place, LIMIT_S)
    assert set(scraped(served, ANSWERED)) == {40.0}
    assert set(scraped(served, HELD)) == {1.0}
    ask(served, 20)
    # A worker may tell its numbers between counting a request and noting how long that took.
    wait_until(lambda: (now := numbers(served))[ANSWERED] == now[DURATIONS] == 60, LIMIT_S)


def test_nothing_is_lost_when_workers_are_replaced(served: ServedGateway) -> None:
    """A worker that ends as it should has told everything, its last request included."""
    counted = numbers(served).get(ANSWERED, 0.0) + 30
    ask(served, 30)
    before = set(served.worker_pids())
    served.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(now := served.worker_pids()) == WORKERS and not before & set(now), LIMIT_S)
    wait_until(lambda: scraped(served, ANSWERED, 4) == [counted] * 4, LIMIT_S)
    assert scraped(served, HELD, 4) == [0.0] * 4


def test_the_folder_goes_with_the_server(served: ServedGateway, simulator: SimulatorServer) -> None:
    """The next server that starts removes it."""
    folder = sharing.folder_of(served.process.pid)
    assert len(list(folder.glob("*.worker"))) >= WORKERS
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(LIMIT_S)
    with served_gateway(simulator.base_url):
        wait_until(lambda: not folder.exists(), LIMIT_S)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is in Debian's package prometheus")
def test_names_and_units_are_as_prometheus_wants_them(gateway: GatewayUnderTest) -> None:
    """`promtool check metrics` has nothing to say."""
    for path in ("/campaigns", "/campaigns", "/campaigns?x=1", "/nothing"):
        gateway.get(path)
    text = gateway.get("/metrics", key=None).get_data()
    check = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False)
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


def test_the_endpoint_packs_and_varies(gateway: GatewayUnderTest) -> None:
    """A scraper that takes gzip gets it, one that does not does not, and no cache mixes them up."""
    plain = gateway.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    packed = gateway.get("/metrics", headers={"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"})
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept, Accept-Encoding"
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data).endswith(b"# EOF\n")
    assert len(packed.data) < len(plain.data) / 4
