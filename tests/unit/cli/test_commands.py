"""The operators' commands, in this process."""

import json
import re
import subprocess
from collections.abc import Iterator

import certifi
import pytest
from click.testing import Result
from flask import Flask

from gateway.access.keys import has_valid_checksum, key_hash
from gateway.cli import add_commands
from gateway.cli.campaigns import table
from gateway.factory import create_app
from gateway.model import Campaign, CampaignPage, CampaignStatus, DeviceType
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import settings_for


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Return a running simulator."""
    with SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as server:
        yield server


@pytest.fixture
def app(simulator: SimulatorServer) -> Flask:
    """Return the gateway in front of the simulator."""
    return create_app(settings_for(simulator.base_url))


def run(app: Flask, *args: str) -> Result:
    """Run a command; standard error is kept apart."""
    return app.test_cli_runner().invoke(args=args)


def test_list_prints_a_table(app: Flask) -> None:
    """A row a campaign, in columns that line up whatever the script, and a line of counts."""
    result = run(app, "campaigns", "list", "--vdn", "1", "--page-size", "5", "--status", "running")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["ID", "NAME", "STATUS", "DEVICE", "TYPE", "BEGINS", "ENDS", "CALLER"]
    assert len(lines) == 7
    assert all(" running " in line for line in lines[1:6])
    assert lines[-1] == "page 1 of 12, 60 campaigns"


def test_list_prints_what_the_endpoint_answers(app: Flask) -> None:
    """`--json` is the body of `GET /campaigns`."""
    result = run(app, "campaigns", "list", "--vdn", "1", "--json")
    answer = app.test_client().get("/campaigns", headers={"X-API-Key": "web-key"})
    assert json.loads(result.stdout) == answer.get_json()


def test_list_explains_what_is_wrong(app: Flask, simulator: SimulatorServer) -> None:
    """Faults name the option, the VDNs there are, or the problem and what to do."""
    result = run(app, "campaigns", "list", "--vdn", "1", "--page", "x", "--page-size", "1000")
    assert result.exit_code == 1
    assert "--page: " in result.stderr
    assert "--page-size: " in result.stderr
    result = run(app, "campaigns", "list")
    assert (result.exit_code, "configured are: 1, 2" in result.stderr) == (2, True)
    simulator.faults.arm(Fault("result-code", times=1, result_code="0299999"))
    result = run(app, "campaigns", "list", "--vdn", "1")
    assert result.exit_code == 1
    assert "upstream-failed" in result.stderr
    assert "CC-iSales: 0299999" in result.stderr


def test_the_only_vdn_need_not_be_named(simulator: SimulatorServer) -> None:
    """With one tenant, commands ask for its VDN."""
    one = '[{vdn = 2, access_key = "demo-access-key-2", secret_key = "demo-secret-key-2"}]'
    app = create_app(settings_for(simulator.base_url, tenants=one))
    assert run(app, "campaigns", "list").exit_code == 0


def test_a_table_shows_what_is_not_known() -> None:
    """Unknown counts and absent texts have signs of their own; control characters do not reach the terminal."""
    row = Campaign(1, None, CampaignStatus.UNKNOWN, DeviceType.UNKNOWN, None, None, "\x1b[31m1")
    lines = table(CampaignPage((row,), 1, 10, None, None, None)).splitlines()
    assert lines[1].split() == ["1", "-", "unknown", "unknown", "-", "-", "?[31m1"]
    assert lines[2] == "page 1 of ?, an unknown number of campaigns"


def test_columns_line_up_for_wide_characters() -> None:
    """A Chinese character takes two columns of a terminal."""
    rows = tuple(
        Campaign(1, name, CampaignStatus.DRAFT, DeviceType.PREVIEW, None, None, None) for name in ("推荐", "abcd", "é́")
    )
    lines = table(CampaignPage(rows, 1, 10, 3, 3, 0)).splitlines()
    assert lines[1].index("draft") == lines[2].index("draft") - 2
    assert lines[2].startswith("1   abcd  draft")


def test_the_explained_signature_is_the_one_that_is_sent(app: Flask) -> None:
    """The printed curl line, run as it is, gets a page from the upstream."""
    result = run(app, "isales", "explain-signature", "--vdn", "1", "--name", "O'Brien (VIP)*! 推荐", "--json")
    parts = json.loads(result.stdout)
    assert parts["authorization"] == f"{parts['prefix']}/{parts['signature']}"
    assert parts["canonical_request"].startswith("GET\n/rest/isales/v1/openapi/campaigns/1\n")
    answer = subprocess.run(["bash", "-c", parts["curl"] + " -s"], capture_output=True, check=True)
    assert json.loads(answer.stdout)["resultCode"] == "0200000"


def test_the_explanation_is_repeatable_and_holds_no_secret(app: Flask) -> None:
    """For a given time the signature is always the same; the secret is nowhere."""
    command = ("isales", "explain-signature", "--vdn", "1", "--at", "2026-01-02T03:04:05Z")
    first, second = run(app, *command), run(app, *command)
    assert first.stdout == second.stdout
    assert "auth-v2/demo-access-key/2026-01-02T03:04:05Z/host" in first.stdout
    assert "  | curPage=1&deviceType=0&rowsPerPage=10&status=0" in first.stdout
    assert "demo-secret-key" not in first.output


def test_certificates_are_in_the_curl_line(simulator: SimulatorServer) -> None:
    """Where settings name an authority, so does the curl line."""
    app = create_app(settings_for(simulator.base_url, isales__ca_file=certifi.where()))
    result = run(app, "isales", "explain-signature", "--vdn", "1")
    assert f"--cacert {certifi.where()}" in result.stdout


@pytest.mark.parametrize("at", ["now", "2026-01-02", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05+08:00"])
def test_other_times_are_refused(app: Flask, at: str) -> None:
    """`--at` takes a time in UTC that exists."""
    result = run(app, "isales", "explain-signature", "--vdn", "1", "--at", at)
    assert (result.exit_code, repr(at) in result.stderr) == (2, True)


def test_a_new_key_fits_its_hash(app: Flask) -> None:
    """The key that is shown has the hash that goes into the settings."""
    result = run(app, "keys", "new", "--json")
    made = json.loads(result.stdout)
    assert has_valid_checksum(made["key"])
    assert made["key_sha256"] == key_hash(made["key"])
    result = run(app, "keys", "new", "--name", "dash", "--vdn", "3", "--vdn", "4")
    assert 'name = "dash"' in result.stdout
    assert "vdns = [3, 4]" in result.stdout
    key = re.search(r"cgk_\w+", result.stdout)
    assert key is not None
    assert key_hash(key[0]) in result.stdout


def test_config_check_prints_the_settings_or_the_faults(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good settings are printed as TOML without secrets; faults end with exit code 1."""
    result = run(app, "config", "check")
    assert result.exit_code == 0
    assert 'secret_key = "********"' in result.stdout
    monkeypatch.setenv("GATEWAY__CLIENTS__0__VDNS", "[1, 99]")
    assert "# Warning: client 'demo' may read VDN 99" in run(app, "config", "check").stdout
    monkeypatch.setenv("GATEWAY__LOG__LEVEL", "loud")
    result = run(app, "config", "check")
    assert (result.exit_code, "log.level" in result.stderr) == (1, True)


def test_commands_that_need_settings_say_that_they_are_faulty() -> None:
    """Without settings there are all commands; the ones that need them say so, the others work."""
    app = Flask("gateway")
    add_commands(app)
    result = run(app, "campaigns", "list")
    assert (result.exit_code, "flask config check" in result.stderr) == (1, True)
    assert run(app, "keys", "new").exit_code == 0
