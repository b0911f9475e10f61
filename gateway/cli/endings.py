"""How commands end: where they fail with `--json`, where what they print cannot be written, and where Ctrl-C ends them.

As `flask --help` says. click itself tells programs nothing, makes a traceback, and exit code 1 of the last.
"""

import errno
import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli.exit_codes import ExitCode

_OF_OUTPUT: Final = frozenset({errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})


class Failure(click.ClickException):
    """A failure of which programs are told more than its words: `told`, members of the JSON object."""

    def __init__(self, message: str, told: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.told = told


class ToldEnding(click.Command):
    """A command that ends so; click ends it, without words, where nobody reads any more (`EPIPE`)."""

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command does; raises ClickException where standard output cannot be written."""
        if sys.stdout is None:
            # Python's way to say that it was closed before we began. What prints nothing need not know.
            sys.stdout = _Closed()
        # Before click takes them away. What is called wrongly has no options yet.
        for_programs = "--json" in (*ctx._protected_args, *ctx.args)  # noqa: SLF001 -- click has no other name for it
        try:
            try:
                return super().invoke(ctx)
            except click.ClickException as fault:
                if for_programs:
                    _tell_programs(fault)
                raise
            finally:
                # Not at the end of Python, which could not say it any more.
                sys.stdout.flush()
        except (KeyboardInterrupt, click.Abort) as end:
            # click makes an Abort of Ctrl-C at its prompts, and of the end of standard input.
            if isinstance(end, click.Abort) and not isinstance(end.__context__, KeyboardInterrupt):
                raise
            sys.exit(ExitCode.INTERRUPTED)
        except OSError as fault:
            if fault.errno not in _OF_OUTPUT or fault.filename is not None:
                raise
            forget_output()
            raise click.ClickException(f"What it prints cannot be written: {fault.strerror or fault}.") from fault


class ToldEndingGroup(ToldEnding, click.Group):
    """A group of commands that end so."""


def _tell_programs(fault: click.ClickException) -> None:
    """Print what programs are told of a failure. Members may be added, none goes or changes."""
    told = fault.told if isinstance(fault, Failure) else {}
    document = {"result": "failed", "exit_code": fault.exit_code, "detail": fault.format_message(), **told}
    try:
        # In ASCII, which holds also what of an argument is no UTF-8.
        click.echo(json.dumps(document))
    except OSError:
        # The failure itself is what is to be told, on standard error.
        forget_output()


class _Closed(io.TextIOBase):
    """Standard output that was closed before we began."""

    def write(self, text: str, /) -> int:
        """Raise what the system says of such a file."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def forget_output() -> None:
    """Have Python not try once more, when it ends, to write what nobody takes."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 -- it stays open to the end
