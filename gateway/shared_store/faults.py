"""What is wrong with Redis, by kind and in its own words. Pure: exceptions of redis-py and of sockets come in."""

import re
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from redis import exceptions
from redis.sentinel import MasterNotFoundError

TROUBLE: Final = (
    *(exceptions.RedisError, exceptions.RedisClusterException),
    *(OSError, ValueError, TypeError, LookupError, AttributeError),
)
"""What an operation on Redis may end in. Of a cluster that cannot be reached redis-py tells by an error that is none of
its RedisErrors. And behind the name may be something that does not speak as Redis does: redis-py takes its answers
apart with whatever Python raises then."""

KINDS: Final = (
    *("timeout", "refused", "full", "auth", "readonly"),
    *("cluster", "command", "tls", "clients", "role", "other"),
)
"""`role`: the node that answers is not one to ask, such as a Sentinel, or a replica that has lost its master.
`cluster`: it is one of several, or the cluster is down. `command`: it does not know what was asked of it."""

WRITES_ONLY: Final = frozenset({"full", "readonly"})
"""With these Redis still answers reads, so they are no reason to stop reading."""

SHOWN: Final = 120

# What Redis' answers begin with. In a script Redis puts its own words before the code, so that redis-py does not know
# the error by class, and the code may be anywhere; `-` is before it in 6.2. Of channels Valkey says "No permissions".
_CODES: Final = (
    ("READONLY", "readonly"),
    ("MISCONF", "readonly"),
    ("NOREPLICAS", "readonly"),
    ("OOM ", "full"),
    ("max number of clients", "clients"),
    ("MASTERDOWN", "role"),
    ("LOADING", "role"),
    ("UNBLOCKED", "role"),
    ("NOAUTH", "auth"),
    ("NOPERM", "auth"),
    ("WRONGPASS", "auth"),
    ("invalid password", "auth"),
    ("invalid username-password", "auth"),
    ("o permissions to", "auth"),
    ("ACL failure in script", "auth"),
    ("user executing the script can't", "auth"),
    ("MOVED ", "cluster"),
    ("ASK ", "cluster"),
    ("CROSSSLOT", "cluster"),
    ("Cluster mode is not enabled", "cluster"),
    ("cluster support disabled", "cluster"),
    ("CLUSTERDOWN", "cluster"),
    ("TRYAGAIN", "cluster"),
    ("unknown command", "command"),
    ("Unknown Redis command", "command"),
    ("unknown subcommand", "command"),
    ("unsupported command", "command"),
    ("not supported", "command"),
    ("is not allowed", "command"),
)
# Of a right of one operation, not of the way in.
_DENIED: Final = ("NOPERM", "o permissions to", "ACL failure", "user executing the script can't")
_CLASSES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ssl.SSLError, "tls"),
    (exceptions.TimeoutError, "timeout"),
    (TimeoutError, "timeout"),
    (MasterNotFoundError, "role"),
    (exceptions.AuthenticationError, "auth"),
    (exceptions.AuthorizationError, "auth"),
    (exceptions.NoPermissionError, "auth"),
    (exceptions.OutOfMemoryError, "full"),
    (exceptions.ReadOnlyError, "readonly"),
    (exceptions.MasterDownError, "role"),
    (exceptions.ClusterDownError, "cluster"),
    (exceptions.MovedError, "cluster"),
    (exceptions.AskError, "cluster"),
    (exceptions.ClusterCrossSlotError, "cluster"),
    (exceptions.SlotNotCoveredError, "cluster"),
    (exceptions.BusyLoadingError, "role"),
    (exceptions.MaxConnectionsError, "other"),
    (exceptions.ConnectionError, "refused"),
    (OSError, "refused"),
)
# redis-py keeps of a failed handshake only the words.
_TLS: Final = re.compile(
    r"\[SSL|certificate verify|CERTIFICATE_|SSLCertVerification|wrong version number", re.IGNORECASE
)
_SOURCE: Final = re.compile(r" \(_ssl\.c:\d+\)\.?")
_ADDRESS: Final = re.compile(r"\S*:\d{2,5}\b|\b\d{1,3}(\.\d{1,3}){3}\b|\S*://\S*")


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure: its kind, and what Redis said, if it said something. `one_operation`: others may well succeed."""

    kind: str
    said: str = ""
    one_operation: bool = False


def fault_of(error: BaseException, hidden: Iterable[str] = ()) -> Fault:
    """Return what an exception of redis-py or of the socket means. Of what was said, `hidden` texts are left out."""
    kind, told = _judged(error)
    answered = isinstance(error, exceptions.ResponseError)
    says = (
        isinstance(told, exceptions.ResponseError)
        or kind in {"tls", "clients", "auth"}
        or isinstance(told, exceptions.BusyLoadingError)
    )
    denied = kind == "auth" and any(words in str(told) for words in _DENIED)
    one_operation = answered and (denied or kind in {"command", "other"})
    text = str(told)
    if kind == "tls":
        # Without the place in Python's sources that ends it.
        text = _SOURCE.sub("", text[max(0, text.find("[SSL")) :]).removesuffix("')")
    return Fault(kind, _shown(text, hidden) if says else "", one_operation)


def fault_kind(error: BaseException) -> str:
    """Return which of `KINDS` an exception of redis-py or of the socket is."""
    return fault_of(error).kind


def _judged(error: BaseException) -> tuple[str, BaseException]:
    """Return the kind, and which of the errors that `error` was made of tells it."""
    chain = list(_chain(error))
    # The innermost has the words of OpenSSL from their beginning, and what is shown is cut.
    for one in reversed(chain):
        if isinstance(one, ssl.SSLError) or _TLS.search(str(one)):
            return "tls", one
    for one in chain:
        if isinstance(one, MasterNotFoundError) and one.__cause__ is not None:
            # None of the Sentinels could be asked.
            continue
        if isinstance(one, exceptions.RedisClusterException) and one.__cause__ is not None:
            # What a node said is in it too, behind words of redis-py's that leave no place for them.
            continue
        said = next((kind for code, kind in _CODES if code in str(one)), None)
        if said is not None and isinstance(one, exceptions.RedisError | exceptions.RedisClusterException):
            return said, one
        for known, kind in _CLASSES:
            if isinstance(one, known):
                return kind, one
    return "other", error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what it was made of: where a cluster cannot be reached, that is what happened last."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _shown(text: str, hidden: Iterable[str]) -> str:
    """Return what Redis said, for people: cut, without addresses, and without what it was sent."""
    # Redis repeats arguments of a command that it does not know, and a password is one of AUTH.
    words = re.split(r",? with args beginning with", text, maxsplit=1)[0]
    for secret in filter(None, hidden):
        words = words.replace(secret, "********")
    words = _ADDRESS.sub("...", words)
    printable = "".join(char if char.isprintable() else " " for char in words).strip()
    return printable if len(printable) <= SHOWN else f"{printable[:SHOWN]}..."
