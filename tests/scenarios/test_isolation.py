"""Nobody ever gets a row of a VDN that is not theirs: many mixed requests, with every row looked at.

`ISOLATION_REQUESTS=100000` makes it a hundred thousand, which takes a minute or more.
"""

import io
import itertools
import json
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from gzip import decompress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.access.keys import key_hash
from gateway.cli.app import EXTENSION
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.faults import Fault
from gateway.simulator.keys import Tenant
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest
from tests.support.identity_provider import AUDIENCE, ISSUER, RSA, claims, jwk, jwks, token
from tests.support.rows import vdns_of_row

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

VDNS = range(1, 9)
REQUESTS = int(os.environ.get("ISOLATION_REQUESTS", "2000"))
MOST_REQUESTS = 10 * REQUESTS
WAYS = (
    *("200 hit", "200 fwd=miss; stored", "200 fwd=miss; collapsed", "200 hit stale", "304 hit"),
    *("400", "401", "403", "429", "502"),
)
THREADS = 12
QUERIES = [
    *(f"page={page}" for page in range(1, 5)),
    *(f"page_size={size}&page=1" for size in (1, 5)),
    "status=running",
    "page=1&status=paused",
    "device_type=preview",
    "page=99",
]
BAD_QUERIES = ["page=0", "status=walking", "page=1&page=2", "vdn=1&vdn=2", "vdns=1", "vdn=0x1"]
PERIOD = 1000
"""A request in so many purges, and one breaks CC-iSales for a few calls."""


@dataclass(frozen=True)
class Caller:
    """Somebody with a credential, and the VDNs that it is good for."""

    headers: Mapping[str, str]
    vdns: frozenset[int]


@dataclass
class Seen:
    """What came: answers by kind, VDNs by the entity tags of pages that have rows, and all that must never be."""

    kinds: Counter[str] = field(default_factory=Counter)
    tags: dict[str, int] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    rows: int = 0

    def is_a_mix(self) -> bool:
        """Tell whether each of the ways that an answer can come was taken."""
        return all(self.kinds[way] for way in WAYS)


def callers() -> Iterator[Caller]:
    """Yield clients with keys and holders of tokens: of one VDN each, of two, and of all."""
    for vdn in VDNS:
        yield Caller({"HTTP_X_API_KEY": f"key-{vdn}"}, frozenset({vdn}))
        yield Caller({"HTTP_X_API_KEY": f"key-pair-{vdn}"}, frozenset({vdn, vdn % 8 + 1}))
        sent = token(claims(vdns=[vdn], client_id=f"service-{vdn}"))
        yield Caller({"HTTP_AUTHORIZATION": f"Bearer {sent}"}, frozenset({vdn}))
    yield Caller({"HTTP_X_API_KEY": "key-all"}, frozenset(VDNS))
    yield Caller({"HTTP_X_API_KEY": "key-limited"}, frozenset({3}))
    yield Caller({"HTTP_X_API_KEY": "key-unknown"}, frozenset())


def settings(jwks_file: Path) -> dict[str, str]:
    """Return settings in which pages go through all their ages within the test."""
    tenants = ", ".join(f'{{vdn = {vdn}, access_key = "AK{vdn}", secret_key = "SK{vdn}"}}' for vdn in VDNS)
    clients = [
        *((f"one-{vdn}", f"key-{vdn}", [vdn], 0) for vdn in VDNS),
        *((f"pair-{vdn}", f"key-pair-{vdn}", [vdn, vdn % 8 + 1], 0) for vdn in VDNS),
        ("all", "key-all", ["*"], 0),
        ("limited", "key-limited", [3], 5),
    ]
    tables = ", ".join(
        f'{{name = "{name}", key_sha256 = "{key_hash(key)}", vdns = {json.dumps(vdns)}, '
        f'scopes = ["campaigns:read"], requests_per_minute = {limit}}}'
        for name, key, vdns, limit in clients
    )
    return {
        "tenants": f"[{tenants}]",
        "clients": f"[{tables}]",
        "jwt__issuer": ISSUER,
        "jwt__audience": AUDIENCE,
        "jwt__jwks_file": str(jwks_file),
        "cache__fresh_s": "0.5",
        "cache__fresh_completed_s": "0.5",
        "cache__stale_while_revalidate_s": "0.5",
        "cache__stale_if_error_s": "5",
        "isales__breaker_min_calls": "100000",
        "log__level": "error",
    }


class Crowd:
    """Asks one gateway from many threads, and looks at everything that comes."""

    def __init__(self, gateway: GatewayUnderTest, simulator: SimulatorServer) -> None:
        self.seen = Seen()
        self._gateway = gateway
        self._simulator = simulator
        self._callers = list(callers())
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    def run(self) -> None:
        """Send all requests."""
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._ask_many, range(THREADS)))

    def _ask_many(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 -- not a secret
        # More of them where a busy machine has given one of the ways no chance yet.
        while (number := next(self._numbers)) < (REQUESTS if self.seen.is_a_mix() else MOST_REQUESTS):
            if number % PERIOD == PERIOD // 2:
                self._gateway.app.extensions[EXTENSION].purge(chance.choice(VDNS))
            if number % PERIOD == 0:
                self._simulator.faults.arm(Fault("result-code", times=3, result_code="0299999"))
            caller = chance.choice(self._callers)
            vdn = chance.choice(sorted(caller.vdns)) if caller.vdns and chance.random() < 0.9 else chance.choice(VDNS)
            silent = len(caller.vdns) == 1 and vdn in caller.vdns and chance.random() < 0.5
            query = chance.choice(BAD_QUERIES) if chance.random() < 0.01 else chance.choice(QUERIES)
            asked = (
                query if silent or query in BAD_QUERIES else chance.choice((f"{query}&vdn={vdn}", f"vdn={vdn}&{query}"))
            )
            self._look(caller, vdn, *self._ask(caller, asked, chance))

    def _ask(self, caller: Caller, query: str, chance: random.Random) -> tuple[int, dict[str, str], bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/campaigns",
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            **caller.headers,
        }
        if chance.random() < 0.5:
            environ["HTTP_ACCEPT_ENCODING"] = "gzip"
        if chance.random() < 0.2 and self.seen.tags:
            environ["HTTP_IF_NONE_MATCH"] = chance.choice(list(self.seen.tags))
        came: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
            came.extend((int(status[:3]), dict(headers)))

        started: StartResponse = start_response
        body = b"".join(self._gateway.app(environ, started))
        return came[0], came[1], body

    def _look(self, caller: Caller, vdn: int, status: int, headers: dict[str, str], body: bytes) -> None:
        if headers.get("Content-Encoding") == "gzip":
            body = decompress(body)
        cache = headers.get("Cache-Status", "").partition(";")[2].partition("; ttl")[0].strip()
        kind = f"{status} {cache}{' stale' if 'ttl=-' in headers.get('Cache-Status', '') else ''}".strip()
        rows = json.loads(body)["data"] if status == 200 else []
        found = set().union(*map(vdns_of_row, rows))
        with self._lock:
            self.seen.kinds[kind] += 1
            self.seen.rows += len(rows)
            may = caller.vdns & {vdn}
            if rows:
                self.seen.tags.setdefault(headers["ETag"], vdn)
            if status == 304:
                found = {self.seen.tags.get(headers["ETag"], vdn)}
            if found - may or (status in {200, 304} and not may):
                self.seen.leaks.append(f"{caller} asked for {vdn} and got {kind} {found}")
            if status != 200 and (b"caller_number" in body or (status == 304 and body)):
                self.seen.leaks.append(f"{caller} asked for {vdn} and got {kind} {body!r}")


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    """Yield a crowd before a gateway of eight VDNs."""
    jwks_file = tmp_path / "jwks.json"
    jwks_file.write_bytes(jwks(jwk("rsa", RSA)))
    tenants = tuple(Tenant((vdn,), f"AK{vdn}", f"SK{vdn}") for vdn in VDNS)
    with SimulatorServer(SimulatorConfig(tenants=tenants, latency_s=0.01)) as simulator:
        gateway = GatewayUnderTest(simulator.base_url, real_time=True, **settings(jwks_file))
        try:
            yield Crowd(gateway, simulator)
        finally:
            gateway.close()


def test_the_simulator_marks_its_rows() -> None:
    """Each row says in three places of which VDN it is, so a row that went astray is seen."""
    for vdn in VDNS:
        for campaign in campaigns_of(vdn, 20):
            row = {"id": campaign.id, "name": campaign.name, "caller_number": campaign.caller_no}
            assert vdns_of_row(row) == {vdn}


def test_no_row_ever_goes_to_a_caller_of_another_vdn(crowd: Crowd) -> None:
    """Keys and tokens of many VDNs, cold, warm, stale, shared, failed, conditional, purged, all at once."""
    crowd.run()
    seen = crowd.seen
    assert seen.leaks == []
    assert sum(seen.kinds.values()) >= REQUESTS
    print(f"\n{sum(seen.kinds.values()):,} requests, {seen.rows:,} rows: {dict(seen.kinds.most_common())}")  # noqa: T201 -- shown with -s
    assert seen.is_a_mix(), seen.kinds
