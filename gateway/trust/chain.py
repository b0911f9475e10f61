"""What is wrong with a chain of certificates that OpenSSL refused, told of the whole chain. Pure.

OpenSSL says what is wrong and not with which certificate: "certificate has expired" may mean the server's own, one
between, or the authority in our own file, and each is for somebody else to mend.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from gateway.trust.certificate import Certificate

LEAST_RSA_BITS: Final = 2048


class ChainFault(StrEnum):
    """What is wrong with a chain."""

    UNKNOWN_CA = "unknown CA"
    SELF_SIGNED = "self-signed"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "wrong name"
    NO_NAMES = "no names"
    WEAK_KEY = "weak key"
    WEAK_SIGNATURE = "weak signature"
    NOT_AN_AUTHORITY = "not an authority"
    NOT_FOR_SERVERS = "not for servers"
    UNKNOWN_EXTENSION = "unknown extension"
    NAMES_NOT_PERMITTED = "names not permitted"
    CERTIFICATE_REFUSED = "certificate refused"


# The numbers are OpenSSL's X509_V_ERR_* (x509_vfy.h), which Python hands over as `verify_code`.
_UNTRUSTED: Final = frozenset({2, 19, 20, 21, 27})
_NOT_YET_VALID, _EXPIRED, _BAD_SIGNATURE, _SELF_SIGNED = 9, 10, 7, 18
_NO_AUTHORITY: Final = frozenset({24, 32, 79})
_TOO_LONG, _PURPOSE, _EXTENSION = 25, 26, 34
_NOT_PERMITTED: Final = frozenset({47, 48})
_NAMES: Final = frozenset({62, 64})
_WEAK_KEYS: Final = frozenset({66, 67})
_WEAK_SIGNATURE: Final = 68


@dataclass(frozen=True, slots=True)
class Peer:
    """Whose chain it is: how the other end and its administrators are called, under which host, and what we trust.

    `trusted` are the certificates of the file `ca_file`, which the setting `setting` names; both are empty where the
    system's authorities are trusted.
    """

    who: str
    host: str
    setting: str
    ca_file: str = ""
    trusted: tuple[Certificate, ...] = ()

    @property
    def entry(self) -> str:
        """What subjectAltName has to have."""
        return f"{'IP' if _is_address(self.host) else 'DNS'}:{self.host}"

    @property
    def order(self) -> str:
        """What a certificate has to be like that will do."""
        return (
            f"What to order: a certificate for servers (extendedKeyUsage serverAuth) with subjectAltName {self.entry}, "
            f"a key of RSA {LEAST_RSA_BITS} bits or P-256, signed with SHA-256, presented together with its "
            "intermediates."
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong: its kind, what was `seen` of it (words without a full stop), and what to do (sentences)."""

    fault: ChainFault
    seen: str
    hint: str


def diagnose(code: int, message: str, chain: tuple[Certificate, ...], peer: Peer, now: datetime) -> Diagnosis:
    """Return what is wrong with `chain`, the presented certificates with the server's own first.

    `code` and `message` are OpenSSL's (`verify_code`, `verify_message`); `now` is aware. Without a certificate that can
    be read, OpenSSL's words are all there is.
    """
    message = message.rstrip(".")
    if not chain:
        return Diagnosis(ChainFault.CERTIFICATE_REFUSED, message, _mend(peer, "Its certificate cannot be read."))
    path = _path(chain, peer.trusted)
    for codes, told in _TOLD:
        if code in codes and (diagnosis := told(path, peer, now)) is not None:
            return diagnosis
    return Diagnosis(ChainFault.CERTIFICATE_REFUSED, message, _mend(peer, "Tell them these words."))


def _path(chain: tuple[Certificate, ...], trusted: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
    """Return the way up from the server's certificate, as far as what was presented and is trusted shows it."""
    path = [chain[0]]
    while not path[-1].is_its_own_issuer:
        above = [
            one for one in (*trusted, *chain[1:]) if one not in path and path[-1].parsed.issuer == one.parsed.subject
        ]
        signed = [one for one in above if path[-1].is_signed_by(one)]
        if not signed:
            break
        path.append(signed[0])
    return tuple(path)


def _expired(path: tuple[Certificate, ...], peer: Peer, now: datetime) -> Diagnosis | None:
    for number, one in enumerate(path):
        if one.ends_at >= now:
            continue
        when, still = f"expired on {minute(one.ends_at)}", f"; its own is good until {minute(path[0].ends_at)}"
        if number == 0:
            hint = f"{_administrators(peer)} have to renew its certificate. If they have, check this machine's clock."
            return Diagnosis(ChainFault.EXPIRED, f"it {when}", hint)
        if one in peer.trusted:
            seen = f"the certificate of {one.subject}, which is trusted, {when}{still}"
            hint = f"Get its new certificate from {_administrators(peer)}, and put it into {peer.ca_file}."
            return Diagnosis(ChainFault.EXPIRED, seen, hint)
        hint = (
            f"{_administrators(peer)} have to have the server present the intermediate certificate that its authority "
            "has now. The server's own need not be renewed."
        )
        return Diagnosis(ChainFault.EXPIRED, f"the intermediate certificate {one.subject} {when}{still}", hint)
    hint = f"Have this machine's authorities updated (ca-certificates), or name the right one in {peer.setting}."
    return Diagnosis(ChainFault.EXPIRED, f"a certificate above {path[-1].issuer} expired", hint)


def _not_yet_valid(path: tuple[Certificate, ...], peer: Peer, now: datetime) -> Diagnosis | None:
    for number, one in enumerate(path):
        if one.begins_at > now:
            whose = "it" if number == 0 else f"the certificate {one.subject}, above it,"
            hint = f"Check this machine's clock; else {_administrators(peer)} have to mend it."
            return Diagnosis(ChainFault.NOT_YET_VALID, f"{whose} is not valid before {minute(one.begins_at)}", hint)
    return None


def _self_signed(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    hint = (
        f"Ask {_administrators(peer)} whether its certificate has the SHA-256 {path[0].sha256}. If so, put that "
        f"certificate into {peer.setting}."
    )
    names = "" if path[0].names else ", and has no subjectAltName either; deploy/README.md says how to live with that"
    return Diagnosis(ChainFault.SELF_SIGNED, f"it is signed by itself, so by nobody that is trusted{names}", hint)


def _untrusted(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    top = path[-1]
    missing = top.subject if top.is_its_own_issuer else top.issuer
    seen = f"it leads to {missing}, which is not trusted"
    if not top.is_its_own_issuer and any(one.parsed.subject == top.parsed.issuer for one in peer.trusted):
        seen = f"it is signed by another key than that of the {missing} that is trusted"
    trust = f"{peer.setting} ({peer.ca_file}) does not hold it" if peer.ca_file else f"{peer.setting} is empty"
    hint = (
        f"{trust}: get the certificate of that authority from {_administrators(peer)} and put it there. If it is an "
        f"intermediate, they had better have the server present it, which presents {_count(path)}. SHA-256 of the "
        f"server's certificate: {path[0].sha256}."
    )
    return Diagnosis(ChainFault.UNKNOWN_CA, seen, hint)


def _names(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    own = path[0]
    if not own.names:
        common = (
            f", only the common name {own.common_name}, which counts for nothing" if own.common_name else " and no name"
        )
        hint = f"{peer.order} Until there is one, deploy/README.md says how to live without names."
        return Diagnosis(ChainFault.NO_NAMES, f"it has no subjectAltName{common} (RFC 9525)", hint)
    why = ""
    labels = peer.host.split(".")
    if _is_address(peer.host) and peer.host in own.names:
        why = "; the address is there as a DNS name, and has to be an IP address"
    elif any(
        name.startswith("*.") and name[2:] in {".".join(labels[at:]) for at in (0, *range(2, len(labels)))}
        for name in own.names
    ):
        why = "; the * stands for one label, no more and no less"
    hint = f"Use a host that the certificate is for, or have {_administrators(peer)} add this one to it. {peer.order}"
    return Diagnosis(ChainFault.WRONG_NAME, f"it is for {own.shown_names}, and not for {peer.host}{why}", hint)


def _weak_key(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    weak = [one for one in path if 0 < one.key_bits < LEAST_RSA_BITS]
    if not weak:
        return None
    whose = "its key" if weak[0] is path[0] else f"the key of {weak[0].subject}, above it,"
    return Diagnosis(
        ChainFault.WEAK_KEY,
        f"{whose} is {weak[0].key}, and {LEAST_RSA_BITS} are the least",
        _renew(weak[0], path, peer),
    )


def _weak_signature(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    weak = [one for one in path if one.signed_with in {"SHA1", "MD5"} and not one.is_its_own_issuer]
    if not weak:
        return None
    whose = "it is" if weak[0] is path[0] else f"{weak[0].subject}, above it, is"
    return Diagnosis(
        ChainFault.WEAK_SIGNATURE,
        f"{whose} signed with {weak[0].signed_with}, and SHA-256 is the least",
        _renew(weak[0], path, peer),
    )


def _no_authority(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    odd = next((one for one in path[1:] if not one.may_sign), path[-1])
    seen = f"{odd.subject}, which signed it, may sign no others (basicConstraints CA:TRUE, keyUsage keyCertSign)"
    return Diagnosis(ChainFault.NOT_AN_AUTHORITY, seen, f"Have it signed by an authority. {peer.order}")


def _too_long(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    for number, one in enumerate(path[1:]):
        if one.below is not None and one.below < number:
            seen = f"{one.subject} allows {one.below} authorities below it (pathlen), and there are {number}"
            return Diagnosis(
                ChainFault.NOT_AN_AUTHORITY, seen, f"Have it signed by an authority that may. {peer.order}"
            )
    return None


def _purpose(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    odd = next((one for one in path if not one.for_servers), path[0])
    whose = "it is" if odd is path[0] else f"{odd.subject}, above it, is"
    return Diagnosis(
        ChainFault.NOT_FOR_SERVERS, f"{whose} not made for servers (extendedKeyUsage without serverAuth)", peer.order
    )


def _extension(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    odd = next((one for one in path if one.unknown), None)
    if odd is None:
        return None
    seen = f"{odd.subject} has an extension that nobody here knows, marked as critical ({', '.join(odd.unknown)})"
    return Diagnosis(ChainFault.UNKNOWN_EXTENSION, seen, f"Order one without it. {peer.order}")


def _not_permitted(path: tuple[Certificate, ...], peer: Peer, _: datetime) -> Diagnosis | None:
    above = ", ".join(one.subject for one in path[1:]) or path[-1].issuer
    names = path[0].shown_names or path[0].common_name
    seen = f"it is for {names}, which an authority above it ({above}) may not sign for (nameConstraints)"
    return Diagnosis(ChainFault.NAMES_NOT_PERMITTED, seen, f"Order it from an authority that may. {peer.order}")


def _renew(odd: Certificate, path: tuple[Certificate, ...], peer: Peer) -> str:
    if odd is path[0]:
        return peer.order
    return f"{_administrators(peer)} need a certificate of a newer authority. {peer.order}"


def _mend(peer: Peer, why: str) -> str:
    return f"{_administrators(peer)} have to mend its certificate. {why}"


def _administrators(peer: Peer) -> str:
    return f"{peer.who}' administrators" if peer.who.endswith("s") else f"{peer.who}'s administrators"


def _count(path: tuple[Certificate, ...]) -> str:
    return "its own alone" if len(path) == 1 else f"{len(path)} that belong together"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def minute(moment: datetime) -> str:
    """Return `moment`, aware and UTC, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


_TOLD: Final = (
    (frozenset({_EXPIRED}), _expired),
    (frozenset({_NOT_YET_VALID}), _not_yet_valid),
    (frozenset({_SELF_SIGNED}), _self_signed),
    (_UNTRUSTED | {_BAD_SIGNATURE}, _untrusted),
    (_NAMES, _names),
    (_WEAK_KEYS, _weak_key),
    (frozenset({_WEAK_SIGNATURE}), _weak_signature),
    (_NO_AUTHORITY, _no_authority),
    (frozenset({_TOO_LONG}), _too_long),
    (frozenset({_PURPOSE}), _purpose),
    (frozenset({_EXTENSION}), _extension),
    (_NOT_PERMITTED, _not_permitted),
)
