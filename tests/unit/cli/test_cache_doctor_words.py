"""What `deploy/README.md` shows of `flask cache doctor` is what it says, of real servers that are set up wrongly."""

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli.doctor import lines
from gateway.cli.doctor_shared import examine_shared
from gateway.isales.doctor_step import State
from gateway.settings.model import Secret
from gateway.shared_store.address import KEY_PREFIX, StoreAddress
from gateway.shared_store.rights import set_user
from tests.support.gateway import PROJECT
from tests.support.redis_engines import REDIS_7, engine
from tests.support.redis_server import redis_server
from tests.support.redis_tls import Files, tls_sentinel
from tests.support.server import free_port

CHAPTER = "### What the doctor of the shared cache says"
OF_SENTINEL = "waechter-canary"


def shown() -> dict[str, str]:
    """Return what the chapter shows of each set-up, by what it is called, blanks made one."""
    text = (PROJECT / "deploy" / "README.md").read_text(encoding="utf-8").partition(f"{CHAPTER}\n")[2]
    chapter = re.split(r"^##", text, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"^\*\*(.+?)\*\*.*\n\n((?:    .*\n)+)", chapter, re.MULTILINE)
    return {name: " ".join(block.split()) for name, block in blocks}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return what ends the servers of the test."""
    with ExitStack() as stack:
        yield stack


def a_wrong_password(stack: ExitStack, _folder: Path) -> StoreAddress:
    """Have one server, and be wrong about its password."""
    server = stack.enter_context(redis_server("geheim-canary", program=engine(REDIS_7)))
    return StoreAddress(Secret(server.url.reveal().replace("geheim", "falsch")))


def a_user_with_too_few_rights(stack: ExitStack, _folder: Path) -> StoreAddress:
    """Have a user as Redis' categories make one, and without channels."""
    server = stack.enter_context(redis_server(program=engine(REDIS_7)))
    with server.client() as client:
        client.execute_command(*shlex.split(set_user(KEY_PREFIX, cluster=False)), "-time", "resetchannels")
    return StoreAddress(Secret(f"redis://campaign-gateway:PASSWORD@127.0.0.1:{server.port}/0"))


def a_sentinel(stack: ExitStack, folder: Path) -> StoreAddress:
    """Have a Sentinel, and take it for Redis."""
    files = Files(folder)
    url = stack.enter_context(tls_sentinel(files, "", "PING", OF_SENTINEL)).reveal()
    port = url.rpartition(":")[2].partition("/")[0]
    return StoreAddress(Secret(f"rediss://:{OF_SENTINEL}@127.0.0.1:{port}/0"), ca_file=str(files.authority))


def a_node_of_a_cluster(stack: ExitStack, _folder: Path) -> StoreAddress:
    """Have a node that has all slots but one, and take it for a Redis of its own."""
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    server = stack.enter_context(redis_server(program=engine(REDIS_7), options=options))
    return StoreAddress(server.url)


def a_certificate_that_is_not_trusted(stack: ExitStack, folder: Path) -> StoreAddress:
    """Have a server with a certificate of an authority of its own."""
    port = free_port()
    stack.enter_context(redis_server(program=engine(REDIS_7), options=Files(folder).options(port)))
    return StoreAddress(Secret(f"rediss://127.0.0.1:{port}/0"))


def memory_that_is_short(stack: ExitStack, _folder: Path) -> StoreAddress:
    """Have a server that is full, and takes what ends soonest first."""
    server = stack.enter_context(redis_server(program=engine(REDIS_7)))
    with server.client() as client:
        client.config_set("maxmemory-policy", "volatile-ttl")
        client.config_set("maxmemory", "1")
    return StoreAddress(server.url)


SET_UPS = {
    "A wrong password": a_wrong_password,
    "A user with too few rights": a_user_with_too_few_rights,
    "A Sentinel behind a plain URL": a_sentinel,
    "A node of a cluster behind a plain URL": a_node_of_a_cluster,
    "A certificate that is not trusted": a_certificate_that_is_not_trusted,
    "Memory that is short, and the wrong policy": memory_that_is_short,
}


def test_all_are_shown() -> None:
    """The README shows each of the wrong set-ups, and no other."""
    assert list(shown()) == list(SET_UPS)


@pytest.mark.parametrize("name", SET_UPS)
def test_the_chapter_shows_what_is_said(name: str, stack: ExitStack, tmp_path: Path) -> None:
    """All of it but the times, the commands of an ACL, and numbers of the moment."""
    said = []
    for step in examine_shared(SET_UPS[name](stack, tmp_path), lambda: datetime.now(UTC)):
        if step.state in {State.WARNING, State.FAILED}:
            said += [line[:20] + line[30:] if number == 0 else line for number, line in enumerate(lines(step))]
    words = re.sub(r"(?<=\+set ).*? \+unsubscribe", "...", " ".join(" ".join(said).split()))
    assert re.sub(r"\d+%", "N%", words) == re.sub(r"\d+%", "N%", shown()[name])
