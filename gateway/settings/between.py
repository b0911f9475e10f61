"""Checks between settings of one section, made also where others of it are faulty, so that all faults come at once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

Fault = tuple[str, str]
"""The setting that is faulty, and what is wrong with it."""

Check = Callable[..., Iterable[Fault]]


def between(*names: str) -> Callable[[Check], Any]:
    """Return a decorator for a method that looks at the settings `names` together, and is called with their values.

    It yields what is wrong. marshmallow by itself makes no such check where anything in the section is faulty, an
    unknown name will do; here it is left out only where one of `names` is faulty itself, or missing.
    """

    def decorate(check: Check) -> Any:
        def made(schema: Any, data: Mapping[str, Any], **_: Any) -> None:
            if all(name in data for name in names):
                faults: dict[str, list[str]] = {}
                for name, fault in check(schema, *(data[name] for name in names)):
                    faults.setdefault(name, []).append(fault)
                if faults:
                    raise ValidationError(faults)

        return validates_schema(made, skip_on_field_errors=False)

    return decorate
