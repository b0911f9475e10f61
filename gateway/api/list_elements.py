"""The elements of a header field that is a list (RFC 9110, section 5.6.1)."""

import re
from typing import Final

# A comma within a quoted string separates nothing, and neither does a quote behind a backslash end one.
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


def list_elements(field: str) -> list[str]:
    """Return the elements of `field` as they stand there, without the white space around them."""
    return [element.strip(" \t") for element in _ELEMENT.findall(field)]
