"""Secrets from files: `<secret>_file` is a path whose content, without the newline at its end, is the secret."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.bounded_file import read_bounded
from gateway.settings.schema import SettingsTable
from gateway.settings.sources import SECRETS, Origin, Sources, table_kinds

MAX_BYTES = 65_536
UNREADABLE = "unreadable"


def read_secret_files(sources: Sources, environ: Mapping[str, str]) -> None:
    """Replace every `<secret>_file` in `sources` by the content of that file.

    Never raises for what it finds: a file that cannot be read is a sentence in `faults`, one that others can read
    too in `warnings`, as is a secret that looks as if more had been copied than it. `environ` tells where systemd
    keeps credentials.
    """
    for table, values, names in _tables(sources.values):
        for name in names:
            if values.get(f"{name}_file") == "":
                del values[f"{name}_file"]
            elif f"{name}_file" in values:
                _read(sources, table, values, name, environ)
            if odd := oddity(values.get(name)):
                said = sources.called(f"{table}.{name}")
                sources.warnings.append(f"{said}: {odd}, which counts as part of it; take it away unless it is meant")


def oddity(secret: Any) -> str | None:
    """Return what a secret begins and ends with, or holds, that is most likely none of it; else `None`.

    Of a wrong one CC-iSales says only that it refuses it, and nobody sees what is wrong: blanks that were copied too,
    text of two bytes a character, and quotes, which in a file and in an `--env-file` of Docker's are part of the value.
    """
    if not isinstance(secret, str):
        return None
    if secret != secret.strip():
        return "it begins or ends with a blank"
    if not secret.isprintable():
        return "it holds a control character"
    if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "\"'":
        return "it stands in quotes"
    return None


def exposure(path: str, environ: Mapping[str, str]) -> str | None:
    """Return a sentence where others than its owner may read the file at `path`, which holds a secret; else `None`.

    Not for systemd's credentials: their folder is closed to others, and the modes in it are those of an ACL's mask.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return None
    credentials = environ.get("CREDENTIALS_DIRECTORY", "")
    if not stat.S_ISREG(mode) or not mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    if credentials and Path(path).absolute().is_relative_to(credentials):
        return None
    return (
        f"{path!r} holds a secret and may be read by others than its owner (mode {stat.S_IMODE(mode):04o}); "
        "`chmod 600` it, or hand it over by systemd's LoadCredential="
    )


def _tables(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Yield each table that can hold secrets, with its name and theirs."""
    for section, kind in table_kinds().items():
        names = [name for name in kind.schema.fields if name in SECRETS]
        found = values.get(section)
        if section in SettingsTable.tables:
            entries = [(section, found)]
        else:
            listed = found if isinstance(found, list) else []
            entries = [(f"{section}[{number}]", entry) for number, entry in enumerate(listed)]
        yield from ((name, entry, names) for name, entry in entries if isinstance(entry, dict))


def _read(sources: Sources, table: str, values: dict[str, Any], name: str, environ: Mapping[str, str]) -> None:
    setting = f"{table}.{name}_file"
    said, origin = sources.called(setting), sources.origin(setting)
    path = values.pop(f"{name}_file")
    if values.get(name):
        sources.faults.append(f"{said}: `{name}` is set too, in the same source; set one of the two")
    try:
        content = _content(path)
    except (OSError, ValueError) as fault:
        sources.faults.append(f"{said}: {_reason(path, fault)}")
        sources.told.add(f"{table}.{name}")
        # Stands in so that this one fault is not reported a second time as a missing secret.
        values[name] = values.get(name) or UNREADABLE
        return
    values[name] = content
    sources.note(f"{table}.{name}", Origin(f"{path}, which {setting} names", origin.rank if origin else 0))
    if warning := exposure(path, environ):
        sources.warnings.append(f"{said}: {warning}")


def _content(path: Any) -> str:
    if not isinstance(path, str):
        raise ValueError("must be the path of a file, in quotes")  # noqa: TRY004 -- the value of a setting
    secret = read_bounded(path, MAX_BYTES).decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    if "\n" in secret:
        lines = secret.count("\n") + 1
        raise ValueError(f"names a file of {lines} lines, and a secret is one; name the file that holds nothing else")
    return secret


def _reason(path: Any, fault: OSError | ValueError) -> str:
    """Return what is wrong. The path is shown if it is absolute; else it may be the secret, given in its place."""
    if isinstance(fault, UnicodeDecodeError):
        return "cannot be read: it is not UTF-8 text"
    if isinstance(fault, OSError):
        if path.startswith("/"):
            return f"{path!r} cannot be read: {fault.strerror}"
        return (
            f"cannot be read: {fault.strerror}; a path that is not absolute is looked for in the working directory, "
            "and not shown here, as it may be the secret itself"
        )
    return str(fault)
