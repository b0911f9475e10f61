"""The operators' commands, in this process."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import certifi
import pytest
from click.testing import Result
from flask import Flask

from gateway.access.keys import has_valid_checksum, key_hash
from gateway.cli.campaigns import failure, print_page
from gateway.cli.commands import add_commands
from gateway.errors import GatewayError, UpstreamError, UpstreamOverloaded, leaves
from gateway.factory import create_app, create_commands_app
from gateway.model import Campaign, CampaignPage, CampaignStatus, DeviceType
from gateway.settings import SettingsError
from gateway.settings.time_zones import time_zone_data
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import settings_for
from tests.support.server import free_port


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


def table(page: CampaignPage) -> str:
    """Return what is printed of a page where there is no terminal."""
    with redirect_stdout(StringIO()) as printed:
        print_page(page)
    return printed.getvalue()


def test_list_tells_what_is_left_out() -> None:
    """The line of counts says how many campaigns of the page are not shown."""
    page = CampaignPage((), 1, 10, 2, None, None, left_out=2)
    assert table(page).splitlines()[-1] == "page 1 of 1, 2 campaigns; 2 more on this page cannot be used"


def test_list_prints_what_the_endpoint_answers(app: Flask) -> None:
    """`--json` is the body of `GET /campaigns`."""
    result = run(app, "campaigns", "list", "--vdn", "1", "--json")
    answer = app.test_client().get("/campaigns", headers={"X-API-Key": "web-key"})
    assert json.loads(result.stdout) == answer.get_json()


def test_list_explains_what_is_wrong(app: Flask, simulator: SimulatorServer) -> None:
    """Faults name the option, the VDNs there are, or the problem and what to do."""
    for command in (("campaigns", "list"), ("isales", "explain-signature")):
        result = run(app, *command, "--vdn", "1", "--page", "x", "--page-size", "1000")
        assert result.exit_code == 2
        assert result.stderr.endswith(
            '--page: "x" is not a plain whole number. Send 1 to 2147483647 in the digits 0 to 9, without sign, space, '
            "point or leading zero.\n"
            "  --page-size: 1000 is out of range. Send 1 to 100.\n"
        )
    result = run(app, "campaigns", "list", "--vdn", "1", "--begins-from", "2026-02-02", "--ends-to", "2026-02-01")
    assert "--begins-from is after --ends-to. Send an earlier --begins-from or a later --ends-to." in result.stderr
    result = run(app, "campaigns", "list")
    assert (result.exit_code, "Name a VDN with --vdn; configured are: 1, 2." in result.stderr) == (2, True)
    result = run(app, "campaigns", "list", "--vdn", "4")
    assert (result.exit_code, "VDN 4 is not configured; configured are: 1, 2." in result.stderr) == (2, True)
    simulator.faults.arm(Fault("result-code", times=1, result_code="0299999"))
    result = run(app, "campaigns", "list", "--vdn", "1")
    assert result.exit_code == 1
    assert "upstream-failed" in result.stderr
    assert "CC-iSales: 0299999" in result.stderr
    assert result.stderr.endswith("Ask the CC-iSales administrators about the result code.\n")
    for about_answers in ("`errors`", "/docs", "`upstream.", "Retry-After", "request_id"):
        assert about_answers not in result.stderr


def test_programs_are_told_which_problem_it_is(app: Flask, simulator: SimulatorServer) -> None:
    """With `--json` standard output has the problem by name, what CC-iSales said, and the words."""
    simulator.faults.arm(Fault("result-code", times=1, result_code="0299999"))
    result = run(app, "campaigns", "list", "--vdn", "1", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["exit_code"], told["result"], told["problem"]) == (1, 1, "failed", "upstream-failed")
    assert told["upstream"]["result_code"] == "0299999"
    assert f"Error: {told['detail']}\n" == result.stderr
    assert failure(UpstreamOverloaded("It is full.", retry_after_s=7)).told["retry_after_s"] == 7


@pytest.mark.parametrize("error", list(leaves(UpstreamError)), ids=lambda error: error.name)
def test_nothing_is_said_of_answers_where_there_is_none(error: type[GatewayError]) -> None:
    """What callers are told of headers and members of problems helps nobody at a terminal; when to try again does."""
    said = failure(error("It broke.", retry_after_s=7)).message
    assert said.startswith(f"{error.name}: It broke.")
    assert "Try again in 7 s." in said
    assert "Operators" not in said
    assert not re.search(r"Retry-After|`upstream\.|`detail`|request_id|/docs", said)


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


@pytest.mark.parametrize(
    ("number", "total", "line"),
    [
        (1, 1, "page 1 of 1, 1 campaign"),
        (2, 11, "page 2 of 2, 11 campaigns"),
        (1, 0, "page 1 of 1, 0 campaigns"),
        (1000, 250, "page 1000, after the last of 25; 250 campaigns"),
        (2, 1, "page 2, after the last of 1; 1 campaign"),
        (3, 0, "page 3, after the last of 1; 0 campaigns"),
    ],
)
def test_counts_are_words_that_fit(number: int, total: int, line: str) -> None:
    """One is no plural, and no page is one of fewer."""
    assert table(CampaignPage((), number, 10, total, None, None)).splitlines()[-1] == line


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


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a\udcff", 'a"b'])
def test_a_key_is_made_for_a_name_that_settings_take_only(app: Flask, name: str) -> None:
    """What is printed can be pasted into the settings as it is."""
    result = run(app, "keys", "new", "--name", name)
    assert (result.exit_code, "1 to 64 letters, digits" in result.stderr) == (2, True)


def test_arguments_that_are_not_utf8_are_usage_errors(app: Flask) -> None:
    """Bytes that cannot be decoded reach Python as lone surrogates; they are refused with the option's name."""
    for command in (("campaigns", "list", "--name"), ("config", "check", "--host"), ("simulator", "run", "--host")):
        result = run(app, *command, "a\udcff")
        assert (result.exit_code, result.exception.__class__) == (2, SystemExit)
        assert f"Invalid value for '{command[-1]}': 'a\\udcff' is not UTF-8." in result.stderr
    result = run(app, "campaigns", "list", "a\udcff", "--json")
    assert (result.exit_code, json.loads(result.stdout)["exit_code"]) == (2, 2)


def test_a_certificate_that_cannot_be_used_is_said(app: Flask, tmp_path: Path) -> None:
    """The simulator names the file instead of ending with a traceback."""
    (tmp_path / "cert.pem").write_text("no certificate")
    result = run(app, "simulator", "run", "--certificate", str(tmp_path / "cert.pem"))
    assert (result.exit_code, "cert.pem and its key cannot be used" in result.stderr) == (1, True)


def test_config_check_prints_the_settings(simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good settings are printed as TOML without secrets, with warnings, and with what they are about."""
    monkeypatch.delenv("GATEWAY_ENV", raising=False)
    app = create_app(settings_for(simulator.base_url, clients__0__vdns="[1, 99]"))
    result = run(app, "config", "check")
    assert result.exit_code == 0
    assert 'secret_key = "********"' in result.stdout
    assert "# Warning: client 'web' may read VDN 99" in result.stdout
    zones = time_zone_data()
    assert f"# Time zones are those of release {zones.release}, in {zones.folder}.\n" in result.stdout
    assert "# GATEWAY_ENV is not set, so this is about `development`." in result.stdout
    monkeypatch.setenv("GATEWAY_ENV", "development")
    assert "GATEWAY_ENV" not in run(app, "config", "check").stdout


def test_config_check_prints_what_keeps_the_gateway_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    """All faults, exit code 1, and which environment they are of where nobody said that."""
    monkeypatch.setenv("GATEWAY_ENV", "production")
    app = Flask("gateway")
    add_commands(app, SettingsError(["log.level: must be x", "cache.shared_url: is no URL"]))
    result = run(app, "config", "check")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: 2 faults in the settings:\n  - log.level: must be x\n  - cache.shared_url: is no URL\n"
    )
    monkeypatch.delenv("GATEWAY_ENV")
    assert run(app, "config", "check").stderr.endswith("GATEWAY_ENV is not set, so this is about `development`.\n")


def test_config_check_prints_json(simulator: SimulatorServer) -> None:
    """Settings and warnings, or faults with exit code 1; a port in use is one."""
    app = create_app(settings_for(simulator.base_url, clients__0__vdns="[1, 99]"))
    result = run(app, "config", "check", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["good"]) == (0, True)
    assert told["settings"]["tenants"][0]["secret_key"] == "********"
    assert told["settings"]["isales"]["base_url"] == simulator.base_url
    assert "client 'web' may read VDN 99" in told["warnings"][0]
    assert run(app, "config", "check", "--json", "--port", str(free_port())).exit_code == 0
    result = run(app, "config", "check", "--json", "--port", str(simulator.port))
    told = json.loads(result.stdout)
    assert (result.exit_code, told["good"]) == (1, False)
    assert told["faults"][0].startswith(f"Port {simulator.port} of 127.0.0.1 is in use")
    faulty = Flask("gateway")
    add_commands(faulty, SettingsError(["log.level: must be x", "b"]))
    result = run(faulty, "config", "check", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        1,
        {"good": False, "faults": ["log.level: must be x", "b"]},
    )


def test_config_check_tells_whether_a_port_is_free(app: Flask, simulator: SimulatorServer) -> None:
    """With `--port`, a port in use is a failure although the settings are good."""
    result = run(app, "config", "check", "--port", str(simulator.port))
    assert (result.exit_code, f"Port {simulator.port} of 127.0.0.1 is in use" in result.stderr) == (1, True)
    assert run(app, "config", "check", "--port", str(free_port())).exit_code == 0


def test_commands_that_need_settings_say_that_they_are_faulty() -> None:
    """With faulty settings there are all commands; the ones that need them say so, the others work."""
    app = Flask("gateway")
    add_commands(app, SettingsError(["log.level: must be x"]))
    result = run(app, "campaigns", "list")
    assert (result.exit_code, "flask config check" in result.stderr) == (1, True)
    assert "flask config check" in json.loads(run(app, "campaigns", "list", "--json").stdout)["detail"]
    assert run(app, "keys", "new").exit_code == 0


def test_with_faulty_settings_no_server_gets_the_app_of_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for it outside of the `flask` command is ended with all faults."""
    monkeypatch.setenv("GATEWAY__LOG__LEVEL", "loud")
    monkeypatch.setenv("GATEWAY__CACHE__FRESH_S", "-1")
    with pytest.raises(SystemExit, match=r"2 faults in the settings:(?s:.*)cache\.fresh_s(?s:.*)log\.level"):
        create_commands_app()


def test_options_say_what_parameters_mean(app: Flask) -> None:
    """The words are those of the API document, with what is not known of CC-iSales."""
    words = " ".join(run(app, "campaigns", "list", "--help").stdout.split())
    assert "`draft` is in answers but cannot be asked for" in words
    assert "multicc.solution" in words
    assert "does not publish how" in words
