"""What CC-iSales is asked, before and after it is signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway import __version__
from gateway.isales import signing
from gateway.isales.codes import ALL, DEVICE_TYPE_CODES, STATUS_CODES
from gateway.isales.credentials import Credentials, key_pairs
from gateway.isales.endpoint import Endpoint
from gateway.model import CampaignQuery
from gateway.settings.model import Tenant

METHOD: Final = "GET"
NAME: Final = "name"
CAMPAIGNS_PATH: Final = "/rest/isales/v1/openapi/campaigns/{vdn}"


@dataclass(slots=True)
class Answered:
    """The HTTP status of the answer to an attempt, `None` where there is none."""

    status: int | None = None


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """One call of one tenant: the `path` as sent, less the base URL's; `params` decoded; `locale` may be empty.

    `traceparent` tells whose work it is part of; it is sent and not signed, and empty where nobody knows.
    `credentials` say what it is to be signed with; `None`: the tenant's current keys, by our own clock. `resends`
    counts the attempts before this one, and `answered` is told how this one was answered.
    """

    tenant: Tenant
    path: str
    params: signing.Params
    locale: str
    credentials: Credentials | None = None
    traceparent: str = ""
    resends: int = 0
    answered: Answered | None = None

    @property
    def searches(self) -> bool:
        """Whether there is a text of a caller in it."""
        return any(name == NAME for name, _ in self.params)

    @property
    def signed_with(self) -> Credentials:
        """What it is to be signed with."""
        return self.credentials or Credentials(key_pairs(self.tenant)[0])


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it goes over the wire, good for one attempt: the whole URL and every header."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    signature: signing.Signature

    def withheld(self, tenant: Tenant) -> tuple[str, ...]:
        """Return what of it, and of the keys of its `tenant`, must not be shown where the other end repeats it."""
        keys = {pair.access_key for pair in key_pairs(tenant)} | {
            pair.secret_key.reveal() for pair in key_pairs(tenant)
        }
        of_signature = {self.signature.authorization, self.signature.prefix, self.signature.signature}
        # The longest first, so that none is cut by another one that is a part of it.
        return tuple(sorted(keys | of_signature, key=len, reverse=True))


def campaigns_request(query: CampaignQuery, tenant: Tenant) -> VendorRequest:
    """Return the vendor's question for `query`, with the names and numbers of its interface description."""
    params = {
        "status": str(STATUS_CODES[query.status] if query.status else ALL),
        "deviceType": str(DEVICE_TYPE_CODES[query.device_type] if query.device_type else ALL),
        "curPage": str(query.page),
        "rowsPerPage": str(query.page_size),
    }
    if query.name:
        params[NAME] = query.name
    if query.begins_from is not None:
        params["beginTime"] = _wall_clock(query.begins_from)
    if query.ends_to is not None:
        params["endTime"] = _wall_clock(query.ends_to)
    if query.cc_id is not None:
        params["ccId"] = str(query.cc_id)
    path = CAMPAIGNS_PATH.format(vdn=query.vdn)
    return VendorRequest(tenant, path, tuple(params.items()), query.locale or tenant.locale)


def sign_request(request: VendorRequest, endpoint: Endpoint, at: datetime) -> SignedRequest:
    """Sign `request` for `endpoint` with its keys as of `at` (aware). The query is sent as it is signed."""
    tenant, keys = request.tenant, request.signed_with.keys
    path = endpoint.prefix + request.path
    signed_headers = {"Host": tenant.host_header or endpoint.authority}
    signature = signing.sign(
        keys.access_key,
        keys.secret_key,
        signing.timestamp(at, tenant.timestamp_precision),
        signing.signed_header_names(signed_headers),
        signing.canonical_request(METHOD, path, request.params, signed_headers),
    )
    headers = {
        **signed_headers,
        "Content-Type": "application/json; charset=UTF-8",
        "Accept": "application/json",
        # A page is a few kilobytes, not worth compressing. What comes compressed all the same is read.
        "Accept-Encoding": "identity",
        "User-Agent": f"campaign-gateway/{__version__}",
        "Authorization": signature.authorization,
    }
    if request.locale:
        headers["locale"] = request.locale
    if request.traceparent:
        headers["traceparent"] = request.traceparent
    return SignedRequest(endpoint.url(path, signing.canonical_query(request.params)), headers, signature)


def _wall_clock(moment: datetime) -> str:
    # Not strftime: its %Y does not pad years below 1000.
    return moment.isoformat(sep=" ", timespec="seconds")
