"""Structured logging with structlog: one event a line on standard error, as JSON or for people."""

import logging
import sys

import structlog
from structlog.typing import Processor


def configure_logging(level: str, form: str) -> None:
    """Set up logging for the whole process. `level` is a name of `logging`, `form` is `json` or `console`."""
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
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
        # Standard error is looked up for each line, because who runs the process may exchange it.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
