"""Folders of time zone data of other releases than the machine's."""

import shutil
import zoneinfo
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gateway.settings.time_zones import default_folders


def zone_folder(folder: Path, release: str, zones: Mapping[str, str]) -> Path:
    """Make `folder` one of this release, with `zones`, each with the data of a zone that is really there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tzdata.zi").write_text(f"# version {release}\n")
    for name, data in zones.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(default_folders()[0] / data, folder / name)
    return folder


@contextmanager
def other_data(folder: Path) -> Iterator[None]:
    """Have `folder` as the system's data for as long as the context lasts, as the variable PYTHONTZPATH does."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[str(folder)])
    try:
        yield
    finally:
        zoneinfo.reset_tzpath(to=before)
