"""Campaigns around the present in the place of some of those by rule: what who looks at a demo would like to see.

Among them are all statuses, Chinese names, what is overdue, due or about to end, ids above 2^53, which JavaScript and
spreadsheets round, caller numbers with leading zeros, and none. Names that are HTML or a formula have to stay text.
"""

from datetime import datetime, timedelta

from gateway.simulator.campaigns import Campaign, campaigns_of

_ABOVE_2_53 = 9_007_199_254_740_993
_UNDOCUMENTED_STATUS = 9
_DRAFT = 1

# Name, status, device type, begins and ends in hours from now, caller number.
_ROWS = (
    ("双十一老客户回访", 2, 2, -52.0, 30.0, "02155550110"),
    ("宽带到期续约提醒", 2, 1, -9.5, 0.6, "0075512345"),
    ("信用卡分期邀约（华东）", 2, 5, -26.0, -1.8, "02155550112"),
    ("Winter tyres: call-back", 3, 2, -3.2, 44.0, "0044201234567"),
    ("满意度调查 · 十一月", 2, 3, -120.0, 72.0, ""),
    ("Invoice reminder, second notice", 1, 6, -0.7, 96.0, "0044201234568"),
    ("快递派送通知", 2, 3, -5.0, 4.0, "95338"),
    ("新用户欢迎电话", 3, 5, 18.0, 66.0, "02155550116"),
    ("Loyalty renewal A/B", 2, 2, -30.0, 54.0, "0044201234569"),
    ("体检预约确认", _UNDOCUMENTED_STATUS, 2, -8.0, 40.0, "02155550118"),
    ("<b>Spring</b> & <script>alert(1)</script>", 3, 1, -2.0, 26.0, "0044201234570"),
    ('=HYPERLINK("http://example.com","win")', 4, 2, -90.0, -20.0, "0044201234571"),
    ("课程试听邀请", 1, 2, 30.0, 140.0, "02155550121"),
    ("Parcel lockers: survey", 4, 3, -140.0, -60.0, "0044201234572"),
)


def showcase(vdn: int, now: datetime) -> tuple[Campaign, ...]:
    """Return the campaigns of `vdn` around `now`, which is a time without a zone as CC-iSales writes it."""

    def written(hours: float) -> str:
        return (now + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S")

    return tuple(
        Campaign(
            id=_ABOVE_2_53 + vdn * 1000 - number,
            name=name,
            status=status,
            device_type=device_type,
            begin=written(begins),
            end=written(ends),
            caller_no=caller_no,
            cc_id=1 + number % 2,
        )
        for number, (name, status, device_type, begins, ends, caller_no) in enumerate(_ROWS)
    )


def with_showcase(vdn: int, now: datetime) -> tuple[Campaign, ...]:
    """Return the campaigns of `vdn` with those around `now` on top, as many as there are without.

    Each takes the place of one of its status and device type, so that all counts stay as they are; that of a status
    that nobody has documented takes a draft's, which counts as little.
    """
    rows = list(campaigns_of(vdn))
    for shown in showcase(vdn, now):
        status = _DRAFT if shown.status == _UNDOCUMENTED_STATUS else shown.status
        rows.remove(next(row for row in rows if (row.status, row.device_type) == (status, shown.device_type)))
    return (*showcase(vdn, now), *rows)
