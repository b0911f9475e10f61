"""The gateways behind nginx: kept connections, and what happens when one of two is away."""

import socket
from collections.abc import Callable

import pytest

from tests.scenarios.nginx.conftest import page
from tests.scenarios.upstream.raw_server import RawServer, says
from tests.support.nginx import DeployedNginx
from tests.support.server import free_port
from tests.support.waiting import wait_until

MISSED = "Cache-Status: campaign-gateway; fwd=miss; stored; ttl=14; age=0"


def test_connections_are_kept_and_a_broken_one_is_no_error(recording: DeployedNginx, stand_in: RawServer) -> None:
    """Requests share connections to the gateway; one whose kept connection breaks goes to a new one, once."""
    stand_in.usually = says(page(cache_status=MISSED))
    assert [recording.get("/campaigns").status for _ in range(3)] == [200, 200, 200]
    assert (len(stand_in.requests), stand_in.connections) == (3, 1)
    stand_in.will(lambda connection: connection.close())
    assert recording.get("/campaigns").status == 200
    assert (len(stand_in.requests), stand_in.connections) == (5, 2)


def test_the_only_server_is_asked_again_where_it_drops_a_connection(
    recording: DeployedNginx, stand_in: RawServer
) -> None:
    """As one that ends does with what it has not read yet; whoever listens there next answers."""
    stand_in.usually = says(page(cache_status=MISSED))
    stand_in.will(lambda connection: connection.close())
    assert recording.get("/campaigns").status == 200
    assert (len(stand_in.requests), stand_in.connections) == (2, 2)
    stand_in.usually = lambda connection: connection.close()
    assert [recording.get("/campaigns?page=2").status for _ in range(2)] == [500, 500]
    stand_in.usually = says(page(cache_status=MISSED))
    assert recording.get("/campaigns?page=2").status == 200, "it is never left alone: there is no other"


@pytest.mark.parametrize("there", [0, 1])
def test_another_server_is_asked_when_one_is_away(in_front_of: Callable[..., DeployedNginx], there: int) -> None:
    """Whoever it is of the two, every request is answered, and what is gone is not asked all the time."""
    with RawServer() as server:
        server.usually = says(page(cache_status=MISSED))
        urls = [f"http://127.0.0.1:{free_port()}"]
        urls.insert(there, server.url)
        nginx = in_front_of(" ".join(urls))
        assert [nginx.get("/campaigns").status for _ in range(20)] == [200] * 20
        asked = [line["upstream_status"] for line in nginx.log()]
    assert 1 <= asked.count("502, 200") < 10
    assert asked.count("502, 200") + asked.count("200") == 20


def test_servers_that_were_away_at_once_are_asked_again_soon(in_front_of: Callable[..., DeployedNginx]) -> None:
    """With nginx' own default of ten seconds callers would get errors for as long after both are back."""
    ports = [free_port(), free_port()]
    nginx = in_front_of(" ".join(f"http://127.0.0.1:{port}" for port in ports))
    assert {nginx.get("/campaigns").status for _ in range(4)} == {500}
    with RawServer(port=ports[0]) as first, RawServer(port=ports[1]) as second:
        first.usually = second.usually = says(page(cache_status=MISSED))
        wait_until(lambda: nginx.get("/campaigns").status == 200, 5.0)


def test_an_answer_is_an_answer(stand_in: RawServer, in_front_of: Callable[..., DeployedNginx]) -> None:
    """Nobody else is asked after a problem, and whoever told it is asked again."""
    with RawServer() as another:
        nginx = in_front_of(f"{stand_in.url} {another.url}")
        statuses = (500, 502, 503, 504, 429) * 2
        for number, status in enumerate(statuses, 1):
            stand_in.usually = another.usually = says(page(status=f"{status} X"))
            assert nginx.get("/campaigns").status == status
            assert len(stand_in.requests) + len(another.requests) == number
        assert len(another.requests) == len(statuses) / 2


@pytest.mark.parametrize(("after_s", "method", "attempts"), [(0, "GET", 2), (0, "POST", 1), (2.5, "GET", 1)])
def test_a_request_whose_connection_breaks_is_sent_once_more_at_most(
    stand_in: RawServer, in_front_of: Callable[..., DeployedNginx], after_s: float, method: str, attempts: int
) -> None:
    """To the other server, and only at once: whoever waited for an answer does not wait for another."""

    def breaks(connection: socket.socket) -> None:
        stand_in.stopping.wait(after_s)
        connection.close()

    with RawServer() as another:
        nginx = in_front_of(f"{stand_in.url} {another.url}")
        stand_in.usually = another.usually = breaks
        assert nginx.get("/campaigns", method=method).status == 500
        assert len(stand_in.requests) + len(another.requests) == attempts
