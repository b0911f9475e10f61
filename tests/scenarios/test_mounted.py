"""The gateway under a prefix: everything that it refers to is found by a client that follows what it says."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from requests.utils import parse_header_links

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support import cache_status
from tests.support.gateway import PROJECT
from tests.support.nginx import deployed_nginx
from tests.support.programs import program
from tests.support.server import environment, free_port, served_gateway, wait_until_it_answers

STRIPPING = """
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen 127.0.0.1:{port};
        location /isales/v1/ {{ proxy_pass {gateway}/; }}
    }}
}}
"""
"""As anybody would write it: the gateway hears nothing of the prefix."""


@contextmanager
def stripping_nginx(folder: Path, gateway: str) -> Iterator[str]:
    """Run Debian's nginx in front of the gateway and yield the URL under which it is there."""
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(STRIPPING.format(folder=folder, port=port, gateway=gateway))
    process = subprocess.Popen([program("nginx", "nginx"), "-p", str(folder), "-c", str(configuration), "-e", "stderr"])
    try:
        url = f"http://127.0.0.1:{port}/isales/v1"
        wait_until_it_answers(f"{url}/healthz", process)  # type: ignore[arg-type]  # -- nothing is read from it
        yield url
    finally:
        process.terminate()
        process.wait(20)


Ask = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def at_root() -> Iterator[str]:
    """Return the URL of a gateway without a prefix."""
    with (
        SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as simulator,
        served_gateway(simulator.base_url) as gateway,
    ):
        yield gateway.url


@pytest.fixture(scope="module", params=["root", "granian", "nginx", "deployed"])
def mounted(
    request: pytest.FixtureRequest, at_root: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Ask]]:
    """Return the URL of a mounted gateway, and how to ask there."""
    folder = tmp_path_factory.mktemp(request.param)
    session = requests.Session()
    session.trust_env = False
    with ExitStack() as stack:
        url = at_root
        if request.param == "granian":
            simulator = stack.enter_context(SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)))
            served = served_gateway(simulator.base_url, GRANIAN_URL_PATH_PREFIX="/isales/v1")
            url = stack.enter_context(served).url
        elif request.param == "nginx":
            url = stack.enter_context(stripping_nginx(folder, at_root))
        elif request.param == "deployed":
            nginx = stack.enter_context(deployed_nginx(folder, at_root))
            url, session.verify = nginx.url, str(nginx.authority)

        def ask(path: str, method: str = "GET", **headers: str) -> requests.Response:
            sent = {"X-API-Key": "operator-key", **{name.replace("_", "-"): value for name, value in headers.items()}}
            return session.request(method, urljoin(url, path), headers=sent, timeout=10, allow_redirects=False)

        yield url, ask


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [
        ("/campaigns?page=0", "GET", "invalid-parameters"),
        ("/campaigns?vdn=2", "GET", "forbidden"),
        ("/campaigns", "POST", "method-not-allowed"),
        ("/campaigns/", "GET", "not-found"),
        ("/cache/explain?page=0", "GET", "invalid-parameters"),
        ("/cache?vdn=x", "DELETE", "invalid-parameters"),
        ("/problems/nothing", "GET", "not-found"),
        ("/nothing", "GET", "not-found"),
        ("/a/b/c", "GET", "not-found"),
        ("/a/b/", "GET", "not-found"),
        ("/a:b", "GET", "not-found"),
        ("/a/b/c/d/e/f", "GET", "not-found"),
        ("/a%20b/%C3%A9?x=1", "GET", "not-found"),
    ],
)
def test_the_type_of_a_problem_leads_to_its_page(mounted: tuple[str, Ask], path: str, method: str, name: str) -> None:
    """A client that resolves `type` against what it asked for finds what it means; `instance` is what it asked for."""
    url, ask = mounted
    answer = ask(f"{url}{path}", method)
    problem = answer.json()
    assert not problem["type"].startswith("/")
    assert not problem["instance"].startswith("/")
    explained = ask(urljoin(answer.url, problem["type"]), Accept="application/json")
    assert explained.status_code == 200
    said = explained.json()
    assert (said["title"], said["status"]) == (problem["title"], answer.status_code)
    assert urljoin(explained.url, said["type"]) == explained.url == f"{url}/problems/{name}"
    assert urljoin(answer.url, problem["instance"]) in {answer.url.partition("?")[0], f"{url}/"}


def test_links_lead_through_all_pages(mounted: tuple[str, Ask]) -> None:
    """Resolved against the address that was asked (RFC 3986, 5.2) they stay there, cold and from the fast path."""
    base, ask = mounted
    for turn in range(2):
        url: str | None = f"{base}/campaigns?vdn=1&page_size=100&name=&status=completed"
        numbers, rows = list[str](), 0
        while url is not None:
            answer = ask(url)
            assert answer.status_code == 200
            assert turn == 0 or "hit" in cache_status.read(answer.headers["Cache-Status"])
            rows += len(answer.json()["data"])
            links = {link["rel"]: urljoin(url, link["url"]) for link in parse_header_links(answer.headers["Link"])}
            assert {urlsplit(link)[:3] for link in links.values()} == {urlsplit(f"{base}/campaigns")[:3]}
            assert "name=&status=completed" in links["first"]
            numbers += [links["last"]]
            url = links.get("next")
        assert (rows, len(set(numbers))) == (80, 1)


def test_each_relation_is_a_page(mounted: tuple[str, Ask]) -> None:
    """From a page in the middle all four lead to one."""
    base, ask = mounted
    url = f"{base}/campaigns?vdn=1&page=2&page_size=30"
    links = parse_header_links(ask(url).headers["Link"])
    assert [link["rel"] for link in links] == ["first", "prev", "next", "last"]
    pages = [ask(urljoin(url, link["url"])).json()["page"] for link in links]
    assert [page["number"] for page in pages] == [1, 1, 3, pages[0]["total_pages"]]


def test_the_document_leads_to_where_the_gateway_is_mounted(mounted: tuple[str, Ask]) -> None:
    """Its server, resolved against its own address, is the mount, and no header of the caller has a say in it."""
    url, ask = mounted
    liar = {"Host": "liar.example", "X_Forwarded_Host": "liar.example", "X_Forwarded_Prefix": "/liar"}
    document = ask(f"{url}/openapi.json", **liar)
    (server,) = document.json()["servers"]
    assert urljoin(document.url, server["url"]).rstrip("/") == url
    assert "liar" not in document.text


def test_the_start_leads_on(mounted: tuple[str, Ask]) -> None:
    """A browser that is sent on comes to the page for people, and a program finds everything that it is told of."""
    url, ask = mounted
    sent = ask(f"{url}/", Accept="text/html,*/*;q=0.8")
    assert sent.status_code == 302
    assert urljoin(sent.url, sent.headers["Location"]) == f"{url}/console"
    told = ask(f"{url}/")
    places = {name: urljoin(told.url, place) for name, place in told.json().items()}
    assert places["campaigns"] == f"{url}/campaigns"
    assert {name: ask(place).status_code for name, place in places.items()} == dict.fromkeys(places, 200)


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/problems", "/problems/", "/problems/forbidden"])
def test_pages_find_what_they_need_and_each_other(mounted: tuple[str, Ask], path: str) -> None:
    """Styles, scripts and links of a page are there, and what its form asks is `GET /campaigns`."""
    url, ask = mounted
    page = ask(f"{url}{path}", Accept="text/html")
    assert page.headers["Content-Type"].startswith("text/html")
    links = {link for link in re.findall(r'(?:href|src)="([^"#]+)"', page.text) if not link.startswith("data:")}
    assert {urljoin(page.url, link) for link in links} >= {f"{url}/docs", f"{url}/problems", f"{url}/openapi.json"}
    for link in links:
        assert ask(urljoin(page.url, link)).status_code == 200, link
    for action in re.findall(r'data-path="([^"]+)"', page.text):
        answer = ask(urljoin(page.url, action))
        assert (answer.status_code, answer.json()["page"]["number"]) == (200, 1)


@pytest.mark.parametrize("path", ["/console", "/console/"])
def test_the_console_finds_its_files(mounted: tuple[str, Ask], path: str) -> None:
    """Its styles and scripts are there, those that these ask for in turn too, and what its links lead to."""
    url, ask = mounted
    page = ask(f"{url}{path}", Accept="text/html")
    files = {
        urljoin(page.url, link)
        for link in re.findall(r'(?:href|src|action)="([^"#]+)"', page.text)
        if link[:5] != "data:"
    }
    seen: set[str] = set()
    while waiting := files - seen:
        seen |= waiting
        for file in waiting:
            answer = ask(file)
            assert answer.status_code == 200, file
            if file.endswith(".js"):
                files |= {urljoin(file, name) for name in re.findall(r'from "(\./[^"]+)"', answer.text)}
    assert {f"{url}/docs", f"{url}/console"} <= {file.rstrip("?") for file in seen}
    assert len([file for file in seen if file.endswith(".js")]) > 10


@pytest.mark.parametrize("mounted", ["granian"], indirect=True)
def test_the_health_check_finds_it_there(mounted: tuple[str, Ask]) -> None:
    """What containers and units run to see whether the gateway answers takes the prefix from where granian does."""
    url, _ = mounted
    command = [sys.executable, "deploy/healthcheck.py", "--port", str(urlsplit(url).port)]
    for prefix, code in (("/isales/v1", 0), ("/other", 1)):
        variables = environment(GRANIAN_URL_PATH_PREFIX=prefix)
        done = subprocess.run(command, cwd=PROJECT, env=variables, capture_output=True, check=False)
        assert done.returncode == code, done.stderr
