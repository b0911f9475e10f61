"""What deploy/README.md points at is there: its own chapters, files of the project, other documents."""

import re

import pytest

from tests.support.gateway import PROJECT

FOLDER = PROJECT / "deploy"
TEXT = (FOLDER / "README.md").read_text()
HEADINGS = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)


def anchor(heading: str) -> str:
    """Return how a link points at a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_links_lead_somewhere() -> None:
    """To a chapter of the same file, or to a file."""
    anchors = {anchor(heading) for heading in HEADINGS}
    assert len(anchors) == len(HEADINGS)
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, part = target.partition("#")
        assert part in anchors if not path else (FOLDER / path).exists(), target


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\bdeploy/[\w./*-]*\w", TEXT))))
def test_files_that_are_named_are_there(path: str) -> None:
    """Commands of the runbook name files of the project by their whole path; secrets are the operator's to make."""
    assert path.startswith("deploy/compose/secrets") or list(PROJECT.glob(path))
