#!/bin/sh
# requests-cache never reuses an answer that varies by X-API-Key or Authorization, and says nothing
#
# Software   requests-cache 1.3.3, requests 2.34.2 (PyPI)
# Seen       2026-11-27
#
# An origin answers `Cache-Control: max-age=60`, and truthfully `Vary: X-API-Key`. The same session asks three times, with
# the same key. requests-cache blanks what `ignored_parameters` names (Authorization and X-API-Key among them) in what it
# keeps, and then looks for a kept request whose X-API-Key is the same:
#
#       Vary                                    requests of three that reach the origin
#       Accept                                  1
#       X-API-Key                               3
#       Authorization                           3
#       X-API-Key, ignored_parameters=[]        1
#
# Why care   The more exactly an API says what its answers depend on, the less this cache is one. `ignored_parameters=[]`
#            helps, and then keys are in the cache's file.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check requests-cache==1.3.3 requests==2.34.2

cat > "$folder/seen.py" <<'PYTHON'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from requests_cache import CachedSession

heard = []


class Origin(BaseHTTPRequestHandler):
    def do_GET(self):
        heard.append(self.path)
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=60")
        self.send_header("Vary", self.path[1:])
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
threading.Thread(target=server.serve_forever, daemon=True).start()


def reached(vary, **options):
    heard.clear()
    with CachedSession(backend="memory", cache_control=True, **options) as session:
        for _ in range(3):
            session.get(
                f"http://127.0.0.1:{server.server_port}/{vary}", headers={"X-API-Key": "k", "Authorization": "Bearer t"}
            )
    print(f"Vary: {vary} {options or ''}: {len(heard)} of 3 reach the origin")
    return len(heard)


seen = [reached("Accept"), reached("X-API-Key"), reached("Authorization"), reached("X-API-Key", ignored_parameters=[])]
sys.exit(seen != [1, 3, 3, 1])
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
