"""Is a port free? Asked before a server is started, for granian would share it with another one."""

import errno
import socket

import click


def require_free_port(host: str, port: int, remedy: str) -> None:
    """Raise ClickException with `remedy` unless we could be the only one to listen on `port` of `host`.

    granian sets SO_REUSEPORT, so that a second server on its port starts as well and takes half of the requests.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # Connections of a server that has ended do not count (TIME_WAIT).
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as fault:
        if getattr(fault, "errno", None) == errno.EADDRINUSE:
            sentence = f"Port {port} of {host} is in use; `ss -ltnp 'sport = :{port}'` shows by what. {remedy}"
        else:
            sentence = f"Nothing can listen on port {port} of {host!r}: {getattr(fault, 'strerror', None) or fault}."
        raise click.ClickException(sentence) from fault
