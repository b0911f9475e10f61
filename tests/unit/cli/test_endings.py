"""How commands end where their output cannot be written, and where Ctrl-C ends them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from gateway.cli.commands import Commands
from gateway.cli.endings import ToldEnding, ToldEndingGroup
from tests.support.gateway import PROJECT

PRINTS = """
import click
from gateway.cli.endings import ToldEnding
@click.command(cls=ToldEnding)
@click.option("--wait", is_flag=True)
@click.option("--quiet", is_flag=True)
def told(wait, quiet):
    if not quiet:
        click.echo("a line" * 2000)
    if wait:
        click.echo("begun", err=True)
        import threading
        threading.Event().wait()
told()
"""

FAILS = """
import click
from gateway.cli.endings import ToldEndingGroup
@click.group(cls=ToldEndingGroup)
def all_of_them():
    pass
@all_of_them.command()
@click.option("--json", "as_json", is_flag=True)
def fails(as_json):
    raise click.UsageError("It went wrong.")
all_of_them()
"""


def run(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command that prints."""
    command = [sys.executable, "-c", PRINTS, *args]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, cwd=PROJECT, timeout=60, **options)


def test_a_disk_that_is_full() -> None:
    """One sentence says so, and no traceback; the exit code is that of failure."""
    with Path("/dev/full").open("wb") as full:
        done = run(stdout=full)
    assert (done.returncode, done.stderr) == (1, "Error: What it prints cannot be written: No space left on device.\n")


def test_a_failure_is_told_where_programs_cannot_be() -> None:
    """What went wrong is not lost for a full disk, and its exit code stays."""
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-c", FAILS, "fails", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=PROJECT)
    assert (done.returncode, "It went wrong." in done.stderr) == (2, True)


@pytest.mark.parametrize(("args", "code"), [((), 1), (("--quiet",), 0)])
def test_standard_output_that_is_closed(args: tuple[str, ...], code: int) -> None:
    """What was to be printed is lost, which is a failure; who prints nothing need not know."""
    done = run(*args, preexec_fn=lambda: os.close(1))
    assert done.returncode == code
    assert done.stderr == ("Error: What it prints cannot be written: Bad file descriptor.\n" if code else "")


def test_nobody_reads() -> None:
    """It ends without a word, as click has it."""
    ours, theirs = os.pipe()
    os.close(ours)
    done = run(stdout=theirs)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, "")


def test_control_c() -> None:
    """The exit code is the documented one, and there is no traceback."""
    process = subprocess.Popen(
        [sys.executable, "-c", PRINTS, "--wait", "--quiet"], stderr=subprocess.PIPE, text=True, cwd=PROJECT
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert (process.returncode, rest) == (130, "")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (EOFError, 1)])
def test_at_a_prompt(error: type[BaseException], code: int) -> None:
    """Ctrl-C is told from the end of what is typed."""

    @click.command(cls=ToldEnding)
    def asks() -> None:
        try:
            raise error  # noqa: TRY301 -- as in click's prompts
        except error:
            raise click.Abort from None

    assert CliRunner().invoke(asks).exit_code == code


def test_faults_of_files_and_networks_are_not_those_of_output() -> None:
    """They stay what they are, for who made them to mend."""

    @click.command(cls=ToldEnding)
    def opens() -> None:
        raise OSError(28, "No space left on device", "named")

    result = CliRunner().invoke(opens)
    assert isinstance(result.exception, OSError)


def test_every_command_ends_so() -> None:
    """Every command of ours handles a closed output and Ctrl-C as these do."""
    ours = Commands()
    context = click.Context(ours)
    names = ours.list_commands(context)
    assert names
    for name in names:
        command = ours.get_command(context, name)
        assert isinstance(command, ToldEnding)
        assert isinstance(command, click.Group) == isinstance(command, ToldEndingGroup)
