"""The `flask` commands for operators: what each prints is for people, `--json` is for scripts."""

import click
from flask import Flask

from gateway.cli.app import EXTENSION, Gateway
from gateway.cli.cache import cache
from gateway.cli.campaigns import campaigns
from gateway.cli.config import config
from gateway.cli.demo import demo
from gateway.cli.env_file import forget_env_file
from gateway.cli.export import export
from gateway.cli.faulty import refuse_to_serve
from gateway.cli.front import front
from gateway.cli.isales import isales
from gateway.cli.keys import keys
from gateway.cli.simulator import simulator
from gateway.cli.tokens import tokens
from gateway.settings import SettingsError

__all__ = ["COMMANDS", "Gateway", "add_commands", "forget_env_file", "refuse_to_serve"]

COMMANDS: tuple[click.Command, ...] = (cache, campaigns, config, demo, front, isales, keys, simulator, tokens)


# It has a module of its own, which only has to be read to add it to `campaigns`.
assert export.name in campaigns.commands  # noqa: S101 -- so that nobody takes the import away


def add_commands(app: Flask, gateway: Gateway | SettingsError) -> None:
    """Give `app` all commands. With faults in place of a gateway, those that need one say that there are."""
    app.extensions[EXTENSION] = gateway
    for command in COMMANDS:
        app.cli.add_command(command)
