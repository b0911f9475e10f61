#!/bin/sh
# A relative server of an OpenAPI document is resolved by one generator and dropped by another, and a file loses it
#
# Software   openapi-generator 7.26.0 (openapi-generator-cli of PyPI), @hey-api/openapi-ts 0.95.0 with typescript 5.9.3;
#            needs java 11 or later, and Node 20 with npm
# Seen       2026-11-27
#
# `servers: [{"url": "."}]` says that the API is where its document is, under whatever prefix a proxy has put it
# (OpenAPI 3.1, 4.8.5). What the generated client calls when it is told nothing else:
#
#       openapi-generator   by address   http://127.0.0.1:PORT/api
#       openapi-generator   as a file    http://.
#       hey-api             by address   none
#       hey-api             as a file    none
#
# Why care   `http://.` is a host that nobody has, and is found out at the first call; no base URL is the root of the page's
#            own host in a browser, which is right until there is a prefix, and an error in Node. Have clients made from
#            the address of the document, and set the base URL where a generator drops it.
set -eu

folder=$(mktemp -d)
trap 'kill "${server:-0}" 2> /dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openapi-generator-cli==7.26.0
jar=$(echo "$folder"/venv/lib/python3*/site-packages/openapi_generator_cli/openapi-generator.jar)
npm install --prefix "$folder/npm" --ignore-scripts --no-audit --no-fund --loglevel=error --cache "$folder/cache" \
    @hey-api/openapi-ts@0.95.0 typescript@5.9.3 > /dev/null 2>&1

mkdir -p "$folder/site/api"
cat > "$folder/site/api/openapi.json" <<'JSON'
{"openapi": "3.1.0", "info": {"title": "Jobs", "version": "1"}, "servers": [{"url": "."}],
 "paths": {"/jobs": {"get": {"operationId": "countJobs", "responses": {"200": {"description": "How many.",
   "content": {"application/json": {"schema": {"type": "integer"}}}}}}}}}
JSON
"$folder/venv/bin/python" -u -m http.server 0 --bind 127.0.0.1 --directory "$folder/site" > "$folder/server.log" 2>&1 &
server=$!
until grep -qs "port [0-9]" "$folder/server.log"; do kill -0 $server; sleep 0.1; done
port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$folder/server.log" | head -n 1)

made() {
    name=$(echo "$2" | tr ' ' -)
    java -jar "$jar" generate -g python -i "$1" -o "$folder/py-$name" > "$folder/py.log" 2>&1
    url=$(sed -n 's/.*self._base_path = "\([^"]*\)" if.*/\1/p' "$folder/py-$name/openapi_client/configuration.py" | sed "s/:$port/:PORT/")
    echo "openapi-generator   $2   $url"
    "$folder/npm/node_modules/.bin/openapi-ts" --input "$1" --output "$folder/ts-$name" --client @hey-api/client-fetch \
        > "$folder/ts.log" 2>&1
    url=$(sed -n "s/.*baseUrl: '\([^']*\)'.*/\1/p" "$folder/ts-$name/client.gen.ts" | sed "s/:$port/:PORT/")
    echo "hey-api             $2   ${url:-none}"
}
{
    made "http://127.0.0.1:$port/api/openapi.json" "by address"
    made "$folder/site/api/openapi.json" "as a file "
} | sort -r | tee "$folder/seen"

cat > "$folder/expected" <<'TEXT'
openapi-generator   by address   http://127.0.0.1:PORT/api
openapi-generator   as a file    http://.
hey-api             by address   none
hey-api             as a file    none
TEXT
cmp -s "$folder/seen" "$folder/expected" || { echo "The behaviour has changed." >&2; exit 1; }
