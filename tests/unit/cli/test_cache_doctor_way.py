"""`flask cache doctor` below Redis: names that do not resolve, and addresses of which not each takes connections."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.cli.doctor_shared_way import TO_REDIS, examine_hosts, examine_way, hosts_of
from gateway.isales.doctor_step import State, Step
from gateway.settings.shared_url import read_shared_url

LIMIT_S = 0.2


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port on which somebody listens over IPv4, and nobody over IPv6."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def both(host: str, port: int) -> list[Any]:
    """Resolve as a name that has an address of each kind, IPv6 first."""
    if host != "redis.example.com":
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]


def steps_of(url: str) -> list[Step]:
    """Return what is found on the way to `url`."""
    return list(examine_hosts(hosts_of(read_shared_url(url)), LIMIT_S, TO_REDIS, both))


def seen(url: str) -> list[tuple[str, State, str]]:
    """Return what is said of it."""
    return [(step.name, step.state, step.seen) for step in steps_of(url)]


def test_a_name_with_an_address_that_nobody_answers_at_is_told(port: int) -> None:
    """Which has cost each connection a fifth of a second, where it is dropped; the way is good all the same."""
    assert seen(f"redis://redis.example.com:{port}/0") == [
        ("dns", State.GOOD, "redis.example.com is ::1, 127.0.0.1"),
        ("tcp", State.WARNING, f"[::1]:{port} refuses connections"),
        ("tcp", State.GOOD, f"127.0.0.1:{port} takes connections"),
    ]


def test_one_of_several_that_does_not_resolve_is_a_warning(port: int) -> None:
    """The others are asked then; where none is left it has failed, and the words name the setting."""
    url = f"redis+sentinel://gone.example.com:1,redis.example.com:{port}/mymaster/0"
    assert [state for name, state, _ in seen(url) if name == "dns"] == [State.WARNING, State.GOOD]
    (step,) = steps_of("redis+cluster://gone.example.com")
    assert (step.state, step.seen) == (State.FAILED, "gone.example.com does not resolve")
    assert "cache.shared_url" in step.hint


def test_hosts_are_those_of_the_url() -> None:
    """With Redis' own port where there is none; a socket of this machine has none."""
    for url, hosts in (
        ("redis://", (("localhost", 6379),)),
        ("rediss://u:p@[::1]:7000/2", (("::1", 7000),)),
        ("redis+sentinel://a,b:1/m", (("a", 26379), ("b", 1))),
        ("unix:///run/redis.sock", ()),
    ):
        assert hosts_of(read_shared_url(url)) == hosts
    assert list(examine_way(read_shared_url("unix:///run/redis.sock"), LIMIT_S)) == []
