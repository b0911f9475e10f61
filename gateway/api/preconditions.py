"""`If-Match`: an answer only of the representation that the caller knows, as who goes on with half a file wants."""

from flask import request
from werkzeug.exceptions import PreconditionFailed

from gateway.api.representation import is_named


def require_match(etag: str) -> None:
    """Raise werkzeug's PreconditionFailed where the current request has an `If-Match` that does not name `etag`.

    There is no date of the last change, so `If-Unmodified-Since` is passed over (RFC 9110, section 13.1.4).
    """
    if_match = request.headers.get("If-Match")
    if if_match is not None and not is_named(etag, if_match):
        raise PreconditionFailed("This is not the representation that If-Match names. Ask for it without If-Match.")
