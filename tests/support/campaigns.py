"""Queries and pages, made up by hypothesis or fixed."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from gateway.model import Campaign, CampaignPage, CampaignQuery, CampaignStatus, DeviceType

SECONDS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda moment: moment.replace(microsecond=0))  # noqa: DTZ001 -- queries hold naive wall-clock times
MOMENTS = st.none() | SECONDS.map(lambda moment: moment.replace(tzinfo=UTC))
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
COUNTS = st.none() | st.integers(0, 2**63 - 1)

QUERIES = st.builds(
    CampaignQuery,
    vdn=st.integers(1, 9999),
    name=TEXT,
    status=st.none() | st.sampled_from([CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.COMPLETED]),
    device_type=st.none() | st.sampled_from(DeviceType),
    begins_from=st.none() | SECONDS,
    ends_to=st.none() | SECONDS,
    page=st.integers(1, 2**31 - 1),
    page_size=st.integers(1, 100),
    cc_id=st.none() | st.integers(1, 65535),
    locale=st.sampled_from([None, "zh_CN", "en_US"]),
)

CAMPAIGNS = st.builds(
    Campaign,
    id=st.integers(0, 2**63 - 1),
    name=st.none() | TEXT,
    status=st.sampled_from(CampaignStatus),
    device_type=st.sampled_from(DeviceType),
    begins_at=MOMENTS,
    ends_at=MOMENTS,
    caller_number=st.none() | TEXT,
)

PAGES = st.builds(
    CampaignPage,
    campaigns=st.lists(CAMPAIGNS, max_size=5).map(tuple),
    number=st.integers(1, 2**31 - 1),
    size=st.integers(1, 100),
    total_items=COUNTS,
    skill_queue_total=COUNTS,
    ivr_total=COUNTS,
)


def page_of(*ids: int, total: int | None = None) -> CampaignPage:
    """Return a first page of ten with running campaigns of these ids."""
    campaigns = tuple(
        Campaign(number, f"Campaign {number}", CampaignStatus.RUNNING, DeviceType.PREDICTIVE, None, None, "10080")
        for number in ids
    )
    return CampaignPage(campaigns, 1, 10, len(ids) if total is None else total, len(ids), 0)
