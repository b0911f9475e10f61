"""Settings that were good, with all that was in their files, for the time when the files have become faulty."""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from gateway.bounded_file import read_bounded

FILES = (
    ("isales", "ca_file"),
    ("isales", "client_cert_file"),
    ("isales", "client_key_file"),
    ("jwt", "jwks_file"),
)
"""Settings that are paths of files which are read again when an app is made, unlike those of secrets."""


@dataclass(frozen=True, slots=True)
class KeptSettings:
    """The environment's name, the merged values of all sources, and what is in the files that they name.

    It holds secrets as they are, and shows none of them in its `repr`. Equal ones make equal settings: `time_zones` is
    the release of the time zone data that they were read with, and not kept itself.
    """

    environment: str
    values: Mapping[str, Any] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    time_zones: str = field(default="", repr=False)

    @classmethod
    def of(cls, environment: str, values: Mapping[str, Any], time_zones: str = "") -> "KeptSettings":
        """Return what to keep of `values`, which have been found good, so that their files can be read."""
        files = {}
        for label, table, name in _places(values):
            if path := table.get(name):
                try:
                    files[label] = read_bounded(path)
                except OSError:
                    continue  # it was there a moment ago; without its content the path has to do
        return cls(environment, values, files, time_zones)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        files = {name: b64encode(content).decode("ascii") for name, content in self.files.items()}
        return {
            "environment": self.environment,
            "values": self.values,
            "files": files,
            "time_zones": self.time_zones,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "KeptSettings":
        """Return what `to_json` was called on; `KeyError`, `TypeError` or `ValueError` if `document` is none of its."""
        files = {str(name): b64decode(content) for name, content in document["files"].items()}
        values = json.loads(json.dumps(document["values"]))
        return cls(str(document["environment"]), values, files, str(document.get("time_zones", "")))

    def values_with_files(self) -> dict[str, Any]:
        """Return the values, with the paths of copies in memory for the files.

        The copies are there for as long as this process is; they have no name that others could open.
        """
        values: dict[str, Any] = deepcopy(dict(self.values))
        for label, table, name in _places(values):
            content = self.files.get(label)
            if content is not None:
                table[name] = _in_memory(content)
        return values


def _places(values: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield a label, the table and the name of each setting in `values` that may be such a path."""
    for section, name in FILES:
        found = values[section]
        for number, table in enumerate(found if isinstance(found, list) else [found]):
            yield f"{section}[{number}].{name}", table, name


def _in_memory(content: bytes) -> str:
    handle = os.memfd_create("campaign-gateway-file")
    with os.fdopen(os.dup(handle), "wb") as file:
        file.write(content)
    return f"/proc/self/fd/{handle}"
