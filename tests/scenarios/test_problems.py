"""Everything that can go wrong, as callers see it: problem, status, words, and that nothing of it stays."""

import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from gateway.access.keys import key_hash
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import KEYS, GatewayUnderTest
from tests.support.waiting import wait_until

LITTLE_PATIENCE = {"isales__read_timeout_s": "0.4", "isales__deadline_s": "0.6"}
USUAL_PATIENCE = {"isales__deadline_s": "9"}
ROOM_S = 3.0
"""So much more than the deadline a busy machine may take."""

FAULTS = [
    (Fault("hang"), 504, "upstream-timeout"),
    (Fault("latency", seconds=2), 504, "upstream-timeout"),
    (Fault("drip", seconds=0.2), 504, "upstream-timeout"),
    (Fault("drip-headers", seconds=0.2), 504, "upstream-timeout"),
    (Fault("reset-before"), 502, "upstream-unreachable"),
    (Fault("reset-in-headers"), 502, "upstream-unreachable"),
    (Fault("reset-in-body"), 502, "upstream-unreachable"),
    (Fault("short-body"), 502, "upstream-broken-contract"),
    (Fault("not-json"), 502, "upstream-broken-contract"),
    (Fault("json-list"), 502, "upstream-broken-contract"),
    (Fault("no-envelope"), 502, "upstream-broken-contract"),
    (Fault("no-data"), 502, "upstream-broken-contract"),
    (Fault("null-data"), 502, "upstream-broken-contract"),
    (Fault("html"), 502, "upstream-broken-contract"),
    (Fault("gzip-bomb"), 502, "upstream-broken-contract"),
    (Fault("endless"), 502, "upstream-broken-contract"),
    (Fault("wrong-charset"), 502, "upstream-broken-contract"),
    (Fault("bom"), 502, "upstream-broken-contract"),
    (Fault("nan"), 502, "upstream-broken-contract"),
    (Fault("duplicate-keys"), 502, "upstream-broken-contract"),
    (Fault("deep-nesting"), 502, "upstream-broken-contract"),
    (Fault("no-result-code"), 502, "upstream-broken-contract"),
    (Fault("redirect"), 502, "upstream-broken-contract"),
    (Fault("http-status", status=404), 502, "upstream-broken-contract"),
    (Fault("http-status", status=429), 503, "upstream-overloaded"),
    (Fault("http-status", status=503), 503, "upstream-overloaded"),
    (Fault("http-status", status=500), 502, "upstream-failed"),
    (Fault("result-code", result_code="0200006"), 502, "upstream-failed"),
    (Fault("result-code", result_code="0299999"), 502, "upstream-failed"),
    (Fault("wrong-clock"), 502, "upstream-refused-credentials"),
    *(
        (Fault("result-code", result_code=code), 400, "upstream-rejected-parameters")
        for code in ("0200001", *(f"020000{number:02}" for number in range(1, 12)))
    ),
]


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    FAULTS,
    ids=[f"{fault.kind}-{fault.status}-{fault.result_code}" for fault, _, _ in FAULTS],
)
def test_each_upstream_fault_has_its_problem(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], fault: Fault, status: int, name: str
) -> None:
    """The caller gets the fault's problem within the deadline, and the next good request works."""
    patience = LITTLE_PATIENCE if name == "upstream-timeout" else USUAL_PATIENCE
    gateway = make_gateway(real_time=True, **patience)
    simulator.faults.arm(fault)
    started = time.monotonic()
    got_status, got_name, document = gateway.problem("/campaigns")
    assert time.monotonic() - started < float(patience["isales__deadline_s"]) + ROOM_S
    assert (got_status, got_name) == (status, name)
    assert "Traceback" not in str(document)
    assert "demo-secret-key" not in str(document)
    if fault.kind == "result-code":
        assert document["upstream"]["result_code"] == fault.result_code
    simulator.faults.clear()
    # At once, but for keys that were refused, which are not shown again for a moment.
    wait_until(lambda: gateway.get("/campaigns").status_code == 200)


def test_retry_after_is_passed_on(simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """Callers are told what CC-iSales told the gateway, and the next good request after that works."""
    gateway = make_gateway(isales__deadline_s="5")
    for said in ("7", "21600"):
        simulator.faults.arm(Fault("http-status", status=503, retry_after=said, times=1))
        assert gateway.get("/campaigns").headers["Retry-After"] == said
        gateway.clock.advance(int(said))
        assert gateway.get("/campaigns?page=2").status_code == 200
        gateway.get("/cache", method="DELETE", key="purger-key")


def test_a_wrong_secret_is_our_fault_not_the_callers(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """CC-iSales' 401 becomes 502: the caller's own credentials are good."""
    gateway = make_gateway(tenants__0__secret_key="wrong")
    assert gateway.problem("/campaigns")[:2] == (502, "upstream-refused-credentials")


def test_nothing_listens(simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """A refused connection and an unknown name are unreachable, each in its own words."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = make_gateway(isales__base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        status, name, document = refused.problem("/campaigns")
        assert (status, name) == (502, "upstream-unreachable")
        assert "refused the connection" in document["detail"]
    unknown = make_gateway(isales__base_url="http://isales.invalid")
    status, name, document = unknown.problem("/campaigns")
    assert (status, name) == (502, "upstream-unreachable")
    assert "does not resolve" in document["detail"]


def test_the_budget_of_calls_is_kept(simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """Never more than `concurrency` calls are in flight, and all who wait get their turn."""
    gateway = make_gateway(real_time=True, isales__concurrency="2", isales__deadline_s="25")
    simulator.latency_s = 0.3
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda page: gateway.get(f"/campaigns?page={page}").status_code, range(1, 11)))
    assert answers == [200] * 10
    assert simulator.calls.snapshot()["max_in_flight"] == 2


def test_descriptions_come_in_the_callers_language(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """`Accept-Language` chooses the language of what CC-iSales says in errors; the tenant's is the default."""
    said = {}
    long = "en, " + "fr;q=0.1, " * 100
    for language in ("en-GB, en;q=0.8", "zh-CN", "fr", long):
        simulator.faults.arm(Fault("result-code", result_code="0200006"))
        _, _, document = gateway.problem("/campaigns", headers={"Accept-Language": language})
        said[language] = document["upstream"]["result_desc"]
    assert said["en-GB, en;q=0.8"].isascii()
    assert not said["zh-CN"].isascii()
    assert said["fr"] == said[long] == said["zh-CN"]


CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
ENGLISH_WORDS = re.compile(r"(?<![a-z\"-])[a-z]{2,} [a-z]{2,}")


@pytest.mark.parametrize("fault", [fault for fault, _, _ in FAULTS[:-12]], ids=str)
def test_each_upstream_fault_is_told_in_chinese(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], fault: Fault
) -> None:
    """In whole, however it is put together; only names and CC-iSales' own words are others'."""
    gateway = make_gateway(real_time=True, **LITTLE_PATIENCE)
    simulator.faults.arm(fault)
    _, _, document = gateway.problem("/campaigns", headers=CHINESE)
    for text in (document["title"], document["detail"]):
        assert not text.isascii()
        assert not ENGLISH_WORDS.search(text), text


@pytest.mark.parametrize(
    ("path", "options"),
    [
        (
            "/campaigns?page=0&x=1&x=1&begins_from=2024-02-30&status=new&name=%zz&cc_id=+1&ends_to=2024-01-01T00:00:00",
            {},
        ),
        ("/campaigns?page=0", {}),
        ("/campaigns?pgae=1", {}),
        ("/campaigns?vdn=2", {}),
        ("/campaigns", {"key": None}),
        ("/campaigns", {"key": "wrong"}),
        ("/campaigns", {"key": "all-key"}),
        ("/campaigns", {"method": "POST"}),
        ("/campaigns", {"headers": {"Accept": "text/html"}}),
        ("/problems", {"headers": {"Accept": "image/png"}}),
        ("/problems/nothing", {}),
        ("/nothing", {}),
        ("/cache/explain", {}),
    ],
)
def test_each_fault_of_a_request_is_told_in_chinese(
    gateway: GatewayUnderTest, path: str, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the same status, type and names as in English; the log stays English."""
    english = gateway.get(path, **options)
    options = {**options, "headers": {**CHINESE, **options.get("headers", {})}}
    answer = gateway.get(path, **options)
    assert (answer.headers["Content-Language"], english.headers["Content-Language"]) == ("zh-CN", "en")
    assert answer.headers["Vary"] == english.headers["Vary"] == "Accept-Language"
    ours, theirs = answer.get_json(), english.get_json()
    for name in ("type", "status", "instance"):
        assert ours[name] == theirs[name]
    faults = [(fault["parameter"], fault["message"]) for fault in ours.get("errors", ())]
    assert [name for name, _ in faults] == [fault["parameter"] for fault in theirs.get("errors", ())]
    for text in (ours["title"], ours["detail"], *(message for _, message in faults)):
        assert not text.isascii()
        assert not ENGLISH_WORDS.search(text), text
    assert capsys.readouterr().err.isascii()


def test_the_language_splits_no_good_page(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Who prefers Chinese gets the page that is there, with the same headers."""
    gateway.get("/campaigns")
    plain, chinese = gateway.get("/campaigns"), gateway.get("/campaigns", headers=CHINESE)
    assert simulator.calls.total == 1
    assert (chinese.data, chinese.headers["ETag"]) == (plain.data, plain.headers["ETag"])
    for answer in (plain, chinese):
        assert "Language" not in answer.headers["Vary"]
        assert "Content-Language" not in answer.headers


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("pgae=1", ["pgae"]),
        ("page=1&page=1", ["page"]),
        ("page=0&page_size=101&status=new&device_type=x&cc_id=65536&vdn=10000", None),
        ("page=", ["page"]),
        ("status=", ["status"]),
        ("name=" + "x" * 31, ["name"]),
        ("name=%00", ["name"]),
        ("name=a%0D%0Ab", ["name"]),
        ("name=%ED%A0%80", ["name"]),
        ("name=%zz", ["name"]),
        ("begins_from=2024-01-01T00:00:00", ["begins_from"]),
        ("begins_from=2024-01-01T00:00:00+08:00", ["begins_from"]),
        ("begins_from=2024-02-30", ["begins_from"]),
        ("begins_from=2024-02-02&ends_to=2024-02-01", ["begins_from"]),
        ("begins_from=2024-02-02&ends_to=2024-02-01T00:00:00Z", ["begins_from"]),
        ("page=1_0", ["page"]),
        ("page=%EF%BC%91", ["page"]),
        ("page=%201", ["page"]),
        ("page=1.0", ["page"]),
        ("begins_from=2024-02-02&ends_to=2024-02-01T00:00:00Z&page=0&x=1&x=1", ["begins_from", "page", "x", "x"]),
    ],
)
def test_bad_parameters_are_all_named(
    simulator: SimulatorServer, gateway: GatewayUnderTest, query: str, parameters: list[str] | None
) -> None:
    """Every fault of a query is in one answer, and CC-iSales is not asked."""
    status, name, document = gateway.problem(f"/campaigns?{query}")
    assert (status, name) == (400, "invalid-parameters")
    named = [fault["parameter"] for fault in document["errors"]]
    assert named == (parameters or ["page", "page_size", "status", "device_type", "cc_id", "vdn"])
    assert all(fault["message"] for fault in document["errors"])
    assert simulator.calls.total == 0


def test_the_vdn_is_required_of_who_may_read_several(gateway: GatewayUnderTest) -> None:
    """It is one fault among the others."""
    _, _, document = gateway.problem("/campaigns", key="all-key")
    assert [fault["parameter"] for fault in document["errors"]] == ["vdn"]
    _, _, document = gateway.problem("/campaigns?page=0", key="all-key")
    assert {fault["parameter"] for fault in document["errors"]} == {"vdn", "page"}
    query = "begins_from=2024-02-02&ends_to=2024-02-01T00:00:00Z&pgae=1&cc_id=1&cc_id=1&name=" + "x" * 31
    _, _, document = gateway.problem(f"/campaigns?{query}", key="all-key")
    named = [fault["parameter"] for fault in document["errors"]]
    assert named == ["begins_from", "pgae", "cc_id", "name", "vdn"]


def test_who_may_read_no_vdn_is_told_so(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """It is forbidden, whatever the query is like, for the right is what lacks; and where it was looked for is said."""
    gateway = make_gateway(clients=f'[{{name = "web", key_sha256 = "{key_hash(KEYS["web"])}"}}]')
    for query in ("", "?vdn=1", "?page=0", "?vdn=77&nothing=1"):
        status, name, document = gateway.problem(f"/campaigns{query}")
        assert (status, name) == (403, "forbidden")
        assert document["detail"] == "Client 'web' may read no VDN. Its setting `vdns` lists none."
    gateway = make_gateway(clients=f'[{{name = "web", key_sha256 = "{key_hash(KEYS["web"])}", vdns = [77]}}]')
    assert gateway.problem("/campaigns")[2]["detail"].endswith("Its setting `vdns` lists none that is served here.")


@pytest.mark.parametrize("path", ["/cache", "/cache/explain"])
def test_who_may_read_no_vdn_may_not_look_after_any(make_gateway: Callable[..., GatewayUnderTest], path: str) -> None:
    """The scopes for it are not enough: there would be nothing to purge or to explain, and no word about it."""
    table = f'{{name = "web", key_sha256 = "{key_hash(KEYS["web"])}", scopes = ["cache:purge", "diagnostics:read"]}}'
    method = "DELETE" if path == "/cache" else "GET"
    status, name, _ = make_gateway(clients=f"[{table}]").problem(path, method=method)
    assert (status, name) == (403, "forbidden")


@pytest.mark.parametrize(
    ("path", "options", "status", "name"),
    [
        ("/campaigns", {"key": None}, 401, "unauthenticated"),
        ("/campaigns?page=0", {"key": "wrong"}, 401, "unauthenticated"),
        ("/campaigns?vdn=2", {}, 403, "forbidden"),
        ("/campaigns?vdn=77", {"key": "all-key"}, 403, "forbidden"),
        ("/campaigns", {"key": "purger-key"}, 403, "forbidden"),
        ("/nothing", {}, 404, "not-found"),
        ("/campaigns/", {}, 404, "not-found"),
        ("//campaigns", {"key": None}, 404, "not-found"),
        ("//campaigns", {"method": "OPTIONS"}, 404, "not-found"),
        ("///problems/not-found", {}, 404, "not-found"),
        ("/campaigns", {"method": "POST"}, 405, "method-not-allowed"),
        ("/campaigns", {"headers": {"Accept": "text/html"}}, 406, "not-acceptable"),
    ],
)
def test_each_fault_of_a_request_has_its_problem(
    gateway: GatewayUnderTest, path: str, options: dict[str, object], status: int, name: str
) -> None:
    """Status and problem are those of the table, and the page that the type names exists."""
    got_status, got_name, document = gateway.problem(path, **options)
    assert (got_status, got_name) == (status, name)
    page = urlsplit(urljoin(f"http://gateway.example{path}", document["type"])).path
    explained = gateway.get(page, key=None).get_json()
    assert (explained["title"], explained["status"]) == (document["title"], status)
    answer = gateway.get(path, **options)  # type: ignore[arg-type] # -- the table holds what `get` takes
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert ("Allow" in answer.headers) == (status == 405)
    assert answer.headers["Cache-Control"] == "no-store"


def test_access_is_decided_before_the_cache(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """A page that is fresh for one caller is still refused to another."""
    assert gateway.get("/campaigns").status_code == 200
    assert gateway.problem("/campaigns?vdn=1", key="two-key")[:2] == (403, "forbidden")
    assert gateway.problem("/campaigns", key=None)[:2] == (401, "unauthenticated")
    assert simulator.calls.total == 1


def test_keys_in_the_url_are_not_looked_at(gateway: GatewayUnderTest) -> None:
    """A key in the query does not authenticate, and is not repeated in the answer."""
    answer = gateway.get("/campaigns?X-API-Key=web-key", key=None)
    assert answer.status_code == 401
    assert "web-key" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("offered", "kept"), [("abc-123", True), ("x" * 129, False), ("a b", False), ("a\x7fb", False), ("é", False)]
)
def test_sane_request_ids_are_kept(gateway: GatewayUnderTest, offered: str, kept: bool) -> None:  # noqa: FBT001 -- a table
    """A sane id comes back; another one is replaced by one of ours."""
    answer = gateway.get("/healthz", headers={"X-Request-Id": offered})
    assert (answer.headers["X-Request-Id"] == offered) == kept
    assert len(answer.headers["X-Request-Id"]) >= 7
