#!/bin/sh
# urllib3: the module's `request()` gives up after 3 s and asks four times, a `PoolManager` waits for ever and asks once
#
# Software   urllib3 2.8.0 (PyPI), Python's http.server
# Seen       2026-11-27
#
# A server that takes 4 s for each answer. The same GET by both, nothing else said:
#
#   urllib3.request("GET", url)                 MaxRetryError after 12 s; the server was asked 4 times
#   urllib3.PoolManager().request("GET", url)   200 after 4 s; the server was asked once
#
# `request()` has `timeout=3` in its signature, unlike all else in the library, and a read that timed out is retried as a
# GET by the default of three retries.
#
# Why care   For a slow endpoint (a long poll, a report) the short form makes four expensive requests of one and has no
#            answer, where the long form works. Tests against a fast server show no difference.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check urllib3==2.8.0

cat > "$folder/seen.py" <<'PYTHON'
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3

asked = {"/short": 0, "/long": 0}


class Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        asked[self.path] += 1
        time.sleep(4)
        try:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        except ConnectionError:
            pass

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        pass


def outcome(ask, path):
    began = time.monotonic()
    try:
        said = str(ask("GET", url + path).status)
    except urllib3.exceptions.MaxRetryError as fault:
        said = type(fault).__name__
    print(f"{path[1:]} form: {said} after {time.monotonic() - began:.0f} s; asked {asked[path]} times")
    return said, asked[path]


server = Server(("127.0.0.1", 0), Slow)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
seen = outcome(urllib3.request, "/short"), outcome(urllib3.PoolManager().request, "/long")
sys.exit(seen != (("MaxRetryError", 4), ("200", 1)))
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
