"""Reading JWK sets over real sockets and from files."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from gateway.access.key_source import MAX_BYTES, file_reader, url_reader
from gateway.name_lookup import NameLookup
from tests.support.identity_provider import jwks, provider
from tests.support.server import free_port

BODY = jwks()


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection with bytes of the test's own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"


def test_a_set_is_fetched() -> None:
    """The bytes come as they are, for a path with a query too."""
    with provider() as served:
        assert url_reader(f"{served.url}?p=policy")() == served.body


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is not asked."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with provider() as served:
        assert url_reader(served.url)() == served.body


@pytest.mark.parametrize("status", [301, 302, 307, 404, 500, 204])
def test_only_200_is_an_answer(status: int) -> None:
    """Redirects are not followed: their target is never asked."""
    with provider() as target, provider() as served:
        served.status, served.headers = status, {"Location": target.url}
        with pytest.raises(ValueError, match=f"HTTP {status}"):
            url_reader(served.url)()
        assert (served.asked, target.asked) == (1, 0)


def test_the_size_is_bounded() -> None:
    """One byte too many is refused, and so is a compressed answer, which could be any size."""
    with provider() as served:
        served.body = b" " * MAX_BYTES
        assert len(url_reader(served.url)()) == MAX_BYTES
        served.body += b" "
        with pytest.raises(ValueError, match="larger than 262144 bytes"):
            url_reader(served.url)()
        served.body, served.headers = BODY, {"Content-Encoding": "gzip"}
        with pytest.raises(ValueError, match="compressed"):
            url_reader(served.url)()


def _drip(head: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.settimeout(0.05)
        connection.sendall(head)
        going = True
        while going:
            with suppress(TimeoutError):
                connection.sendall(b"x")
                # What a caller says is ignored, but that it goes away.
                going = bool(connection.recv(65536))

    return answer


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"],
)
def test_drips_do_not_outlast_the_deadline(head: bytes) -> None:
    """A byte now and then, in status, header or body, is cut off by the deadline of the whole."""
    started = time.monotonic()
    with raw_server(_drip(head)) as url, pytest.raises(TimeoutError, match=r"within 0\.3 s"):
        url_reader(url, timeout_s=0.3)()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (b"", ValueError),
        (b"SSH-2.0-x\r\n", ValueError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ValueError),
    ],
)
def test_other_answers_are_faults(sent: bytes, fault: type[Exception]) -> None:
    """What is not HTTP is a fault with words, not another error."""
    with raw_server(lambda connection: connection.sendall(sent)) as url, pytest.raises((fault, ConnectionError)):
        url_reader(url)()


def test_a_handshake_in_drips_does_not_outlast_the_deadline() -> None:
    """The beginning of a TLS record, and then a byte of it now and then, is cut off like an answer in drips."""
    started = time.monotonic()
    with raw_server(_drip(b"\x16\x03\x03\x40\x00")) as url, pytest.raises(TimeoutError, match=r"within 0\.3 s"):
        url_reader(url.replace("http:", "https:"), timeout_s=0.3)()
    assert time.monotonic() - started < 5


def test_nobody_there() -> None:
    """A refused connection is an OSError."""
    with pytest.raises(OSError, match="refused"):
        url_reader(f"http://127.0.0.1:{free_port()}/jwks")()


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
@pytest.mark.parametrize(("url_host", "host"), [("[2001:db8::1]", "2001:db8::1"), ("id.example.com", "id.example.com")])
def test_an_address_without_a_port(scheme: str, port: int, url_host: str, host: str) -> None:
    """It is asked at the port of the scheme; the last part of an IPv6 address is not taken for one."""
    asked: list[object] = []

    class Names(NameLookup):
        def connect(self, host: str, port: int, limit_s: float) -> socket.socket:
            asked.append((host, port, limit_s))
            raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        url_reader(f"{scheme}://{url_host}/jwks", 2.5, Names())()
    assert asked == [(host, port, 2.5)]


def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    """TLS is verified: whoever is in between cannot slip in keys."""
    with tls_server(trustme.CA()) as url, pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        url_reader(url)()


def test_a_certificate_of_a_known_authority_is_good(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the system trusts is trusted; a name that is not the certificate's is not."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with tls_server(authority) as url:
        assert url_reader(url)() == BODY
    with tls_server(authority) as url, pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        url_reader(url.replace("localhost", "127.0.0.1"))()


@contextmanager
def tls_server(authority: trustme.CA) -> Iterator[str]:
    """Serve one connection of localhost with a certificate of `authority`."""
    context = authority.issue_cert("localhost")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.configure_cert(server)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError), server.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(65536)
                wrapped.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{listener.getsockname()[1]}/jwks"


def test_files_are_read_each_time(tmp_path: Path) -> None:
    """A new content is found whatever its time stamp, a missing or huge file is a fault."""
    file = tmp_path / "jwks.json"
    read = file_reader(str(file))
    with pytest.raises(OSError, match="No such file"):
        read()
    file.write_bytes(b"one")
    assert read() == b"one"
    file.write_bytes(b"two")
    assert read() == b"two"
    file.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(OSError, match="longer than 262144 bytes"):
        read()
