"""What stands in `deploy/container/Containerfile`, taken apart: the steps of each stage, and what the image sets."""

import json
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dockerfile_parse import DockerfileParser

from tests.support.gateway import PROJECT

PATH = PROJECT / "deploy" / "container" / "Containerfile"


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction, such as `RUN`, and the words behind it, on one line."""

    instruction: str
    value: str


class Containerfile:
    """The file at `path`."""

    def __init__(self, path: Path = PATH) -> None:
        with path.open("rb") as file:
            structure = DockerfileParser(fileobj=file).structure
        self.steps = [Step(found["instruction"], found["value"]) for found in structure]
        self.steps = [step for step in self.steps if step.instruction != "COMMENT"]

    @cached_property
    def stages(self) -> list[list[Step]]:
        """The steps of each stage, from its FROM on."""
        starts = [number for number, step in enumerate(self.steps) if step.instruction == "FROM"]
        return [self.steps[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the image."""
        words = [word for value in self.all_of("ENV") for word in shlex.split(value)]
        return dict(word.split("=", 1) for word in words)

    @property
    def command(self) -> list[str]:
        """What the image runs."""
        return list(json.loads(self.last("CMD")))

    @property
    def healthcheck(self) -> list[str]:
        """What tells whether it is healthy."""
        return list(json.loads(self.last("HEALTHCHECK").partition("CMD")[2]))

    def last(self, instruction: str) -> str:
        """Return the value of the last `instruction` of the image that is the result."""
        return self.all_of(instruction)[-1]

    def all_of(self, instruction: str) -> list[str]:
        """Return the values of every `instruction` of the image that is the result."""
        return [step.value for step in self.stages[-1] if step.instruction == instruction]
