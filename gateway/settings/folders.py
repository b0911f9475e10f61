"""Can files be written in a folder? Asked when settings are loaded, so that all that is wrong is said at once."""

import tempfile
from pathlib import Path


def folder_fault(folder: str) -> str | None:
    """Return why no file can be written in `folder`, `None` where one can, or where it is empty."""
    if not folder:
        return None
    if not Path(folder).is_dir():
        return f"there is no folder {folder!r}; make it, or name another one"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as fault:
        return f"no file can be made in {folder!r} ({fault.strerror}); it has to be writable to the gateway"
