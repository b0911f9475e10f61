"""What is told where little can be seen: certificates that cannot be read, words of OpenSSL's that are rare."""

from pathlib import Path

import pytest

from gateway.trust.certificate import in_file, read, read_all
from gateway.trust.chain import ChainFault, Peer, diagnose
from tests.support.certificates import NOW, Issued, issue, root

PEER = Peer("Example", "isales.example.com", "isales.ca_file")
AUTHORITY = root("Authority")
OWN = issue("isales", by=AUTHORITY, names=["isales.example.com", "b.example.com", "c.example.com", "d.example.com"])


def test_a_chain_that_cannot_be_read_keeps_openssls_words() -> None:
    """There is nothing else to tell, and the end of the sentence is not told twice."""
    diagnosis = diagnose(10, "certificate has expired.", (), PEER, NOW)
    assert (diagnosis.fault, diagnosis.seen) == (ChainFault.CERTIFICATE_REFUSED, "certificate has expired")
    assert diagnosis.hint.startswith("Example's administrators")


@pytest.mark.parametrize("code", [9, 25, 34, 66, 68, 4711])
def test_what_the_chain_does_not_show_keeps_openssls_words(code: int) -> None:
    """As where the fault is in a certificate of the system that nobody has presented."""
    diagnosis = diagnose(code, "something is odd", read_all((OWN.der,)), PEER, NOW)
    assert (diagnosis.fault, diagnosis.seen) == (ChainFault.CERTIFICATE_REFUSED, "something is odd")


def test_what_expired_may_be_the_systems_own() -> None:
    """None of what was presented has, so it is above that."""
    diagnosis = diagnose(10, "certificate has expired", read_all((OWN.der,)), PEER, NOW)
    assert diagnosis.seen == "a certificate above Authority expired"
    assert "ca-certificates" in diagnosis.hint


def test_of_many_names_a_few_are_shown() -> None:
    """The others are counted."""
    diagnosis = diagnose(62, "Hostname mismatch", read_all((OWN.der,)), Peer("CC-iSales", "x.example.com", "s"), NOW)
    assert "isales.example.com, b.example.com, c.example.com and 1 more, and not for x.example.com" in diagnosis.seen
    assert "CC-iSales' administrators" in diagnosis.hint


def test_texts_of_a_certificate_are_made_safe() -> None:
    """They come from whoever is at the other end, and may be long."""
    certificate = read(issue("Acme\x1b[31m " + "x" * 40, by=root("Au\u202eth")).der)
    assert certificate.subject.startswith("Acme\\x1b[31m x")
    assert certificate.issuer == "Au\\u202eth"
    assert read(issue("").der).subject == "nobody"


def test_what_is_no_certificate_is_passed_over(tmp_path: Path) -> None:
    """The others are read; a file that is not there holds none."""
    with pytest.raises(ValueError, match="parsing"):
        read(b"no certificate")
    assert [one.subject for one in read_all((b"", OWN.der, b"x"))] == ["isales"]
    file = tmp_path / "ca.pem"
    odd = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    file.write_bytes(b"# ours\n" + odd + AUTHORITY.pem + b"-----BEGIN CERTIFICATE-----\n!")
    assert [one.subject for one in in_file(str(file))] == ["Authority"]
    assert in_file(str(tmp_path / "absent.pem")) == ()


@pytest.mark.parametrize("issued", [OWN, AUTHORITY], ids=["own", "authority"])
def test_who_may_sign_is_who_says_so(issued: Issued) -> None:
    """An authority's certificate may, another one may not."""
    assert read(issued.der).may_sign == (issued is AUTHORITY)
