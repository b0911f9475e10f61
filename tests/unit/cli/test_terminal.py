"""Tables and colours: for terminals, and plain elsewhere."""

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.support.gateway import PROJECT
from tests.support.server import environment

PROGRAM = """
from gateway.cli.terminal import print_step, print_table
print_table(("ID", "NAME", "STATUS"), [("9007199254740993", "推荐" * 40, "running"), ("2", "[bold]x :smile:", "draft")])
print_step("failed   dns        1 ms  It does not resolve.")
"""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(**variables: str) -> str:
    """Return what the program prints on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=PROJECT,
            env=environment(TERM="xterm-256color", COLUMNS="80", **variables),
            stdout=theirs,
            check=True,
        )
        os.close(theirs)
        read = b""
        while chunk := _chunk(ours):
            read += chunk
        return read.decode().replace("\r\n", "\n")
    finally:
        os.close(ours)


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux' way to say that nobody is at the other end
        return b""


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}, {"TERM": "xterm-256color", "COLUMNS": "20"}])
def test_no_terminal_gets_plain_lines(variables: dict[str, str]) -> None:
    """No colours and no line that is broken or cut, whatever variables say; what looks like markup stays."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=PROJECT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        f"ID                NAME{' ' * 156}  STATUS",
        f"9007199254740993  {'推荐' * 40}  running",
        f"2                 [bold]x :smile:{' ' * 145}  draft",
        "failed   dns        1 ms  It does not resolve.",
    ]


def test_a_terminal_gets_colours_and_lines_that_fit() -> None:
    """Words of how something is have a colour; a name that is too long goes on below, whole."""
    shown = on_a_terminal()
    assert re.search(r"\x1b\[32mrunning", shown)
    assert re.search(r"\x1b\[1;31mfailed", shown)
    plain = COLOUR.sub("", shown)
    assert plain.count("推荐") + plain.count("荐\n") >= 36
    assert "9007199254740993" in plain
    # A Chinese character takes two columns.
    assert all(len(line) + sum(char > "\u2e7f" for char in line) <= 80 for line in plain.splitlines())


def test_no_color_is_respected() -> None:
    """With NO_COLOR set, to anything, a terminal gets none (no-color.org)."""
    shown = on_a_terminal(NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)
    assert "running" in shown
