"""`flask isales doctor` as a test runs it: by the command line, in this process."""

import json
from dataclasses import dataclass
from typing import Any

from gateway.factory import create_app
from tests.support.gateway import settings_for


@dataclass(frozen=True)
class Report:
    """What the doctor said: its exit code, and the steps of `--json`."""

    exit_code: int
    result: str
    steps: tuple[dict[str, Any], ...]
    text: str

    @property
    def states(self) -> dict[str, str]:
        """The state of each step by its name; of several of one name the last."""
        return {step["step"]: step["state"] for step in self.steps}

    @property
    def failed(self) -> dict[str, Any]:
        """The one step that failed, behind which all are skipped."""
        assert (self.exit_code, self.result) == (1, "failed"), self.text
        (failed,) = (step for step in self.steps if step["state"] == "failed")
        assert failed["hint"]
        return failed

    def step(self, name: str) -> dict[str, Any]:
        """Return the step of this name, of several the last."""
        return next(step for step in reversed(self.steps) if step["step"] == name)


def examined(base_url: str, *args: str, vdn: int | None = 1, **variables: str) -> Report:
    """Run the doctor for a CC-iSales at `base_url`, and for VDN 1 alone unless told otherwise."""
    command = ["isales", "doctor", "--json", *(["--vdn", str(vdn)] if vdn else []), *args]
    result = create_app(settings_for(base_url, **variables)).test_cli_runner().invoke(args=command)
    document = json.loads(result.stdout)
    assert document["base_url"] == base_url
    return Report(result.exit_code, document["result"], tuple(document["steps"]), result.stdout)
