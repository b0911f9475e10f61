"""What is said of a certificate is made from its whole chain, and the same by the doctor, the problem and the log."""

import json
import re
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.isales.doctor_network import Address
from gateway.isales.doctor_step import State
from gateway.isales.doctor_tls import shake_hands
from tests.scenarios.upstream.certificates import DAY, HOST, ISSUING, KINDS, OLD_ISSUING, ROOT, Kind, own
from tests.scenarios.upstream.raw_server import GOOD_BODY, RawServer, http, says_and_closes
from tests.support.certificates import NOW, between, presenting, rsa_key
from tests.support.gateway import PROJECT, GatewayUnderTest
from tests.unit.isales.vendor import isales_settings

RUNBOOK = (PROJECT / "deploy" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what)
def test_what_is_wrong_is_told_of_the_whole_chain(kind: Kind, tmp_path: Path) -> None:
    """A good one is taken, of any other the doctor says what is wrong with which certificate, and what to do."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(kind.trusted.pem)
    with RawServer(tls=presenting(tmp_path, *kind.chain(tmp_path))) as server:
        settings = isales_settings(f"https://{kind.host}:{server.port}", ca_file=str(ca_file))
        address = Address(socket.AF_INET, ("127.0.0.1", server.port))
        step = shake_hands(address, kind.host, settings, datetime.now(UTC))
    assert step.facts["fault"] == kind.fault
    if kind.fault is not None:
        assert step.seen.startswith(f"{kind.fault}: ")
        assert kind.words in step.seen
        assert not step.seen.endswith(".")
        assert step.hint.endswith(".")
        assert ".." not in step.hint
        assert step.facts["not_after"], "the certificate is shown although it is refused"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.fault], ids=lambda kind: kind.what)
def test_the_runbook_has_them_all(kind: Kind) -> None:
    """So that who searches it for what he was told finds it."""
    assert kind.words.removesuffix(" on") in RUNBOOK


def test_the_first_end_of_the_chain_is_that_of_all(tmp_path: Path) -> None:
    """Doctor and metric count down to an intermediate that expires before the server's own, if it is needed."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(ROOT.pem)
    ending = between(ROOT, "Ending Issuing", ends=NOW + 5 * DAY)
    shown = "campaign_gateway_upstream_certificate_expiry_timestamp_seconds"
    for by, ends in ((ending, NOW + 5 * DAY), (ISSUING, NOW + 300 * DAY)):
        with RawServer(tls=presenting(tmp_path, own(by), by, ending)) as server:
            settings = isales_settings(f"https://{HOST}:{server.port}", ca_file=str(ca_file))
            step = shake_hands(Address(socket.AF_INET, ("127.0.0.1", server.port)), HOST, settings, NOW)
            gateway = GatewayUnderTest(settings.base_url, isales__ca_file=str(ca_file))
            server.will(says_and_closes(http("200 OK", GOOD_BODY)))
            assert gateway.get("/campaigns").status_code == 200
        found = re.search(rf"^{shown} (\S+)$", gateway.get("/metrics").get_data(as_text=True), re.MULTILINE)
        assert found
        assert float(found[1]) == ends.timestamp()
        assert step.facts["days_left"] == 300
        if by is ending:
            assert step.state is State.WARNING
            assert step.seen.endswith("300 days left, but 5 days of Ending Issuing, above it")
            assert step.facts["chain_days_left"] == 5
            assert "have it present what Ending Issuing has by then" in step.hint
        else:
            assert (step.state, step.hint) == (State.GOOD, "")


def test_problem_and_log_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who watches the log at night reads which certificate it is, not only that one has expired; no path is told."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(ROOT.pem)
    with RawServer(tls=presenting(tmp_path, own(OLD_ISSUING), OLD_ISSUING)) as server:
        gateway = GatewayUnderTest(f"https://{HOST}:{server.port}", isales__ca_file=str(ca_file))
        problem = gateway.get("/campaigns").get_json()
    words = "The certificate of CC-iSales is refused: the intermediate certificate Old Issuing expired on "
    assert problem["detail"].startswith(words)
    assert problem["detail"].count(".") == 1
    assert str(tmp_path) not in problem["detail"]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = (line for line in lines if line["event"] == "request")
    assert line["detail"] == problem["detail"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize(
    ("suites", "version", "words"),
    [
        ("ALL", ssl.TLSVersion.TLSv1_1, "CC-iSales speaks TLSv1.1 at best, and TLSv1.2 is the least here"),
        ("AES128-GCM-SHA256", ssl.TLSVersion.TLSv1_2, "exchanges keys by RSA alone (AES128-GCM-SHA256)"),
        ("ECDHE-RSA-AES128-SHA", ssl.TLSVersion.TLSv1_2, "has suites of CBC with SHA-1 alone (ECDHE-RSA-AES128-SHA)"),
    ],
)
def test_what_is_too_old_is_named(tmp_path: Path, suites: str, version: ssl.TLSVersion, words: str) -> None:
    """What the other end agrees to with a client that takes everything says why it does not with us."""
    context = presenting(tmp_path, own(key=rsa_key(2048)), ISSUING)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
    context.set_ciphers(f"{suites}:@SECLEVEL=0")
    with RawServer(tls=context) as server:
        settings = isales_settings(server.url)
        step = shake_hands(Address(socket.AF_INET, ("127.0.0.1", server.port)), HOST, settings, datetime.now(UTC))
    assert step.facts["fault"] == "handshake refused"
    assert words in step.hint
    assert words in RUNBOOK
