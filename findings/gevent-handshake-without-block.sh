#!/bin/sh
# gevent: do_handshake() of its TLS sockets does not take the argument that Python's takes
#
# Software   gevent 26.9.0, trustme 1.2.1 (PyPI); CPython 3.11.7
# Seen       2026-11-28
#
# ssl.SSLSocket.do_handshake(block=False) is what Python documents, and what Python itself calls without an argument. After
# gevent.monkey.patch_all() the same name, ssl.SSLSocket, is a class of gevent's, whose do_handshake() has no parameter:
#
#       do_handshake()             works with both
#       do_handshake(block=True)   works with Python's, and is a TypeError with gevent's
#
#   So a subclass that passes on what its own documented signature got, `super().do_handshake(block)`, works in every test
#   and under every server but one.
#
# Why care   Patching is the business of whoever starts the process: `gunicorn --worker-class gevent` does it. A client that
#            looks at handshakes, to tell which certificate was refused or when it expires, then fails for every HTTPS call,
#            not with an ssl.SSLError that it would treat as trouble of the other side, but with a TypeError.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gevent==26.9.0 trustme==1.2.1
cd "$folder"

cat > seen.py <<'PYTHON'
import sys

patched = sys.argv[1] == "gevent"
if patched:
    from gevent import monkey

    monkey.patch_all()

import inspect
import socket
import ssl
import threading

import trustme

authority = trustme.CA()
there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("localhost").configure_cert(there)
listener = socket.create_server(("127.0.0.1", 0))


def serve():
    """Do two handshakes with whoever comes, one after the other."""
    for _ in range(2):
        connection, _ = listener.accept()
        try:
            there.wrap_socket(connection, server_side=True).close()
        except OSError:
            connection.close()


threading.Thread(target=serve, daemon=True).start()
here = ssl.create_default_context()
authority.configure_trust(here)


def handshake(*arguments):
    """Return what comes of a handshake that is called so."""
    with socket.create_connection(listener.getsockname(), timeout=10) as plain:
        tls = here.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False)
        try:
            tls.do_handshake(*arguments)
        except TypeError:
            return "TypeError"
        finally:
            tls.close()
    return "works"


seen = [handshake(), handshake(True)]
signature = str(inspect.signature(ssl.SSLSocket.do_handshake))
print(f"{sys.argv[1]}: do_handshake{signature}: do_handshake() {seen[0]}, do_handshake(True) {seen[1]}")
assert seen == ["works", "TypeError" if patched else "works"], "it has changed"
PYTHON
"$folder/venv/bin/python" seen.py python
"$folder/venv/bin/python" seen.py gevent
