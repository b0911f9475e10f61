"""What commands use of the app that they belong to."""

from collections.abc import Callable
from dataclasses import dataclass

import click
from flask import current_app

from gateway.model import ServePage
from gateway.settings import Settings

EXTENSION = "campaign-gateway"


@dataclass(frozen=True, slots=True)
class Gateway:
    """The settings, and the functions that serve and purge pages and tell the state of the shared cache."""

    settings: Settings
    serve: ServePage
    purge: Callable[[int | None], int]
    shared_state: Callable[[], str]


def current_gateway() -> Gateway:
    """Return what the current app is made of; says what to do when the settings are faulty."""
    gateway: Gateway | None = current_app.extensions[EXTENSION]
    if gateway is None:
        raise click.ClickException("The settings are faulty; `flask config check` says how.")
    return gateway
