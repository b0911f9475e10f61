"""Structured logging with structlog: one event a line on standard error, as JSON or for people.

Callers and CC-iSales choose much of what is logged, so no text reaches a line before what could act on a terminal or
pass for another line is escaped.
"""

import json
import logging
import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.escaping import escaped
from gateway.telemetry.log_writer import LogWriter, start_log_writer

LONGEST_TEXT = 2000


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
            structlog.processors.format_exc_info,
            # For people a traceback is below the line, indented so that no text in it passes for a line of the log.
            _harmless(end_of_line="\n" if form == "json" else "\n    "),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=_logger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, LibraryHandler) for handler in root.handlers):
        root.addHandler(LibraryHandler())


class LibraryHandler(logging.Handler):
    """Logs what libraries warn of, in the same form as all else, without what they fill in.

    urllib3, for one, warns of odd headers and quotes them, and what CC-iSales sends may hold anything.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Log `record` as one event."""
        error = record.exc_info[0] if record.exc_info else None
        said = {"logger": record.name, "message": str(record.msg), **({"error": error.__name__} if error else {})}
        # Libraries may have levels of their own in between, for which structlog has no name.
        level = min(record.levelno // 10 * 10, logging.CRITICAL)
        structlog.get_logger().log(level, "library", **said)


def _harmless(end_of_line: str) -> Processor:
    """Return what escapes and cuts every text of an event; only a traceback keeps its ends of lines."""

    def escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        traceback = event.pop("exception", "")
        harmless = {name: _shown(value) for name, value in event.items()}
        if traceback:
            lines = [escaped(line) for line in traceback.split("\n")]
            harmless["exception"] = end_of_line.removeprefix("\n") + end_of_line.join(lines)
        return harmless

    return escape


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return escaped(value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}…")
    if isinstance(value, dict):
        return {_shown(name): _shown(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return value
