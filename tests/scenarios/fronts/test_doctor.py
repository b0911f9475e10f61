"""The doctor in front of proxies that are set up well, and of many that are not."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.front import KEY_VARIABLE
from gateway.cli.front import front as commands
from tests.support.fronts import Front, front
from tests.support.gateway import PROJECT
from tests.support.server import BIN, ServedGateway, environment, free_port


def examined(url: str, *options: str, key: str = "web-key", authority: Path | None = None) -> dict[str, Any]:
    """Return what `flask front doctor --json` says of a front at `url`, with its exit code."""
    command = ["doctor", url, "--json", *options, *(["--ca-file", str(authority)] if authority else [])]
    ran = CliRunner().invoke(commands, command, env={KEY_VARIABLE: key})
    assert ran.stdout, ran.stderr
    assert key not in ran.stdout
    report: dict[str, Any] = json.loads(ran.stdout)
    assert report["url"] == url
    return {**report, "exit_code": ran.exit_code, "states": {step["step"]: step["state"] for step in report["steps"]}}


def test_a_good_front_is_found_good(proxy: Front) -> None:
    """Nothing fails; what is open to this machine, as nginx has it, is a warning."""
    # As long as it is by itself behind one of them: it is time that passes, and nothing else.
    wait = () if proxy.name == "nginx" else ("--wait", "1")
    report = examined(proxy.url, *wait, authority=proxy.authority)
    assert report["exit_code"] == 0, report
    inside = {"nginx", "apache", "squid", "varnish", "lighttpd", "trafficserver"}
    expected = {"closed"} if proxy.name in inside else set()
    assert {step for step, state in report["states"].items() if state == "warning"} == expected
    assert report["result"] == ("warning" if expected else "good")
    skipped = {step for step, state in report["states"].items() if state == "skipped"}
    assert skipped <= {"tls", "waiting", "address"}
    assert (report["states"]["tls"] == "good") is (proxy.name == "nginx")


def haproxy(line: str) -> Mapping[str, str]:
    """Return the change that puts this line into its configuration."""
    return {"option forwardfor": f"option forwardfor\n    {line}"}


KEEPING = """unset req.http.X-Request-Id; return (hash); }
sub vcl_backend_response { set beresp.ttl = 60s; unset beresp.http.Vary; return (deliver);"""
OWN_IDS = {
    "preserve_external_request_id: true": "preserve_external_request_id: false",
    "generate_request_id: false": "generate_request_id: true",
}
LIMITS = {"headers": "failed", "tokens": "failed"}
TAGS = {"tags": "failed", "gzip": "failed"}
BAD: list[tuple[str, Mapping[str, str], dict[str, str]]] = [
    ("haproxy", {"http-request del-header _ -m sub": ""}, {"underscore": "failed"}),
    ("haproxy", haproxy("http-response del-header ETag"), TAGS),
    ("haproxy", haproxy("http-request del-header If-None-Match"), TAGS),
    ("haproxy", haproxy("http-request del-header Accept-Encoding"), {"gzip": "warning"}),
    ("haproxy", haproxy("http-request deny if METH_OPTIONS"), {"methods": "warning"}),
    ("haproxy", haproxy("http-response return status 400 if { status 400 }"), {"problems": "failed"}),
    ("haproxy", haproxy("http-request deny if { path_beg /problems }"), {"links": "failed"}),
    ("haproxy", haproxy("http-request del-header Authorization"), {"tokens": "warning"}),
    ("apache", {"    LimitRequestFieldSize 16384\n": ""}, LIMITS),
    ("lighttpd", {"server.max-request-field-size = 32768": ""}, LIMITS),
    ("varnish", {"http_req_hdr_len=16k": "http_req_hdr_len=8k"}, LIMITS),
    ("squid", {" login=PASSTHRU": ""}, {"tokens": "warning"}),
    ("varnish", {"return (pass);": KEEPING}, {"kept": "failed"}),
    ("envoy", OWN_IDS, {"request-id": "warning"}),
]
"""Proxies with something amiss, and what is said of it."""


@pytest.mark.parametrize(("name", "changes", "expected"), BAD)
def test_what_is_amiss_is_found(
    gateway: ServedGateway, tmp_path: Path, name: str, changes: Mapping[str, str], expected: dict[str, str]
) -> None:
    """That, and what follows from it, with a hint at what to do; a failure is exit code 1, a warning is none."""
    with front(name, tmp_path, gateway.url, changes) as running:
        report = examined(running.url, "--wait", "0")
    found = {step: report["states"][step] for step in expected}
    assert found == expected, report
    assert report["exit_code"] == int("failed" in expected.values())
    assert all(step["hint"] for step in report["steps"] if step["state"] in {"failed", "warning"})


def test_no_front_at_all(gateway: ServedGateway) -> None:
    """The gateway by itself takes headers with underscores, and shows everybody everything."""
    report = examined(gateway.url, "--wait", "1")
    amiss = {step for step, state in report["states"].items() if state in {"failed", "warning"}}
    assert amiss == {"underscore", "closed"}


def test_where_there_is_no_page_nothing_else_is_asked(gateway: ServedGateway) -> None:
    """A wrong key, URL or VDN, or nobody there: one step, which says what to look at."""
    for url, options, key, words in (
        (f"http://127.0.0.1:{free_port()}", (), "web-key", "Check the URL"),
        (gateway.url, (), "wrong-key", "Is the key right?"),
        (gateway.url, ("--vdn", "2"), "web-key", "may not read this VDN"),
        (gateway.url, (), "all-key", "needs `--vdn`"),
        (f"{gateway.url}/nothing", (), "web-key", "with its prefix"),
    ):
        report = examined(url, *options, key=key)
        (step,) = report["steps"]
        assert (report["exit_code"], report["result"], step["step"], step["state"]) == (1, "failed", "answer", "failed")
        assert words in step["hint"], url
    assert examined(gateway.url, "--vdn", "2", "--wait", "0", key="all-key")["states"]["answer"] == "good"


def test_the_key_comes_from_a_file_or_a_variable(gateway: ServedGateway, tmp_path: Path) -> None:
    """Or from standard input, never from an argument, with a byte-order mark or not; without any it is wrong usage."""
    (tmp_path / "key").write_text("\ufeffweb-key\n")
    nowhere = {KEY_VARIABLE: None, f"{KEY_VARIABLE}_FILE": None}

    def run(*options: str, given: str = "", **variables: str) -> Result:
        command = ["doctor", gateway.url, "--wait", "0", *options]
        return CliRunner().invoke(commands, command, input=given, env={**nowhere, **variables})

    for ran in (
        run("--key-file", str(tmp_path / "key")),
        run("--key-file", "-", given="web-key\n"),
        run(CAMPAIGN_GATEWAY_KEY_FILE=str(tmp_path / "key")),
        run(CAMPAIGN_GATEWAY_KEY="web-key"),
    ):
        assert "good     answer" in ran.stdout, ran.stderr
        assert all(len(line) <= 100 for line in ran.stdout.splitlines())
    wrong: tuple[tuple[str, ...], ...] = ((), ("--key-file", os.devnull), ("--key-file", str(BIN / "python")))
    for ran in (*(run(*options) for options in wrong), run("--key-file", "-", given="\n")):
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert "--key-file" in ran.stderr
    assert run("--key", "web-key").exit_code == 2


def test_it_is_a_command_that_needs_no_settings(gateway: ServedGateway) -> None:
    """It is for whoever looks at a front, also where the gateway is not, and with faulty settings."""
    command = [str(BIN / "flask"), "front", "doctor", gateway.url, "--wait", "0"]
    variables = environment(CAMPAIGN_GATEWAY_KEY="web-key", GATEWAY__LOG__LEVEL="loud")
    ran = subprocess.run(command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, "good     answer" in ran.stdout) == (1, True), ran.stderr


def test_it_wants_a_whole_url() -> None:
    """A name alone is wrong usage."""
    ran = CliRunner().invoke(commands, ["doctor", "campaigns.example.com"], env={KEY_VARIABLE: "web-key"})
    assert (ran.exit_code, "beginning with https://" in ran.stderr) == (2, True)
