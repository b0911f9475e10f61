// `node asking.mjs CACHE URL KEY FOLDER`: what asking.py does, through the caches of Node's clients and of Chromium.
import { createInterface } from "node:readline/promises";
import { setTimeout } from "node:timers/promises";

const EVERY_MS = 500;
const TIMES = 19;
const [cache, url, key, folder] = process.argv.slice(2);
const headers = { "X-API-Key": key };

// What runs in the page is sent to the browser as text.
const asked = async ({ url, headers }) => {
    const began = Date.now();
    const answer = await fetch(url, { headers });
    await answer.text();
    return [began / 1000, Date.now() / 1000, answer.status];
};

async function chromium() {
    const { chromium } = await import("playwright-core");
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
    const page = await browser.newPage();
    await page.goto(new URL("/openapi.json", url).href);
    return { ask: () => page.evaluate(asked, { url, headers }), end: () => browser.close() };
}

const timed = (get) => ({
    ask: async () => {
        const began = Date.now();
        const status = await get();
        return [began / 1000, Date.now() / 1000, status];
    },
    end: () => {},
});

async function undici(options) {
    const { Agent, interceptors, request } = await import("undici");
    const dispatcher = new Agent().compose(interceptors.cache(options));
    return timed(async () => {
        const answer = await request(url, { dispatcher, headers });
        await answer.body.text();
        return answer.statusCode;
    });
}

async function got(options) {
    const { default: got } = await import("got");
    const kept = new Map();
    return timed(async () => {
        const answer = await got(url, { headers, cache: kept, retry: { limit: 0 }, throwHttpErrors: false, ...options });
        return answer.statusCode;
    });
}

async function makeFetchHappen() {
    const { default: fetch } = await import("make-fetch-happen");
    return timed(async () => {
        const answer = await fetch(url, { headers, cachePath: folder, retry: false });
        await answer.text();
        return answer.status;
    });
}

async function axios(location, options) {
    const { default: axios } = await import("axios");
    const { setupCache } = await import("axios-cache-interceptor");
    const client = setupCache(axios.create({ validateStatus: () => true }), options);
    client.location = location ?? client.location;  // no option: it looks whether there is a window
    return timed(async () => (await client.get(url, { headers })).status);
}

const CACHES = {
    "Chromium": chromium,
    "undici": () => undici({}),
    "undici, private": () => undici({ type: "private" }),
    "got": () => got({}),
    "got, private": () => got({ cacheOptions: { shared: false } }),
    "make-fetch-happen": makeFetchHappen,
    "axios-cache-interceptor": () => axios(),
    "axios-cache-interceptor, client": () => axios("client"),
    "axios-cache-interceptor, private": () => axios("client", { cacheTakeover: false }),
};

const { ask, end } = await CACHES[cache]();
const lines = createInterface({ input: process.stdin });
console.log("ready");
await lines[Symbol.asyncIterator]().next();
const answers = [];
const start = performance.now();
for (let number = 0; number < TIMES; number++) {
    await setTimeout(Math.max(0, start + number * EVERY_MS - performance.now()));
    answers.push(await ask());
}
console.log(JSON.stringify(answers));
await end();
process.exit(0);
