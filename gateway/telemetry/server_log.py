"""The server's own lines in the form of ours: granian writes them by `logging`, as `config/granian-log.json` says.

It is loaded by granian's main process too, which knows nothing of our settings, so it needs little and imports little.
"""

import json
import logging
from datetime import UTC, datetime

from gateway.escaping import escaped


class JsonFormatter(logging.Formatter):
    """Makes one JSON object of a record, with the names that our own lines have; no text in it ends the line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`, without an end of line."""
        said = {"logger": record.name, "message": escaped(record.getMessage())}
        if record.exc_info:
            traceback = self.formatException(record.exc_info)
            said["exception"] = "\n".join(escaped(line) for line in traceback.split("\n"))
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        said |= {"event": "server", "level": record.levelname.lower(), "timestamp": moment}
        return json.dumps(said, ensure_ascii=False)
