"""The campaigns that the simulator knows: the same 250 for every VDN, made by rule and not stored.

Of the 250, 40 are drafts, 60 running, 70 paused and 80 completed; each device type has 50, and every pair of status
and type occurs. The VDN can be read off each row: it is in the id, the name and the caller number.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

CAMPAIGNS_PER_VDN = 250
SKILL_QUEUE_DEVICE_TYPES = frozenset({2, 5, 6})
IVR_DEVICE_TYPES = frozenset({1, 3})

_STATUS_CYCLE = (4, 3, 2, 1, 4, 3, 2, 4, 3, 1, 2, 4, 3, 4, 2, 1, 3, 4, 2, 3, 4, 1, 2, 3, 4)
_DEVICE_TYPES = (2, 1, 5, 3, 6)
_NAMES = (
    "十一流量包推荐",
    "Spring sale 2026",
    "O'Brien (VIP)*!",
    "50% off & more=1",
    "a b+c",
    "~tilde_-.dots",
    'say "hi" 📞',
    "宽带续约 回访",
    "Ünïcødé ☎",
    "a/b?c#d",
    "全角ＡＢＣ",
    "name;with:punct,@$",
    "%20",
)
_FIRST_BEGIN = datetime(2026, 1, 1, 8)  # noqa: DTZ001 -- the vendor's times carry no zone
_BARE_DATE_EVERY = 10


@dataclass(frozen=True)
class Campaign:
    """One campaign; `begin` and `end` are as CC-iSales writes them, `2026-01-01 08:00:00` or a bare `2026-01-01`."""

    id: int
    name: str
    status: int
    device_type: int
    begin: str
    end: str
    caller_no: str
    cc_id: int

    @property
    def first_second(self) -> str:
        """When it begins, `yyyy-MM-dd HH:mm:ss`; a bare date is its first second."""
        return self.begin if " " in self.begin else f"{self.begin} 00:00:00"

    @property
    def last_second(self) -> str:
        """When it ends, `yyyy-MM-dd HH:mm:ss`; a bare date is its last second."""
        return self.end if " " in self.end else f"{self.end} 23:59:59"


@lru_cache(maxsize=32)
def campaigns_of(vdn: int, count: int = CAMPAIGNS_PER_VDN) -> tuple[Campaign, ...]:
    """Return the first `count` campaigns of `vdn`, newest id first."""
    return tuple(campaign(vdn, number) for number in range(count, 0, -1))


def campaign(vdn: int, number: int) -> Campaign:
    """Return campaign `number`, from 1, of `vdn`."""
    cycle, position = divmod(number - 1, len(_STATUS_CYCLE))
    begins = _FIRST_BEGIN + timedelta(hours=31 * number, minutes=number, seconds=number % 60)
    ends = begins + timedelta(days=number % 60, hours=9)
    pattern = "%Y-%m-%d" if number % _BARE_DATE_EVERY == 0 else "%Y-%m-%d %H:%M:%S"
    return Campaign(
        id=vdn * 100_000 + number,
        name=f"{_NAMES[number % len(_NAMES)]} {vdn}-{number}",
        status=_STATUS_CYCLE[position],
        # Shifted by one each cycle, so that no status keeps to some of the types.
        device_type=_DEVICE_TYPES[(position + cycle) % len(_DEVICE_TYPES)],
        begin=begins.strftime(pattern),
        end=ends.strftime(pattern),
        caller_no=f"{vdn:04d}{number:04d}",
        cc_id=1 + number % 2,
    )
