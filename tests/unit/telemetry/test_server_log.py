"""What becomes of the server's own lines."""

import json
import logging
import re

import pytest

from gateway.telemetry.server_log import MEANT, JsonFormatter, NotMeant
from tests.support.gateway import PROJECT


def line(message: str, *values: object, error: BaseException | None = None) -> str:
    """Return the line of a record, with `error` if there is one."""
    found = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("_granian", logging.WARNING, "mp.py", 1, message, values, found)
    record.created = 1_700_000_000.25
    return JsonFormatter().format(record)


def test_a_record_is_one_object_with_our_names() -> None:
    """The values are filled in, as by any formatter."""
    assert json.loads(line("Stopping worker-%d", 1)) == {
        "logger": "_granian",
        "message": "Stopping worker-1",
        "event": "server",
        "level": "warning",
        "timestamp": "2023-11-14T22:13:20.250000Z",
    }


def test_nothing_in_it_acts_or_passes_for_another_line() -> None:
    """Ends of lines and controls are escaped, in an error's own words too; its traceback keeps its lines."""
    assert "\n" not in line('a"b\n{"event": "request"}\x1b[2J')
    assert json.loads(line("a\n\x1b[2J"))["message"] == "a\\n\\x1b[2J"
    with pytest.raises(ValueError, match="b") as caught:
        raise ValueError("b\x1b[2J")
    told = line("It failed", error=caught.value)
    assert "\n" not in told
    exception = json.loads(told)["exception"]
    assert exception.startswith("Traceback (most recent call last):\n")
    assert exception.endswith("ValueError: b\\x1b[2J")


def test_a_warning_of_the_number_of_threads_that_our_files_set_is_left_out() -> None:
    """Of that number alone: any other one is not ours."""

    def kept(message: str) -> bool:
        return bool(NotMeant().filter(logging.LogRecord("_granian", logging.WARNING, "", 1, message, (), None)))

    assert not kept(f"{MEANT}, which seems quite high compared to the number of CPU cores available.")
    assert kept(MEANT.replace("2048", "20480"))
    assert kept("Configured number of workers appears to be higher than the amount of CPU cores available.")
    for path in ("Makefile", "deploy/systemd/campaign-gateway.service", "deploy/container/Containerfile"):
        (threads,) = re.findall(r"GRANIAN_BLOCKING_THREADS(?: \?)?= ?(\d+)", (PROJECT / path).read_text())
        assert f" {threads} " in MEANT
