"""Callers who wait for a change of a page, behind nginx."""

import re
from collections.abc import Callable

import pytest

from tests.scenarios.nginx.conftest import page
from tests.scenarios.upstream.raw_server import RawServer, says, says_and_closes
from tests.support.nginx import DeployedNginx
from tests.support.server import free_port

WAIT = {"If-None-Match": '"held"', "Prefer": "respond-async, wait=5"}
LARGE = {"X-Padding": "a" * 9000}


def preferences(server: RawServer) -> list[str]:
    """Return what each request prefers that the server got, empty for nothing."""
    found = [re.search(rb"^prefer: (.*)\r$", request, re.IGNORECASE | re.MULTILINE) for request in server.requests]
    return ["" if each is None else each[1].decode() for each in found]


@pytest.mark.parametrize("more", [{}, LARGE], ids=["small", "large"])
def test_a_wait_goes_to_the_gateway_each_time(
    recording: DeployedNginx, stand_in: RawServer, more: dict[str, str]
) -> None:
    """As it was sent, whatever nginx has kept of the page, and nothing is kept of it."""
    recording.get("/campaigns")
    for _ in range(2):
        answer = recording.get("/campaigns", headers={**WAIT, **more})
        assert (answer.status, answer.body) == (200, b"{}")
    assert preferences(stand_in) == ["", WAIT["Prefer"], WAIT["Prefer"]]
    assert [line["cache"] for line in recording.log()][1:] == ["", ""]


@pytest.mark.parametrize("more", [{}, LARGE], ids=["small", "large"])
def test_a_wait_that_breaks_is_answered_at_once(
    stand_in: RawServer, in_front_of: Callable[..., DeployedNginx], more: dict[str, str]
) -> None:
    """By the other server, which is not asked to wait: that would be two who wait for one caller."""
    with RawServer() as other:
        other.usually = stand_in.usually = says_and_closes(b"")
        nginx = in_front_of(f"127.0.0.1:{stand_in.port} 127.0.0.1:{other.port}")
        whole = says(page())

        def broken_once(connection: object) -> None:
            for server in (stand_in, other):
                server.usually = whole
            connection.close()  # type: ignore[attr-defined]  # -- it is a socket

        other.usually = stand_in.usually = broken_once
        answer = nginx.get("/campaigns", headers={**WAIT, **more})
        assert (answer.status, answer.body) == (200, b"{}")
        assert sorted(preferences(stand_in) + preferences(other)) == ["", WAIT["Prefer"]]


def test_without_any_server_it_is_a_problem(in_front_of: Callable[..., DeployedNginx]) -> None:
    """A wait that no server can take gets the same problem as any other request."""
    answer = in_front_of(f"http://127.0.0.1:{free_port()}").get("/campaigns", headers=WAIT)
    assert (answer.status, answer.json["type"]) == (500, "problems/internal-error")


@pytest.mark.parametrize(
    "headers",
    [
        {"Prefer": "wait=5"},
        {"If-None-Match": '"held"'},
        {"If-None-Match": '"held"', "Prefer": "await=5"},
        {"If-None-Match": '"wait=5"', "Prefer": "return=minimal"},
    ],
)
def test_what_is_no_wait_has_no_more_time_than_others(
    stand_in: RawServer, in_front_of: Callable[..., DeployedNginx], headers: dict[str, str]
) -> None:
    """It is cut when the time of ordinary requests is over."""
    nginx = in_front_of(stand_in.url, {"proxy_read_timeout 12s;": "proxy_read_timeout 100ms;"})
    stand_in.usually = stand_in.is_silent
    assert nginx.get("/campaigns", headers=headers).status == 500
    assert nginx.get("/campaigns", headers=headers).json["type"] == "problems/internal-error"


def test_a_wait_has_more_time_than_others(stand_in: RawServer, in_front_of: Callable[..., DeployedNginx]) -> None:
    """Where all others are cut it is answered."""
    nginx = in_front_of(stand_in.url, {"proxy_read_timeout 12s;": "proxy_read_timeout 1ms;"})

    def late(connection: object) -> None:
        stand_in.stopping.wait(0.2)
        connection.sendall(page())  # type: ignore[attr-defined]  # -- it is a socket

    stand_in.usually = late
    assert nginx.get("/campaigns").status == 500
    assert nginx.get("/campaigns", headers=WAIT).status == 200
