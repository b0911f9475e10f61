"""Everything that can go wrong, as one tree. Each leaf is one problem type of the API.

    GatewayError
    ├── CallerError                          the caller can mend it
    │   ├── InvalidParameters            400
    │   ├── Unauthenticated              401
    │   ├── Forbidden                    403
    │   ├── NotFound                     404
    │   ├── MethodNotAllowed             405
    │   ├── NotAcceptable                406
    │   ├── RateLimited                  429
    │   └── NotCached                    504  it asked for what is cached only
    ├── UpstreamError                        CC-iSales, or the way to it
    │   ├── UpstreamRejectedParameters   400
    │   ├── UpstreamFailed               502
    │   ├── UpstreamRefusedCredentials   502
    │   ├── UpstreamForbidden            502
    │   ├── UpstreamUnreachable          502
    │   ├── UpstreamBrokenContract       502
    │   ├── UpstreamOverloaded           503
    │   └── UpstreamTimeout              504
    └── InternalError                    500  a bug of ours

A leaf knows its problem name, status and title (RFC 9457), what it means, and what to do about it; an instance knows
what happened this time. Nothing here knows HTTP beyond the number of the status. The file is long for the words of its
leaves, which are the pages at `/problems`: in one place they can be read, compared and kept alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """One thing that is wrong with one parameter: its name as the caller wrote it, and a sentence."""

    parameter: str
    message: str


@dataclass(frozen=True, slots=True)
class UpstreamResult:
    """What CC-iSales said of a call: its result code and description."""

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class BearerChallenge:
    """What a refusal says of bearer tokens (RFC 6750, section 3).

    `code` is empty where no token came, `scope` the one that the token lacks, empty where it is not for want of one.
    """

    code: str = ""
    scope: str = ""


class GatewayError(Exception):
    """Base of all errors that reach callers. Only leaves, which have a name, are raised.

    `detail` is a sentence about this occurrence, for people: no secret, no upstream body.
    `errors` are the faults of the caller's parameters, `upstream` what CC-iSales said,
    `retry_after_s` whole seconds after which another try makes sense, `bearer` what to say of bearer tokens, `None`
    where they do not matter.
    For the gateway itself: `retryable_in_s` seconds after which the same call may well succeed (0 at once, `None` where
    a second try cannot help), and `sent` is false where CC-iSales was not even called.
    """

    name: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    meaning: ClassVar[str]
    remedy: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        errors: tuple[ParameterFault, ...] = (),
        upstream: UpstreamResult | None = None,
        retry_after_s: int | None = None,
        bearer: BearerChallenge | None = None,
        retryable_in_s: int | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.upstream = upstream
        self.retry_after_s = retry_after_s
        self.bearer = bearer
        self.retryable_in_s = retryable_in_s
        self.sent = sent

    def again(self, detail: str | None = None, *, retry_after_s: int | None = None) -> Self:
        """Return the same error as a new object, with another `detail` and `retry_after_s` if they are given.

        So another thread can raise it with a traceback of its own. It also is the one to keep: an error that was
        raised holds on to the frames that it came through and all that is in them, perhaps an answer of megabytes. One
        of these frames that keeps the error would have them all wait for the garbage collector, which is seldom.
        """
        changed = {"detail": detail, "retry_after_s": retry_after_s}
        return type(self)(**vars(self) | {name: value for name, value in changed.items() if value is not None})


class CallerError(GatewayError):
    """The caller can mend it."""


class InvalidParameters(CallerError):
    """The query is wrong; `errors` lists every fault of it."""

    name = "invalid-parameters"
    status = 400
    title = "The query is not valid"
    meaning = "One or more parameters are unknown, repeated, malformed, out of range or contradict each other."
    remedy = "Mend every parameter that `errors` names and send the request again. `/docs` lists what each takes."


class Unauthenticated(CallerError):
    """No credentials, or credentials that nobody here knows."""

    name = "unauthenticated"
    status = 401
    title = "Credentials are missing or not known"
    meaning = (
        "The request carries no API key and no bearer token, one that is not good here, or both, so that it is not "
        "clear who asks."
    )
    remedy = (
        "Send a valid key in the header `X-API-Key`, or a token of the company's identity provider in `Authorization: "
        "Bearer ...` where the gateway takes them; one of the two, and never in the URL. If keys were rotated, use the "
        "new one; if the token has expired, get another."
    )


class Forbidden(CallerError):
    """The caller is known but may not do this."""

    name = "forbidden"
    status = 403
    title = "This caller may not do that"
    meaning = "The credentials are good, but they do not allow this VDN, any VDN at all, or this operation."
    remedy = (
        "Ask for a VDN that this client may read, or have the operators extend the client's `vdns` or `scopes`; those "
        "of a token are what the identity provider wrote into it. `detail` says where they were looked for. Operators: "
        "`flask tokens explain` says what the gateway makes of a token."
    )


class NotFound(CallerError):
    """There is nothing at this path."""

    name = "not-found"
    status = 404
    title = "There is nothing at this address"
    meaning = "The path is not one of the gateway's endpoints."
    remedy = "Check the path. The API document at `/openapi.json` (to read at `/docs`) lists all endpoints."


class MethodNotAllowed(CallerError):
    """The path exists, the method does not."""

    name = "method-not-allowed"
    status = 405
    title = "This method is not supported here"
    meaning = "The endpoint exists but does not take this HTTP method."
    remedy = "Use one of the methods that the `Allow` header lists."


class NotAcceptable(CallerError):
    """The caller accepts none of the media types that exist."""

    name = "not-acceptable"
    status = 406
    title = "No acceptable representation"
    meaning = "The `Accept` header excludes every media type that this endpoint can send."
    remedy = "Accept one of the media types that `detail` names, or leave the `Accept` header out."


class RateLimited(CallerError):
    """The caller is over its limit."""

    name = "rate-limited"
    status = 429
    title = "Too many requests"
    meaning = (
        "This client has made as many requests in the last minute as its limit allows. Answers from a fresh page do "
        "not count and are still given. Requests that were refused for this reason do not count either."
    )
    remedy = (
        "Wait for the seconds that `Retry-After` gives; the header `RateLimit` of other answers tells what is left. "
        "Ask the operators for a higher limit (`requests_per_minute` of the client) if this is usual."
    )


class NotCached(CallerError):
    """The caller asked for a page that is cached, and there is none (`only-if-cached`, RFC 9111, section 5.2.1.7)."""

    name = "not-cached"
    status = 504
    title = "No such page is cached"
    meaning = (
        "The request asks with `Cache-Control: only-if-cached` for a page that is at hand, and there is none that will "
        "do: nobody has asked for it lately, it is too old to be shown at all, or older than the `max-age` that was "
        "asked for."
    )
    remedy = "Leave `only-if-cached` out to have the page fetched, or ask again when somebody else may have done so."


class UpstreamError(GatewayError):
    """CC-iSales, or the way to it, did not give a page."""


class UpstreamRejectedParameters(UpstreamError):
    """CC-iSales read the query and refused it (result codes 0200001 and 02000001 to 02000011)."""

    name = "upstream-rejected-parameters"
    status = 400
    title = "CC-iSales refused the query"
    meaning = "The query passed the gateway's checks, but CC-iSales found a parameter that it does not accept."
    remedy = "Read `upstream.result_desc` for the parameter, and change the query."


class UpstreamFailed(UpstreamError):
    """CC-iSales took the call and failed."""

    name = "upstream-failed"
    status = 502
    title = "CC-iSales failed"
    meaning = "CC-iSales answered with a failure of its own: an error result code or an HTTP error."
    remedy = "Try again later. Operators: ask the CC-iSales administrators about the result code."


class UpstreamRefusedCredentials(UpstreamError):
    """CC-iSales answered HTTP 401: our keys, our clock or our `Host` are wrong, never the caller's credentials.

    `clock_ahead_s` is how far its clock is ahead of the time that was signed, seconds; `None` if it did not say.
    """

    name = "upstream-refused-credentials"
    status = 502
    title = "CC-iSales refused the gateway's signature"
    meaning = "The gateway's own credentials for this VDN were refused. The caller's credentials are good."
    remedy = (
        "Operators: compare the tenant's access key and secret key with CC-iSales, check this machine's clock, and set "
        "`host_header` if a load balancer changes the Host. `flask isales doctor` tells which of them is likely."
    )

    def __init__(self, detail: str, *, clock_ahead_s: float | None = None, **more: Any) -> None:
        super().__init__(detail, **more)
        self.clock_ahead_s = clock_ahead_s


class UpstreamForbidden(UpstreamError):
    """CC-iSales, or a front of it, answered HTTP 403 or 418: it lets nothing from here through, or not this request.

    `of_query` says that it may be what the caller searches for that a firewall stopped, and nothing else.
    """

    name = "upstream-forbidden"
    status = 502
    title = "CC-iSales does not let the gateway through"
    meaning = (
        "CC-iSales or something in front of it turned the gateway away before it looked at the question: the gateway's "
        "address is locked after too many wrong signatures, it is not on an allow list, or a firewall stopped the "
        "request. The caller's credentials are good. Pages that are at hand are still shown."
    )
    remedy = (
        "Wait for the seconds that `Retry-After` gives: calls are tried again rarely, for each may prolong a lock. If "
        "it comes with one `name` only, search for another. Operators: find out from which address the gateway calls, "
        "have it put on the allow list or unlocked, and see what `flask isales doctor` says."
    )

    def __init__(self, detail: str, *, of_query: bool = False, **more: Any) -> None:
        super().__init__(detail, **more)
        self.of_query = of_query


class UpstreamUnreachable(UpstreamError):
    """No complete HTTP exchange took place: DNS, TCP or TLS failed, or the connection broke."""

    name = "upstream-unreachable"
    status = 502
    title = "CC-iSales cannot be reached"
    meaning = "The name did not resolve, the connection or the TLS handshake failed, or the connection broke."
    remedy = "Try again later. Operators: `flask isales doctor` tells which step of the way fails, and what to do."


class UpstreamBrokenContract(UpstreamError):
    """An HTTP answer came, but not one that CC-iSales may give: not JSON, no envelope, too large, cut short."""

    name = "upstream-broken-contract"
    status = 502
    title = "CC-iSales answered something that cannot be understood"
    meaning = (
        "The answer is not JSON, has no result code, is too large, is cut short, is a redirect, is another page than "
        "was asked for, or has campaigns of which none can be used. `detail` says which of these."
    )
    remedy = "Try again later. Operators: check that `isales.base_url` leads to CC-iSales itself, not to a proxy."


class UpstreamTimeout(UpstreamError):
    """The deadline passed."""

    name = "upstream-timeout"
    status = 504
    title = "CC-iSales did not answer in time"
    meaning = "The deadline of the request passed before CC-iSales had answered."
    remedy = "Try again later. Operators: look at CC-iSales' load before you raise `isales.deadline_s`."


class UpstreamOverloaded(UpstreamError):
    """CC-iSales cannot take this call now: no slot in time, it said 429, 503 or too fast, or its circuit is open.

    `pause_s` are the whole seconds for which CC-iSales asked for no call, `None` if it did not, and `asked_by` is where
    it did. `one_vdn` says that it spoke of the calls of this VDN alone.
    """

    name = "upstream-overloaded"
    status = 503
    title = "CC-iSales cannot take more calls now"
    meaning = (
        "The budget of concurrent calls is in use, CC-iSales asked for fewer calls, or so many calls failed that the "
        "gateway makes none for a while. `detail` says which."
    )
    remedy = (
        "Wait for the seconds that `Retry-After` gives, then try again. Operators: if calls are stopped, the last "
        "failure, which the detail tells, is the one to mend."
    )

    def __init__(
        self,
        detail: str,
        *,
        pause_s: int | None = None,
        asked_by: str = "Retry-After",
        one_vdn: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(detail, **more)
        self.pause_s = pause_s
        self.asked_by = asked_by
        self.one_vdn = one_vdn


class InternalError(GatewayError):
    """A bug of ours, or something on our side that no other problem names; `foreseen` if its `detail` says all."""

    name = "internal-error"
    status = 500
    title = "The gateway failed"
    meaning = (
        "Something on the gateway's side is wrong: a case that its authors did not foresee, keys to check tokens with "
        "that cannot be had, or a shared cache that cannot be purged. It is logged with the request id."
    )
    remedy = "Try again; if it stays, give the operators the `request_id` of the answer."

    def __init__(self, detail: str, *, foreseen: bool = False, **more: Any) -> None:
        super().__init__(detail, **more)
        self.foreseen = foreseen


def leaves(of: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    """Yield every problem type below `of`, in the order of the tree."""
    children = of.__subclasses__()
    if not children:
        yield of
    for child in children:
        yield from leaves(child)
