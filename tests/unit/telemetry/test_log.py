"""Log lines, tracebacks in them above all."""

import importlib.util
import json
import logging
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


NASTY = "a\x1b[2Jb\nc\x9bd\x7fe\u2028f\u202eg\ud800"
ESCAPED = "a\\x1b[2Jb\\nc\\x9bd\\x7fe\\u2028f\\u202eg\\ud800"


def test_texts_of_others_are_escaped_wherever_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """In an event's own words, its values, and what is within them; so neither the line nor who decodes it is hurt."""
    configure_logging("info", "json")
    structlog.get_logger().info(NASTY, text=NASTY, within={NASTY: [NASTY, (NASTY, 1)]}, number=7, other={NASTY})
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert line.isprintable()
    assert (said["event"], said["text"], said["number"]) == (ESCAPED, ESCAPED, 7)
    assert said["within"] == {ESCAPED: [ESCAPED, [ESCAPED, 1]]}
    assert said["other"].isprintable()


def test_long_texts_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody fills the log with one request."""
    configure_logging("info", "json")
    structlog.get_logger().info("long", text="x" * 1_000_000)
    assert json.loads(capsys.readouterr().err)["text"] == "x" * 2000 + "…"


def log_an_error_with(text: str) -> None:
    """Log an exception whose message is not ours."""
    structlog.get_logger().error("failed", exc_info=ValueError(text))


def test_a_traceback_is_escaped_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Only its ends of lines stay, which JSON spells out."""
    configure_logging("info", "json")
    log_an_error_with(NASTY)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert json.loads(line)["exception"].replace("\n", "").isprintable()


def test_nothing_in_a_traceback_passes_for_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """For people a traceback is below its line, each line of it indented and printable."""
    configure_logging("info", "console")
    log_an_error_with(f"{NASTY}\n2026-11-25T00:00:00Z [info     ] all is well")
    first, *rest = capsys.readouterr().err.splitlines()
    assert "failed" in first, first
    assert all(line.startswith("    ") and line.isprintable() for line in rest)
    assert "all is well" in rest[-1]


@pytest.mark.parametrize("form", ["json", "console"])
def test_libraries_warn_in_our_form_without_what_others_sent(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """One line without the text that was filled in, which may be anybody's; what is no warning is not said."""
    configure_logging("info", form)
    configure_logging("info", form)
    library = logging.getLogger("urllib3.connection")
    library.info("talking to %s", "13800138000")
    text = "Failed to parse headers (url=%s): %s"
    library.warning(text, "http://x", "\n13800138000", exc_info=ValueError(NASTY))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert "13800138000" not in line
    for part in ("Failed to parse headers", "urllib3.connection", "ValueError", "warning"):
        assert part in line


@pytest.mark.parametrize(("number", "name"), [(35, "warning"), (45, "error"), (50, "critical"), (55, "critical")])
def test_libraries_may_have_levels_of_their_own(capsys: pytest.CaptureFixture[str], number: int, name: str) -> None:
    """What is said at a level without a name is said at the next one below that has one."""
    configure_logging("info", "json")
    logging.getLogger("urllib3.connection").log(number, "a notice")
    said = json.loads(capsys.readouterr().err)
    assert (said["level"], said["message"]) == (name, "a notice")
