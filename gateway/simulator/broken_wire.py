"""Faults that break the connection or stretch the answer over time. Each takes an `Exchange` and returns the answer.

Most of them write to the caller's socket themselves, behind the HTTP server's back, and then have it give the
connection up.
"""

import os
import selectors
import socket
import struct
from collections.abc import Callable, Iterator

from flask import Response

from gateway.simulator.envelope import encode
from gateway.simulator.faults import ConnectionCutError, Exchange

_LINGER_ZERO = struct.pack("ii", 1, 0)


def hang(exchange: Exchange) -> Response:
    """Answer nothing until the caller goes, at most for `seconds` (60)."""
    return _instead_of_http(exchange, _wait_for_caller_to_go)


def drip(exchange: Exchange) -> Response:
    """Send the body one byte every `seconds` (0.2)."""
    body = encode(exchange.envelope)

    def bytes_one_by_one() -> Iterator[bytes]:
        for position in range(len(body)):
            exchange.pause(exchange.fault.seconds_or(0.2))
            yield body[position : position + 1]

    response = Response(bytes_one_by_one(), content_type="application/json;charset=UTF-8")
    response.content_length = len(body)
    return response


def drip_headers(exchange: Exchange) -> Response:
    """Send the headers one byte every `seconds` (0.2)."""
    return _instead_of_http(exchange, _drip_headers)


def reset_before(exchange: Exchange) -> Response:
    """Reset the connection before the first byte."""
    return _instead_of_http(exchange, lambda exchange: _reset(exchange.connection))


def reset_in_headers(exchange: Exchange) -> Response:
    """Reset the connection within the headers."""
    return _instead_of_http(exchange, _reset_in_headers)


def reset_in_body(exchange: Exchange) -> Response:
    """Reset the connection after half of the body."""
    return _instead_of_http(exchange, _reset_in_body)


def short_body(exchange: Exchange) -> Response:
    """Close the connection in good order after half of what Content-Length says."""
    return _instead_of_http(exchange, _send_half)


def _instead_of_http(exchange: Exchange, act: Callable[[Exchange], None]) -> Response:
    def act_and_cut(_: int) -> bytes:
        act(exchange)
        raise ConnectionCutError

    # Runs when the server asks for the first piece of the body, which it does before it sends the headers.
    return Response(map(act_and_cut, range(1)))


def _wait_for_caller_to_go(exchange: Exchange) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(exchange.connection, selectors.EVENT_READ)
        selector.select(exchange.fault.seconds_or(60.0))


def _drip_headers(exchange: Exchange) -> None:
    body = encode(exchange.envelope)
    for byte in _head(len(body)):
        exchange.pause(exchange.fault.seconds_or(0.2))
        exchange.connection.sendall(bytes([byte]))
    exchange.connection.sendall(body)


def _reset_in_headers(exchange: Exchange) -> None:
    head = _head(len(encode(exchange.envelope)))
    exchange.connection.sendall(head[: len(head) // 2])
    _reset(exchange.connection)


def _reset_in_body(exchange: Exchange) -> None:
    _send_half(exchange)
    _reset(exchange.connection)


def _send_half(exchange: Exchange) -> None:
    body = encode(exchange.envelope)
    exchange.connection.sendall(_head(len(body)) + body[: len(body) // 2])


def _head(content_length: int) -> bytes:
    return (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\n"
        f"Content-Length: {content_length}\r\nConnection: close\r\n\r\n"
    ).encode()


def _reset(connection: socket.socket) -> None:
    """Close with RST. The descriptor itself is closed, as files made of the socket would keep it open."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    os.close(connection.detach())
