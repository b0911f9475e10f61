"""Structured logging with structlog: one event a line on standard error, as JSON or for people."""

import json
import logging
import sys
from typing import Any, Final

import structlog
from structlog.typing import Processor

from gateway.telemetry.log_writer import LogWriter, start_log_writer


class Lines:
    """What structlog hands finished lines to, of any level: a thread that writes them."""

    def __init__(self, writer: LogWriter) -> None:
        self.msg = self.log = self.debug = self.info = writer.put
        self.warning = self.error = self.critical = self.exception = writer.put


_IN_BACKGROUND: Final[list[Lines]] = []
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=repr)


def write_in_background() -> LogWriter:
    """Have all log lines of this process written by a thread from now on; return what does it."""
    writer = start_log_writer()
    _IN_BACKGROUND[:] = [Lines(writer)]
    return writer


def _logger(*_: object) -> Any:
    # Standard error is looked up for each line, because who runs the process may exchange it.
    return _IN_BACKGROUND[0] if _IN_BACKGROUND else structlog.WriteLogger(sys.stderr)


def _json(event: Any, **_: object) -> str:
    # An encoder that is there already: to make one for each line takes longer than to use it.
    return _ENCODER.encode(event)


def configure_logging(level: str, form: str) -> None:
    """Set up logging for the whole process. `level` is a name of `logging`, `form` is `json` or `console`."""
    renderer: Processor = (
        structlog.processors.JSONRenderer(_json)
        if form == "json"
        # Where rich is installed, structlog would show the variables of every frame, and secrets among them.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if form == "json" else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=_logger,
        cache_logger_on_first_use=False,
    )
