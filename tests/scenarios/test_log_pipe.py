"""A served gateway whose log nobody reads."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import requests

from gateway.simulator.server import SimulatorServer
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.server import BIN, environment, free_port, wait_until_it_answers

LIMIT_S = 30.0
KEY = {"X-API-Key": "web-key"}
LINES = 350
PIPE_BYTES = 65_536


def test_a_full_pipe_holds_no_request(simulator: SimulatorServer) -> None:
    """Requests are answered when the log takes no more, and when it is read again the lines come, whole.

    The process has been told to end by then, and ends when it has written the last one.
    """
    reading, writing = os.pipe()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {**VARIABLES, "GATEWAY__ISALES__BASE_URL": simulator.base_url, "GATEWAY__HTTP__DRAIN_S": "0"}
    process = subprocess.Popen(
        [str(BIN / "granian"), "--interface", "wsgi", "--no-log", "--port", str(port), "app:app"],
        cwd=PROJECT,
        env=environment(**variables),
        stdout=writing,
        stderr=writing,
        text=True,
    )
    os.close(writing)
    try:
        wait_until_it_answers(f"{url}/healthz", process)

        def call(number: int) -> int:
            path = f"{url}/campaigns?x={'y' * 500}{number}"
            return requests.get(path, headers=KEY, timeout=LIMIT_S).status_code

        with ThreadPoolExecutor(8) as pool:
            # Each of these has a line of some 300 bytes.
            assert set(pool.map(call, range(LINES))) == {400}
        process.terminate()
        with os.fdopen(reading, encoding="utf-8") as log:
            said = log.read()
        assert len(said) > PIPE_BYTES
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        assert process.wait(LIMIT_S) == 0
        assert len([line for line in lines if line["event"] == "request" and line["path"] == "/campaigns"]) == LINES
    finally:
        process.kill()
        process.wait(LIMIT_S)
