"""`flask campaigns export`: a file that is whole, or none."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result
from flask import Flask

from gateway.factory import create_app
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import PROJECT, settings_for


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Return a running simulator."""
    with SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as server:
        yield server


@pytest.fixture
def app(simulator: SimulatorServer) -> Flask:
    """Return the gateway in front of the simulator, which is honest."""
    simulator.faults.clear()
    return create_app(settings_for(simulator.base_url))


def export(app: Flask, *args: str) -> Result:
    """Run the command for VDN 1."""
    return app.test_cli_runner().invoke(args=["campaigns", "export", "--vdn", "1", *args])


def test_what_is_no_file_stays_what_it_is(app: Flask, tmp_path: Path) -> None:
    """A pipe is written to, and of a link the file that it leads to is replaced."""
    pipe, link, real = tmp_path / "pipe", tmp_path / "link", tmp_path / "real"
    os.mkfifo(pipe)
    # Both ends, so that nobody waits for the other; a pipe takes 64 KiB before somebody reads.
    ends = os.open(pipe, os.O_RDWR)
    try:
        assert export(app, "--output", str(pipe)).exit_code == 0
        assert pipe.is_fifo()
        assert os.read(ends, 100_000).count(b"\n") == 250
    finally:
        os.close(ends)
    real.write_text("before")
    link.symlink_to(real)
    assert export(app, "--output", str(link)).exit_code == 0
    assert link.is_symlink()
    assert real.read_bytes().count(b"\n") == 250
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link", "pipe", "real"]


def test_a_name_as_long_as_names_can_be(app: Flask, tmp_path: Path) -> None:
    """What stands beside it meanwhile has a name that is no longer."""
    longest = tmp_path / ("a" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    assert export(app, "--output", str(longest)).exit_code == 0
    assert longest.is_file()


def test_a_file_in_each_form(app: Flask, tmp_path: Path) -> None:
    """All campaigns are in it, and nothing else is left in the folder."""
    for form in ("ndjson", "csv", "xlsx"):
        result = export(app, "--format", form, "--output", str(tmp_path / f"all.{form}"))
        assert (result.exit_code, result.stdout) == (0, "")
        assert ": 250 campaigns, " in result.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["all.csv", "all.ndjson", "all.xlsx"]
    lines = (tmp_path / "all.ndjson").read_bytes().splitlines()
    ids = [str(json.loads(line)["id"]) for line in lines]
    assert len(set(ids)) == 250
    text = (tmp_path / "all.csv").read_bytes().decode()
    assert [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:] == ids
    sheet = openpyxl.load_workbook(tmp_path / "all.xlsx").active
    assert sheet is not None
    assert [row[0] for row in sheet.iter_rows(values_only=True)][1:] == ids
    umask = os.umask(0o022)
    os.umask(umask)
    assert (tmp_path / "all.csv").stat().st_mode & 0o777 == 0o666 & ~umask


def test_filters_and_dialects(app: Flask, tmp_path: Path) -> None:
    """Those of the list, but for pages; what is about CSV is refused elsewhere."""
    file = tmp_path / "running.csv"
    result = export(app, "--status", "running", "--format", "csv", "--bom", "--dialect", "plain", "--output", str(file))
    assert result.exit_code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert file.read_bytes().count(b"\r\n") == 61
    assert export(app, "--bom", "--output", str(file)).exit_code == 2
    assert export(app, "--page", "1", "--output", str(file)).exit_code == 2
    assert export(app).exit_code == 2


def test_what_was_there_stays_where_it_fails(app: Flask, simulator: SimulatorServer, tmp_path: Path) -> None:
    """With the problem in words, exit code 1, and nothing beside it."""
    file = tmp_path / "all.ndjson"
    file.write_text("before")
    simulator.faults.arm(Fault("not-json"))
    result = export(app, "--output", str(file))
    assert result.exit_code == 1
    assert "upstream-broken-contract: " in result.stderr
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there(app: Flask, tmp_path: Path) -> None:
    """Is said before anything is read."""
    result = export(app, "--output", str(tmp_path / "none" / "all.csv"))
    assert result.exit_code == 1
    assert "cannot be written: No such file or directory." in result.stderr


def test_a_dash_is_no_file(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where other programs mean standard output, nobody gets a file of that name without having been told."""
    monkeypatch.chdir(tmp_path)
    result = export(app, "--output", "-")
    assert (result.exit_code, "/dev/stdout" in result.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def program(simulator: SimulatorServer, output: str) -> str:
    """Return Python code that exports to `output`, for a process with a standard output of its own."""
    simulator.faults.clear()
    return (
        "from gateway.factory import create_app; from tests.support.gateway import settings_for;"
        f"app = create_app(settings_for({simulator.base_url!r}));"
        f"app.cli.main(['campaigns', 'export', '--vdn', '1', '--output', {output!r}],"
        " obj=__import__('flask.cli', fromlist=['ScriptInfo']).ScriptInfo(create_app=lambda: app))"
    )


def test_standard_output_is_written_to_whatever_it_is(simulator: SimulatorServer, tmp_path: Path) -> None:
    """A pipe, and a file that another program is writing to, which is not replaced; no terminal sees one line more."""
    command = [sys.executable, "-c", program(simulator, "/dev/stdout")]
    done = subprocess.run(command, capture_output=True, cwd=PROJECT, check=True, timeout=60)
    assert done.stdout.count(b"\n") == 250
    assert len([line for line in done.stderr.splitlines() if not line.startswith(b"{")]) == 1
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("ab") as end:
        subprocess.run(command, stdout=end, stderr=subprocess.DEVNULL, cwd=PROJECT, check=True, timeout=60)
    assert log.read_bytes() == b"before\n" + done.stdout


def test_a_terminal_sees_how_far_it_is(simulator: SimulatorServer, tmp_path: Path) -> None:
    """While it is read, and when it is done."""
    code = program(simulator, str(tmp_path / "all"))
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, cwd=PROJECT, env=environment) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
    os.close(ours)
    assert process.returncode == 0
    assert b"250/250" in seen
    assert b"250 campaigns" in seen
