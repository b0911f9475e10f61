"""Reloads of a gateway with the simulator behind it: what takes effect, what lasts, and what must not be lost."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.access.keys import key_hash
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support import cache_status
from tests.support.gateway import HELD_S, HOLDING
from tests.support.redis_server import RedisServer, redis_server
from tests.support.reloading import ReloadedGateway
from tests.support.time_zones import other_data, zone_folder
from tests.support.waiting import wait_until

TENANTS = """[
    {vdn = 1, access_key = "demo-access-key", secret_key = "%s"},
    {vdn = 2, access_key = "demo-access-key-2", secret_key = "demo-secret-key-2"},
]"""
HITS = 'campaign_gateway_cache_lookups_total{outcome="hit",rung="fresh",tier="process"}'
RELOADS = 16
WARMED_UP = 6
REFRESHES = 'campaign_gateway_cache_refreshes_total{outcome="ok"}'
REQUESTS = 'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="200"}'


def clients(*keys: str, scopes: str = '"campaigns:read"') -> str:
    """Return the setting for clients of VDN 1 with these keys."""
    named = ((key.removesuffix("-key"), key_hash(key)) for key in keys)
    each = (f'{{name = "{name}", key_sha256 = "{digest}", vdns = [1], scopes = [{scopes}]}}' for name, digest in named)
    return f"[{', '.join(each)}]"


@pytest.fixture
def serve(simulator: SimulatorServer) -> Iterator[Callable[..., ReloadedGateway]]:
    """Return a function that serves a gateway in front of the simulator, with settings of the test's own."""
    with ExitStack() as stack:

        def make(*, real_time: bool = False, **variables: str) -> ReloadedGateway:
            made = ReloadedGateway(simulator.base_url, real_time=real_time, **variables)
            return stack.enter_context(closing(made))

        yield make


def test_a_revoked_client_is_refused_at_once_and_a_new_one_taken(serve: Callable[..., ReloadedGateway]) -> None:
    """On the fast path too, which had remembered the key; the page that is at hand is served to the new client."""
    gateway = serve(clients=clients("old-key"))
    assert [gateway.cached(key="old-key") for _ in range(3)] == ["fwd=miss; stored", "hit", "hit"]
    assert gateway.get(key="new-key").status_code == 401
    assert gateway.reload(clients=clients("new-key"))
    assert gateway.get(key="old-key").status_code == 401
    assert [gateway.cached(key="new-key") for _ in range(2)] == ["hit", "hit"]


def test_other_scopes_and_vdns_take_effect_on_the_fast_path(serve: Callable[..., ReloadedGateway]) -> None:
    """A client that may do less is refused what it had a moment ago."""
    gateway = serve(clients=clients("key"))
    assert [gateway.cached(key="key") for _ in range(2)] == ["fwd=miss; stored", "hit"]
    assert gateway.reload(clients=clients("key", scopes='"diagnostics:read"'))
    assert gateway.get(key="key").status_code == 403
    assert gateway.reload(clients=clients("key").replace("vdns = [1]", "vdns = [2]"))
    assert gateway.get("/campaigns?vdn=1", key="key").status_code == 403
    assert gateway.reload(clients=clients("key"))
    assert gateway.cached(key="key") == "hit"


def test_pages_outlast_a_reload_and_take_on_new_lifetimes(
    serve: Callable[..., ReloadedGateway], simulator: SimulatorServer
) -> None:
    """Nothing is fetched for a reload; a shorter freshness holds for the pages that are there already."""
    gateway = serve(cache__fresh_s="3600")
    gateway.cached()
    gateway.clock.advance(100)
    assert gateway.reload(log__level="warning", cache__max_bytes="50000000")
    assert gateway.cached() == "hit"
    assert simulator.calls.total == 1
    assert gateway.reload(cache__fresh_s="10", cache__stale_while_revalidate_s="0", cache__stale_if_error_s="0")
    assert gateway.cached() == "fwd=stale; stored"
    assert gateway.reload(cache__max_bytes="0")
    assert gateway.number("campaign_gateway_cache_held_pages") == 0
    assert gateway.cached() == "fwd=miss"


def test_another_upstream_or_time_zone_has_pages_of_its_own(serve: Callable[..., ReloadedGateway]) -> None:
    """What decides a page decides its key, after a reload as ever."""
    gateway = serve()
    gateway.cached()
    assert gateway.reload(
        tenants=(TENANTS % "demo-secret-key").replace("vdn = 1,", 'vdn = 1, time_zone = "Asia/Tokyo",')
    )
    assert gateway.cached() == "fwd=miss; stored"


def test_new_time_zone_data_is_taken(serve: Callable[..., ReloadedGateway], tmp_path: Path) -> None:
    """Rows are read by the new rules, no page is shown that was read by those before, and readiness tells which."""
    edmonton = (TENANTS % "demo-secret-key").replace("vdn = 1,", 'vdn = 1, time_zone = "America/Edmonton",')
    gateway = serve(tenants=edmonton)
    before = gateway.get().get_json()["data"][0]["begins_at"]
    with other_data(zone_folder(tmp_path, "2999a", {"America/Edmonton": "Etc/GMT-14"})):
        assert gateway.reload()
        assert gateway.readiness()["dependencies"]["time_zones"] == {"status": "ok", "release": "2999a"}
        after = gateway.get().get_json()["data"][0]["begins_at"]
        later_by = datetime.fromisoformat(before) - datetime.fromisoformat(after)
        assert timedelta(hours=19) < later_by < timedelta(hours=22)
        assert gateway.reload()
        assert gateway.cached() == "hit"
    assert gateway.reload()
    assert gateway.get().get_json()["data"][0]["begins_at"] == before


def test_numbers_go_on_over_reloads(serve: Callable[..., ReloadedGateway]) -> None:
    """No counter starts anew, none counts twice, and gauges show the app that serves."""
    gateway = serve()
    for _ in range(3):
        gateway.cached()
        assert gateway.reload(log__level="info")
    assert gateway.cached() == "hit"
    assert (gateway.number(HITS), gateway.number(REQUESTS)) == (3, 4)
    assert gateway.number('campaign_gateway_upstream_fetches_total{outcome="ok",result_code="0200000",vdn="1"}') == 1
    assert gateway.number("campaign_gateway_cache_held_pages") == 1
    told = gateway.get("/metrics").get_data(as_text=True).splitlines()
    series = [line.rpartition(" ")[0] for line in told if not line.startswith("#")]
    assert len(series) == len(set(series))
    assert gateway.reload(
        clients=clients("web-key"),
        tenants='[{vdn = 1, access_key = "demo-access-key", secret_key = "demo-secret-key"}]',
    )
    text = gateway.get("/metrics").get_data(as_text=True)
    assert 'campaign_gateway_upstream_circuit_state{vdn="1"} 0.0' in text
    assert 'campaign_gateway_upstream_circuit_state{vdn="2"}' not in text
    assert 'campaign_gateway_upstream_pause_seconds{vdn="2"}' not in text
    seen = [line for line in text.splitlines() if line.startswith("campaign_gateway_client_last_seen")]
    assert [line.partition("}")[0] for line in seen] == [
        'campaign_gateway_client_last_seen_timestamp_seconds{client="web",credential="current"'
    ]


def test_a_faulty_reload_shows_and_the_settings_before_stay(serve: Callable[..., ReloadedGateway]) -> None:
    """In readiness, which is degraded, and in the numbers, until the next good one."""
    gateway = serve()
    assert gateway.readiness()["dependencies"]["settings"] == {"status": "ok"}
    assert gateway.number("campaign_gateway_settings_reload_success") == 1
    loaded_at = gateway.number("campaign_gateway_settings_last_reload_timestamp_seconds")
    assert loaded_at > 1e9
    assert not gateway.reload(isales__concurrency="none", clients=clients("new-key"))
    ready = gateway.readiness()
    assert ready["status"] == "degraded"
    assert ready["dependencies"]["settings"]["status"] == "failing"
    assert ready["dependencies"]["settings"]["faults"] == 1
    assert gateway.number("campaign_gateway_settings_reload_success") == 0
    assert gateway.number("campaign_gateway_settings_last_reload_timestamp_seconds") == loaded_at
    assert gateway.get(key="web-key").status_code == 200
    assert gateway.get(key="new-key").status_code == 401
    assert gateway.reload(isales__concurrency="5")
    assert gateway.readiness()["dependencies"]["settings"] == {"status": "ok"}
    assert gateway.get(key="new-key").status_code == 200


def test_new_keys_of_a_tenant_are_used_at_once(
    serve: Callable[..., ReloadedGateway], simulator: SimulatorServer
) -> None:
    """A circuit that opened because CC-iSales refused the old ones does not keep the new ones from being tried."""
    gateway = serve(tenants=TENANTS % "wrong", isales__breaker_min_calls="1")
    assert gateway.get().status_code == 502
    assert gateway.get().status_code == 503
    assert gateway.reload(tenants=TENANTS % "demo-secret-key")
    assert gateway.cached() == "fwd=miss; stored"


def test_what_was_learned_of_keys_goes_with_them(
    serve: Callable[..., ReloadedGateway], simulator: SimulatorServer
) -> None:
    """A reload keeps it while the keys are the same; keys that come back after others are tried as new ones."""
    previous = 'previous_access_key = "demo-access-key", previous_secret_key = "demo-secret-key"'
    rotating = f'[{{vdn = 1, access_key = "demo-access-key", secret_key = "wrong", {previous}}}]'
    refused: list[int] = []
    gateway = serve(tenants=rotating)
    for page, tenants in enumerate((rotating, rotating, TENANTS % "demo-secret-key", rotating), 1):
        assert gateway.reload(tenants=tenants)
        assert gateway.cached(f"/campaigns?page={page}") == "fwd=miss; stored"
        refused.append(simulator.calls.snapshot()["refused"])
    assert refused == [1, 1, 1, 2]


def test_a_pause_that_the_upstream_asked_for_outlasts_a_reload(
    serve: Callable[..., ReloadedGateway], simulator: SimulatorServer
) -> None:
    """Whoever reloads for another reason does not make the gateway forget it; another address is another matter."""
    gateway = serve()
    simulator.faults.arm(Fault("http-status", times=1, status=503, retry_after="600"))
    assert gateway.get().status_code == 503
    assert gateway.reload(clients=clients("new-key"))
    assert gateway.get(key="new-key").status_code == 503
    assert simulator.calls.total == 1
    assert gateway.number('campaign_gateway_upstream_pause_seconds{vdn="all"}') == 600
    assert gateway.reload(isales__base_url=simulator.base_url.replace("127.0.0.1", "localhost"))
    assert gateway.get(key="new-key").status_code == 200


def test_the_call_budget_holds_over_a_reload(serve: Callable[..., ReloadedGateway], simulator: SimulatorServer) -> None:
    """Calls of the old app and of the new one together are never more than allowed; a lower budget counts at once."""
    gateway = serve(real_time=True, isales__concurrency="4", **HOLDING)
    simulator.latency_s = 0.3
    with ThreadPoolExecutor(24) as pool:
        early = [pool.submit(gateway.get, f"/campaigns?page={page}") for page in range(1, 9)]
        assert simulator.calls.wait_for_in_flight(4, 10)
        assert gateway.reload(log__level="warning")
        late = [pool.submit(gateway.get, f"/campaigns?page={page}") for page in range(9, 17)]
        assert gateway.reload(log__level="info")
        assert [answer.result().status_code for answer in (*early, *late)] == [200] * 16
        assert simulator.calls.snapshot()["max_in_flight"] == 4
        simulator.latency_s = HELD_S
        again = [pool.submit(gateway.get, f"/campaigns?page_size=20&page={page}") for page in range(1, 9)]
        assert simulator.calls.wait_for_in_flight(4, 10)
        assert gateway.reload(isales__concurrency="2")
        simulator.latency_s = 0.3
        assert simulator.calls.wait_for_in_flight(2, 10)
        simulator.calls.reset()
        assert [answer.result().status_code for answer in again] == [200] * 8
        more = [pool.submit(gateway.get, f"/campaigns?page_size=30&page={page}") for page in range(1, 6)]
        assert [answer.result().status_code for answer in more] == [200] * 5
        assert gateway.reload(isales__concurrency="6")
        simulator.latency_s = HELD_S
        most = [pool.submit(gateway.get, f"/campaigns?page_size=40&page={page}") for page in range(1, 8)]
        assert simulator.calls.wait_for_in_flight(6, 10)
        simulator.latency_s = 0.0
        assert [answer.result().status_code for answer in most] == [200] * 7
    assert gateway.number("campaign_gateway_upstream_slots_in_use") == 0


def test_the_requests_of_a_client_count_over_a_reload(serve: Callable[..., ReloadedGateway]) -> None:
    """Nobody gets a fresh minute by a reload, unless the limit is another one: that takes effect at once, and anew."""
    limited = clients("key").replace("}", ", requests_per_minute = 2}")
    gateway = serve(clients=limited)
    assert [gateway.get(f"/campaigns?page={page}", "key").status_code for page in (1, 2, 3)] == [200, 200, 429]
    assert gateway.reload(log__level="info")
    assert gateway.get("/campaigns?page=3", "key").status_code == 429
    assert gateway.reload(clients=limited.replace("minute = 2", "minute = 3"))
    assert [gateway.get(f"/campaigns?page={page}", "key").status_code for page in (3, 4, 5, 6)] == [200, 200, 200, 429]


def test_shared_slots_are_given_back_after_a_reload(
    serve: Callable[..., ReloadedGateway], simulator: SimulatorServer, redis: RedisServer
) -> None:
    """A call of the old app that ends after the reload leaves nothing of the budget over all processes taken."""
    gateway = serve(real_time=True, cache__shared_url=redis.url.reveal(), **HOLDING)
    simulator.latency_s = HELD_S
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(gateway.get, f"/campaigns?page={page}") for page in (1, 2, 3)]
        assert simulator.calls.wait_for_in_flight(3, 10)
        with redis.client() as client:
            (slots,) = client.keys("campaign-gateway:slots:*")
            assert client.zcard(slots) == 3
            assert gateway.reload(log__level="info")
            simulator.latency_s = 0.0
            assert [call.result().status_code for call in calls] == [200] * 3
            assert client.zcard(slots) == 0


def open_handles() -> int:
    """Return how many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def refreshed(gateway: ReloadedGateway, times: int) -> bool:
    """Tell whether so many pages were refreshed in the background."""
    return gateway.number(REFRESHES) == times


@pytest.mark.parametrize("shared", [False, True])
def test_reloads_leave_no_thread_and_no_descriptor_behind(
    serve: Callable[..., ReloadedGateway], redis: RedisServer, *, shared: bool
) -> None:
    """Each time with pages refreshed in the background and connections to CC-iSales, and Redis, that were used."""
    url = {"cache__shared_url": redis.url.reveal()} if shared else {}
    gateway = serve(cache__fresh_s="1", **url)
    threads = handles = 0
    for turn in range(RELOADS):
        gateway.cached(f"/campaigns?page={turn + 1}")
        gateway.clock.advance(5)
        assert cache_status.read(gateway.get(f"/campaigns?page={turn + 1}").headers["Cache-Status"])["age"] == 5
        wait_until(partial(refreshed, gateway, turn + 1))
        assert gateway.reload(log__level=("info", "warning")[turn % 2])
        gateway.clock.advance(60)
        gateway.served.close_retired()
        if turn == WARMED_UP:
            threads, handles = threading.active_count(), open_handles()
    assert gateway.settled == RELOADS
    # What ends just now is not gone yet. One a reload would be nine more.
    wait_until(lambda: threading.active_count() <= threads + 2)
    wait_until(lambda: open_handles() <= handles + 2)


def test_another_shared_cache_takes_the_place_of_the_one_before(
    serve: Callable[..., ReloadedGateway], redis: RedisServer
) -> None:
    """It works by a reload: pages go to the new one, purges are heard from it, and the old one is let go."""
    gateway = serve(cache__shared_url=redis.url.reveal())
    gateway.cached()
    with redis.client() as client:
        assert client.keys("campaign-gateway:page:*") != []
        assert int(client.info("clients")["connected_clients"]) > 1
        with redis_server() as other:
            assert gateway.reload(cache__shared_url=other.url.reveal())
            assert gateway.cached("/campaigns?page=2") == "fwd=miss; stored"
            with other.client() as looked_at:
                assert len(looked_at.keys("campaign-gateway:page:*")) == 1
            gateway.clock.advance(60)
            gateway.served.close_retired()
            wait_until(lambda: int(client.info("clients")["connected_clients"]) == 1)
            assert gateway.reload(cache__shared_url="")
            assert gateway.readiness()["dependencies"]["shared_cache"] == {"status": "off"}
            assert gateway.cached("/campaigns?page=2") == "hit"
            gateway.clock.advance(60)
            gateway.served.close_retired()


def test_a_purge_reaches_what_an_old_app_is_fetching(
    serve: Callable[..., ReloadedGateway], simulator: SimulatorServer
) -> None:
    """What is shown after the purge was asked for after it, not by a fetch that the app before the reload had begun."""
    gateway = serve(real_time=True)
    simulator.latency_s = 0.5
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(gateway.get)
        assert simulator.calls.wait_for_in_flight(1, 10)
        assert gateway.reload(log__level="info")
        assert gateway.get("/cache?vdn=1", key="operator-key", method="DELETE").status_code == 200
        assert fetching.result().status_code == 200
    simulator.latency_s = 0.0
    assert gateway.cached() in {"hit", "fwd=stale; stored", "fwd=stale; collapsed"}
    assert simulator.calls.total > 1


def test_purges_are_heard_after_a_reload_before_anybody_asks(
    serve: Callable[..., ReloadedGateway], redis: RedisServer
) -> None:
    """Pages outlive the app that fetched them; nobody may be given one that another process has purged since."""
    shared = {"cache__shared_url": redis.url.reveal(), "cache__fresh_s": "300"}
    gateway, other, another = serve(**shared), serve(**shared), serve(**shared)
    assert gateway.cached() == "fwd=miss; stored"
    assert another.cached("/campaigns?page=2") == "fwd=miss; stored"
    assert gateway.reload(log__level="info")
    gateway.clock.advance(60)
    gateway.served.close_retired()
    assert other.get("/cache?vdn=1", key="operator-key", method="DELETE").status_code == 200
    # By now it has been heard, before the app that is there now was asked for anything.
    wait_until(lambda: another.cached("/campaigns?page=2") == "fwd=stale; stored")
    wait_until(lambda: gateway.cached() == "fwd=stale; stored")


def test_what_is_reloaded_names_what_changed(
    serve: Callable[..., ReloadedGateway], capsys: pytest.CaptureFixture[str]
) -> None:
    """The log has names and no values; a level that is set counts from then on."""
    gateway = serve()
    assert gateway.reload(clients=clients("new-key"), log__level="error")
    assert gateway.reload(log__level="info", isales__concurrency="3")
    said = capsys.readouterr().err
    assert '"changed": ["isales.concurrency", "log.level"]' in said
    assert "clients.new" not in said
