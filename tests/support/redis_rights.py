"""A user of Redis with the least rights that the gateway needs, or with more, or fewer."""

import shlex
from typing import Final

from gateway.shared_store.address import KEY_PREFIX
from gateway.shared_store.rights import set_user
from tests.support.redis_server import RedisServer

PASSWORD: Final = "PASSWORD"
LOGIN: Final = f"campaign-gateway:{PASSWORD}@"


def make_user(server: RedisServer, *more: str, cluster: bool = False) -> None:
    """Make it, or make it anew, and forget what anybody was refused."""
    with server.client() as client:
        client.execute_command(*shlex.split(set_user(KEY_PREFIX, cluster=cluster)), *more)
        client.execute_command("ACL", "LOG", "RESET")
