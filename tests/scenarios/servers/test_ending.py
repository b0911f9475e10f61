"""The beginning and the end of a gateway under each WSGI server."""

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from gateway.simulator.server import SimulatorServer
from tests.support.gateway import PROJECT
from tests.support.server import free_port, unmeasured
from tests.support.waiting import wait_until
from tests.support.wsgi_servers import (
    GEVENT,
    GRANIAN,
    GTHREAD,
    PRELOAD,
    UWSGI,
    UWSGI_ALONE,
    WAITRESS,
    WsgiServer,
    arguments,
    serving,
    workers_of,
)

LIMIT_S = 30.0
KEY = {"X-API-Key": "web-key", "Connection": "close"}


def name_of(server: WsgiServer) -> str:
    """Return what a test with this server is called."""
    return server.name


@pytest.mark.parametrize("server", [GRANIAN, GTHREAD, PRELOAD, GEVENT, UWSGI, UWSGI_ALONE, WAITRESS], ids=name_of)
def test_requests_under_way_at_the_end(simulator: SimulatorServer, server: WsgiServer) -> None:
    """They are answered where the server can, and callers are told before where it lets us."""
    with serving(server, simulator.base_url, GATEWAY__HTTP__DRAIN_S="1.5") as served:
        wait_until(lambda: len(workers_of(served)) == server.workers, LIMIT_S)
        simulator.latency_s = 3.0

        def status(number: int) -> int:
            try:
                url = f"{served.url}/campaigns?page={number}"
                return requests.get(url, headers=KEY, timeout=LIMIT_S).status_code
            except requests.ConnectionError:
                return 0

        with ThreadPoolExecutor(5) as pool:
            waiting = [pool.submit(status, number) for number in range(1, 6)]
            assert simulator.calls.wait_for_in_flight(5, LIMIT_S)
            served.process.send_signal(signal.SIGTERM)
            if server.drains:
                readiness = 200
                while readiness == 200:
                    readiness = requests.get(f"{served.url}/readyz", headers=KEY, timeout=LIMIT_S).status_code
                assert readiness == 503
            answered = {answer.result() for answer in waiting}
        assert answered == ({200} if server.finishes else {0})
        assert served.process.wait(LIMIT_S) == server.ended


@pytest.mark.parametrize("server", [GTHREAD, PRELOAD, UWSGI, UWSGI_ALONE, WAITRESS], ids=name_of)
def test_faulty_settings_end_the_server(server: WsgiServer) -> None:
    """It does not start worker after worker, and every fault is said, without a traceback of ours."""
    ended = subprocess.run(
        arguments(server, free_port()),
        cwd=PROJECT,
        env=unmeasured(GATEWAY_ENV="production"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode != 0
    assert "isales.base_url: is not set" in ended.stdout
    # gunicorn may have one of its own, of a worker that ends while another one begins.
    assert f'File "{PROJECT}/gateway' not in ended.stdout
    assert f'File "{PROJECT}/app.py' not in ended.stdout
    assert ended.stdout.count("isales.base_url: is not set") <= 3
