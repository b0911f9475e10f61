"""How commands end where what they print cannot be written, or where Ctrl-C ends them: as `flask --help` says.

click itself makes a traceback of the one, and exit code 1 of the other.
"""

import errno
import io
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli.exit_codes import ExitCode

_OF_OUTPUT: Final = frozenset({errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})


class ToldEnding(click.Command):
    """A command that ends so; click ends it, without words, where nobody reads any more (`EPIPE`)."""

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command does; raises ClickException where standard output cannot be written."""
        if sys.stdout is None:
            # Python's way to say that it was closed before we began. What prints nothing need not know.
            sys.stdout = _Closed()
        try:
            try:
                return super().invoke(ctx)
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


class _Closed(io.TextIOBase):
    """Standard output that was closed before we began."""

    def write(self, text: str, /) -> int:
        """Raise what the system says of such a file."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def forget_output() -> None:
    """Have Python not try once more, when it ends, to write what nobody takes."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 -- it stays open to the end
