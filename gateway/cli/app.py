"""What commands use of the app that they belong to."""

from collections.abc import Callable
from dataclasses import dataclass

import click
from flask import current_app

from gateway.api.cache import Purge
from gateway.model import ServePage
from gateway.results.exports import Exports
from gateway.settings import Settings, SettingsError

EXTENSION = "campaign-gateway"


@dataclass(frozen=True, slots=True)
class Gateway:
    """The settings, the functions that serve and purge pages and tell the state of the shared cache, and exports.

    `close` ends the threads that listen to the shared cache and closes the connections to it.
    """

    settings: Settings
    serve: ServePage
    purge: Purge
    shared_state: Callable[[], str]
    exports: Exports
    close: Callable[[], None]


def current_gateway() -> Gateway:
    """Return what the current app is made of; says what to do when the settings are faulty."""
    gateway = gateway_or_fault()
    if isinstance(gateway, SettingsError):
        raise click.ClickException("The settings are faulty; `flask config check` says how.")
    return gateway


def gateway_or_fault() -> Gateway | SettingsError:
    """Return what the current app is made of, or what keeps it from being made."""
    found: Gateway | SettingsError = current_app.extensions[EXTENSION]
    return found
