"""What is another between two pages of campaigns, as callers get them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

Row = Mapping[str, Any]

FIELDS: Final = ("status", "name", "device_type", "begins_at", "ends_at", "caller_number")
APPEARED: Final = "appeared"
GONE: Final = "gone"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change of one campaign: it `appeared`, is `gone`, or a field of it, which `change` names, is another.

    `before` and `after` are the values of the field; the whole campaign where it came or went.
    """

    id: int
    name: str | None
    change: str
    before: Any
    after: Any

    def document(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)

    def line(self) -> str:
        """Return it for people, in one line whatever its texts hold."""
        who = f"{self.id} {shown(self.name)}"
        if self.change == APPEARED:
            return f"+ {who}: {_state(self.after)}"
        if self.change == GONE:
            return f"- {who}: {_state(self.before)}"
        return f"~ {who}: {self.change} {shown(self.before)} -> {shown(self.after)}"


def differences(before: Sequence[Row], after: Sequence[Row]) -> Iterator[Difference]:
    """Yield what is another in `after`, in its order; what is gone comes last."""
    known = {row["id"]: row for row in before}
    for row in after:
        was = known.pop(row["id"], None)
        if was is None:
            yield Difference(row["id"], row["name"], APPEARED, None, dict(row))
            continue
        for field in FIELDS:
            if was.get(field) != row.get(field):
                yield Difference(row["id"], row["name"], field, was.get(field), row.get(field))
    for row in known.values():
        yield Difference(row["id"], row["name"], GONE, dict(row), None)


def shown(value: object) -> str:
    """Return a value for a line of a terminal: `-` for none, `?` for what moves the cursor or worse."""
    return "-" if value is None else "".join(char if char.isprintable() else "?" for char in str(value))


def _state(row: Row) -> str:
    return f"{shown(row['status'])}, {shown(row['begins_at'])} to {shown(row['ends_at'])}"
