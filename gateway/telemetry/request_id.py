"""The id by which one request is found again in logs and answers."""

import re
import uuid

SANE = re.compile(r"[A-Za-z0-9._~+/=@:-]{1,128}\Z")


def request_id(offered: str | None) -> str:
    """Return the caller's `X-Request-Id` when it is sane (1 to 128 plain ASCII characters), else a new one."""
    if offered is not None and SANE.match(offered):
        return offered
    return uuid.uuid4().hex
