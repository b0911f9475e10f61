"""The Containerfile and its context, as they are written; tests/scenarios/deploy/test_container.py runs them."""

import re
import shlex
import subprocess

from tests.support.containerfile import PATH, Containerfile
from tests.support.gateway import PROJECT
from tests.support.programs import program

FILE = Containerfile()


def test_hadolint_finds_nothing() -> None:
    """The linter has neither errors nor advice."""
    result = subprocess.run([program("hadolint", "hadolint"), str(PATH)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_the_bases_are_one_and_pinned() -> None:
    """What is built on is what is run on: a slim image of one full version."""
    bases = {stage[0].value.split()[0] for stage in FILE.stages}
    assert len(bases) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", bases.pop())


def test_the_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    """Kubernetes can see it, and no name has to exist."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", FILE.last("USER"))


def test_the_image_is_of_this_version() -> None:
    """Its label says what pyproject.toml says."""
    version = re.search(r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert f'org.opencontainers.image.version="{version[1]}"' in FILE.last("LABEL")


def test_the_context_has_what_is_copied_and_nothing_else() -> None:
    """What .dockerignore lets through is what the steps ask for: no settings, keys or history."""
    lines = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = [shlex.split(step.value)[:-1] for step in FILE.stages[0] if step.instruction == "COPY"]
    assert {source for sources in copied for source in sources} == let_through
