import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from gateway.errors import UpstreamTimeout, UpstreamUnreachable
from gateway.isales.transport_connection import DeadlinedAdapter
from gateway.isales.transport_socket import CALL, Call
from gateway.isales.transport_tls import tls_context
from gateway.model import Deadline
from tests.scenarios.upstream.conftest import Fetch
from tests.scenarios.upstream.raw_server import (
    GOOD_BODY,
    Behaviour,
    RawServer,
    good,
    http,
    says_and_closes,
    says_and_resets,
)
from tests.scenarios.upstream.tls_server import CA, OTHER_CA, ca_file_in, serving
from tests.support.gateway import PROJECT, GatewayUnderTest
from tests.support.reloading import ReloadedGateway
from tests.unit.isales.vendor import isales_settings

GO = threading.Event()
GO.set()
BY_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys
from gateway.errors import UpstreamUnreachable
from gateway.isales.request import campaigns_request, sign_request
from gateway.isales.transport import Transport
from gateway.model import Deadline
from tests.unit.isales.vendor import NOW, QUERY, TENANT, isales_settings

url, *ca_files = sys.argv[1:]
for ca_file in ca_files:
    transport = Transport(isales_settings(url, ca_file=ca_file))
    signed = sign_request(campaigns_request(QUERY, TENANT), transport.endpoint, NOW)
    try:
        print([transport.get(signed, Deadline.after(5.0)).status for _ in range(2)])
    except UpstreamUnreachable as refused:
        print(refused)
"""


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    """Return the file of the CA that the gateway trusts."""
    return ca_file_in(tmp_path)


def test_a_trusted_certificate(connect: Callable[..., Fetch], ca_file: str) -> None:
    """A certificate of the CA in `ca_file`, for the name that is called, is taken, and the connection is kept."""
    with serving(CA.issue_cert("127.0.0.1")) as server:
        fetch = connect(server.url, ca_file=ca_file)
        assert [fetch().total_items for _ in range(3)] == [0, 0, 0]
        assert server.connections == 1


def test_sockets_of_gevent(ca_file: str, tmp_path: Path) -> None:
    """Gunicorn's workers of that kind put them in the place of Python's: they verify alike, and say why not."""
    pytest.importorskip("gevent")
    other = tmp_path / "other.pem"
    OTHER_CA.cert_pem.write_to_path(str(other))
    with serving(CA.issue_cert("127.0.0.1")) as server:
        done = subprocess.run(
            [sys.executable, "-c", BY_GEVENT, server.url, ca_file, str(other)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
    answered, why = done.stdout.splitlines()
    assert answered == "[200, 200]"
    assert re.search("certificate of CC-iSales is refused: it leads to Testing CA .*, which is not trusted", why)
    assert server.connections == 2


@pytest.mark.parametrize("in_place", [True, False])
def test_a_ca_file_that_is_mended(tmp_path: Path, ca_file: str, in_place: bool) -> None:  # noqa: FBT001 -- a column of the table
    """A reload with the right one has the next call made, though calls were stopped for the wrong one."""
    wrong = tmp_path / "wrong.pem"
    OTHER_CA.cert_pem.write_to_path(str(wrong))
    with serving(CA.issue_cert("127.0.0.1")) as server:
        gateway = ReloadedGateway(server.url, isales__ca_file=str(wrong), isales__breaker_min_calls="1")
        answers = [gateway.get() for _ in range(2)]
        assert [answer.status_code for answer in answers] == [502, 503]
        assert "were stopped" in answers[1].get_data(as_text=True)
        if in_place:
            CA.cert_pem.write_to_path(str(wrong))
        assert gateway.reload(isales__ca_file=str(wrong) if in_place else ca_file)
        assert gateway.cached() == "fwd=miss; stored"


def refused(fetch: Fetch, server: RawServer, why: str, retryable_in_s: int | None = None) -> None:
    """Check that the certificate is refused, for the reason `why`, before anything was sent."""
    with pytest.raises(UpstreamUnreachable, match=why) as caught:
        fetch()
    assert caught.value.__cause__ is None
    assert caught.value.retryable_in_s == retryable_in_s
    assert server.requests == []


def test_an_unknown_ca(connect: Callable[..., Fetch], ca_file: str) -> None:
    """A certificate of a CA that is not in `ca_file` is refused."""
    with serving(OTHER_CA.issue_cert("127.0.0.1")) as server:
        refused(
            connect(server.url, ca_file=ca_file),
            server,
            "certificate of CC-iSales is refused: it leads to Testing CA .*, which is not trusted",
        )


def test_the_systems_cas(connect: Callable[..., Fetch]) -> None:
    """Without a `ca_file` the system's CAs count, and a private one is unknown."""
    with serving(CA.issue_cert("127.0.0.1")) as server:
        refused(
            connect(server.url),
            server,
            "certificate of CC-iSales is refused: it leads to Testing CA .*, which is not trusted",
        )


def test_a_ca_file_replaces_the_systems_cas(ca_file: str) -> None:
    """With a `ca_file` its CAs count and no others, also after requests had the context in its hands."""
    settings = isales_settings("https://127.0.0.1", ca_file=ca_file)
    context = tls_context(settings)
    token = CALL.set(Call(Deadline.after(5.0), settings))
    try:
        with serving(CA.issue_cert("127.0.0.1")) as server, requests.Session() as session:
            session.trust_env = False
            session.mount("https://", DeadlinedAdapter(1, context))
            assert session.get(server.url, timeout=5).ok
    finally:
        CALL.reset(token)
    assert len(context.get_ca_certs()) == 1


def test_an_expired_certificate(connect: Callable[..., Fetch], ca_file: str) -> None:
    """A certificate whose time is over is refused."""
    expired = CA.issue_cert(
        "127.0.0.1", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2021, 1, 1, tzinfo=UTC)
    )
    with serving(expired) as server:
        refused(connect(server.url, ca_file=ca_file), server, "expired")


def test_a_wrong_name(connect: Callable[..., Fetch], ca_file: str) -> None:
    """A certificate for another name or address is refused."""
    with serving(CA.issue_cert("isales.example.com")) as server:
        refused(connect(server.url, ca_file=ca_file), server, "it is for isales.example.com, and not for 127.0.0.1")


def test_when_the_certificate_expires_is_shown_and_said(ca_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Operators see the end of the certificate from the first connection on, and are warned once if it is near."""
    now = datetime.now(UTC).replace(microsecond=0)
    expires = now + timedelta(days=5)
    name = "campaign_gateway_upstream_certificate_expiry_timestamp_seconds"
    with serving(CA.issue_cert("127.0.0.1", not_after=expires)) as server:
        gateway = GatewayUnderTest(server.url, real_time=False, isales__ca_file=ca_file)
        assert not re.search(rf"^{name}", gateway.get("/metrics").get_data(as_text=True), re.MULTILINE)
        for page in range(1, 4):
            server.will(says_and_closes(http("200 OK", GOOD_BODY)))
            assert gateway.get(f"/campaigns?page={page}").status_code == 200
        assert server.connections == 3
        found = re.search(rf"^{name} (\S+)$", gateway.get("/metrics").get_data(as_text=True), re.MULTILINE)
    assert found
    assert float(found[1]) == expires.timestamp()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    said = [line for line in lines if line["event"] == "certificate_expires_soon"]
    assert [(line["level"], line["expires_at"]) for line in said] == [("warning", expires.isoformat())]


def test_mutual_tls(connect: Callable[..., Fetch], ca_file: str, tmp_path: Path) -> None:
    """We are let in with a client certificate, its key in another file or in the same, and not without."""
    ours = OTHER_CA.issue_cert("gateway.example.com")
    certificate, key, both = (tmp_path / name for name in ("cert.pem", "key.pem", "both.pem"))
    ours.cert_chain_pems[0].write_to_path(str(certificate))
    ours.private_key_pem.write_to_path(str(key))
    ours.private_key_and_cert_chain_pem.write_to_path(str(both))
    with serving(CA.issue_cert("127.0.0.1"), trusted=OTHER_CA) as server:
        two = connect(server.url, ca_file=ca_file, client_cert_file=str(certificate), client_key_file=str(key))
        one = connect(server.url, ca_file=ca_file, client_cert_file=str(both))
        assert (two().total_items, one().total_items) == (0, 0)
        # The server's alert says what it misses, unless its closing the connection overtakes it.
        with pytest.raises(UpstreamUnreachable, match=r"certificate required|closed the connection"):
            connect(server.url, ca_file=ca_file)()


def test_no_tls_at_all(upstream: RawServer, connect: Callable[..., Fetch]) -> None:
    """A server that does not speak TLS cannot be reached by it."""
    with RawServer(greeting=says_and_closes(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        refused(connect(f"https://127.0.0.1:{server.port}"), server, "TLS with CC-iSales failed")


@pytest.mark.parametrize("end", [says_and_closes(b"\x16\x03\x03"), says_and_resets(b"", GO)], ids=["closed", "reset"])
def test_a_handshake_that_breaks(connect: Callable[..., Fetch], end: Behaviour) -> None:
    """A connection that ends in the handshake is one that could not be made, and may be made a moment later."""

    def greeting(connection: socket.socket) -> None:
        assert connection.recv(65536)
        end(connection)

    with RawServer(greeting=greeting) as server:
        refused(connect(f"https://127.0.0.1:{server.port}"), server, "TLS|handshake", 0)


def test_drips_within_tls(connect: Callable[..., Fetch], ca_file: str) -> None:
    """The deadline holds for an answer in drips over TLS too, and the next call is good."""
    with serving(CA.issue_cert("127.0.0.1")) as server:
        server.will(server.drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), server.is_silent)
        fetch = connect(server.url, ca_file=ca_file)
        with pytest.raises(UpstreamTimeout, match="in the middle of the answer"):
            fetch(deadline_s=0.3)
        with pytest.raises(UpstreamTimeout, match="waiting for the answer"):
            fetch(deadline_s=0.3)
        assert fetch().total_items == 0


def test_a_kept_tls_connection_that_closes(connect: Callable[..., Fetch], ca_file: str) -> None:
    """A kept TLS connection that is closed instead of answered is replaced at once."""
    with serving(CA.issue_cert("127.0.0.1")) as server:
        server.will(good, lambda connection: connection.close(), says_and_closes(http("200 OK", b"[]")))
        fetch = connect(server.url, ca_file=ca_file)
        assert fetch().total_items == 0
        with pytest.raises(Exception, match="not an object"):
            fetch()
        assert (len(server.requests), server.connections) == (3, 2)


@pytest.mark.parametrize("setting", ["ca_file", "client_cert_file"])
@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_files_that_cannot_be_used(tmp_path: Path, setting: str, content: str | None) -> None:
    """A file that is not there or holds no certificate is named with its setting when the process starts."""
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=rf"isales\.{setting}: .*file\.pem cannot be used"):
        tls_context(isales_settings("https://127.0.0.1", **{setting: str(path)}))
