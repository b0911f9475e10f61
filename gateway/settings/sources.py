"""Where settings come from: TOML files, then variables, later ones over earlier ones.

`config/default.toml`, `config/<GATEWAY_ENV>.toml`, the file that `GATEWAY_CONFIG` names, then every variable
`GATEWAY__SECTION__KEY`. Tables are merged key by key; an array of tables replaces the one before it as a whole.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import fields

from gateway.bounded_file import read_bounded
from gateway.settings.fields import OneOrMore
from gateway.settings.schema import SETTINGS

VARIABLES = 3
"""The rank of all variables together as a source, after the files 0 to 2."""


def table_kinds() -> dict[str, fields.Nested]:
    """Return for each section its kind of table, an array's being that of an entry."""
    kinds: dict[str, Any] = SETTINGS.fields
    return {name: getattr(kind, "inner", kind) for name, kind in kinds.items()}


ONE_OR_MORE = {name for name, kind in SETTINGS.fields.items() if isinstance(kind, OneOrMore)}
"""Sections that may be a table, or an array of such: of one table both mean the same."""

SECRETS = {
    name
    for kind in table_kinds().values()
    for name, setting in kind.schema.fields.items()
    if setting.metadata.get("secret")
}


@dataclass(frozen=True, slots=True)
class Origin:
    """A source as people are told of it, and its rank: a source of a higher one counts more."""

    label: str
    rank: int


@dataclass(slots=True)
class Sources:
    """What was read: the merged values, which source each came from (by dotted name), and what could not be read.

    `told` are settings that `faults` has a sentence for already. `incomplete` is set where a whole file or variable
    is missing from `values`, so that what seems not to be set may well be.
    """

    values: dict[str, Any] = field(default_factory=dict, repr=False)  # secrets, not wrapped yet
    origins: dict[str, Origin] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    incomplete: bool = False

    def put(self, table: Any, key: Any, name: str, value: Any, origin: Origin) -> None:
        """Set `table[key]`, the setting called `name`, to `value`.

        A secret and its file are one setting in two forms: the one replaces the other where that is of an earlier
        source. An empty path is no file.
        """
        secret = str(key).removesuffix("_file")
        rival = f"{secret}_file" if key == secret else secret
        if secret in SECRETS and rival in table and (key == secret or value != ""):
            rival_name = name.removesuffix(str(key)) + rival
            displaced = self.origin(rival_name)
            if displaced is not None and displaced.rank < origin.rank:
                del table[rival]
                self.origins.pop(rival_name, None)
        table[key] = value
        self.note(name, origin)

    def note(self, name: str, origin: Origin) -> None:
        """Remember that the setting `name`, and all below it, comes from `origin`."""
        for known in [known for known in self.origins if known.startswith((f"{name}.", f"{name}["))]:
            del self.origins[known]
        self.origins[name] = origin

    def renamed(self, before: str, after: str) -> None:
        """Remember that what was below `before` is called as below `after`."""
        for known in [known for known in self.origins if known.startswith(f"{before}.")]:
            self.origins[after + known.removeprefix(before)] = self.origins.pop(known)

    def origin(self, name: str) -> Origin | None:
        """Return where the setting `name`, or what holds it, was set last."""
        known = [origin for origin in self.origins if name == origin or name.startswith((f"{origin}.", f"{origin}["))]
        return self.origins[max(known, key=len)] if known else None

    def called(self, name: str) -> str:
        """Return `name` with its source behind it, as sentences begin."""
        origin = self.origin(name)
        return f"{name} (from {origin.label})" if origin else name


def read_files(sources: Sources, environ: Mapping[str, str], root: Path) -> None:
    """Read the files below the project folder `root` and the one that `environ` names, into `sources`.

    Never raises for what it finds: every unreadable file is one sentence in `faults`.
    """
    _merge_file(sources, root / "config/default.toml", Origin("config/default.toml", 0))
    environment = environ.get("GATEWAY_ENV") or "development"
    known = sorted(path.stem for path in (root / "config").glob("*.toml") if path.stem != "default")
    if environment in known:
        label = f"config/{environment}.toml (GATEWAY_ENV)"
        _merge_file(sources, root / f"config/{environment}.toml", Origin(label, 1))
    else:
        close = difflib.get_close_matches(environment.lower(), known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(known) or 'none'}"
        sources.faults.append(f"GATEWAY_ENV: there is no environment {environment!r} in config/; {hint}")
        sources.incomplete = True
    if own := environ.get("GATEWAY_CONFIG"):
        _merge_file(sources, Path(own), Origin(f"{own} (GATEWAY_CONFIG)", 2))


def _merge_file(sources: Sources, path: Path, origin: Origin) -> None:
    try:
        # Some editors begin a file with a byte-order mark, which nobody sees.
        _merge(sources, sources.values, tomllib.loads(read_bounded(path).decode("utf-8-sig")), "", origin)
    except OSError as fault:
        reason = f"cannot be read: {fault.strerror}"
    except RecursionError:
        reason = "is nested too deeply"
    except ValueError as fault:
        reason = f"is not TOML: {fault}"
    else:
        return
    sources.faults.append(f"{origin.label}: {reason}")
    sources.incomplete = True


def _merge(sources: Sources, into: dict[str, Any], layer: dict[str, Any], prefix: str, origin: Origin) -> None:
    for key, value in layer.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name in ONE_OR_MORE and (only := _only(into.get(key))) is not None:
            _merge(sources, only, value, f"{name}[0].", origin)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(sources, into[key], value, f"{name}.", origin)
        else:
            sources.put(into, key, name, value, origin)


def _only(tables: Any) -> dict[str, Any] | None:
    """Return the only table of an array of tables, `None` where it is none or has more."""
    return tables[0] if isinstance(tables, list) and len(tables) == 1 and isinstance(tables[0], dict) else None
