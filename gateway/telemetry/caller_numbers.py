"""What is counted of callers: their requests, how long these took, limits, and credentials."""

from collections.abc import Callable, Iterable

from gateway.telemetry.durations import Durations, Notes
from gateway.telemetry.known_labels import REQUESTS, TOKEN_KEY_READS, USELESS_TOKEN_CLAIMS, WAITS
from gateway.telemetry.numbers import PREFIX, SECONDS, Numbers, Over


class CallerNumbers(Numbers):
    """The numbers of requests and of those who make them."""

    def __init__(self) -> None:
        super().__init__()
        self._requests = self._counter(
            "requests",
            "Requests answered, by endpoint, status and problem type (empty for none).",
            "endpoint",
            "status",
            "problem",
            known=REQUESTS,
        )
        self._seconds = Durations(
            PREFIX + "request_duration_seconds", "Time from a request to its answer, by endpoint.", SECONDS
        )
        self.registry.register(self._seconds)
        self._notes: dict[tuple[int, str, str, str], Notes] = {}
        self._waits = self._counter(
            "waits",
            "Callers that would wait for a change of a page, by outcome: changed, unchanged, ended (at a reload or the "
            "end of the process), problem, or not_applied.",
            "outcome",
            known=zip(WAITS, strict=True),
        )
        self._rate_limited = self._counter("rate_limited", "Requests over a limit, by client.", "client")
        self._rate_limit_faults = self._counter(
            "rate_limit_faults",
            "Requests that only this process counted against a limit because the shared count was out of reach.",
        )
        self._token_checks = self._counter(
            "token_checks", "Bearer tokens that were verified, by outcome: ok or the reason of the refusal.", "outcome"
        )
        self._useless_token_claims = self._counter(
            "useless_token_claims",
            "Good tokens whose claims give no VDN or scope, or are odd, by right and what was found: absent, empty, "
            "odd or unknown.",
            "right",
            "found",
            known=USELESS_TOKEN_CLAIMS,
        )
        self._token_key_reads = self._counter(
            "token_key_reads",
            "Readings of an identity provider's keys, by its issuer and outcome: ok or failed.",
            "issuer",
            "outcome",
        )

    def request(self, endpoint: str, status: int, problem: str, seconds: float) -> None:
        """Count one answered request. `problem` is the name of its problem type, or empty."""
        self._requests.labels(endpoint, str(status), problem).inc()
        self._seconds.observe(endpoint, [seconds])

    def watch_waiting(self, waiting: Callable[[], float]) -> None:
        """Read how many requests wait for their turn whenever the numbers are asked for."""
        meaning = "Requests that wait for their turn to be worked on; not those that wait for CC-iSales."
        self._gauge(Over.SUM, "requests_waiting", meaning).set_function(waiting)

    def watch_waiters(self, waiters: Callable[[], float], most: Callable[[], float]) -> None:
        """Read how many callers wait for a change of a page, and may at `most`, whenever the numbers are asked for."""
        self._gauge(Over.SUM, "waiters", "Callers that wait for a change of a page now.").set_function(waiters)
        meaning = "Callers that may wait for a change of a page at once, by http.most_waiters and the server's threads."
        self._gauge(Over.SUM, "waiters_limit", meaning).set_function(most)

    def wait_ended(self, outcome: str) -> None:
        """Count one caller that would wait for a change, by one of `WAITS`."""
        self._waits.labels(outcome).inc()

    def rate_limited(self, client: str) -> None:
        """Count one request that was refused because its client was over its limit."""
        self._rate_limited.labels(client).inc()

    def rate_limit_fault(self) -> None:
        """Count one request that only this process counted because the shared count was out of reach."""
        self._rate_limit_faults.inc()

    def watch_clients(self, report: Callable[[], Iterable[tuple[str, str, float]]]) -> None:
        """Read when credentials were last good whenever the numbers are asked for: client, kind, seconds since 1970."""
        self._report_gauge(
            Over.LATEST,
            "client_last_seen_timestamp_seconds",
            "When a client's credential (current or previous key, or token) was last good; 0: not since the start.",
            lambda: [((client, credential), at) for client, credential, at in report()],
            "client",
            "credential",
        )

    def token_check(self, outcome: str) -> None:
        """Count one bearer token that was verified. `outcome` is `ok` or the reason of the refusal."""
        self._token_checks.labels(outcome).inc()

    def useless_token_claim(self, right: str, found: str) -> None:
        """Count one good token whose claims do not give `right`: `vdns` or `scopes`."""
        self._useless_token_claims.labels(right, found).inc()

    def token_key_reads_of(self, issuer: str) -> Callable[[str], None]:
        """Return what counts one reading of an identity provider's keys by its outcome, `ok` or `failed`."""
        by_outcome = {outcome: self._token_key_reads.labels(issuer, outcome) for outcome in TOKEN_KEY_READS}
        return lambda outcome: by_outcome[outcome].inc()
