"""What is asked: pages by Zipf's law, by clients in turn, now and then something that must be refused."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.simulator.campaigns import campaigns_of
from tests.soak.clients import VDNS, Client

STATUSES = {"": 0, "running": 2, "paused": 3, "completed": 4}
DEVICE_TYPES = {"": 0, "predictive": 2, "preview": 5}
SIZES = (10, 25)
PAGES = 5
ZIPF = 1.1
BAD_QUERIES = ("page=0", "status=walking", "page=1&page=2", "vdn=0x1", "nonsense=1")
BAD_SHARE = 0.02
FOREIGN_SHARE = 0.03
CONDITIONAL_SHARE = 0.2
GZIP_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Page:
    """One page of one VDN, as a caller asks for it."""

    vdn: int
    status: str
    device_type: str
    number: int
    size: int

    def query(self, *, with_vdn: bool) -> str:
        """Return it as a query string."""
        named = {
            "vdn": self.vdn if with_vdn else "",
            "status": self.status,
            "device_type": self.device_type,
            "page": self.number,
            "page_size": self.size,
        }
        return "&".join(f"{name}={value}" for name, value in named.items() if value)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the client, its query string, and what has to come of it while all is well.

    That is `page`, which then says which, or the name of a problem.
    """

    client: Client
    query: str
    page: Page | None
    expected: str = "page"
    gzip: bool = False
    conditional: bool = False


@lru_cache(maxsize=4096)
def content(page: Page) -> tuple[tuple[int, ...], int]:
    """Return the ids of the campaigns on `page` and how many there are in all, by the simulator's own table."""
    status, device_type = STATUSES[page.status], DEVICE_TYPES[page.device_type]
    found = [
        campaign.id
        for campaign in campaigns_of(page.vdn)
        if status in {0, campaign.status} and device_type in {0, campaign.device_type}
    ]
    return tuple(found[(page.number - 1) * page.size : page.number * page.size]), len(found)


class Mix:
    """Draws requests. All that share a seed for the pages find the same ones popular."""

    def __init__(self, clients: Sequence[Client], pages: random.Random) -> None:
        self._clients = clients
        self._shares = list(itertools.accumulate(client.share for client in clients))
        self._pages: dict[int, list[Page]] = {}
        for vdn in VDNS:
            combined = itertools.product(STATUSES, DEVICE_TYPES, range(1, PAGES + 1), SIZES)
            self._pages[vdn] = [Page(vdn, *parts) for parts in combined]
            pages.shuffle(self._pages[vdn])
        count = len(self._pages[VDNS[0]])
        self._weights = list(itertools.accumulate(rank**-ZIPF for rank in range(1, count + 1)))

    def draw(self, source: random.Random) -> Request:
        """Return the next request."""
        client = source.choices(self._clients, cum_weights=self._shares)[0]
        foreign = [vdn for vdn in VDNS if vdn not in client.vdns]
        if client.vdns and source.random() < BAD_SHARE:
            return Request(client, source.choice(BAD_QUERIES), None, "invalid-parameters")
        goes_astray = bool(foreign) and (not client.vdns or source.random() < FOREIGN_SHARE)
        vdn = source.choice(foreign if goes_astray else client.vdns)
        page = source.choices(self._pages[vdn], cum_weights=self._weights)[0]
        with_vdn = goes_astray or len(client.vdns) > 1 or source.random() < 0.5
        query = page.query(with_vdn=with_vdn)
        if goes_astray:
            return Request(client, query, None, "forbidden" if client.vdns else "unauthenticated")
        return Request(
            client,
            query,
            page,
            gzip=source.random() < GZIP_SHARE,
            conditional=source.random() < CONDITIONAL_SHARE,
        )
