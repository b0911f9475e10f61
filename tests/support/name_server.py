"""A name server on the loopback interface, for one name that moves (RFC 1035)."""

import socket
import threading
from contextlib import suppress
from typing import Self

_HEADER, _A, _ANSWER_OF_ONE, _NO_DATA = 12, b"\x00\x01", b"\x00\x01\x00\x01", b"\x00\x01\x00\x00"
_NO_MORE = b"\x00\x00\x00\x00"


class NameServer:
    """Answers each question for an IPv4 address with `address`, to be kept for `ttl_s`, and any other with nothing."""

    def __init__(self, address: str, ttl_s: int = 600) -> None:
        self.address = address
        self._ttl = ttl_s.to_bytes(4)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake who waits in recvfrom.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                asked, asker = self._socket.recvfrom(512)
                if not asked:
                    return
                self._socket.sendto(self._answer(asked), asker)
            except OSError:
                return

    def _answer(self, asked: bytes) -> bytes:
        # The name ends with an empty label; its type and class follow.
        end = asked.index(b"\0", _HEADER) + 5
        question, kind = asked[_HEADER:end], asked[end - 4 : end - 2]
        found = kind == _A
        flags = b"\x81\x80" + (_ANSWER_OF_ONE if found else _NO_DATA) + _NO_MORE
        record = b"\xc0\x0c\x00\x01\x00\x01" + self._ttl + b"\x00\x04" + socket.inet_aton(self.address)
        return asked[:2] + flags + question + (record if found else b"")
