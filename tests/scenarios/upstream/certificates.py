"""Thirty and more kinds of certificates that CC-iSales may have, and what has to be said of each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519

from gateway.trust.chain import ChainFault
from tests.support.certificates import (
    CLIENTS,
    NOW,
    SERVERS,
    Issued,
    between,
    issue,
    root,
    rsa_key,
    signed_with_sha1,
)

HOST = "localhost"
DAY = timedelta(days=1)
OLD: dict[str, Any] = {"begins": NOW - 900 * DAY, "ends": NOW - 100 * DAY}

ROOT = root("Company Root")
ISSUING = between(ROOT, "Company Issuing")
OTHER = root("Other Root")
OLD_ROOT = root("Old Root", **OLD)
OLD_ISSUING = between(ROOT, "Old Issuing", **OLD)
FUTURE_ISSUING = between(ROOT, "Future Issuing", begins=NOW + 3 * DAY)
SMALL_ROOT = root("Small Root", key=rsa_key(1024))
SHORT_ROOT = root("Short Root", pathlen=0)
BELOW_SHORT = between(SHORT_ROOT, "Below Short")
LIMITED_ROOT = root("Limited Root", only_below="example.com")
APPLIANCE_ROOT = root("Appliance Root", key_identifiers=False, usage=False)


def own(by: Issued | None = ISSUING, **options: Any) -> Issued:
    """Return a certificate for the host, but for what `options` say."""
    return issue("isales", by=by, **{"names": [HOST], **options})


@dataclass(frozen=True)
class Kind:
    """A kind of certificate: the chain that is presented, what `ca_file` holds, what is called, and what is said of it.

    There is no `fault` where it is good.
    """

    what: str
    chain: Callable[[Path], tuple[Issued, ...]]
    fault: ChainFault | None = None
    words: str = ""
    trusted: Issued = ROOT
    host: str = HOST


def _kind(what: str, *chain: Issued, **options: Any) -> Kind:
    return Kind(what, lambda _: chain, **options)


PINNED, ALONE = own(), own(None)
F = ChainFault

KINDS = [
    _kind("as it should be", own(), ISSUING),
    _kind("of an authority of Ed25519 keys", own(key=ed25519.Ed25519PrivateKey.generate()), ISSUING),
    _kind("for an address", own(names=["127.0.0.1"]), ISSUING, host="127.0.0.1"),
    _kind("for servers by its usage", own(purposes=SERVERS), ISSUING),
    _kind("presented in the wrong order, with others in between", own(), OTHER, ROOT, ISSUING),
    _kind("the intermediate in ca_file, and not presented", own(), trusted=ISSUING),
    _kind("itself in ca_file", PINNED, trusted=PINNED),
    _kind("self-signed, itself in ca_file", ALONE, trusted=ALONE),
    _kind(
        "of an authority without key identifiers and usage",
        own(APPLIANCE_ROOT, key_identifiers=False),
        trusted=APPLIANCE_ROOT,
    ),
    _kind("expired", own(**OLD), ISSUING, fault=F.EXPIRED, words="it expired on"),
    _kind("of tomorrow", own(begins=NOW + DAY), ISSUING, fault=F.NOT_YET_VALID, words="it is not valid before"),
    _kind(
        "good, its intermediate expired",
        own(OLD_ISSUING),
        OLD_ISSUING,
        fault=F.EXPIRED,
        words="the intermediate certificate Old Issuing expired on",
    ),
    _kind(
        "good, its intermediate of tomorrow",
        own(FUTURE_ISSUING),
        FUTURE_ISSUING,
        fault=F.NOT_YET_VALID,
        words="the certificate Future Issuing, above it, is not valid before",
    ),
    _kind(
        "good, the authority in ca_file expired",
        own(OLD_ROOT),
        trusted=OLD_ROOT,
        fault=F.EXPIRED,
        words="the certificate of Old Root, which is trusted, expired on",
    ),
    _kind(
        "for another name",
        own(names=["isales.example.com"]),
        ISSUING,
        fault=F.WRONG_NAME,
        words="it is for isales.example.com, and not for localhost",
    ),
    _kind(
        "a wildcard, two labels below",
        own(names=["*.example.com"]),
        ISSUING,
        host="a.b.example.com",
        fault=F.WRONG_NAME,
        words="the * stands for one label, no more and no less",
    ),
    _kind(
        "a wildcard, and the name without a label",
        own(names=["*.example.com"]),
        ISSUING,
        host="example.com",
        fault=F.WRONG_NAME,
        words="the * stands for one label, no more and no less",
    ),
    _kind(
        "for a name, called by its address",
        own(),
        ISSUING,
        host="127.0.0.1",
        fault=F.WRONG_NAME,
        words="it is for localhost, and not for 127.0.0.1",
    ),
    _kind(
        "for an address, written as a name",
        own(names=["dns:127.0.0.1"]),
        ISSUING,
        host="127.0.0.1",
        fault=F.WRONG_NAME,
        words="the address is there as a DNS name, and has to be an IP address",
    ),
    Kind(
        "with a common name only",
        lambda _: (issue(HOST, by=ISSUING), ISSUING),
        F.NO_NAMES,
        "it has no subjectAltName, only the common name localhost, which counts for nothing (RFC 9525)",
    ),
    _kind(
        "without any name", issue(by=ISSUING), ISSUING, fault=F.NO_NAMES, words="it has no subjectAltName and no name"
    ),
    _kind("self-signed", own(None), fault=F.SELF_SIGNED, words="it is signed by itself, so by nobody that is trusted"),
    _kind(
        "self-signed, with a common name only",
        issue(HOST),
        fault=F.SELF_SIGNED,
        words="and has no subjectAltName either",
    ),
    _kind("of another authority", own(OTHER), fault=F.UNKNOWN_CA, words="it leads to Other Root, which is not trusted"),
    _kind(
        "of another authority, presented too",
        own(OTHER),
        OTHER,
        fault=F.UNKNOWN_CA,
        words="it leads to Other Root, which is not trusted",
    ),
    _kind(
        "without its intermediate", own(), fault=F.UNKNOWN_CA, words="it leads to Company Issuing, which is not trusted"
    ),
    _kind(
        "of an authority that has a new key",
        own(root("Company Root")),
        fault=F.UNKNOWN_CA,
        words="it is signed by another key than that of the Company Root that is trusted",
    ),
    _kind(
        "signed by one that is no authority",
        own(WRONG := issue("Web Server", by=ROOT, names=["example.com"])),
        WRONG,
        fault=F.NOT_AN_AUTHORITY,
        words="Web Server, which signed it, may sign no others",
    ),
    _kind(
        "signed by an authority that may not",
        own(WRONG := between(ROOT, "Not Signing", signs=False)),
        WRONG,
        fault=F.NOT_AN_AUTHORITY,
        words="Not Signing, which signed it, may sign no others",
    ),
    _kind(
        "too far below its authority",
        own(BELOW_SHORT),
        BELOW_SHORT,
        trusted=SHORT_ROOT,
        fault=F.NOT_AN_AUTHORITY,
        words="Short Root allows 0 authorities below it (pathlen), and there are 1",
    ),
    _kind(
        "for clients only",
        own(purposes=CLIENTS),
        ISSUING,
        fault=F.NOT_FOR_SERVERS,
        words="it is not made for servers (extendedKeyUsage without serverAuth)",
    ),
    _kind(
        "with a small key",
        own(key=rsa_key(1024)),
        ISSUING,
        fault=F.WEAK_KEY,
        words="its key is RSA of 1024 bits, and 2048 are the least",
    ),
    _kind(
        "of an authority with a small key",
        own(SMALL_ROOT),
        trusted=SMALL_ROOT,
        fault=F.WEAK_KEY,
        words="the key of Small Root, above it, is RSA of 1024 bits, and 2048 are the least",
    ),
    Kind(
        "signed with SHA-1",
        lambda folder: (signed_with_sha1(ISSUING, HOST, folder), ISSUING),
        F.WEAK_SIGNATURE,
        "it is signed with SHA1, and SHA-256 is the least",
    ),
    _kind(
        "with a critical extension of its own",
        own(private_extension=True),
        ISSUING,
        fault=F.UNKNOWN_EXTENSION,
        words="isales has an extension that nobody here knows, marked as critical (1.3.6.1.4.1.55555.1)",
    ),
    _kind(
        "of an authority for other names",
        own(LIMITED_ROOT),
        trusted=LIMITED_ROOT,
        fault=F.NAMES_NOT_PERMITTED,
        words="it is for localhost, which an authority above it (Limited Root) may not sign for (nameConstraints)",
    ),
]
