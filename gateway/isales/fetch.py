"""From a query to a page: the whole of `gateway.isales` as one `FetchPage`."""

from collections.abc import Mapping

from gateway.errors import InternalError
from gateway.isales.drift import DriftLog
from gateway.isales.request import campaigns_request
from gateway.isales.send import Send
from gateway.isales.translate import translate
from gateway.model import CampaignPage, CampaignQuery, Deadline, FetchPage
from gateway.settings.model import Tenant


def fetch_page(send: Send, tenants: Mapping[int, Tenant], drift_log: DriftLog) -> FetchPage:
    """Return the `FetchPage` that asks by `send`, with the keys and the clock of the tenant of each query's VDN.

    What it returns raises one leaf of `UpstreamError`; or `InternalError` for a VDN that is not one of `tenants`,
    which is to be refused before it gets here.
    """

    def fetch(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        tenant = tenants.get(query.vdn)
        if tenant is None:
            raise InternalError(f"VDN {query.vdn} is not among the tenants and should have been refused before.")
        answer = send(campaigns_request(query, tenant), deadline)
        translation = translate(answer.envelope, query, tenant.time_zone)
        drift_log.record(query.vdn, translation.drifts)
        # Not before the drift is counted, which tells what is wrong with rows of which none is left.
        return translation.usable_page()

    return fetch
