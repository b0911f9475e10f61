"""Relative references (RFC 3986, section 4.2) from the URL that was asked for to others of ours.

Whoever stands in front of us may have put us under a prefix of which we hear nothing, and no header of a caller is to
have a part in what we say. A relative reference needs neither: clients resolve it against the URL that they asked for.
"""

from typing import Final
from urllib.parse import quote

_OF_A_PATH: Final = "/:@!$&'()*+,;=~"
"""What may stand in a path as it is, beside letters, digits and `-._` (RFC 3986, section 3.3)."""


def way_up(path: str, mount: str = "") -> str:
    """Return the reference that leads from `path` to where we are mounted, empty where it is there already.

    Both are decoded as in WSGI (PEP 3333): `path` is `PATH_INFO`, what was asked for below the mount, and `mount` is
    `SCRIPT_NAME`. An escaped slash cannot be told from a slash there, and counts as one.
    """
    if not path.startswith("/"):
        # The mount itself, without the slash at its end: seen from there, its last segment is the way down.
        last = mount.rpartition("/")[2]
        return f"{quote(last, _OF_A_PATH, 'latin-1')}/" if last else ""
    depth = 0
    for folder in path.split("/")[1:-1]:
        # Clients take these out before they resolve anything (RFC 3986, section 5.2.4).
        if folder == "..":
            depth = max(0, depth - 1)
        elif folder != ".":
            depth += 1
    return "../" * depth


def itself(path: str, mount: str = "") -> str:
    """Return the reference that leads from `path` to itself by way of the mount, so that it reads as the path."""
    up = way_up(path, mount)
    below = quote(path.removeprefix("/"), _OF_A_PATH, "latin-1")
    # What comes before a colon in the first segment would be a scheme, and nothing at all the URL with its query.
    plain = up or (below and ":" not in below.partition("/")[0])
    return f"{up}{below}" if plain else f"./{below}"
