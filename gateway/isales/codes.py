"""The vendor's numbers for statuses and device types (its interface description, and 1 for drafts from its sample)."""

from types import MappingProxyType
from typing import Final

from gateway.model import CampaignStatus, DeviceType

ALL: Final = 0
"""What the vendor's filters take for no filter."""

STATUSES: Final = MappingProxyType(
    {
        1: CampaignStatus.DRAFT,
        2: CampaignStatus.RUNNING,
        3: CampaignStatus.PAUSED,
        4: CampaignStatus.COMPLETED,
    }
)

DEVICE_TYPES: Final = MappingProxyType(
    {
        1: DeviceType.INTELLIGENT_IVR,
        2: DeviceType.PREDICTIVE,
        3: DeviceType.AUTOMATIC_IVR,
        5: DeviceType.PREVIEW,
        6: DeviceType.PREEMPTED,
    }
)

STATUS_CODES: Final = MappingProxyType({status: code for code, status in STATUSES.items()})
DEVICE_TYPE_CODES: Final = MappingProxyType({device_type: code for code, device_type in DEVICE_TYPES.items()})
