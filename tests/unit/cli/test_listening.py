"""Whether a port is free, also where the one who has it would share it."""

import socket

import click
import pytest

from gateway.cli.listening import require_free_port
from tests.support.server import free_port


def test_a_free_port_is_free_afterwards() -> None:
    """Nothing listens there, and asking leaves nothing behind."""
    port = free_port()
    require_free_port("127.0.0.1", port, "")
    require_free_port("127.0.0.1", port, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_would_be_shared_is_in_use(host: str) -> None:
    """A listener with SO_REUSEPORT, as granian is, counts, also on another address that overlaps."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(click.ClickException, match=f"Port {port} of {host} is in use; .* Do this") as caught:
            require_free_port(host, port, "Do this.")
    assert caught.value.exit_code == 1


def test_connections_that_have_ended_do_not_count() -> None:
    """After a restart the kernel still keeps them for a minute."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        host, port = listener.getsockname()
        with socket.create_connection((host, port)) as caller:
            accepted, _ = listener.accept()
            accepted.close()  # who closes first is left with TIME_WAIT
            assert caller.recv(1) == b""
    require_free_port(host, port, "")


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a..b", "x" * 64])
def test_a_host_that_cannot_be_listened_on_is_said(host: str) -> None:
    """An address of another machine, and what is no address."""
    with pytest.raises(click.ClickException, match="Nothing can listen on port 8080 of"):
        require_free_port(host, 8080, "")
