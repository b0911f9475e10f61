import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gateway.isales.doctor_network import Address, connect_each, host_and_port, look_up
from gateway.isales.doctor_step import State
from tests.support.server import free_port


def found(*addresses: str) -> list[Any]:
    """Return what the resolver says of a name with these addresses."""
    return [
        (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
        for address in addresses
    ]


def raising(error: Exception) -> Callable[[str, int], list[Any]]:
    """Return a resolver that fails."""

    def resolve(_host: str, _port: int) -> list[Any]:
        raise error

    return resolve


@pytest.mark.parametrize(
    ("base_url", "host", "port"),
    [
        ("https://isales.example.com:28443/prefix", "isales.example.com", 28443),
        ("https://ISALES.example.com", "isales.example.com", 443),
        ("http://[::1]", "::1", 80),
    ],
)
def test_host_and_port(base_url: str, host: str, port: int) -> None:
    """They are those that the HTTP library connects to."""
    assert host_and_port(base_url) == (host, port)


def test_a_name_with_addresses() -> None:
    """All are said once, in their order."""
    step, addresses = look_up(
        "isales.example.com", 443, 5.0, lambda _host, _port: found("192.0.2.1", "2001:db8::1", "192.0.2.1")
    )
    assert (step.state, step.seen) == (State.GOOD, "isales.example.com is 192.0.2.1, 2001:db8::1")
    assert step.facts["addresses"] == ("192.0.2.1", "2001:db8::1")
    assert list(map(str, addresses)) == ["192.0.2.1:443", "[2001:db8::1]:443"]


def test_an_address_is_no_name() -> None:
    """An address in the base URL is taken as it is."""
    step, addresses = look_up("127.0.0.1", 443, 5.0)
    assert (step.seen, list(map(str, addresses))) == ("127.0.0.1 is an address, no name", ["127.0.0.1:443"])


@pytest.mark.parametrize(
    ("resolve", "seen"),
    [
        (raising(socket.gaierror(socket.EAI_NONAME, "")), "isales.example.com does not resolve"),
        (raising(socket.gaierror(socket.EAI_AGAIN, "")), "no DNS server could tell about isales.example.com"),
        (raising(UnicodeError("label too long")), "isales.example.com does not resolve"),
        (lambda _host, _port: [], "isales.example.com does not resolve"),
    ],
)
def test_a_name_without_addresses(resolve: Callable[[str, int], list[Any]], seen: str) -> None:
    """What is wrong with it is said, and where to look."""
    step, addresses = look_up("isales.example.com", 443, 5.0, resolve)
    assert (step.state, step.seen, addresses) == (State.FAILED, seen, ())
    assert "isales.base_url" in step.hint
    assert "/etc/resolv.conf" in step.hint


def test_a_resolver_that_hangs() -> None:
    """The doctor does not wait longer than it says, whatever the resolver does."""
    go = threading.Event()
    step, addresses = look_up("isales.example.com", 443, 0.05, lambda _host, _port: [go.wait(10)])
    go.set()
    assert (step.state, addresses) == (State.FAILED, ())
    assert step.seen == "no answer about isales.example.com within 0.05 s (isales.connect_timeout_s)"
    assert step.took_s is not None
    assert step.took_s < 5


def test_what_nobody_foresaw_is_not_hidden() -> None:
    """A bug in the look-up is no fault of the name."""
    with pytest.raises(ZeroDivisionError):
        look_up("isales.example.com", 443, 5.0, raising(ZeroDivisionError()))


def test_one_address_of_two_is_refused() -> None:
    """Beside a good one a bad one is a warning, for calls get through, but late."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bad = Address(socket.AF_INET, ("127.0.0.1", free_port()))
        good = Address(socket.AF_INET, listener.getsockname())
        steps = connect_each([bad, good], 5.0)
    assert [step.state for step in steps.values()] == [State.WARNING, State.GOOD]
    assert "refuses connections" in steps[bad].seen
    assert "Another address is good" in steps[bad].hint
    assert steps[good].facts == {"address": "127.0.0.1", "port": good.sockaddr[1]}


def test_an_address_that_drops_what_is_sent() -> None:
    """Silence fails within the limit, and the hint is about firewalls."""
    with socket.socket() as listener, socket.socket() as filler:
        listener.bind(("127.0.0.1", 0))
        # Room for one connection that nobody accepts: the system drops whoever comes next.
        listener.listen(0)
        filler.connect(listener.getsockname())
        address = Address(socket.AF_INET, listener.getsockname())
        (step,) = connect_each([address], 0.1).values()
    assert (step.state, "within 0.1 s (isales.connect_timeout_s)" in step.seen) == (State.FAILED, True)
    assert "firewall drops" in step.hint


def test_an_address_that_has_no_way() -> None:
    """Another failure is said in the system's words."""
    # A broadcast address takes no stream.
    (step,) = connect_each([Address(socket.AF_INET, ("255.255.255.255", 9))], 1.0).values()
    assert (step.state, "cannot be reached: " in step.seen) == (State.FAILED, True)
    assert "routes" in step.hint
