"""Whose words about callers count."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from gateway.api.proxies import behind_proxies, without_mapping

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def told(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer what the app is told of the caller and of itself."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=latin-1")])
    names = ("REMOTE_ADDR", "HTTP_HOST", "wsgi.url_scheme", "SCRIPT_NAME", "PATH_INFO", "SERVER_NAME", "SERVER_PORT")
    return ["\n".join(environ[name] for name in names).encode("latin-1")]


def seen(hops: int, headers: list[tuple[str, str]]) -> list[str]:
    """Return what the app is told behind so many proxies."""
    client = Client(behind_proxies(told, hops))
    answer = client.get("/campaigns", headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    body: bytes = answer.data
    return body.decode("latin-1").split("\n")


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, ["198.51.100.7"], "192.0.2.1"),
        (1, ["198.51.100.7"], "198.51.100.7"),
        (1, ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        (1, ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        (2, ["6.6.6.6, 198.51.100.7, 203.0.113.9"], "198.51.100.7"),
        (2, ["198.51.100.7"], "192.0.2.1"),
        (1, [], "192.0.2.1"),
    ],
)
def test_exactly_the_trusted_hops_count(hops: int, forwarded: list[str], address: str) -> None:
    """What a caller writes before the words of the proxies is not believed, in one line or in several."""
    assert seen(hops, [("X-Forwarded-For", each) for each in forwarded])[0] == address


def test_only_the_end_of_a_long_way_is_read() -> None:
    """What is further than 1,000 characters from the end is not looked at; ten proxies take less."""
    assert seen(1, [("X-Forwarded-For", "6.6.6.6, " * 5000 + "198.51.100.7")])[0] == "198.51.100.7"
    assert seen(2, [("X-Forwarded-For", "198.51.100.7, " + "x" * 1000)])[0] == "192.0.2.1"
    address = "2001:db8:aaaa:bbbb:cccc:dddd:192.168.100.200"
    assert seen(10, [("X-Forwarded-For", ", ".join([f'"[{address}]:65535"'] * 10))])[0] == f"[{address}]:65535"


NAMES = (
    *("Host", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix"),
    *("X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Uri", "X-Original-URL"),
    *("X-Rewrite-URL", "X-Original-Host", "X-Host", "X-Script-Name", "Front-End-Https", "X-HTTP-Method-Override"),
)


@given(
    hops=st.integers(0, 3),
    headers=st.lists(st.tuples(st.sampled_from(NAMES), st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20)))),
)
def test_nothing_but_the_address_is_taken_from_headers(hops: int, headers: list[tuple[str, str]]) -> None:
    """Whatever they say, the app goes by the same name and path."""
    assert seen(hops, headers) == ["192.0.2.1", "localhost", "http", "", "/campaigns", "localhost", "80"]


@given(address=st.ip_addresses(v=4))
def test_ipv4_within_ipv6_is_ipv4(address: IPv4Address) -> None:
    """However it is written, what a socket for both says of a caller over IPv4 is that caller's address."""
    mapped = IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)
    for written in (f"::ffff:{address}", f"::FFFF:{address}", mapped.exploded, mapped.compressed, str(address)):
        assert without_mapping(written) == str(address)


@pytest.mark.parametrize(
    "address", [None, "", "2001:db8::1", "::1", "::", "fe80::1%eth0", "[2001:db8::1]:443", "192.0.2.1:443", "::ffff:x"]
)
def test_any_other_address_stays_as_it_is(address: str | None) -> None:
    """Only IPv4 within IPv6 is rewritten; other addresses, and what is none, are not."""
    assert without_mapping(address) == address
