"""What a leader leaves to the followers in other processes: that it landed, or why it failed. Pure."""

import json

from gateway.errors import GatewayError, ParameterFault, UpstreamResult, leaves

LANDED = b"landed"


def outcome_of(error: GatewayError) -> bytes:
    """Return a failure as JSON."""
    return json.dumps(
        {
            "name": error.name,
            "detail": error.detail,
            "errors": [[fault.parameter, fault.message] for fault in error.errors],
            "upstream": None if error.upstream is None else [error.upstream.code, error.upstream.description],
            "retry_after_s": error.retry_after_s,
            "sent": error.sent,
        }
    ).encode()


def failure_in(outcome: bytes) -> GatewayError | None:
    """Return the failure that `outcome` speaks of, or `None` for a landing and for anything that is not ours."""
    if outcome == LANDED:
        return None
    try:
        said = json.loads(outcome)
        leaf = next(leaf for leaf in leaves() if leaf.name == said["name"])
        retry_after_s = said["retry_after_s"]
        return leaf(
            str(said["detail"]),
            errors=tuple(ParameterFault(str(parameter), str(message)) for parameter, message in said["errors"]),
            upstream=None if said["upstream"] is None else UpstreamResult(*map(str, said["upstream"])),
            retry_after_s=None if retry_after_s is None else int(retry_after_s),
            # A process of the version before does not say.
            sent=said.get("sent") is not False,
        )
    except (ValueError, TypeError, KeyError, StopIteration, RecursionError, OverflowError):
        return None
