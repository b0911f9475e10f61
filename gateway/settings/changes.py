"""What is different between two settings, by name: for the log, so without values."""

from collections.abc import Hashable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from gateway.settings.model import Settings


def changed_settings(before: Settings, after: Settings) -> list[str]:
    """Return what `after` sets otherwise than `before`, such as `isales.concurrency`, `tenants.1` and `clients.web`.

    Tenants, clients and, where there are several, identity providers are named by VDN, name and issuer, also those that
    are new or gone. Files that a setting names count by their paths only.
    """
    changed: list[str] = []
    for section in fields(Settings):
        old, new = getattr(before, section.name), getattr(after, section.name)
        if section.name == "tenants":
            changed += _entries("tenants", old.items(), new.items())
        elif section.name == "clients":
            changed += _entries("clients", ((one.name, one) for one in old), ((one.name, one) for one in new))
        elif section.name == "jwt" and (len(old), len(new)) != (1, 1):
            changed += _entries("jwt", ((one.issuer, one) for one in old), ((one.issuer, one) for one in new))
        elif section.name == "jwt":
            changed += _settings("jwt", old[0], new[0])
        elif is_dataclass(old):
            changed += _settings(section.name, old, new)
    return changed


def _settings(section: str, old: Any, new: Any) -> list[str]:
    names = [field.name for field in fields(old)]
    return [f"{section}.{name}" for name in names if getattr(old, name) != getattr(new, name)]


def _entries(
    section: str, before: Iterable[tuple[Hashable, object]], after: Iterable[tuple[Hashable, object]]
) -> list[str]:
    old, new = dict(before), dict(after)
    return [f"{section}.{name}" for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
