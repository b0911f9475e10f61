"""The JSON object around every answer, read strictly, and the result code in it, which alone decides.

Source: the vendor's interface description. Success is `resultCode` "0200000" and nothing else; older versions send
`returnCode` alone.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from gateway.errors import (
    UpstreamBrokenContract,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejectedParameters,
    UpstreamResult,
)
from gateway.isales.numbers import exact
from gateway.isales.text import escaped, printable
from gateway.strict_json import strict_json

SUCCESS: Final = "0200000"
DATABASE_ERROR: Final = "0200006"
MISSING_PARAMETER: Final = "02000001"
"""All parameters that are described as mandatory are always sent, and none is ever empty."""

TOO_FAST: Final = "0200022"
TOO_FAST_PAUSE_S: Final = 2
"""The vendor asks who called too fast to wait for a second or more."""

OTHER_ELEMENTS: Final = MappingProxyType({"01": "CC-CMS", "03": "CC-FS"})
"""Who else of the platform answers with result codes, by what those begin with; CC-iSales' own begin with 02."""

REJECTED_PARAMETERS: Final = frozenset({"0200001", *(f"02{n:06}" for n in range(1, 12))})

SHORTEST_CODE: Final = len(SUCCESS)
CODE_CHARACTERS: Final = 64
DESCRIPTION_CHARACTERS: Final = 500


def decode(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`, UTF-8 whatever the headers say, or raise `UpstreamBrokenContract`.

    It is read strictly: see `strict_json`. A number with a point or an exponent is a `Decimal`.
    """
    wrong = "not JSON as it must be"
    try:
        document = strict_json(body, exact)
    except ValueError:
        pass
    else:
        if isinstance(document, dict):
            return document
        wrong = "JSON, but not an object"
    raise UpstreamBrokenContract(f"The answer of CC-iSales is {wrong}.")


def result(envelope: Mapping[str, Any]) -> UpstreamResult:
    """Return the result that the envelope carries, safe to show.

    `UpstreamBrokenContract` if there is no result code. A number counts as one, which can be no success.
    """
    named = "result" if envelope.get("resultCode") is not None else "return"
    code = envelope.get(f"{named}Code")
    if isinstance(code, bool) or not isinstance(code, str | int | Decimal) or code == "":
        raise UpstreamBrokenContract("The answer of CC-iSales has no result code: it is not one of its envelopes.")
    shown = printable(code, CODE_CHARACTERS) if isinstance(code, str) else str(code)[:CODE_CHARACTERS]
    description = envelope.get(f"{named}Desc")
    return UpstreamResult(shown, printable(description, DESCRIPTION_CHARACTERS) if isinstance(description, str) else "")


def failure(envelope: Mapping[str, Any]) -> UpstreamError | None:
    """Return the error that the result code of `envelope` stands for, `None` for success."""
    outcome = result(envelope)
    result_code = envelope.get("resultCode")
    code = envelope.get("returnCode") if result_code is None else result_code
    if code == SUCCESS:
        return None
    if code == MISSING_PARAMETER:
        return UpstreamRejectedParameters(
            "CC-iSales misses a parameter, and was sent all that its interface description wants: it may be newer and"
            " want `statusV2`, whose values are not published.",
            upstream=outcome,
        )
    if code in REJECTED_PARAMETERS:
        return UpstreamRejectedParameters("CC-iSales refused a parameter of the query.", upstream=outcome)
    if code == TOO_FAST:
        return UpstreamOverloaded(
            f"CC-iSales was called too fast, it says (result code {code}).",
            upstream=outcome,
            retry_after_s=TOO_FAST_PAUSE_S,
            pause_s=TOO_FAST_PAUSE_S,
            asked_by=f"result code {code}",
            one_vdn=True,
        )
    detail = f"CC-iSales failed with result code {outcome.code}."
    if element := element_of(outcome.code):
        detail = f"{element} answered in the place of CC-iSales, with result code {outcome.code}."
    elif outcome.code == SUCCESS:
        # Blanks or what nobody sees are beside it.
        shown = escaped(str(code), CODE_CHARACTERS)
        detail = (
            f'CC-iSales failed: its result code "{shown}" is not {SUCCESS} to the letter, and nothing else is success.'
        )
    return UpstreamFailed(detail, upstream=outcome, retryable_in_s=0 if code == DATABASE_ERROR else None)


def element_of(code: str) -> str:
    """Return the name of the element of the platform that answers with `code`, empty if that is CC-iSales or nobody."""
    return OTHER_ELEMENTS.get(code[:2], "") if len(code) >= SHORTEST_CODE else ""
