"""The files of `deploy/nginx`, as nginx and gixy read them, and what they say against what the gateway says."""

import json
import re
import subprocess
from http import HTTPStatus
from pathlib import Path

from gateway.api.prefer import MOST_S
from gateway.errors import Forbidden, InternalError, InvalidParameters, MethodNotAllowed, NotFound, RateLimited
from gateway.settings import load_settings
from gateway.telemetry.request_id import SANE
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.nginx import CONFIGURATION, command, lay_out
from tests.support.programs import program

ELSEWHERE = (
    'the "user" directive makes sense only',  # where the tests are not run by root
    'the "listen ... http2" directive is deprecated',  # from nginx 1.25.1 on; 1.22 knows no other
)


def texts() -> dict[str, str]:
    """Return what is in the files, without comments, by their names."""
    files = [path for path in CONFIGURATION.rglob("*") if path.is_file()]
    return {path.name: re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE) for path in files}


def test_nginx_has_nothing_to_say_about_them(tmp_path: Path) -> None:
    """Neither faults nor warnings, but for those that another version or user makes."""
    configuration = lay_out(tmp_path, "127.0.0.1:8080", 8443)
    ran = subprocess.run(
        command(configuration, "-e", "stderr", "-t"), capture_output=True, text=True, timeout=60, check=False
    )
    said = [line for line in ran.stderr.splitlines() if not any(words in line for words in ELSEWHERE)]
    assert ran.returncode == 0, ran.stderr
    assert [re.sub(r".*nginx\.conf ", "", line) for line in said] == ["syntax is ok", "test is successful"]


def test_gixy_finds_nothing(tmp_path: Path) -> None:
    """Neither in these files, and it would: with one thing wrong it does."""
    configuration = lay_out(tmp_path, "127.0.0.1:8080", 8443)
    gixy = [program("gixy", "python3-gixy"), "--format", "json", str(configuration)]

    def found() -> set[str]:
        ran = subprocess.run(gixy, capture_output=True, text=True, timeout=120, check=False)
        return {issue["plugin"] for issue in json.loads(ran.stdout)}

    assert found() == set()
    configuration.write_text(configuration.read_text().replace("server_tokens off;", "server_tokens on;"))
    assert found() == {"version_disclosure"}


def test_problems_are_those_of_the_gateway() -> None:
    """What nginx answers by itself has type, status and title as the gateway would have them."""
    written = re.findall(r"return (\d+) '(\{.*\})';", texts()["problems.inc"])
    kinds = {
        error.name: error
        for error in (InvalidParameters, Forbidden, NotFound, MethodNotAllowed, RateLimited, InternalError)
    }
    seen = set()
    for status, body in written:
        problem = json.loads(body)
        if problem["type"] == "about:blank":
            # What is wrong is none of the gateway's problems; then the title is that of the status (RFC 9457, 4.2.1).
            assert (int(status), problem["status"], problem["title"]) == (400, 400, HTTPStatus.BAD_REQUEST.phrase)
            continue
        error = kinds[problem["type"].rpartition("/")[2]]
        seen.add(error.name)
        assert (int(status), problem["status"], problem["title"]) == (error.status, error.status, error.title)
        assert problem.keys() == {"type", "title", "status", "detail", "instance", "request_id"}
    assert seen == kinds.keys()


def test_request_ids_are_judged_by_the_gateways_rule() -> None:
    """The pattern is the same, but for how each language says the end."""
    (pattern,) = re.findall(r'"~\^(\[.*\})\$" \$http_x_request_id;', texts()["campaign-gateway.conf"])
    assert pattern == SANE.pattern.removesuffix("\\Z")


def test_deadlines_are_in_order() -> None:
    """Nginx waits for longer than the gateway, so that it is the gateway that gives up and says why."""
    settings = load_settings({**VARIABLES, "GATEWAY__ISALES__BASE_URL": "http://127.0.0.1:9"}, PROJECT)
    isales = settings.isales
    (export_s,) = re.findall(r"proxy_read_timeout (\d+)s;", texts()["export.inc"])
    assert int(export_s) > settings.export.longest_s
    (read_s,) = re.findall(r"proxy_read_timeout (\d+)s;", texts()["times.inc"])
    assert int(read_s) > isales.deadline_s
    assert int(read_s) > isales.read_timeout_s
    (connect_s,) = re.findall(r"proxy_connect_timeout (\d+)s;", texts()["times.inc"])
    (elsewhere_s,) = re.findall(r"proxy_next_upstream_timeout (\d+)s;", texts()["times.inc"])
    assert int(connect_s) < int(elsewhere_s) < int(read_s), "who found nobody may ask another, who waited may not"


def test_an_export_is_read_once_and_kept_nowhere() -> None:
    """No second server is asked for it, nothing of it is cached, and what a slow caller has not taken is bounded."""
    servers = texts()["campaign-gateway.conf"] + texts()["large-headers.conf"]
    blocks = re.findall(
        r"location = /(?:campaigns/export|\.nginx/large-headers) \{(.*?)\n    \}", servers, flags=re.DOTALL
    )
    assert len(blocks) == 3
    for block in blocks:
        assert "include conf.d/export.inc;" in block
        assert "proxy_cache" not in block
    assert "proxy_next_upstream off;" in texts()["export.inc"]
    assert "proxy_cache" not in texts()["export.inc"]
    assert re.search(r"proxy_max_temp_file_size [1-9]\d*m;", texts()["export.inc"])


def test_kept_connections_end_here_before_they_end_there() -> None:
    """Else requests would meet connections that granian is about to close."""
    granian = subprocess.run([program("granian", "-"), "--help"], capture_output=True, text=True, check=True).stdout
    (header_ms,) = re.findall(r"GRANIAN_HTTP1_HEADER_READ_TIMEOUT;\s+default:\s+(\d+)", granian)
    (idle_s,) = re.findall(r"keepalive_timeout (\d+)s;", texts()["upstream.conf"])
    assert int(idle_s) * 1000 < int(header_ms)


def test_all_ways_to_the_gateway_are_the_same() -> None:
    """Each location that passes something on includes all of how that is done, and none does it in its own way."""
    servers = texts()["campaign-gateway.conf"] + texts()["large-headers.conf"]
    assert "proxy_set_header" not in servers
    blocks = re.findall(r"location [^{]*\{(.*?)\n    \}", servers, flags=re.DOTALL)
    assert len(blocks) == 16
    assert sum("include conf.d/proxy.inc;" in block for block in blocks) == 14
    assert re.findall(r"proxy_pass ([^;]*);", servers) == ["http://campaign_gateway_large_headers$request_uri"]
    assert "include conf.d/request.inc;" in texts()["proxy.inc"]
    assert servers.count("include conf.d/times.inc;") == 2


def test_who_waits_for_a_change_is_waited_for_and_sent_nowhere_else() -> None:
    """For longer than the longest wait there may be; and both servers know how."""
    (read_s,) = re.findall(r"proxy_read_timeout (\d+)s;", texts()["wait.inc"])
    assert int(read_s) > MOST_S
    assert "proxy_next_upstream off;" in texts()["wait.inc"]
    for server in ("campaign-gateway.conf", "large-headers.conf"):
        assert "include conf.d/wait.inc;" in texts()[server]
    (hop_s,) = re.findall(r"proxy_read_timeout (\d+)s;", texts()["export.inc"])
    assert int(hop_s) > int(read_s), "large headers take a hop that has the times of exports"
