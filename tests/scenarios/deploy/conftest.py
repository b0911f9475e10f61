"""The image, made once for all that is run from it."""

from pathlib import Path

import pytest

from tests.support.image import Image


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Return the image of the Containerfile, built."""
    root: Path = tmp_path_factory.mktemp("image", numbered=True) / "root"
    root.mkdir()
    image = Image(root)
    image.build()
    return image
