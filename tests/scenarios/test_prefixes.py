"""The gateway mounted under a prefix, by its own server or by a proxy that takes the prefix off: links lead on."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from requests.utils import parse_header_links

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support import cache_status
from tests.support.programs import program
from tests.support.server import free_port, served_gateway, wait_until_it_answers

KEY = {"X-API-Key": "web-key"}
NGINX = """
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /isales/v2/ {{
            proxy_pass {gateway}/;
        }}
    }}
}}
"""


@contextmanager
def stripping_nginx(folder: Path, gateway: str) -> Iterator[str]:
    """Run an nginx that has the gateway under a prefix, of which the gateway hears nothing; give the URL there."""
    port, configuration = free_port(), folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port, gateway=gateway), encoding="utf-8")
    command = [program("nginx", "nginx"), "-p", str(folder), "-c", str(configuration), "-g", "daemon off;"]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([*command, "-e", "stderr"], stdout=output, stderr=subprocess.STDOUT, text=True)
    try:
        url = f"http://127.0.0.1:{port}/isales/v2"
        wait_until_it_answers(f"{url}/healthz", process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return where a gateway is found: at the root, behind nginx with a prefix, and under a prefix of granian."""
    with (
        SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as simulator,
        served_gateway(simulator.base_url) as at_root,
        served_gateway(simulator.base_url, GRANIAN_URL_PATH_PREFIX="/api") as under_granian,
        stripping_nginx(tmp_path_factory.mktemp("nginx"), at_root.url) as behind_nginx,
    ):
        yield {"root": at_root.url, "nginx": behind_nginx, "granian": under_granian.url}


@pytest.mark.parametrize("where", ["root", "nginx", "granian"])
def test_links_lead_through_all_pages(mounted: dict[str, str], where: str) -> None:
    """Resolved against the address that was asked (RFC 3986, 5.2) they stay there, cold and from the fast path."""
    base = mounted[where]
    for turn in range(2):
        url: str | None = f"{base}/campaigns?vdn=1&page_size=100&name=&status=completed"
        numbers, rows = list[str](), 0
        while url is not None:
            answer = requests.get(url, headers=KEY, timeout=20)
            assert answer.status_code == 200
            assert turn == 0 or "hit" in cache_status.read(answer.headers["Cache-Status"])
            rows += len(answer.json()["data"])
            links = {link["rel"]: urljoin(url, link["url"]) for link in parse_header_links(answer.headers["Link"])}
            assert {urlsplit(link)[:3] for link in links.values()} == {urlsplit(f"{base}/campaigns")[:3]}
            assert "name=&status=completed" in links["first"]
            numbers += [links["last"]]
            url = links.get("next")
        assert (rows, len(set(numbers))) == (80, 1)


@pytest.mark.parametrize("where", ["root", "nginx", "granian"])
def test_each_relation_is_a_page(mounted: dict[str, str], where: str) -> None:
    """From a page in the middle all four lead to one."""
    url = f"{mounted[where]}/campaigns?page=2&page_size=30"
    links = parse_header_links(requests.get(url, headers=KEY, timeout=20).headers["Link"])
    assert [link["rel"] for link in links] == ["first", "prev", "next", "last"]
    pages = [requests.get(urljoin(url, link["url"]), headers=KEY, timeout=20).json()["page"] for link in links]
    assert [page["number"] for page in pages] == [1, 1, 3, pages[0]["total_pages"]]
