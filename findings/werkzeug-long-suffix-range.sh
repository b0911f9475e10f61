#!/bin/sh
# werkzeug and the last bytes of a file: asked for more of them than there are, it finds none, and Flask answers 416
#
# Software   Werkzeug 3.1.9, Flask 3.1.3
# Seen       2026-11-27
#
# `Range: bytes=-N` asks for the last N bytes. Where the file has fewer, RFC 9110 (14.1.2) has all of it be meant. A file of
# ten bytes, sent by `send_file(..., conditional=True)`:
#
#       Range               RFC 9110          Flask
#       bytes=-4            206, 4 bytes      206, 4 bytes
#       bytes=-10           206, 10 bytes     206, 10 bytes
#       bytes=-11           206, 10 bytes     416
#       bytes=0-99          206, 10 bytes     206, 10 bytes
#
# Why care   Readers of formats with an index at the end (ZIP, XLSX, Parquet) ask for the last kilobytes first, before they
#            know the size. Small files are then refused, and large ones are not, which looks like a broken file.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Werkzeug==3.1.9 Flask==3.1.3

cat > "$folder/seen.py" <<'PYTHON'
import io

from flask import Flask, send_file

app = Flask("files")


@app.get("/file")
def file():
    return send_file(io.BytesIO(b"0123456789"), "application/octet-stream", conditional=True, etag="v1")


seen = {}
for asked in ("bytes=-4", "bytes=-10", "bytes=-11", "bytes=0-99"):
    answer = app.test_client().get("/file", headers={"Range": asked})
    seen[asked] = (answer.status_code, len(answer.data) if answer.status_code == 206 else 0)
    print(f"{asked:12} {seen[asked][0]} {seen[asked][1]} bytes")
assert seen["bytes=-4"] == (206, 4)
assert seen["bytes=-10"] == (206, 10)
assert seen["bytes=0-99"] == (206, 10)
assert seen["bytes=-11"] == (416, 0), "a long suffix is all of the file now, as RFC 9110 has it"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
