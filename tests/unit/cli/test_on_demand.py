"""What is imported by whom: a start costs what it brings in."""

import shutil
import subprocess
import sys
from pathlib import Path

import click

from gateway.cli.commands import Commands
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.server import environment

UNUSED = ("gateway.cli.cache", "gateway.front", "gateway.isales.doctor", "gateway.simulator", "redis")


def test_a_server_imports_no_command_and_no_client_of_a_redis_that_it_has_not() -> None:
    """Nor the simulator and the doctors, which only commands use."""
    variables = environment(**VARIABLES, GATEWAY__ISALES__BASE_URL="http://127.0.0.1:1")
    names = "import app, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", names], cwd=PROJECT, env=variables, capture_output=True, text=True, check=True
    )
    imported = done.stdout.split()
    assert "gateway.pages.page_cache" in imported
    assert [name for name in UNUSED if name in imported] == []


ANOTHER_RELEASE = """
import os
from pathlib import Path
from gateway.factory import create_app
from gateway.reload import Resources
from gateway.settings import load_settings

before = Resources()
create_app(load_settings(os.environ), resources=before)
Path("gateway/shared_store/windows.py").unlink()
shared = {"GATEWAY__CACHE__SHARED_URL": "redis://127.0.0.1:1", "GATEWAY__CACHE__FRESH_S": "300"}
try:
    create_app(load_settings({**os.environ, **shared}), resources=Resources(before))
except ImportError:
    print(before.take("freshness", None, object).usual.fresh_s)
"""


def test_what_cannot_be_imported_any_more_is_known_before_anything_is_changed(tmp_path: Path) -> None:
    """A reload that begins to use a Redis may find the files of another release: the app before stays as it was."""
    for folder in ("gateway", "config"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    variables = environment(**VARIABLES, GATEWAY__ISALES__BASE_URL="http://127.0.0.1:1")
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER_RELEASE],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "15.0\n"


def test_commands_of_others_are_theirs() -> None:
    """What an app adds by itself is beside ours, and what nobody added is not there."""
    ours = Commands("gateway")
    other = click.Command("other")
    ours.add_command(other)
    context = click.Context(ours)
    assert {"cache", "other"} < set(ours.list_commands(context))
    assert (ours.get_command(context, "other"), ours.get_command(context, "another")) == (other, None)
