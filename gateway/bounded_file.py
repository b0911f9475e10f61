"""Files that others name: they are read whole, up to a limit, and only where reading them cannot wait for anybody."""

import errno
import os
import stat

MAX_BYTES = 16 * 1024 * 1024
"""More than settings for all 9,999 VDNs, or than any bundle of authorities, takes."""
NO_FILE = "it is a pipe, a terminal or another device, and has to be a file that can be read again"


def read_bounded(path: str | os.PathLike[str], most: int = MAX_BYTES) -> bytes:
    """Return what is in the file at `path`.

    Raises OSError where it cannot be read, is longer than `most` bytes, or is no regular file: a pipe or a terminal
    would be waited for without end, and could not be read again at a reload. `/dev/null` is an empty file. Raises
    ValueError where `path` cannot be one.
    """
    # Without O_NONBLOCK a pipe is waited for in `open` itself (fifo(7)).
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        found = os.fstat(file.fileno())
        # By its number, for a container's `/dev/null` may be that of the host, which is another file.
        is_null = stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116 -- beside os.fstat
        if not stat.S_ISREG(found.st_mode) and not is_null:
            raise OSError(errno.EINVAL, NO_FILE)
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most} bytes")
    return content
