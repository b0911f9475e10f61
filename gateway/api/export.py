"""`GET /campaigns/export`: all campaigns that a query asks for, in one file that is whole or not there.

A server that has begun to send can only break off, and who stands in between may end that in good order: granian's WSGI
does so whatever a generator raises. So the result is read to its end before the first byte, and a failure is a problem
as everywhere.
"""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from math import floor
from typing import Any, Final, NamedTuple

import marshmallow
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from gateway.access.callers import Callers
from gateway.access.clients import Grant
from gateway.access.limits import Quota
from gateway.api.answer import VARY, freshness_headers
from gateway.api.byte_range import ByteRange, UnsatisfiableRangeError, asked_range
from gateway.api.cache_control import request_directives
from gateway.api.campaigns import authenticated, question, schema_of
from gateway.api.deadline import HEADER, deadline_of
from gateway.api.export_forms import CsvDialect, ExportFormat, Form, pack
from gateway.api.fast_path import SCOPE
from gateway.api.fields import Choice, Flag
from gateway.api.preconditions import require_match
from gateway.api.query import CampaignsParameters, CampaignsQuerySchema, QueryParser
from gateway.api.rate_limit import count, tell_quotas
from gateway.api.representation import gzip_entity_tag, held_tag, media_type_quality, wants_gzip
from gateway.errors import CallerError, NotAcceptable
from gateway.model import FORWARD_MISS, FORWARD_REQUEST, NO_DIRECTIVES, CampaignQuery, Representation
from gateway.results.exports import Exports, Result
from gateway.settings import Tenant

EXPORT_PATH: Final = "/campaigns/export"
PARSER: Final = QueryParser()


class ExportParameters(NamedTuple):
    """The parameters as the caller wrote them; `None` where it wrote none."""

    campaigns: CampaignsParameters
    format: ExportFormat | None
    dialect: CsvDialect | None
    bom: bool | None
    end_line: bool | None


class ExportQuerySchema(CampaignsQuerySchema):
    """Loads the query of `GET /campaigns/export`: the filters of `GET /campaigns`, and the form of the file."""

    class Meta:
        """Of the parameters of `GET /campaigns`, those that are about no page."""

        exclude = ("page", "page_size")

    format = Choice(
        "ExportFormat",
        ExportFormat,
        description="What the file is: NDJSON, CSV or a workbook. Left out: what `Accept` likes best, NDJSON where it "
        "has no preference.",
        example=ExportFormat.CSV,
    )
    dialect = Choice(
        "CsvDialect",
        CsvDialect,
        description="For whom CSV is. Left out or `spreadsheet`: cells that a spreadsheet would run as a formula get "
        "an apostrophe in front. `plain`: all cells are as they are, for programs.",
        example=CsvDialect.PLAIN,
    )
    bom = Flag(description="Whether CSV begins with a byte order mark, without which Excel takes it for no UTF-8.")
    end_line = Flag(
        description='Whether NDJSON ends with a line `{"complete": true, "rows": N}`, for those who cannot compare '
        "`Content-Length`, `X-Total-Count` or `Repr-Digest`."
    )

    @marshmallow.post_load
    def _freeze(self, data: dict[str, Any], **_: Any) -> ExportParameters:
        own = {name: data.pop(name, None) for name in ("format", "dialect", "bom", "end_line")}
        return ExportParameters(CampaignsParameters(**data), **own)


def export_blueprint(
    callers: Callers,
    tenants: Mapping[int, Tenant],
    take: Callable[[str, int], Quota],
    exports: Exports,
    clock: Callable[[], float] = time.monotonic,
) -> Blueprint:
    """Return the endpoint, which sends what `exports` reads or has kept to those whom `callers` knows.

    For clients that have a limit, `take` counts each request that no result at hand answers.
    """
    blueprint = Blueprint("export", __name__)
    tell_quotas(blueprint)

    @blueprint.get(EXPORT_PATH)
    def export_campaigns() -> Response:
        deadline = deadline_of(request.headers.get(HEADER), exports.policy.longest_s, clock(), clock)
        grant = authenticated(callers, SCOPE)
        try:
            query, form = _asked(grant, tenants)
        except CallerError:
            count(grant, take)
            raise
        directives = request_directives(request.headers.get("Cache-Control"))
        result, forward = exports.kept(query, directives), ""
        if result is None:
            count(grant, take)
            asks = directives != NO_DIRECTIVES
            forward = FORWARD_REQUEST if asks and exports.kept(query, NO_DIRECTIVES) is not None else FORWARD_MISS
            result = exports.read(grant.client, query, directives, deadline)
        name = f"campaigns-{query.vdn}-{_day(result, tenants[query.vdn])}.{form.format}"
        file = _File(result, form, exports)
        return file.response([*_about(result, exports, clock, forward), *_named(name)])

    return blueprint


def _asked(grant: Grant, tenants: Mapping[int, Tenant]) -> tuple[CampaignQuery, Form]:
    """Return the question of the current request, and in which form it wants the answer; raises a CallerError."""
    schema = schema_of(ExportQuerySchema, tuple((vdn, tenants[vdn].time_zone) for vdn in grant.vdns))
    parameters: ExportParameters = PARSER.parse(schema, request, location="query")
    chosen = parameters.format or _preferred(request.headers.get("Accept"))
    form = Form(chosen)
    # What is about another format is passed over: no document can say that it must not stand beside this one.
    if chosen is ExportFormat.CSV:
        form = Form(chosen, parameters.dialect or CsvDialect.SPREADSHEET, bool(parameters.bom))
    elif chosen is ExportFormat.NDJSON:
        form = Form(chosen, end_line=bool(parameters.end_line))
    return question(parameters.campaigns, grant, tenants), form


def _preferred(accept: str | None) -> ExportFormat:
    """Return the format that `Accept` likes best, the first of those that it likes alike; raises NotAcceptable."""
    best = max(ExportFormat, key=lambda each: media_type_quality(each.media_type, accept))
    if not media_type_quality(best.media_type, accept):
        listed = ", ".join(each.media_type for each in ExportFormat)
        raise NotAcceptable(f"An export is one of {listed}, and the Accept header excludes all. Send format=csv.")
    return best


class _File:
    """One representation of a result, as one caller gets it."""

    def __init__(self, result: Result, form: Form, exports: Exports) -> None:
        self._rows, self._left_out = result.whole.rows, result.whole.left_out
        self._form = form
        plain = result.rows
        if not form.is_rows:
            plain = result.form(form, exports.spooling, form.writer(result.whole.rows))
        self._spool, self._tag, self._coding = plain, f'"{plain.digest().hex()[:32]}"', None
        # A workbook is packed already.
        # A part of a file in gzip is nothing that can be read by itself.
        worth_it = form.format is not ExportFormat.XLSX and _ranges() is None
        if worth_it and wants_gzip(plain.size, request.headers.get("Accept-Encoding")):
            packed = result.form((form, "gzip"), exports.spooling, lambda _, target: pack(plain, target))
            self._spool, self._tag, self._coding = packed, gzip_entity_tag(self._tag), "gzip"

    def response(self, headers: list[tuple[str, str]]) -> Response:
        """Return the answer to the current request: all of it, a part, or that the caller holds it; and `headers`."""
        spool, etag = self._spool, self._tag
        headers = [("ETag", etag), VARY, *headers]
        require_match(etag)
        held = held_tag(request.headers.get("If-None-Match"), Representation(b"", etag, self._coding))
        if held is not None:
            return _bare(304, [("ETag", held), *headers[1:]])
        try:
            part = asked_range(_ranges(), request.headers.get("If-Range"), etag, spool.size)
        except UnsatisfiableRangeError:
            raise RequestedRangeNotSatisfiable(
                spool.size,
                description=f"The file has {spool.size} bytes, and none of them is in the range that was asked for.",
            ) from None
        start, end = part or ByteRange(0, spool.size)
        response = Response(spool.read(start, end), 206 if part else 200, direct_passthrough=True)
        response.headers.clear()
        response.headers.extend(headers)
        response.headers["Content-Type"] = _content_type(self._form)
        response.headers["Content-Length"] = str(end - start)
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["X-Total-Count"] = str(self._rows)
        if self._left_out:
            response.headers["X-Left-Out-Count"] = str(self._left_out)
        response.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(spool.digest()).decode()}:"
        if self._coding:
            response.headers["Content-Encoding"] = self._coding
        if part:
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{spool.size}"
        return response


def _about(result: Result, exports: Exports, clock: Callable[[], float], forward: str) -> tuple[tuple[str, str], ...]:
    """Return what tells how old a result is, and for how long it is kept; `forward` is why it was read, if it was."""
    age_s = max(0.0, clock() - result.ready_at)
    left_s = exports.policy.keep_s - age_s
    stored = bool(forward) and exports.policy.keep_s > 0
    return freshness_headers(int(age_s), floor(left_s), 0, result.whole.as_of, forward, False, stored, "")  # noqa: FBT003 -- as there


def _named(name: str) -> Iterator[tuple[str, str]]:
    yield "Content-Disposition", f'attachment; filename="{name}"'


def _day(result: Result, tenant: Tenant) -> str:
    return f"{datetime.fromtimestamp(result.whole.as_of, UTC).astimezone(tenant.time_zone):%Y-%m-%d}"


def _content_type(form: Form) -> str:
    charset = "; charset=utf-8; header=present" if form.format is ExportFormat.CSV else ""
    return f"{form.format.media_type}{charset}"


def _bare(status: int, headers: list[tuple[str, str]]) -> Response:
    response = Response(status=status)
    response.headers.clear()
    response.headers.extend(headers)
    return response


def _ranges() -> str | None:
    """Return the ranges that are asked for: only by `GET`, for all else they mean nothing (RFC 9110, section 14.2)."""
    return request.headers.get("Range") if request.method == "GET" else None
