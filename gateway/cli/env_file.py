"""A file `.env` counts for nothing: Flask reads it for its commands, but no server does."""

import os
from collections.abc import MutableMapping
from pathlib import Path

import click
from flask.helpers import get_load_dotenv

PREFIX = "GATEWAY_"


def forget_env_file(environ: MutableMapping[str, str]) -> None:
    """Remove the variables of the gateway from `environ` that Flask took from a `.env`, and say so.

    So commands and server have the same settings. What the process was started with stays, as does what
    `flask --env-file` read. Where there is no `/proc`, an equal value counts as the file's.
    """
    # A server does not need it. Flask has it already, where it has read such a file.
    from dotenv import dotenv_values, find_dotenv  # noqa: PLC0415 -- see above

    path = find_dotenv(".env", usecwd=True)
    if not path or not get_load_dotenv():
        return
    exported = _exported()
    ignored = [
        name
        for name, value in dotenv_values(path, encoding="utf-8").items()
        if name.startswith(PREFIX) and name not in exported and value is not None and environ.get(name) == value
    ]
    for name in ignored:
        del environ[name]
    if ignored:
        click.echo(
            f"{path} is not read, because the server does not read it either. Ignored: {', '.join(ignored)}. "
            "Export them, or put the settings into the file that GATEWAY_CONFIG names.",
            err=True,
        )


def _exported() -> set[str]:
    """Return the names of the variables that the process was started with (proc(5)); none where that is not known."""
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return set()
    return {os.fsdecode(entry.partition(b"=")[0]) for entry in entries}
