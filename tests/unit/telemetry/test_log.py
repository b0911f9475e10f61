"""Log lines, tracebacks in them above all."""

import importlib.util
import json
from collections.abc import Iterator

import pytest
import structlog

from gateway.telemetry.log import configure_logging


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    """Leave structlog as it was found."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def log_a_failure(form: str) -> None:
    """Log an exception in a frame that knows a secret."""
    configure_logging("info", form)
    secret_key = f"{4711}-geheim"
    try:
        int(secret_key[4:])
    except ValueError:
        structlog.get_logger().exception("failed", what="this")


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_variables(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """It names file, line and error; the values in the frames, which may be secrets, are not in it."""
    assert importlib.util.find_spec("rich"), "without rich, structlog shows no variables anyway"
    log_a_failure(form)
    said = capsys.readouterr().err
    assert "ValueError: invalid literal for int() with base 10: '-geheim'" in said
    assert "in log_a_failure" in said
    assert "4711-geheim" not in said


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback is in the line, not below it."""
    log_a_failure("json")
    structlog.get_logger().debug("not said")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["what"]) == ("failed", "error", "this")
    assert event["exception"].startswith("Traceback")
