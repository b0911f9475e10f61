"""Exports behind nginx: for callers who take their time, by heads and parts, and when a worker is killed meanwhile."""

import base64
import hashlib
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.client import HTTPResponse
from pathlib import Path
from ssl import SSLSocket
from typing import Any, NamedTuple

import pytest
import requests

from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.listing import Arrangement
from gateway.simulator.server import SimulatorServer
from tests.scenarios.nginx.conftest import LOGGED_AT_ONCE
from tests.support.long_names import BYTES, NAME, ROWS, show_long_names
from tests.support.nginx import Answer, DeployedNginx, deployed_nginx
from tests.support.server import ServedGateway, served_gateway
from tests.support.waiting import wait_until

EXPORT = "/campaigns/export"
LIMIT_S = 10.0
SHORT_S = 0.3
LARGE = {"X-Padding": "a" * 9000}
LITTLE = 4096
"""Bytes that the system takes for a caller who does not read."""

MANY_PAGES = 200
"""So many that an export which has a file is far from its end."""


class House(NamedTuple):
    """nginx, the gateway behind it, which has one thread for all its callers, and its folder for large results."""

    nginx: DeployedNginx
    gateway: ServedGateway
    folder: Path


@pytest.fixture(scope="module")
def house(_simulator: SimulatorServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Return them."""
    folder = tmp_path_factory.mktemp("spool")
    settings = {"GATEWAY__EXPORT__SPOOL_FOLDER": str(folder), "GRANIAN_BLOCKING_THREADS": "1"}
    with (
        served_gateway(_simulator.base_url, 1, **settings) as gateway,
        deployed_nginx(tmp_path_factory.mktemp("nginx"), gateway.url, LOGGED_AT_ONCE) as nginx,
    ):
        yield House(nginx, gateway, folder)


@pytest.fixture
def large(simulator: SimulatorServer, house: House) -> Answer:
    """Return what is known of an export that is larger than all buffers on its way, and is kept for who asks next."""
    show_long_names(simulator)
    head = house.nginx.get(EXPORT, method="HEAD")
    assert int(head.headers["content-length"]) > BYTES
    return head


@contextmanager
def slow_caller(nginx: DeployedNginx, headers: dict[str, str]) -> Iterator[SSLSocket]:
    """Return the connection of a caller who has asked for an export and takes little of it at a time."""
    lines = [f"GET {EXPORT} HTTP/1.1", "Host: test", "X-API-Key: web-key", *map(": ".join, headers.items())]
    with socket.socket() as plain:
        # It counts from the start of a connection.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
        plain.settimeout(LIMIT_S)
        plain.connect(("127.0.0.1", nginx.port))
        with nginx.tls().wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            yield connection


def bytes_of_files(process: int, folder: Path) -> list[int]:
    """Return the sizes of what this process has open in a folder, whether it has a name there or not."""
    sizes = []
    for handle in Path(f"/proc/{process}/fd").iterdir():
        # It may be closed meanwhile.
        with suppress(FileNotFoundError):
            if str(handle.readlink()).startswith(f"{folder}/"):
                sizes.append(handle.stat().st_size)
    return sizes


def held_bytes(nginx: DeployedNginx) -> int:
    """Return how many bytes of answers are in its files."""
    children = Path(f"/proc/{nginx.process.pid}/task/{nginx.process.pid}/children").read_text().split()
    return sum(sum(bytes_of_files(int(child), nginx.folder / "run/proxy")) for child in children)


def digest(body: bytes) -> str:
    """Return the value of `Repr-Digest` for this file."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


@pytest.mark.parametrize("more", [{}, LARGE], ids=["small", "large"])
def test_a_slow_caller_is_waited_for_by_nginx_alone(house: House, large: Answer, more: dict[str, str]) -> None:
    """The gateway is done with it and answers others, and what the caller gets in the end is whole."""
    with slow_caller(house.nginx, more) as connection, HTTPResponse(connection) as answer:
        answer.begin()
        # Of the rest some is in buffers of the system, which may be large.
        wait_until(lambda: held_bytes(house.nginx) > BYTES / 2, LIMIT_S)
        assert requests.get(f"{house.gateway.url}/healthz", timeout=LIMIT_S).ok
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
        body = answer.read()
    assert (len(body), digest(body)) == (int(large.headers["content-length"]), large.headers["repr-digest"])


@pytest.mark.parametrize("more", [{}, LARGE], ids=["small", "large"])
def test_who_takes_a_byte_at_a_time_is_dropped(
    house: House, large: Answer, in_front_of: Callable[..., DeployedNginx], more: dict[str, str]
) -> None:
    """When the time is over that is set for it, which is not that of the other paths."""
    nginx = in_front_of(house.gateway.url, {"send_timeout 60s;": f"send_timeout {SHORT_S * 1000:.0f}ms;"})

    def dropped() -> list[dict[str, Any]]:
        with suppress(OSError):
            connection.recv(1)
        return [line for line in nginx.log() if line["path"] == EXPORT]

    with slow_caller(nginx, more) as connection:
        wait_until(dropped, LIMIT_S)
        (line,) = dropped()
    assert (line["status"], line["bytes"] < int(large.headers["content-length"])) == (200, True)
    assert line["duration_s"] >= SHORT_S


def test_heads_and_parts(house: House, large: Answer) -> None:
    """They are the gateway's, as they are without nginx, and make no file of it anew."""
    nginx, size = house.nginx, int(large.headers["content-length"])
    assert (large.status, large.body, large.headers["accept-ranges"]) == (200, b"", "bytes")
    assert large.headers["x-total-count"] == str(ROWS)
    whole = nginx.get(EXPORT)
    assert (len(whole.body), digest(whole.body)) == (size, large.headers["repr-digest"])
    tag = whole.headers["etag"]
    part = nginx.get(EXPORT, headers={"Range": f"bytes=10-{size // 2}", "If-Range": tag})
    assert (part.status, part.headers["content-range"]) == (206, f"bytes 10-{size // 2}/{size}")
    assert part.body == whole.body[10 : size // 2 + 1]
    rest = nginx.get(EXPORT, headers={"Range": f"bytes={size // 2 + 1}-"})
    assert (rest.status, rest.body, rest.headers["etag"]) == (206, whole.body[size // 2 + 1 :], tag)
    beyond = nginx.get(EXPORT, headers={"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    another = nginx.get(EXPORT, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (another.status, len(another.body)) == (200, size)
    assert nginx.get(EXPORT, headers={"If-None-Match": tag}).status == 304
    assert all(answer.headers["cache-status"].startswith("campaign-gateway; hit") for answer in (whole, part, rest))


def test_a_worker_that_is_killed_amid_an_export_leaves_nothing(house: House, simulator: SimulatorServer) -> None:
    """Its caller gets a problem, its file is gone with it, and the next export is whole."""
    simulator.listings.show(1, [replace(each, name=NAME) for each in campaigns_of(1, MANY_PAGES * 100)])
    (worker,) = house.gateway.worker_pids()
    held = len(bytes_of_files(worker, house.folder))
    with ThreadPoolExecutor(1) as caller:
        lost = caller.submit(house.nginx.get, EXPORT, headers={"Cache-Control": "no-cache"})
        wait_until(lambda: len(bytes_of_files(worker, house.folder)) > held, LIMIT_S)
        house.gateway.kill(worker)
        answer = lost.result(LIMIT_S)
    assert (answer.status, answer.json["type"]) == (500, "../problems/internal-error")
    assert list(house.folder.iterdir()) == []
    simulator.listings.arrange(Arrangement())
    wait_until(lambda: house.nginx.get("/readyz").status == 200, LIMIT_S)
    answer = house.nginx.get(EXPORT)
    assert (answer.status, answer.headers["x-total-count"]) == (200, "250")
    assert digest(answer.body) == answer.headers["repr-digest"]
