"""How what is measured is started."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.benchmarks.processes import running
from tests.support.waiting import wait_until

SHOW = """
import json, os, pathlib, signal
pathlib.Path('shown').write_text(json.dumps(dict(os.environ)))
signal.pause()
"""


def test_servers_have_the_variables_of_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of granian, which say how many may wait at once; settings of the gateway are those of the row alone."""
    for name in os.environ:
        if name.startswith("GRANIAN"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GRANIAN_BACKPRESSURE", "2048")
    monkeypatch.setenv("GATEWAY__CACHE__FRESH_S", "9")
    shown = tmp_path / "shown"
    variables = {"GATEWAY__CACHE__MAX_BYTES": "7", "GRANIAN_WORKERS": "3"}
    with running([sys.executable, "-c", SHOW], shown.exists, variables=variables, folder=tmp_path):
        wait_until(lambda: shown.read_text().endswith("}"))
        found = json.loads(shown.read_text())
    assert {name: value for name, value in found.items() if name.startswith(("GRANIAN", "GATEWAY"))} == {
        **variables,
        "GRANIAN_BACKPRESSURE": "2048",
    }
