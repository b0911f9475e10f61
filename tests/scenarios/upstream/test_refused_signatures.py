import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.keys import Tenant
from gateway.simulator.server import DEMO_TENANTS, SimulatorServer
from tests.support.clock import FakeClock
from tests.support.gateway import GatewayUnderTest
from tests.support.threads import nothing_is_fetched_behind
from tests.support.waiting import wait_until

MakeGateway = Callable[..., GatewayUnderTest]

DEMO = 'access_key = "demo-access-key", secret_key = "demo-secret-key"'
DEMO_2 = 'access_key = "demo-access-key-2", secret_key = "demo-secret-key-2"'
NEW = 'access_key = "rotated-access-key", secret_key = "rotated-secret-key"'
OLD = 'previous_access_key = "demo-access-key", previous_secret_key = "demo-secret-key"'
ROTATING = f"[{{vdn = 1, {NEW}, {OLD}}}, {{vdn = 2, {DEMO_2}}}]"
NOT_ROTATING = f"[{{vdn = 1, {DEMO}}}, {{vdn = 2, {DEMO_2}}}]"
SECRETS = re.compile("(demo|rotated)-(access|secret)-key|auth-v2")


@pytest.fixture
def ask(simulator: SimulatorServer) -> Callable[[GatewayUnderTest], tuple[int, int, int]]:
    """Return what asks a gateway for a page that it has not got: status, and how many calls and refusals that made."""
    pages = iter(range(1, 1000))

    def ask_for_another_page(gateway: GatewayUnderTest) -> tuple[int, int, int]:
        simulator.calls.reset()
        status = gateway.get(f"/campaigns?page={next(pages)}&page_size=1").status_code
        counts = simulator.calls.snapshot()
        return status, counts["total"], counts["refused"]

    return ask_for_another_page


Ask = Callable[[GatewayUnderTest], tuple[int, int, int]]


def metric(gateway: GatewayUnderTest, name: str) -> float:
    """Return the number that Prometheus would read."""
    numbers = gateway.get("/metrics", key=None).get_data(as_text=True)
    found = re.search(rf"^campaign_gateway_upstream_{re.escape(name)} (\S+)$", numbers, re.MULTILINE)
    return float(found[1]) if found else 0.0


def events(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the names of what was logged besides requests, after checking that no line shows a key or a signature."""
    captured = capsys.readouterr()
    assert not SECRETS.search(captured.err + captured.out)
    lines = [json.loads(line) for line in captured.err.splitlines()]
    return [line["event"] for line in lines if line["event"] != "request"]


@pytest.mark.parametrize("ahead", [1200.0, -1200.0])
def test_a_clock_that_is_twenty_minutes_off(
    simulator: SimulatorServer,
    gateway: GatewayUnderTest,
    ask: Ask,
    capsys: pytest.CaptureFixture[str],
    ahead: float,
) -> None:
    """It costs one more call, once; operators see it in a number and a warning; mending it costs one more call."""
    simulator.clock_ahead_s = ahead
    assert [ask(gateway) for _ in range(3)] == [(200, 2, 1), (200, 1, 0), (200, 1, 0)]
    assert metric(gateway, "clock_skew_seconds") == pytest.approx(ahead, abs=5.0)
    assert events(capsys) == ["clocks_differ"]
    simulator.clock_ahead_s = 0.0
    assert [ask(gateway) for _ in range(2)] == [(200, 2, 1), (200, 1, 0)]
    assert metric(gateway, "clock_skew_seconds") == 0.0
    assert events(capsys) == ["clocks_agree_again"]


def test_the_measured_clock_is_that_of_all_vdns(
    simulator: SimulatorServer, gateway: GatewayUnderTest, ask: Ask
) -> None:
    """What one VDN's call has measured, another's uses at once."""
    simulator.clock_ahead_s = 1200.0
    ask(gateway)
    simulator.calls.reset()
    assert gateway.get("/campaigns?vdn=2", key="two-key").status_code == 200
    assert simulator.calls.total == 1


def test_a_clock_that_is_accepted_is_left_alone(
    simulator: SimulatorServer, gateway: GatewayUnderTest, ask: Ask
) -> None:
    """Ten minutes off are within what CC-iSales takes, and nothing is measured."""
    simulator.clock_ahead_s = 600.0
    assert ask(gateway) == (200, 1, 0)
    assert metric(gateway, "clock_skew_seconds") == 0.0


def test_a_refusal_that_lies_about_the_time(simulator: SimulatorServer, gateway: GatewayUnderTest, ask: Ask) -> None:
    """A Date that does not help is believed for one call and not kept."""
    simulator.faults.arm(Fault("wrong-clock"))
    assert ask(gateway)[:2] == (502, 2)
    assert metric(gateway, "clock_skew_seconds") == 0.0
    simulator.faults.clear()
    gateway.clock.advance(2)
    assert ask(gateway) == (200, 1, 0)


@pytest.mark.parametrize(("ahead", "outcome"), [(86_000.0, (200, 2, 1)), (86_500.0, (502, 1, 1)), (-1e7, (502, 1, 1))])
def test_a_clock_that_is_more_than_a_day_off_is_not_believed(
    simulator: SimulatorServer, gateway: GatewayUnderTest, ask: Ask, ahead: float, outcome: tuple[int, int, int]
) -> None:
    """Up to a day is measured and used, beyond that no second call is made."""
    simulator.clock_ahead_s = ahead
    assert ask(gateway) == outcome


def test_a_rotation_from_its_beginning_to_its_end(
    simulator: SimulatorServer, make_gateway: MakeGateway, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    """The keys of before are used while only they are good, and the new ones by themselves once they are."""
    gateway = make_gateway(tenants=ROTATING)
    simulator.revoked = frozenset({"rotated-access-key"})
    assert [ask(gateway) for _ in range(3)] == [(200, 2, 1), (200, 1, 0), (200, 1, 0)]
    gateway.clock.advance(60)
    assert [ask(gateway) for _ in range(2)] == [(200, 2, 1), (200, 1, 0)]
    assert events(capsys) == ["signing_with_previous_keys"]
    assert metric(gateway, 'signatures_total{key="previous",vdn="1"}') == 5
    assert metric(gateway, 'signatures_total{key="current",vdn="1"}') == 0
    simulator.revoked = frozenset()
    gateway.clock.advance(120)
    assert ask(gateway) == (200, 1, 0)
    simulator.revoked = frozenset({"demo-access-key"})
    assert [ask(gateway) for _ in range(2)] == [(200, 1, 0)] * 2
    assert events(capsys) == ["signing_with_current_keys"]
    assert metric(gateway, 'signatures_total{key="previous",vdn="1"}') == 5
    assert metric(gateway, 'signatures_total{key="current",vdn="1"}') == 3


def test_old_keys_that_are_revoked_before_the_minute_is_over(
    simulator: SimulatorServer, make_gateway: MakeGateway, ask: Ask
) -> None:
    """The current keys are tried in the same call when those that worked last are refused."""
    gateway = make_gateway(tenants=ROTATING)
    simulator.revoked = frozenset({"rotated-access-key"})
    ask(gateway)
    simulator.revoked = frozenset({"demo-access-key"})
    assert [ask(gateway) for _ in range(2)] == [(200, 2, 1), (200, 1, 0)]


def test_a_clock_and_keys_that_are_wrong_at_once(
    simulator: SimulatorServer, make_gateway: MakeGateway, ask: Ask
) -> None:
    """No call costs more than two, and the second caller gets a page."""
    gateway = make_gateway(tenants=ROTATING)
    simulator.revoked = frozenset({"rotated-access-key"})
    simulator.clock_ahead_s = 1200.0
    assert [ask(gateway) for _ in range(3)] == [(502, 2, 2), (200, 2, 1), (200, 1, 0)]


@pytest.mark.parametrize(
    ("tenants", "total", "why"),
    [
        (
            ROTATING,
            2,
            "It refused the current keys and the previous ones. Its clock and the time that was signed agree.",
        ),
        (NOT_ROTATING, 1, "Its clock and the time that was signed agree."),
    ],
    ids=["two", "one"],
)
def test_keys_that_are_wrong(
    simulator: SimulatorServer,
    make_gateway: MakeGateway,
    capsys: pytest.CaptureFixture[str],
    tenants: str,
    total: int,
    why: str,
) -> None:
    """They are our fault, not the caller's, cost two calls at most, are not retried, and show nowhere."""
    gateway = make_gateway(tenants=tenants, isales__retry_budget="1", isales__max_attempts="5", log__level="debug")
    simulator.revoked = frozenset({"demo-access-key", "rotated-access-key"})
    for _ in range(2):
        simulator.calls.reset()
        status, name, document = gateway.problem("/campaigns")
        assert (status, name) == (502, "upstream-refused-credentials")
        assert document["detail"].endswith(why)
        assert not SECRETS.search(str(document))
        assert simulator.calls.total == total
        gateway.clock.advance(2)
    assert events(capsys) == []


THREE = """[
    {vdn = 1, access_key = "demo-access-key", secret_key = "wrong-secret-key"},
    {vdn = 2, access_key = "demo-access-key-2", secret_key = "demo-secret-key-2"},
    {vdn = 3, access_key = "demo-access-key-3", secret_key = "demo-secret-key-3"},
]"""
OF_THREE = Tenant(vdns=(3,), access_key="demo-access-key-3", secret_key="demo-secret-key-3")


def test_one_wrong_key_among_three_tenants() -> None:
    """In ten minutes it is shown a few times, its callers know at once, and those of others get all their pages."""
    with SimulatorServer(SimulatorConfig(tenants=(*DEMO_TENANTS, OF_THREE))) as simulator:
        gateway = GatewayUnderTest(simulator.base_url, FakeClock(), tenants=THREE)
        refused_after_five_minutes = 0
        for turn in range(300):
            status, problem, _ = gateway.problem(f"/campaigns?vdn=1&page={1 + turn % 5}", key="all-key")
            assert (status, problem) == (502, "upstream-refused-credentials")
            for vdn in (2, 3):
                assert gateway.get(f"/campaigns?vdn={vdn}", key="all-key").status_code == 200
            wait_until(nothing_is_fetched_behind)
            gateway.clock.advance(2)
            if turn == 150:
                refused_after_five_minutes = simulator.calls.snapshot()["refused"]
        refused = simulator.calls.snapshot()["refused"]
        assert 2 <= refused_after_five_minutes <= 5
        assert refused_after_five_minutes < refused <= 10
        assert metric(gateway, 'refused_signatures_total{vdn="1"}') == refused
        assert [metric(gateway, f'keys_refused{{vdn="{vdn}"}}') for vdn in (1, 2, 3)] == [1, 0, 0]
        gateway.close()


SIX = [Tenant((vdn,), f"demo-access-key-{vdn}", f"demo-secret-key-{vdn}") for vdn in range(1, 7)]


def test_a_crowd_that_begins_with_a_wrong_clock_does_not_lock_the_address() -> None:
    """Nobody is turned away by a CC-iSales that locks after five refused signatures in a row: a few calls find out."""
    tenants = [
        f'{{vdn = {each.vdns[0]}, access_key = "{each.access_key}", secret_key = "{each.secret_key}"}}' for each in SIX
    ]
    # So long that calls which go at once are refused at once.
    with SimulatorServer(SimulatorConfig(tenants=tuple(SIX), latency_s=0.1)) as simulator:
        simulator.clock_ahead_s = 1200.0
        gateway = GatewayUnderTest(simulator.base_url, FakeClock(), tenants=f"[{', '.join(tenants)}]")
        paths = [f"/campaigns?vdn={vdn}&page={page}" for page in (1, 2) for vdn in range(1, 7)]
        with ThreadPoolExecutor(len(paths)) as pool:
            statuses = [answer.status_code for answer in pool.map(lambda path: gateway.get(path, "all-key"), paths)]
        gateway.close()
        counts = simulator.calls.snapshot()
    assert statuses == [200] * len(paths)
    assert counts["locked"] == 0
    assert 1 <= counts["refused"] <= 4


def test_a_queue_whose_key_is_revoked_shows_it_once(simulator: SimulatorServer, make_gateway: MakeGateway) -> None:
    """Callers that wait for the only slot hear of the refusal, and CC-iSales hears nothing of them."""
    gateway = make_gateway(tenants=NOT_ROTATING, isales__concurrency="1")
    assert gateway.get("/campaigns").status_code == 200
    simulator.revoked, simulator.latency_s = frozenset({"demo-access-key"}), 0.05
    with ThreadPoolExecutor(10) as pool:
        answers = pool.map(lambda page: gateway.problem(f"/campaigns?page={page}"), range(2, 12))
        assert {answer[:2] for answer in answers} == {(502, "upstream-refused-credentials")}
    assert simulator.calls.snapshot()["refused"] == 1


def test_processes_that_share_a_redis_show_a_wrong_key_a_few_times(
    simulator: SimulatorServer, make_sharing: Callable[..., GatewayUnderTest]
) -> None:
    """Thirty callers of three processes make four calls at most; the others' error says that it was refused."""
    wrong = NOT_ROTATING.replace('secret_key = "demo-secret-key"', 'secret_key = "wrong-secret-key"')
    gateways = [make_sharing(tenants=wrong) for _ in range(3)]
    with ThreadPoolExecutor(30) as pool:
        answers = [pool.submit(gateways[n % 3].problem, f"/campaigns?page={n + 1}") for n in range(30)]
        problems = {answer.result(20)[1] for answer in answers}
    assert problems == {"upstream-refused-credentials"}
    assert 1 <= simulator.calls.snapshot()["refused"] == simulator.calls.total <= 4


def test_the_second_signature_is_part_of_the_attempt(
    simulator: SimulatorServer, make_gateway: MakeGateway, ask: Ask
) -> None:
    """A second signature that meets a failure which can heal is retried like any call; it is no retry itself."""
    gateway = make_gateway(tenants=ROTATING)
    simulator.revoked = frozenset({"rotated-access-key"})
    simulator.faults.arm(Fault("http-status", times=1, status=502))
    # Refused, failed, and good: the refused keys are not shown again so soon.
    assert ask(gateway) == (200, 3, 1)
    assert metric(gateway, "retries_total") == 1
