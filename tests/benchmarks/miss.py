"""Row `miss`: what the gateway adds to a call of CC-iSales, for one caller."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import requests

from gateway.isales.signing import canonical_query, canonical_request, sign, signed_header_names, timestamp
from gateway.settings import Secret
from gateway.simulator.server import DEMO_TENANTS
from tests.benchmarks.contenders import API_KEY, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import simulator

PAIRS_A_ROUND = 100
PATH = "/rest/isales/v1/openapi/campaigns/1"


def miss() -> list[Line]:
    """Measure a call of the gateway and a bare one of CC-iSales in turn, for ever new pages of the same ten rows."""
    bare_ms, ours_ms = [], []
    with simulator() as upstream, gateway(upstream.url) as ours, requests.Session() as session:
        session.trust_env = False
        for number in range(EFFORT.rounds * PAIRS_A_ROUND):
            # All campaigns end before: it is always the same page, under another key.
            minute, second = divmod(number, 60)
            clock = f"00:{minute:02d}:{second:02d}"
            bare_ms.append(_ms(partial(_bare, session, upstream.url, f"2030-01-01 {clock}")))
            ours_ms.append(_ms(partial(_through, session, ours.url, f"2030-01-01T{clock}Z")))
        calls = upstream.calls()
    if calls != 2 * len(ours_ms):
        raise NotMeasured(f"CC-iSales had {calls} calls where {2 * len(ours_ms)} were expected.")
    bare, through = statistics.median(bare_ms), statistics.median(ours_ms)
    return [
        Line("miss", "added to a bare call, median", through - bare, "ms", at_most=3),
        Line("miss", "through the gateway, median", through, "ms", "bare", bare),
    ]


def _ms(call: Callable[[], requests.Response]) -> float:
    began = time.perf_counter()
    answer = call()
    took = (time.perf_counter() - began) * 1000
    if len(answer.json()["data"]) != 10:
        raise NotMeasured("A page had not the ten rows that were expected.")
    return took


def _through(session: requests.Session, url: str, ends_to: str) -> requests.Response:
    return session.get(f"{url}/campaigns?ends_to={ends_to}", headers={"X-API-Key": API_KEY}, timeout=10)


def _bare(session: requests.Session, url: str, end_time: str) -> requests.Response:
    params = [("status", "0"), ("deviceType", "0"), ("curPage", "1"), ("rowsPerPage", "10"), ("endTime", end_time)]
    host = {"Host": url.removeprefix("http://")}
    tenant = DEMO_TENANTS[0]
    signature = sign(
        tenant.access_key,
        Secret(tenant.secret_key),
        timestamp(datetime.now(UTC)),
        signed_header_names(host),
        canonical_request("GET", PATH, params, host),
    )
    headers = {"Content-Type": "application/json; charset=UTF-8", "Authorization": signature.authorization}
    return session.get(f"{url}{PATH}?{canonical_query(params)}", headers=headers, timeout=10)
