"""The Compose file as Docker Compose itself reads it."""

import json
import subprocess
from functools import cache
from typing import Any

from tests.support.gateway import PROJECT
from tests.support.programs import program
from tests.support.server import environment

DEPLOY = PROJECT / "deploy"


@cache
def composed(*options: str) -> dict[str, Any]:
    """Return the whole model, with paths and defaults filled in; `options` are those of `docker compose`."""
    command = [program("docker-compose", "docker-compose"), "--file", str(DEPLOY / "compose.yaml"), *options]
    result = subprocess.run(
        [*command, "config", "--format", "json"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert result.stderr == "", "Docker Compose has something to say about the file"
    return dict(json.loads(result.stdout))


def with_simulator() -> dict[str, Any]:
    """Return the model with the settings for the simulator."""
    return composed("--env-file", str(DEPLOY / "compose" / "simulator.env"))


def with_cluster() -> dict[str, Any]:
    """Return the model with a cluster of Redis."""
    return composed("--profile", "cluster")
