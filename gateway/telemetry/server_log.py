"""The server's own lines in the form of ours: granian writes them by `logging`, as `config/granian-log.json` says.

It is loaded by granian's main process too, which knows nothing of our settings, so it needs little and imports little.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Final

from gateway.escaping import escaped

MEANT: Final = "Configuration allows spawning up to 2048 Python threads"
"""What granian warns of with the number of threads that all our files set: they wait for CC-iSales, most of the time.

Of any other number it is the operator's, and is to be read.
"""


class NotMeant(logging.Filter):
    """Leaves out the warning that `MEANT` begins."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether `record` says anything else."""
        return not record.getMessage().startswith(MEANT)


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
