"""Settings from variables: `GATEWAY__HTTP__TRUSTED_PROXIES`, `GATEWAY__TENANTS__0__SECRET_KEY`."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from marshmallow import fields

from gateway.settings.fields import KeyHash, OneOrMore, SecretText, TimeZone
from gateway.settings.schema import SettingsTable
from gateway.settings.sources import SECRETS, VARIABLES, Origin, Sources, table_kinds

PREFIX = "GATEWAY__"
ALIKE = re.compile(r"GATEWAY_+([A-Z]+)(?:_+([0-9]{1,4}))?(?:_+([A-Z0-9_]+))?")
OTHERS = {
    "GATEWAY_ENV": re.compile(r"GATEWAY_*ENV(IRONMENT|_NAME)?"),
    "GATEWAY_CONFIG": re.compile(r"GATEWAY_*(CONFIGS?|CONFIGURATION|SETTINGS)(_*(FILE|PATH|TOML))?"),
}
"""The two that are no setting's, and what they are called by mistake, which would be served with the demo key."""
TEXTS = (fields.String, SecretText, KeyHash, TimeZone)
NUMBER = re.compile(r"[0-9]{1,4}")


class NoPlace(Exception):
    """A variable is no setting's; says why."""


def read_variables(sources: Sources, environ: Mapping[str, str]) -> None:
    """Put every variable of `environ` that is a setting into `sources`, entries of arrays by their numbers.

    Never raises for what it finds: every variable that fits nowhere is one sentence in `faults`, and every one that
    looks like a setting's and is not read is one in `warnings`.
    """
    sources.warnings += _mistaken(environ)
    for variable in sorted((name for name in environ if name.startswith(PREFIX)), key=_rank):
        try:
            _put(sources, variable, environ[variable])
        except NoPlace as fault:
            sentence = str(fault)
            if sentence not in sources.faults:
                sources.faults.append(sentence)
            sources.incomplete = True


def _mistaken(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each variable that is likely meant to be one of ours."""
    for variable in sorted(environ):
        meant = None if variable.startswith(PREFIX) else _meant(variable)
        if meant not in (None, variable):
            yield f"{variable}: is not read; write {meant}{', which is set too' if meant in environ else ''}"


def _meant(variable: str) -> str | None:
    """Return the variable of ours that `variable` is like, `None` where there is none."""
    name = variable.upper()
    for other, alike in OTHERS.items():
        if alike.fullmatch(name):
            return other
    found = ALIKE.fullmatch(name)
    kind = table_kinds().get(found[1].lower()) if found else None
    key = (found[3] or "").lower() if found else ""
    if (
        found is None
        or kind is None
        or not (not key or key in kind.schema.fields or key.removesuffix("_file") in SECRETS)
    ):
        return None
    return PREFIX + "__".join(filter(None, found.groups()))


_ALL: Final = fields.Nested(SettingsTable)


def _rank(variable: str) -> list[tuple[bool, int, str]]:
    """Return what to sort by: numbers as numbers and before names, and what holds entries before the entries."""
    steps = variable.removeprefix(PREFIX).lower().split("__")
    return [(False, int(step), "") if NUMBER.fullmatch(step) else (True, 0, step) for step in steps]


def _put(sources: Sources, variable: str, raw: str) -> None:
    """Put one variable at its place; NoPlace holds the sentence if it has none."""
    steps = variable.removeprefix(PREFIX).lower().split("__")
    if "" in steps:
        raise NoPlace(f"{variable}: is not the name of a setting; write GATEWAY__SECTION__KEY")
    if not raw.isascii() and re.search(r"[\ud800-\udfff]", raw):
        raise NoPlace(f"{variable}: is not UTF-8")
    place: Any = sources.values
    kind: Any = _ALL
    origin = Origin(variable, VARIABLES)
    name = ""
    for number, step in enumerate(steps):
        if isinstance(kind, OneOrMore):
            place, kind, name = _one_or_more(sources, place, kind, name, variable, step)
        if not isinstance(place, list if isinstance(kind, fields.List) else dict):
            return  # the schema has a sentence for what stands here in place of a table or an array
        begin = PREFIX + "__".join(steps[: number + 1]).upper()
        key = _entry(place, step, begin, name) if isinstance(place, list) else step
        name = f"{name}[{key}]" if isinstance(place, list) else f"{name}.{key}".removeprefix(".")
        kind = _kind_below(kind, step)
        if number == len(steps) - 1 or kind is None:
            _set(sources, place, key, name, _value(raw, kind), origin)
            return  # what stands below an unknown name is as unknown, and the schema says so
        if not isinstance(kind, fields.Nested | fields.List):
            raise NoPlace(f"{variable}: nothing can stand below a single value; cut the name to {begin}")
        if isinstance(place, list) and key == len(place):
            place.append({})
        elif isinstance(place, dict):
            place.setdefault(key, [] if isinstance(kind, fields.List) and not isinstance(kind, OneOrMore) else {})
        place = place[key]


def _one_or_more(
    sources: Sources, place: Any, kind: OneOrMore, name: str, variable: str, step: str
) -> tuple[Any, Any, str]:
    """Return where in `place`, a table or an array of such, `step` leads on from, and the kind and name of that.

    A number is that of an entry, and a table then the first one. Anything else is a setting of the only entry there is.
    """
    if NUMBER.fullmatch(step):
        if isinstance(place, dict):
            place = [place]
            sources.values[name] = place
            sources.renamed(name, f"{name}[0]")
        return place, kind, name
    if not isinstance(place, list):
        return place, kind.inner, name
    if len(place) != 1:
        entries = PREFIX + name.upper()
        raise NoPlace(
            f"{variable}: there are {len(place)} tables [[{name}]]; say which, such as {entries}__0__{step.upper()}"
        )
    return place[0], kind.inner, f"{name}[0]"


def _set(sources: Sources, place: Any, key: Any, name: str, value: Any, origin: Origin) -> None:
    if isinstance(place, list) and key == len(place):
        place.append(None)
    sources.put(place, key, name, value, origin)


def _kind_below(kind: Any, step: str) -> Any:
    """Return the field of the settings table that `step` leads to from `kind`; `None` where there is none.

    `<secret>_file` is of the kind of its secret, a text.
    """
    if isinstance(kind, fields.List):
        return kind.inner
    known = kind.schema.fields
    secret = known.get(step.removesuffix("_file"))
    return known.get(step) or (secret if secret is not None and secret.metadata.get("secret") else None)


def _entry(entries: list[Any], step: str, begin: str, name: str) -> int:
    """Return the number of the entry that `step` is, one of `entries` or the next one; NoPlace otherwise.

    `begin` is the variable up to `step`, for the sentence: one for all variables of an entry.
    """
    if not NUMBER.fullmatch(step):
        raise NoPlace(f"{begin}: {step!r} is not the number of an entry of {name}, 0 to {len(entries)}")
    if int(step) > len(entries):
        raise NoPlace(
            f"{begin}: entries of {name} are numbered from 0 without a gap, and the next one is {len(entries)}"
        )
    return int(step)


def _value(raw: str, kind: Any) -> Any:
    """Return what `raw` stands for where a value of `kind` is due."""
    if kind is None or isinstance(kind, TEXTS):
        return raw
    text = raw
    if isinstance(kind, fields.Number | fields.Boolean) and raw[:1] == raw[-1:] and raw[:1] in {'"', "'"}:
        # Docker leaves the quotes of a file of variables where they are.
        text = raw[1:-1]
    if isinstance(kind, fields.Boolean) and text in {"True", "False"}:
        # As Python and Helm write them.
        text = text.lower()
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return raw
