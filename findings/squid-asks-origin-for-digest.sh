#!/bin/sh
# Squid as a reverse proxy: the origin is asked for a cache digest that only another Squid could have
#
# Software   Squid 5.7 (Debian 12: squid, squid-common, squid-langpack), Python's http.server as origin
# Seen       2026-11-27
#
# `cache_peer HOST parent PORT 0 no-query originserver` is how Squid's own manual puts it in front of a web server. The
# word `originserver` says that it is one, and no cache. Right after the first request that it passes on, Squid sends it
# one of its own all the same:
#
#       GET /squid-internal-periodic/store_digest     Accept: application/cache-digest     X-Forwarded-For: ::
#
#   With `no-digest` beside `originserver` it does not.
#
# Why care   The origin's log and error rate have a 404 that no caller made, without credentials and from "::"; where the
#            origin has a limit for strangers it counts there; and what compares requests with answers (a test, a tally of
#            calls) finds one too many, seconds after the start.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq squid squid-common squid-langpack libecap3 libltdl7 libnetfilter-conntrack3 libnfnetlink0 > /dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" "$folder/root"; done

cat > seen.py <<'PYTHON'
import os
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[1])
LIBRARIES = FOLDER / "root" / "usr" / "lib"
SHARE = FOLDER / "root" / "usr" / "share" / "squid"
ETC = FOLDER / "root" / "etc" / "squid"


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, self.headers["Accept"], self.headers["X-Forwarded-For"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def seen_with(options):
    """Return what the origin was asked for, in the three seconds after the one request that a client made."""
    origin = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    origin.seen = []
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as free:
        port = free.server_port
    config = FOLDER / "squid.conf"
    config.write_text(f"""
http_port 127.0.0.1:{port} accel defaultsite=origin no-vhost
cache_peer 127.0.0.1 parent {origin.server_port} 0 {options} originserver name=origin
http_access allow all
cache deny all
pid_filename none
access_log none
cache_log {FOLDER}/cache.log
coredump_dir {FOLDER}
pinger_enable off
mime_table {SHARE}/mime.conf
icon_directory {SHARE}/icons
error_directory {FOLDER}/root/usr/share/squid-langpack/templates
err_page_stylesheet {ETC}/errorpage.css
""")
    paths = ":".join(sorted({str(file.parent) for file in LIBRARIES.rglob("*.so.*")}))
    squid = subprocess.Popen(
        [FOLDER / "root" / "usr" / "sbin" / "squid", "-N", "-f", config],
        env={**os.environ, "LD_LIBRARY_PATH": paths},
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up = time.monotonic() + 30
        while True:
            try:
                client = HTTPConnection("127.0.0.1", port, timeout=5)
                client.request("GET", "/asked")
                assert client.getresponse().status == 200
                break
            except OSError:
                assert time.monotonic() < give_up, (FOLDER / "cache.log").read_text()
                time.sleep(0.1)
        time.sleep(3)
    finally:
        squid.kill()
        squid.wait()
        origin.shutdown()
    return origin.seen


with_digest, without = seen_with("no-query"), seen_with("no-query no-digest")
for name, asked in (("originserver", with_digest), ("originserver no-digest", without)):
    print(f"{name}:")
    for path, accept, client in asked:
        print(f"    GET {path}   Accept: {accept}   X-Forwarded-For: {client}")
assert [path for path, _, _ in without] == ["/asked"]
assert ("/squid-internal-periodic/store_digest", "application/cache-digest", "::") in with_digest, "Squid has changed"
PYTHON
python3 seen.py "$folder"
