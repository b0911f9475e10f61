"""A Redis that takes no more clients: whatever comes first, its words or our question, it is named."""

import socket
from contextlib import ExitStack

import pytest

from tests.support.redis_engines import REDIS_7, engine
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_tier import Faults, shared_tier
from tests.support.waiting import wait_until

MOST = 8
SAID = "max number of clients reached"


def fill(server: RedisServer, stack: ExitStack) -> None:
    """Take all places there are, and return when the server says so to one more."""
    for _ in range(MOST):
        stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))

    def full() -> bool:
        with socket.create_connection(("127.0.0.1", server.port), 5) as one:
            one.sendall(b"PING\r\n")
            return SAID.encode() in one.recv(100)

    wait_until(full)


@pytest.mark.parametrize("password", ["", "geheim-canary"])
def test_it_is_named_and_used_again_when_there_is_room(password: str) -> None:
    """Each of many new processes reads the same, whether the answer came before it had asked or not."""
    faults = Faults()
    with redis_server(password, program=engine(REDIS_7), options=("--maxclients", str(MOST))) as server:
        with ExitStack() as stack:
            fill(server, stack)
            for _ in range(10):
                with shared_tier(server.url, faults) as tier:
                    for _ in range(3):
                        assert tier.get("page:2:7:abc") is None
                    assert tier.report() == {"status": "failing", "fault": "clients", "said": SAID}
            assert set(faults) == {"clients"}
        with shared_tier(server.url, faults) as tier:
            wait_until(lambda: tier.get("page:2:7:abc") is None and tier.state() == "ok")
            lease = tier.try_lead("page:2:7:abc")
            assert lease is not None
            assert lease.shared
