"""Where settings come from: TOML files, then variables, later ones over earlier ones.

`config/default.toml`, `config/<GATEWAY_ENV>.toml`, the file that `GATEWAY_CONFIG` names, then every variable
`GATEWAY__SECTION__KEY`. Tables are merged key by key; an array of tables replaces the one before it as a whole.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import fields

from gateway.settings.fields import KeyHash, SecretText, TimeZone
from gateway.settings.schema import SettingsTable

PREFIX = "GATEWAY__"
TEXTS = (fields.String, SecretText, KeyHash, TimeZone)
UNREADABLE = "unreadable"


@dataclass(slots=True)
class Sources:
    """What was read: the merged values, which source each came from (by dotted name), and what could not be read."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def note(self, name: str, origin: str) -> None:
        """Remember that the setting `name`, and all below it, comes from `origin`."""
        for known in [known for known in self.origins if known.startswith((f"{name}.", f"{name}["))]:
            del self.origins[known]
        self.origins[name] = origin


def read_sources(environ: Mapping[str, str], root: Path) -> Sources:
    """Read all sources below the project folder `root` and from `environ`.

    Never raises for what it finds: every unreadable file or variable is one sentence in `faults`.
    """
    sources = Sources()
    environment = environ.get("GATEWAY_ENV") or "development"
    if not re.fullmatch(r"[a-z0-9_-]+", environment):
        sources.faults.append(f"GATEWAY_ENV: {environment!r} is not a name of small letters, digits, `-` and `_`")
        return sources
    files = [(root / "config/default.toml", "config/default.toml")]
    files.append((root / f"config/{environment}.toml", f"config/{environment}.toml (GATEWAY_ENV)"))
    if environ.get("GATEWAY_CONFIG"):
        files.append((Path(environ["GATEWAY_CONFIG"]), f"{environ['GATEWAY_CONFIG']} (GATEWAY_CONFIG)"))
    for path, label in files:
        _merge_file(sources, path, label)
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        _merge_variable(sources, variable, environ[variable])
    _read_secret_files(sources)
    return sources


def _merge_file(sources: Sources, path: Path, label: str) -> None:
    try:
        layer = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        sources.faults.append(f"{label}: cannot be read: {fault.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        sources.faults.append(f"{label}: is not TOML: {fault}")
    else:
        _merge(sources, sources.values, layer, "", label)


def _merge(sources: Sources, into: dict[str, Any], layer: dict[str, Any], prefix: str, label: str) -> None:
    for key, value in layer.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(sources, into[key], value, f"{name}.", label)
        else:
            into[key] = value
            sources.note(name, label)


def _merge_variable(sources: Sources, variable: str, raw: str) -> None:
    """Put one variable at its place: `GATEWAY__HTTP__TRUSTED_PROXIES`, `GATEWAY__TENANTS__0__SECRET_KEY`."""
    steps = variable.removeprefix(PREFIX).lower().split("__")
    place: Any = sources.values
    kind: Any = fields.Nested(SettingsTable)
    try:
        for step in steps[:-1]:
            kind = _kind_below(kind, step)
            key = _key(place, step)
            if isinstance(place, list) and key == len(place):
                place.append({})
            elif isinstance(place, dict):
                place.setdefault(key, [] if isinstance(kind, fields.List) else {})
            place = place[key]
        kind, key = _kind_below(kind, steps[-1]), _key(place, steps[-1])
        value = raw if kind is None or isinstance(kind, TEXTS) else _toml_value(raw)
        if isinstance(place, list) and key == len(place):
            place.append(value)
        else:
            place[key] = value
    except LookupError as fault:
        sources.faults.append(f"{variable}: {fault.args[0]}")
    else:
        sources.note(re.sub(r"\.(\d+)", r"[\1]", ".".join(steps)), variable)


def _kind_below(kind: Any, step: str) -> Any:
    """Return the field of the settings table that `step` leads to from `kind`; `None` where the table ends."""
    if isinstance(kind, fields.List):
        return kind.inner
    if isinstance(kind, fields.Nested):
        return kind.schema.fields.get(step)
    return None


def _key(place: Any, step: str) -> Any:
    """Return what `step` is called in `place`, a table or an array; LookupError with a sentence if it is nothing."""
    if isinstance(place, dict):
        return step
    entries = len(place) if isinstance(place, list) else -1
    if entries < 0:
        raise LookupError(f"nothing can stand below a single value; the name is too long by {step.upper()!r}")
    if not re.fullmatch(r"[0-9]{1,4}", step) or int(step) > entries:
        raise LookupError(f"{step!r} is not the number of an entry, 0 to {entries} (one more than there are)")
    return int(step)


def _toml_value(raw: str) -> Any:
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw


def _read_secret_files(sources: Sources) -> None:
    """Replace every `<secret>_file` by the content of that file, without the newline at its end."""
    kinds: dict[str, Any] = SettingsTable().fields
    tables = [(name, sources.values.get(name), kinds[name]) for name in SettingsTable.tables]
    for name in SettingsTable.arrays:
        entries = sources.values.get(name)
        listed = entries if isinstance(entries, list) else []
        tables += [(f"{name}[{number}]", entry, kinds[name].inner) for number, entry in enumerate(listed)]
    for table, values, kind in tables:
        for name, setting in kind.schema.fields.items():
            if isinstance(values, dict) and setting.metadata.get("secret"):
                _read_secret_file(sources, table, values, name)


def _read_secret_file(sources: Sources, table: str, values: dict[str, Any], name: str) -> None:
    path = values.pop(f"{name}_file", "")
    label = f"{table}.{name}_file"
    if path == "":
        return
    if values.get(name):
        sources.faults.append(f"{label}: `{name}` is set too; set one of the two")
    try:
        content = Path(path).read_text(encoding="utf-8")
        values[name] = content.removesuffix("\n").removesuffix("\r")
    except (OSError, TypeError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "it is not UTF-8 text" if isinstance(path, str) else "not a path"
        sources.faults.append(f"{label}: {path!r} cannot be read: {reason}")
        # Stands in so that this one fault is not reported a second time as a missing secret.
        values[name] = values.get(name) or UNREADABLE
