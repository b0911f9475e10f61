"""What `flask --help` prints: the commands by what they are for, where settings come from, and exit codes.

Flask makes the `flask` command itself, and lets no app put a help of its own in the place of Flask's. It loads the app
when it comes to list the commands, so the last step of its help can be ours: the epilog, which begins anew.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import click
from flask.cli import FlaskGroup

from gateway.cli.exit_codes import MEANINGS

ABOUT: Final = """\
Campaign Gateway, for those who run it. A command works with the same settings as the gateway, and by itself: most need
no gateway that is running."""
CHAPTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Settings and keys": ("config", "keys"),
    "The way to CC-iSales": ("isales",),
    "Callers, and what is in front of the gateway": ("front", "tokens"),
    "Campaigns, and the pages that are kept": ("campaigns", "cache"),
    "To try things": ("demo", "simulator"),
    "Flask's own": ("routes", "run", "shell"),
}
SETTINGS: Final = """\
They come from config/default.toml, then config/<GATEWAY_ENV>.toml (`development` where GATEWAY_ENV is not set), then
the file that GATEWAY_CONFIG names, then variables such as GATEWAY__ISALES__BASE_URL; a file .env is not read. `flask
config check` prints what comes of it, or every fault."""
OUTPUT: Final = """\
`--json` prints JSON for programs, on standard output, also of a failure, whose words are on standard error too. Colours
are for terminals, and NO_COLOR=1 turns them off; into a file or a pipe go plain lines. `flask COMMAND --help` tells all
of a command."""
LINE: Final = 48
"""Characters of what stands beside the name of a command, so that both are one line of 80 columns."""


def show_manual_in_help() -> None:
    """Have the `flask` command that is loading the app print the manual as its help; nothing where there is none."""
    context = click.get_current_context(silent=True)
    root = None if context is None else context.find_root().command
    if isinstance(root, FlaskGroup):
        root.format_epilog = write_manual  # type: ignore[method-assign, assignment]  # -- see the top of this module


def write_manual(context: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the manual of the commands of `context` in the place of what is in `formatter`."""
    formatter.buffer.clear()
    root = context.command
    root.format_usage(context, formatter)
    _paragraph(formatter, ABOUT)
    leaves = dict(_leaves(context))
    for chapter, groups in CHAPTERS.items():
        listed = [(name, text) for name, text in leaves.items() if name.partition(" ")[0] in groups]
        if listed:
            with formatter.section(chapter):
                formatter.write_dl(listed)
    with formatter.section("Settings"):
        formatter.write_text(SETTINGS)
    with formatter.section("Output"):
        formatter.write_text(OUTPUT)
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(int(code)), meaning) for code, meaning in MEANINGS.items()])
    click.Command.format_options(root, context, formatter)


def _paragraph(formatter: click.HelpFormatter, text: str) -> None:
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(text)


def _leaves(context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield each command by its whole name, with what it does in one line."""
    root = context.command
    assert isinstance(root, click.Group)  # noqa: S101 -- the `flask` command is one
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        if isinstance(command, click.Group):
            for below, leaf in sorted(command.commands.items()):
                yield f"{name} {below}", leaf.get_short_help_str(limit=LINE)
        elif command is not None:
            yield name, command.get_short_help_str(limit=LINE)
