"""A gateway with faulty settings under each WSGI server."""

import subprocess
from collections.abc import Mapping

import pytest

from tests.support.gateway import PROJECT
from tests.support.server import environment, free_port
from tests.support.wsgi_servers import (
    CHEROOT,
    GTHREAD,
    HYPERCORN,
    PRELOAD,
    UWSGI,
    UWSGI_ALONE,
    WAITRESS,
    WsgiServer,
    arguments,
    name_of,
)

SERVERS = (GTHREAD, PRELOAD, UWSGI, UWSGI_ALONE, WAITRESS, HYPERCORN, CHEROOT)
LIMIT_S = 120.0


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[int, str]]:
    """Return with which exit code each server ended, and what it said; all are started at once."""
    started = {
        server.name: subprocess.Popen(
            arguments(server, free_port(), tmp_path_factory.mktemp(server.name)),
            cwd=PROJECT,
            env=environment(GATEWAY_ENV="production"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for server in SERVERS
    }
    try:
        said = {name: process.communicate(timeout=LIMIT_S)[0] for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
            process.wait()
    return {name: (process.returncode, said[name]) for name, process in started.items()}


@pytest.mark.parametrize("server", SERVERS, ids=name_of)
def test_faulty_settings_end_the_server(ended: Mapping[str, tuple[int, str]], server: WsgiServer) -> None:
    """It does not start worker after worker, and every fault is said, without a traceback of ours."""
    code, said = ended[server.name]
    # hypercorn ends in good order when its workers have ended, however they did.
    assert (code == 0) == (server is HYPERCORN)
    assert "isales.base_url: is not set" in said
    # gunicorn may have one of its own, of a worker that ends while another one begins.
    assert f'File "{PROJECT}/gateway' not in said
    assert f'File "{PROJECT}/app.py' not in said
    assert said.count("isales.base_url: is not set") <= 3
