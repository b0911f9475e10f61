#!/bin/sh
# granian 2.8.7 (WSGI), Python 3.11: --url-path-prefix is cut off by its length, and is not compared with the path.
#
# Seen on 2026-11-27 with `--url-path-prefix /isales`, SCRIPT_NAME being "/isales" in all cases:
#     asked for          PATH_INFO that the application gets
#     /isales/docs       "/docs"
#     /isales            "/"
#     /isales/           "/"
#     /others/docs       "/docs"
#     /isalesdocs        "docs"
#     /docs              "/"
# So (1) whatever comes by another path of the same length is served as if it had come by the prefix, and what is shorter
# is the front page: a front has to pass on nothing but the prefix, and a wrong prefix in its settings or in a health check
# may look right. (2) "/isales" cannot be told from "/isales/", so a relative link or redirect that is right for one
# of them leads beside the prefix from the other. (3) PATH_INFO may lack its first slash, against PEP 3333, for which frameworks are
# not prepared. Who mounts an application under a prefix and refers to its paths meets all three.
set -eu

folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check granian==2.8.7
cat > "$folder/shown.py" <<'APP'
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']!r}".encode()]
APP
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$folder"
env/bin/granian --interface wsgi --no-ws --log-level error --host 127.0.0.1 --port "$port" --url-path-prefix /isales shown:app &
server=$!
python3 - "$port" <<'CLIENT'
import http.client, sys, time

SEEN = {
    "/isales/docs": "'/docs'",
    "/isales": "'/'",
    "/isales/": "'/'",
    "/others/docs": "'/docs'",
    "/isalesdocs": "'docs'",
    "/docs": "'/'",
}


def ask(path):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


for _ in range(100):
    try:
        ask("/")
        break
    except OSError:
        time.sleep(0.1)
found = {path: ask(path) for path in SEEN}
for path, answer in found.items():
    print(f"{path:16} {answer}")
if found != {path: f"/isales {info}" for path, info in SEEN.items()}:
    sys.exit("the behaviour has changed")
CLIENT
