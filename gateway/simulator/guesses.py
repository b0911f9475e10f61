"""What nobody has published of CC-iSales, and what the simulator does in its place: guesses, which can be set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

NAME_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "contains": lambda wanted, name: wanted in name,
        "ignore-case": lambda wanted, name: wanted.casefold() in name.casefold(),
        "exact": lambda wanted, name: wanted in {"", name},
    }
)
"""How a name that is asked for is compared with that of a campaign."""


@dataclass(frozen=True)
class Guesses:
    """The guesses. Raises `ValueError` for a value out of range.

    - `clock_window_s`: how far a signature's time may be from the simulator's, 0 for any. Other schemes of the vendor's
      have 15 minutes.
    - `lock_after`, `lock_s`: after so many refused signatures in a row an address is locked (403) so long; 0: never.
      Another scheme of the vendor's locks for five minutes after five.
    - `name_comparison`: one of `NAME_COMPARISONS`; sibling lists do it in several ways.
    - `status_v2_required`: whether a query without `statusV2` is 02000001. It stands in the newest URL; what it does is
      not published.
    - `call_every_s`: a VDN that calls sooner than so many seconds after its last call gets 429, 0 for never. A sibling,
      the day's statistics, has five minutes.
    """

    clock_window_s: float = 900.0
    lock_after: int = 5
    lock_s: float = 300.0
    name_comparison: str = "contains"
    status_v2_required: bool = False
    call_every_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("clock_window_s", "lock_after", "lock_s", "call_every_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give 0 or more")
        if self.name_comparison not in NAME_COMPARISONS:
            raise ValueError(f"name_comparison is {self.name_comparison!r}; give one of {', '.join(NAME_COMPARISONS)}")
