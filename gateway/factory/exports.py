"""Whole results, read past the page cache."""

from dataclasses import replace

from gateway.api.export_forms import ndjson
from gateway.factory.clocks import Clocks
from gateway.model import CampaignQuery, FetchPage
from gateway.pages.page_cache import PageCache
from gateway.results.exports import ExportPolicy, Exports
from gateway.results.reader import ResultReader
from gateway.results.spool import Spooling
from gateway.settings import Settings


def exports_of(fetch: FetchPage, pages: PageCache, settings: Settings, clocks: Clocks) -> Exports:
    """Query -> windows of it, many at once, by `fetch` -> rows in a spool, kept for a while."""
    export, isales = settings.export, settings.isales
    policy = ExportPolicy(export.keep_s, export.longest_s, export.most_rows, isales.concurrency, isales.deadline_s)

    def key(query: CampaignQuery) -> str:
        # That of its first page: a whole result has none.
        return pages.key(replace(query, page=1, page_size=1))

    reader = ResultReader(fetch, clocks.sleep, clocks.wall)
    return Exports(reader, Spooling(export.spool_folder), key, pages, ndjson, policy, clocks.monotonic)
