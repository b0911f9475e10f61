"""What is done with faulty settings: our commands work as far as they can, and nothing is served."""

import sys

import click
from flask.cli import FlaskGroup, routes_command, run_command, shell_command

from gateway.settings import SettingsError

NEED_THE_GATEWAY: tuple[click.Command, ...] = (run_command, shell_command, routes_command)
"""Flask's own commands that use the app they are given. Flask lets no app put commands of its own in their place."""


def refuse_to_serve(fault: SettingsError) -> None:
    """End the process, unless one of our commands asks for the app: with all faults, and exit code 1.

    Who asks is told by click, whatever the command line looks like. Any other server is refused as `flask run` is.
    """
    context = click.get_current_context(silent=True)
    by_flask = context is not None and isinstance(context.find_root().command, FlaskGroup)
    if context is None or not by_flask or context.command in NEED_THE_GATEWAY:
        sys.exit(str(fault))
