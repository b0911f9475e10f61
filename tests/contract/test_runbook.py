"""What the documents point at is there: chapters, files of the project, words of problems."""

import re
from pathlib import Path

import pytest

from gateway.settings.sources import SECRETS, table_kinds
from tests.support.gateway import PROJECT

DOCUMENTS = [
    PROJECT / "README.md",
    *(PROJECT / folder / "README.md" for folder in ("config", "deploy", "deploy/clients", "findings", "gateway")),
    *(PROJECT / folder / "README.md" for folder in ("tests", "tests/benchmarks", "tests/soak")),
]
TEXT = (PROJECT / "deploy" / "README.md").read_text()
SECTIONS = {section: kind.schema.fields for section, kind in table_kinds().items()}
SETTINGS = {f"{section}.{name}" for section, names in SECTIONS.items() for name in names}
SECRET_FILES = {f"{section}.{name}_file" for section, names in SECTIONS.items() for name in SECRETS & names.keys()}
MODULES = {"http.client"}
"""Of Python, though they look like settings."""

SAID = [*(PROJECT / "gateway").rglob("*.py"), PROJECT / "deploy" / "nginx" / "conf.d" / "problems.inc"]


def anchors(document: Path) -> list[str]:
    """Return how links point at the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.parent.relative_to(PROJECT)))
def test_links_lead_somewhere(document: Path) -> None:
    """To a file, and to a chapter of it that has a name of its own."""
    assert len(set(anchors(document))) == len(anchors(document))
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        path, _, part = target.partition("#")
        file = document.parent / path if path else document
        assert target.startswith("https://") or file.exists(), target
        assert not part or target.startswith("https://") or part in anchors(file), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.parent.relative_to(PROJECT)))
def test_settings_that_are_named_exist(document: Path) -> None:
    """By section and name, between backticks; a secret also as the file that it is in."""
    named = set(re.findall(rf"`((?:{'|'.join(SECTIONS)})\.[a-z0-9_]+)`", document.read_text()))
    assert named <= SETTINGS | SECRET_FILES | MODULES


@pytest.mark.parametrize("words", re.findall(r'"([^"]+)" in its `detail`', TEXT))
def test_words_by_which_a_problem_is_known_are_said(words: str) -> None:
    """Whoever runs the gateway looks for them in the `detail` of a problem."""
    said = (re.sub(r'"\s+f?"', "", file.read_text()) for file in SAID)
    assert any(words in text for text in said)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\bdeploy/[\w./*-]*\w", TEXT))))
def test_files_that_are_named_are_there(path: str) -> None:
    """Commands of the runbook name files of the project by their whole path; secrets are the operator's to make."""
    assert path.startswith("deploy/compose/secrets") or list(PROJECT.glob(path))
