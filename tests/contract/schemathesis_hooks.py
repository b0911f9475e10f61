"""What JSON Schema cannot say of the parameters, for schemathesis, which reads this module by SCHEMATHESIS_HOOKS."""

import re
from typing import Any

import schemathesis

from tests.support.closed_schemas import close

RANGE = "Range"
TIMEOUT = "X-Request-Timeout-Ms"
UNKNOWN = "x-schemathesis-unknown-property"


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Hold answers to the very fields that are told: callers must take more, we must not send more."""
    close(raw_schema["components"]["schemas"])


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: Any) -> bool:
    """Leave out headers that are ignored, and that schemathesis expects to be refused: unknown ones, odd timeouts."""
    if UNKNOWN in case.headers:
        return False
    return TIMEOUT not in case.headers or re.fullmatch("[1-9][0-9]{0,8}", str(case.headers[TIMEOUT])) is not None


@schemathesis.hook
def map_case(context: schemathesis.HookContext, case: Any) -> Any:
    """Make of a case that schemathesis would misjudge one that it does not.

    Of the two bounds of time of a query one is kept: no schema can say that one must not be after the other. A timeout
    is a long one: a short one gives 504, as the document says, and schemathesis takes that for a failure. So it does
    416, and how long a file is no schema can say either.
    """
    case.headers.pop(RANGE, None)
    if TIMEOUT in case.headers:
        case.headers[TIMEOUT] = "60000"
    query = case.query
    if isinstance(query, dict) and isinstance(query.get("begins_from"), str) and "ends_to" in query:
        case.query = {name: value for name, value in query.items() if name != "ends_to"}
    return case
