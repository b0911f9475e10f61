"""The WSGI application, for any WSGI server: `granian --interface wsgi --respawn-failed-workers app:app`."""

import sys

from gateway.factory import create_app
from gateway.settings import SettingsError

try:
    app = create_app()
except SettingsError as fault:
    # The sentences are for whoever starts the server; a traceback above them would only hide them.
    sys.exit(str(fault))
