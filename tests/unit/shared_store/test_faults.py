"""What Redis and redis-py say of trouble, by kind, and in words that show neither address nor secret."""

import ssl

import pytest
from redis import exceptions

from gateway.shared_store.faults import KINDS, SHOWN, TROUBLE, fault_of

SECRET = "geheim-canary"


def caused(error: Exception, cause: Exception) -> Exception:
    """Return `error`, made of `cause`."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "one_operation"),
    [
        (exceptions.MovedError("1234 10.0.0.7:6379"), "cluster", False),
        (exceptions.ClusterDownError("CLUSTERDOWN The cluster is down"), "cluster", False),
        (exceptions.ClusterCrossSlotError("Keys in request don't hash to the same slot"), "cluster", False),
        (exceptions.RedisClusterException("Cluster mode is not enabled on this node"), "cluster", False),
        (caused(exceptions.RedisClusterException("cannot be connected"), exceptions.TimeoutError()), "timeout", False),
        (exceptions.MasterDownError("Link with MASTER is down"), "role", False),
        (exceptions.ResponseError("MASTERDOWN Link with MASTER is down"), "role", False),
        (exceptions.ConnectionError("max number of clients reached"), "clients", False),
        (exceptions.ResponseError("unknown command 'EVALSHA', with args beginning with: 'geheim'"), "command", True),
        (exceptions.NoPermissionError("this user has no permissions to run the 'time' command"), "auth", True),
        (exceptions.NoPermissionError("No permissions to access a channel"), "auth", True),
        (exceptions.ResponseError("The user executing the script can't run this command or subcommand"), "auth", True),
        (exceptions.ResponseError("ACL failure in script: User x has no permissions to run the 'time'"), "auth", True),
        (exceptions.AuthenticationError("invalid username-password pair"), "auth", False),
        (exceptions.ResponseError("NOAUTH Authentication required."), "auth", False),
        (
            exceptions.ConnectionError("Error 1 connecting to h:1. [SSL: CERTIFICATE_VERIFY_FAILED] expired"),
            "tls",
            False,
        ),
        (caused(exceptions.ConnectionError("x"), ssl.SSLError(1, "wrong version number")), "tls", False),
        (exceptions.ResponseError("something new"), "other", True),
    ],
)
def test_kinds_are_told_apart(error: Exception, kind: str, one_operation: bool) -> None:  # noqa: FBT001 -- a column of the table
    """And whether other operations may well succeed."""
    fault = fault_of(error)
    assert (fault.kind, fault.one_operation) == (kind, one_operation)
    assert kind in KINDS
    assert isinstance(error, TROUBLE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unknown command 'AUTH', with args beginning with: 'geheim-canary'", "unknown command 'AUTH'"),
        ("NOPERM geheim-canary may not", "NOPERM ******** may not"),
        ("MOVED 1234 10.0.0.7:6379", "MOVED 1234 ..."),
        ("see redis://:x@host/0 there", "see ... there"),
        ("line\nend\x1b[0m", "line end [0m"),
        ("[SSL: X] tlsv13 alert certificate required (_ssl.c:2580)')", "[SSL: X] tlsv13 alert certificate required"),
        ("x" * 500, "x" * SHOWN + "..."),
    ],
)
def test_words_are_shown_without_what_is_nobodys_business(text: str, said: str) -> None:
    """They go into the log and into `/readyz`."""
    assert fault_of(exceptions.ResponseError(text), [SECRET, ""]).said == said


def test_addresses_of_connections_are_not_shown() -> None:
    """What redis-py says of these is about where Redis is."""
    assert fault_of(exceptions.ConnectionError("Error 111 connecting to secret.example.com:6379.")).said == ""
