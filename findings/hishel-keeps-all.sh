#!/bin/sh
# hishel 2 as a cache of httpx: without `rfc` it keeps what says `no-store`, and gives it to who asks with another key
#
# Software   hishel 2.0.0, httpx 0.28.1, Python's http.server as origin
# Seen       2026-11-27
#
# An origin whose answers depend on the header X-API-Key and say so (`Vary: X-API-Key`), and say how long they are good.
# A client asks three times at once: with key a, with key a again, and with key b. How often is the origin asked?
#
#       Cache-Control of answers       CacheClient()     rfc=True     rfc=CacheOptions(shared=False)
#       private, max-age=60            1                 3            2
#       private, max-age=0             1                 3            3
#       no-store                       1                 3            3
#
# By design, and told in its documentation: version 2 made a choice of what 1.x did by itself. RFC 9111 is for who
# asks for it, and without it the URL is all that counts. Code that was written for 1.x runs unchanged and means something else: b is shown what a may see. With `rfc=True`
# it counts as a shared cache, so that nothing private is kept; `CacheOptions(shared=False)` is what a client wants.
#
# Why care   Whoever puts this cache before an API of several clients or tenants mixes up their answers, shows stale ones
#            for ever, and sees no error; tests with one key pass.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hishel==2.0.0 httpx==0.28.1 anyio

cat > "$folder/seen.py" <<'PYTHON'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hishel import CacheOptions, SqliteStorage
from hishel.httpx import CacheClient

folder = Path(sys.argv[1])
origin = {"asked": 0, "says": ""}


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        origin["asked"] += 1
        body = f"for {self.headers['X-API-Key']}".encode()
        self.send_response(200)
        self.send_header("Cache-Control", origin["says"])
        self.send_header("Vary", "X-API-Key")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
caches = {"CacheClient()": {}, "rfc=True": {"rfc": True}, "shared=False": {"rfc": CacheOptions(shared=False)}}
seen, shown = {}, {}
for number, says in enumerate(("private, max-age=60", "private, max-age=0", "no-store")):
    for name, options in caches.items():
        origin.update(asked=0, says=says)
        storage = SqliteStorage(database_path=str(folder / f"{number}-{name}.db"))
        with CacheClient(storage=storage, **options) as client:
            for key in ("a", "a", "b"):
                body = client.get(url, headers={"X-API-Key": key}).text
        seen[says, name], shown[says, name] = origin["asked"], body
        print(f"{says:22} {name:16} the origin was asked {origin['asked']} times; b was shown what is {body}")
expected = dict(zip(seen, (1, 3, 2, 1, 3, 3, 1, 3, 3), strict=True))
mixed_up = all((body == "for a") == (name == "CacheClient()") for (_, name), body in shown.items())
sys.exit(0 if seen == expected and mixed_up else "The behaviour has changed.")
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
