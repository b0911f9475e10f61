"""A project folder to load settings from."""

from pathlib import Path

import pytest

from tests.unit.settings.project import MINIMAL, PROJECT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project folder with the shipped defaults, and environments of its own."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/default.toml").write_text((PROJECT / "config/default.toml").read_text())
    for environment in ("development", "production"):
        (tmp_path / f"config/{environment}.toml").write_text(MINIMAL)
    return tmp_path
