"""The doctor on TLS, with real certificates: it tells what is wrong, and sends nothing to whom it does not trust."""

import ssl
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import trustme

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.scenarios.upstream.raw_server import Behaviour, RawServer, says_and_closes, says_and_resets
from tests.scenarios.upstream.tls_server import CA, OTHER_CA, ca_file_in, serving, tls_server_context
from tests.support.doctor import Report, examined

GO = threading.Event()
GO.set()


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    """Return the file of the CA that the gateway trusts."""
    return ca_file_in(tmp_path)


def der(certificate: trustme.LeafCert) -> bytes:
    """Return a certificate in the form that its SHA-256 is of."""
    return ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())


def refused(report: Report, server: RawServer, fault: str) -> dict[str, object]:
    """Check that TLS failed for `fault` and that no request was sent; return the step."""
    assert report.failed["step"] == "tls"
    assert report.failed["facts"]["fault"] == fault
    assert report.failed["seen"].startswith(fault)
    assert {report.states[name] for name in ("http", "clock", "signature", "query", "latency")} == {"skipped"}
    assert server.requests == []
    return report.failed


def test_a_good_certificate(ca_file: str) -> None:
    """The step says protocol, names, issuer and days left, and the query goes over the same TLS."""
    certificate = CA.issue_cert("127.0.0.1", "isales.example.com", not_after=datetime.now(UTC) + timedelta(days=90.5))
    config = SimulatorConfig(tenants=demo_config().tenants)
    with SimulatorServer(config, tls=tls_server_context(certificate)) as server:
        report = examined(server.base_url, isales__ca_file=ca_file)
    assert (report.exit_code, report.result) == (0, "good"), report.text
    tls = report.step("tls")
    assert tls["state"] == "good"
    assert "trustme" in tls["facts"].pop("issuer")
    assert tls["facts"].pop("not_after").endswith("Z")
    assert set(tls["facts"].pop("subject_names")) == {"127.0.0.1", "isales.example.com"}
    assert tls["facts"] == {
        "protocol": "TLSv1.3",
        "days_left": 90,
        "sha256": sha256(der(certificate)).hexdigest(),
        "trusted_by": ca_file,
        "fault": None,
    }
    for word in ("TLSv1.3", "127.0.0.1", "isales.example.com", "Testing CA", "90 days left"):
        assert word in tls["seen"]


@pytest.mark.parametrize(("days", "state"), [(29.5, "warning"), (30.5, "good")])
def test_a_certificate_that_expires_soon(ca_file: str, days: float, state: str) -> None:
    """Less than 30 days are a warning with the date, and fail nothing."""
    with serving(CA.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=days))) as server:
        report = examined(server.url, isales__ca_file=ca_file)
    assert (report.exit_code, report.states["tls"]) == (0, state)
    assert ("renew the certificate before" in report.step("tls")["hint"]) == (state == "warning")


def test_an_unknown_ca(ca_file: str) -> None:
    """The hint names the issuer and the file that lacks it, or says that there is no file."""
    certificate = OTHER_CA.issue_cert("127.0.0.1")
    with serving(certificate) as server:
        step = refused(examined(server.url, isales__ca_file=ca_file), server, "unknown CA")
        assert f"isales.ca_file ({ca_file}) does not hold it" in str(step["hint"])
        assert sha256(der(certificate)).hexdigest() in str(step["hint"])
        step = refused(examined(server.url), server, "unknown CA")
        assert "isales.ca_file is empty" in str(step["hint"])


def test_a_self_signed_certificate(ca_file: str) -> None:
    """The hint gives the SHA-256 to compare."""
    alone = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with alone.private_key_pem.tempfile() as key, alone.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    with RawServer(tls=context) as server:
        step = refused(examined(server.url, isales__ca_file=ca_file), server, "self-signed")
    expected = sha256(ssl.PEM_cert_to_DER_cert(alone.cert_pem.bytes().decode())).hexdigest()
    assert f"has the SHA-256 {expected}." in str(step["hint"])


def test_an_expired_certificate(ca_file: str) -> None:
    """Days left are below 0, and the hint is to renew."""
    began, ended = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
    with serving(CA.issue_cert("127.0.0.1", not_before=began, not_after=ended)) as server:
        report = examined(server.url, isales__ca_file=ca_file)
    failed = refused(report, server, "expired")
    assert "renew" in str(failed["hint"])
    assert str(failed["seen"]).endswith("it expired on 2021-01-01 00:00 UTC")
    assert report.failed["facts"]["not_after"] == "2021-01-01T00:00:00Z"
    assert report.failed["facts"]["days_left"] < -1000


def test_a_certificate_of_the_future(ca_file: str) -> None:
    """Whose time has not come is most likely seen by a wrong clock."""
    began, ended = datetime.now(UTC) + timedelta(days=2), datetime.now(UTC) + timedelta(days=90)
    with serving(CA.issue_cert("127.0.0.1", not_before=began, not_after=ended)) as server:
        report = examined(server.url, isales__ca_file=ca_file)
    assert "this machine's clock" in str(refused(report, server, "not yet valid")["hint"])


def test_a_wrong_name(ca_file: str) -> None:
    """The names that the certificate is for are said, of many the first."""
    with serving(CA.issue_cert(*(f"isales-{number}.example.com" for number in range(5)))) as server:
        report = examined(server.url, isales__ca_file=ca_file)
    seen = str(refused(report, server, "wrong name")["seen"])
    assert "isales-0.example.com, isales-1.example.com, isales-2.example.com and 2 more" in seen
    assert len(report.failed["facts"]["subject_names"]) == 5


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_wanted(ca_file: str, tmp_path: Path, version: ssl.TLSVersion) -> None:
    """Without one, or with one of an authority that is not trusted there, the hint is about our certificate."""
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    OTHER_CA.issue_cert("gateway.example.com").private_key_and_cert_chain_pem.write_to_path(str(ours))
    CA.issue_cert("gateway.example.com").private_key_and_cert_chain_pem.write_to_path(str(theirs))
    context = tls_server_context(CA.issue_cert("127.0.0.1"), trusted=OTHER_CA)
    context.maximum_version = version
    with RawServer(tls=context) as server:
        report = examined(server.url, isales__ca_file=ca_file)
        assert (report.failed["step"], server.requests) == ("tls", [])
        assert "isales.client_cert_file" in report.failed["hint"]
        if version is ssl.TLSVersion.TLSv1_3:
            assert report.failed["facts"]["fault"] == "client certificate wanted"
        report = examined(server.url, isales__ca_file=ca_file, isales__client_cert_file=str(theirs))
        assert (report.failed["step"], server.requests) == ("tls", [])
        assert "isales.client_cert_file" in report.failed["hint"]
        report = examined(server.url, isales__ca_file=ca_file, isales__client_cert_file=str(ours))
        assert report.states["tls"] == "good"
        assert len(server.requests) == 4


def test_no_tls_at_all(ca_file: str) -> None:
    """A server that answers in plain HTTP is told from one that refuses."""
    with RawServer(greeting=says_and_closes(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        step = refused(examined(f"https://127.0.0.1:{server.port}", isales__ca_file=ca_file), server, "not TLS")
    assert "scheme and port" in str(step["hint"])


def test_a_closed_handshake() -> None:
    """A connection that ends in the handshake is one that is refused."""
    with RawServer(greeting=lambda connection: connection.close()) as server:
        step = refused(examined(f"https://127.0.0.1:{server.port}"), server, "handshake refused")
    assert "closed" in str(step["seen"])


@pytest.mark.parametrize("end", [says_and_closes(b""), says_and_resets(b"", GO)], ids=["closed", "reset"])
def test_a_connection_that_ends_behind_the_handshake(ca_file: str, end: Behaviour) -> None:
    """In TLS 1.3 that is how a client without a certificate is refused, when the alert is lost."""
    context = tls_server_context(CA.issue_cert("127.0.0.1"))
    with RawServer(greeting=lambda connection: end(context.wrap_socket(connection, server_side=True))) as server:
        base_url = f"https://127.0.0.1:{server.port}"
        step = refused(examined(base_url, isales__ca_file=ca_file), server, "client certificate wanted")
    assert "closed right after the handshake" in str(step["seen"])


def test_a_black_hole() -> None:
    """A server that takes connections and says nothing fails within the limit, which is named."""
    with RawServer() as server:
        silent = RawServer(greeting=server.is_silent)
        with silent:
            report = examined(f"https://127.0.0.1:{silent.port}", isales__connect_timeout_s="0.3")
            server.stopping.set()
        step = refused(report, silent, "no answer")
    assert "within 0.3 s (isales.connect_timeout_s)" in str(step["seen"])
    assert report.failed["seconds"] < 5
