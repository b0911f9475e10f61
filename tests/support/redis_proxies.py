"""Proxies in front of three servers of Redis that know nothing of each other: Envoy's, and twemproxy."""

import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from gateway.settings.model import Secret
from tests.support.programs import program
from tests.support.redis_server import RedisServer, redis_server
from tests.support.server import free_port
from tests.support.waiting import wait_until

NODES: Final = 3
_ENVOY: Final = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.redis_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy
          stat_prefix: redis
          settings: {{op_timeout: 1s, enable_hashtagging: {tags}}}
          prefix_routes: {{catch_all_route: {{cluster: nodes}}}}
  clusters:
  - name: nodes
    lb_policy: MAGLEV
    load_assignment:
      cluster_name: nodes
      endpoints:
      - lb_endpoints: [{endpoints}]
"""
_ENDPOINT: Final = "{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}"
_TWEMPROXY: Final = """
nodes:
  listen: 127.0.0.1:{port}
  hash: fnv1a_64
  distribution: ketama
  redis: true
{tags}  servers:
"""


def envoy(folder: Path, port: int, nodes: Sequence[RedisServer], *, tags: bool) -> list[str]:
    """Return the command that runs Envoy on `port`; with `tags` it spreads keys by what they have in braces."""
    endpoints = ", ".join(_ENDPOINT.format(port=node.port) for node in nodes)
    file = folder / "envoy.yaml"
    file.write_text(_ENVOY.format(port=port, tags=str(tags).lower(), endpoints=endpoints))
    return [program("envoy", "-"), "-c", str(file), "--concurrency", "1", "--disable-hot-restart", "-l", "critical"]


def twemproxy(folder: Path, port: int, nodes: Sequence[RedisServer], *, tags: bool) -> list[str]:
    """Return the command that runs twemproxy on `port`; with `tags` it spreads keys by what they have in braces."""
    file = folder / "nutcracker.yml"
    servers = "".join(f"   - 127.0.0.1:{node.port}:1\n" for node in nodes)
    file.write_text(_TWEMPROXY.format(port=port, tags='  hash_tag: "{}"\n' if tags else "") + servers)
    return [program("nutcracker", "nutcracker"), "-c", str(file), "-s", str(free_port()), "-v", "0"]


Proxy = Callable[..., list[str]]


@contextmanager
def proxied(proxy: Proxy, *, tags: bool) -> Iterator[Secret]:
    """Have three servers behind one of the proxies; yield where that is, as the setting `cache.shared_url`."""
    port = free_port()
    with ExitStack() as stack:
        nodes = [stack.enter_context(redis_server()) for _ in range(NODES)]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        process = subprocess.Popen(proxy(folder, port, nodes, tags=tags), stderr=subprocess.DEVNULL)
        stack.callback(process.wait, 10)
        stack.callback(process.kill)
        # Not by a look at Redis through it, for what it lets pass is what is to be found out.
        wait_until(lambda: _listens(port), 20)
        assert process.poll() is None, "the proxy has ended"
        yield Secret(f"redis://127.0.0.1:{port}/0")


def _listens(port: int) -> bool:
    # To bind it would be in the way of who is just about to.
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
