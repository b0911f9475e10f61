"""The image, made once for all that is run from it."""

import fcntl
from pathlib import Path

import pytest

from tests.support.image import Image


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Return the image of the Containerfile, built by whoever of several test processes needs it first."""
    base = tmp_path_factory.getbasetemp()
    # pytest-xdist gives each of its processes a folder in one of the whole run.
    shared: Path = base.parent if base.name.startswith("popen-") else base
    root = shared / "image" / "root"
    root.mkdir(parents=True, exist_ok=True)
    image, built = Image(root), root.parent / "built"
    with (root.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            image.build()
            built.touch()
    return image
