"""What commands print for people: tables and colours where there is a terminal, plain lines elsewhere.

rich does both, and honours NO_COLOR. It is loaded when something is printed, because servers load the commands too and
need none of it.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

UNLIMITED: Final = 100_000
"""Columns of a line that goes into a file or a pipe, where nothing is cut or broken."""
STYLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("good", "running"), "green"),
    **dict.fromkeys(("warning", "paused"), "yellow"),
    **dict.fromkeys(("failed", "unknown"), "bold red"),
    **dict.fromkeys(("skipped", "completed"), "dim"),
}
"""The colours of words that say how something is. The words say it too."""


def console() -> "Console":
    """Return standard output: with colours and the width of a terminal, or plain and of any width."""
    from rich.console import Console  # noqa: PLC0415 -- see above

    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        force_terminal=terminal,
        width=None if terminal else UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
    )


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns that line up whatever the script; on a terminal long cells are broken to fit."""
    from rich.table import Table  # noqa: PLC0415 -- as above
    from rich.text import Text  # noqa: PLC0415 -- as above

    output = console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in row))
    with output.capture() as printed:
        output.print(table)
    # What pads the last column would be copied with it.
    sys.stdout.write("\n".join(line.rstrip(" ") for line in printed.get().split("\n")))


def print_step(text: str) -> None:
    """Print what begins with a word of how something is, in its colour on a terminal."""
    from rich.text import Text  # noqa: PLC0415 -- as above

    first = text.partition(" ")[0]
    shown = Text(text)
    shown.stylize(STYLES.get(first, ""), 0, len(first))
    console().print(shown, soft_wrap=True)
