"""What the exit code of a command says; `flask --help` and `deploy/README.md` tell it in these words."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """The exit codes of all commands; those of failure and wrong usage are click's own."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.DONE: "It was done, and what was looked at is good. There may be warnings.",
    ExitCode.FAILED: "It failed, or something that was looked at is not good. What it is stands on standard error, or "
    "in what was printed. Or nobody read that to its end.",
    ExitCode.USAGE: "It was called wrongly, and nothing was done.",
    ExitCode.INTERRUPTED: "It was ended by Ctrl-C.",
}
