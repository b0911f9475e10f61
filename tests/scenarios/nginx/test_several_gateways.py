"""Several gateways behind one nginx, as `deploy/nginx/conf.d/upstream.conf` says that they are listed."""

import re
from collections.abc import Callable

from tests.scenarios.nginx.conftest import page
from tests.scenarios.upstream.raw_server import RawServer, says
from tests.support.nginx import CONFIGURATION, DeployedNginx
from tests.support.server import free_port
from tests.support.waiting import wait_until


def test_gateways_that_were_away_at_once_are_asked_again_soon(in_front_of: Callable[..., DeployedNginx]) -> None:
    """With nginx' own default of ten seconds callers would get errors for as long after both are back."""
    told = (CONFIGURATION / "conf.d/upstream.conf").read_text(encoding="utf-8")
    (each,) = re.findall(r"`(fail_timeout=\S+)`", told)
    ports = [free_port(), free_port()]
    front = in_front_of("; server ".join(f"127.0.0.1:{port} {each}" for port in ports))
    assert {front.get("/campaigns").status for _ in range(4)} == {500}
    with RawServer(port=ports[0]) as first, RawServer(port=ports[1]) as second:
        first.usually = second.usually = says(page())
        wait_until(lambda: front.get("/campaigns").status == 200, 5.0)
