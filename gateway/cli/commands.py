"""The commands of `flask` by name, each of which is there when somebody asks for it.

The modules of a command are imported when somebody asks for it. A server has no command to run, and `flask` only one:
all of them, with the simulator and three doctors, are a fifth of a start.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click
from flask import Flask
from flask.cli import AppGroup

from gateway.cli.app import EXTENSION, Gateway
from gateway.cli.manual import show_manual_in_help
from gateway.settings import SettingsError

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "cache": (),
    "campaigns": ("export", "watch"),
    "config": (),
    "demo": (),
    "front": (),
    "isales": (),
    "keys": (),
    "simulator": (),
    "tokens": (),
}
"""Each is called as its module is; beside it, those of its subcommands that have modules of their own."""


class Commands(AppGroup):
    """The commands of ours, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in order."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, or None."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        for name in COMMANDS[cmd_name]:
            import_module(f"gateway.cli.{name}")
        command: click.Command = getattr(import_module(f"gateway.cli.{cmd_name}"), cmd_name)
        return command


def add_commands(app: Flask, gateway: Gateway | SettingsError) -> None:
    """Give `app` all commands. With faults in place of a gateway, those that need one say that there are."""
    app.extensions[EXTENSION] = gateway
    show_manual_in_help()
    app.cli = Commands(app.name)
