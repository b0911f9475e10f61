"""The units of systemd in `deploy/systemd`, as they are written."""

import configparser
from pathlib import Path

from tests.support.gateway import PROJECT

FOLDER = PROJECT / "deploy" / "systemd"


class Unit(configparser.RawConfigParser):
    """A unit; a setting that stands there several times has all its values, one a line."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",), interpolation=None)
        self.optionxform = str  # type: ignore[assignment, method-assign] # -- as configparser says to do it
        seen: dict[str, int] = {}
        lines = []
        for line in path.read_text().splitlines():
            name, equals, value = line.partition("=")
            if equals and name.isalpha():
                seen[name] = seen.get(name, -1) + 1
                lines.append(f"{name}.{seen[name]}={value}" if seen[name] else line)
            else:
                lines.append(line)
        self.read_string("\n".join(lines))

    def every(self, name: str) -> list[str]:
        """Return all values of a setting of the service."""
        return [value for key, value in self["Service"].items() if key.partition(".")[0] == name]


SERVICE = Unit(FOLDER / "campaign-gateway.service")


def service_variables() -> dict[str, str]:
    """Return the variables that the service sets, by name."""
    return dict(pair.split("=", 1) for line in SERVICE.every("Environment") for pair in line.split())
