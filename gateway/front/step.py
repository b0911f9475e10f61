"""The steps that the doctor takes, and what it reads of answers."""

import json
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Final

from gateway.front.ask import Reply

SHOWN: Final = 100


class Name(StrEnum):
    """The steps, in the order in which they are taken."""

    ANSWER = "answer"
    TLS = "tls"
    TAGS = "tags"
    GZIP = "gzip"
    CODINGS = "codings"
    KEPT = "kept"
    REQUEST_ID = "request-id"
    HEADERS = "headers"
    TOKENS = "tokens"
    UNDERSCORE = "underscore"
    PROBLEMS = "problems"
    METHODS = "methods"
    LINKS = "links"
    CLOSED = "closed"
    WAITING = "waiting"
    ADDRESS = "address"


def document_of(reply: Reply) -> Mapping[str, object]:
    """Return the JSON object that was answered, an empty one where it was none."""
    with suppress(ValueError):
        found = json.loads(reply.body)
        if isinstance(found, dict):
            return found
    return {}


def shown(reply: Reply) -> str:
    """Return what the answer says of itself, for people: a problem's detail, or the kind of its content."""
    detail = document_of(reply).get("detail")
    text = str(detail) if detail else f"{reply.headers.get('content-type', 'no content type')}, not of the gateway"
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return printable if len(printable) <= SHOWN else f"{printable[:SHOWN]}..."
