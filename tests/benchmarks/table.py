"""The table that is printed: one line a figure, judged against its target where it has one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("row", "measured", "value", "peer", "ratio", "target", "")


@dataclass(frozen=True)
class Line:
    """One figure in `unit`, with that of its `peer` where it has one.

    `at_least` and `at_most` are the target: of the ratio to the peer, or of the value where there is no peer.
    """

    row: str
    what: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value by the peer's; `None` where there is no peer."""
        return None if self.peer_value is None else self.value / self.peer_value

    @property
    def met(self) -> bool | None:
        """Whether the target is met; `None` where there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return (self.at_least is None or judged >= self.at_least) and (self.at_most is None or judged <= self.at_most)

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the line's columns."""
        peer = "" if self.peer_value is None else f"{number(self.peer_value)} {self.unit} {self.peer}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = {None: "", True: "ok", False: "MISSED"}[self.met]
        return (self.row, self.what, f"{number(self.value)} {self.unit}", peer, ratio, self._target(), verdict)

    def _target(self) -> str:
        if self.at_least is not None and self.at_least == self.at_most:
            return f"= {self.at_least:g}"
        least = "" if self.at_least is None else f">= {self.at_least:g}"
        most = "" if self.at_most is None else f"<= {self.at_most:g}"
        return f"{least} {most}".strip()


def number(value: float) -> str:
    """Return `value` with three or more digits: `12,345`, `123`, `12.3`, `1.23`; whole numbers as such; NaN as `no`."""
    if math.isnan(value):
        return "no"
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def as_markdown(lines: Sequence[Line]) -> str:
    """Return the table, which reads as it is and as Markdown."""
    return drawn([HEADINGS, *(line.cells() for line in lines)])


def drawn(rows: Sequence[Sequence[str]]) -> str:
    """Return `rows`, of which the first has the headings, as a table of Markdown with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
