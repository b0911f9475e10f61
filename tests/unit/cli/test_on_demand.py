"""What is imported by whom: a start costs what it brings in."""

import subprocess
import sys

import click

from gateway.cli.commands import Commands
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.server import environment

UNUSED = ("gateway.cli.cache", "gateway.front", "gateway.isales.doctor", "gateway.simulator", "redis")


def test_a_server_imports_no_command_and_no_client_of_a_redis_that_it_has_not() -> None:
    """Nor the simulator and the doctors, which only commands use."""
    variables = environment(**VARIABLES, GATEWAY__ISALES__BASE_URL="http://127.0.0.1:1")
    names = "import app, gc, sys; print(gc.isenabled(), *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", names], cwd=PROJECT, env=variables, capture_output=True, text=True, check=True
    )
    collects, *imported = done.stdout.split()
    assert collects == "True"
    assert "gateway.pages.page_cache" in imported
    assert [name for name in UNUSED if name in imported] == []


def test_commands_of_others_are_theirs() -> None:
    """What an app adds by itself is beside ours, and what nobody added is not there."""
    ours = Commands("gateway")
    other = click.Command("other")
    ours.add_command(other)
    context = click.Context(ours)
    assert {"cache", "other"} < set(ours.list_commands(context))
    assert (ours.get_command(context, "other"), ours.get_command(context, "another")) == (other, None)
