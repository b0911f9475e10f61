// All running campaigns, and all again whenever one comes or goes: openapi-fetch with the types of openapi-typescript.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const { GATEWAY, API_KEY } = process.env as Record<string, string>;
const gateway = createClient<paths>({ baseUrl: GATEWAY, headers: { "X-API-Key": API_KEY, Prefer: "wait=10" } });
const fresh = { "Cache-Control": "no-cache" };
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function ask(page: number, tag = '""') {
  for (;;) {
    const params = { query: { status: "running", page, page_size: 100 }, header: { "If-None-Match": tag } } as const;
    const more = { headers: page > 1 ? fresh : {}, signal: AbortSignal.timeout(30_000) };
    const { data, error, response } = await gateway.GET("/campaigns", { params, ...more });
    if (data || response.status === 304) return { data, headers: response.headers };
    if (response.status !== 429 && response.status !== 503) throw new Error(JSON.stringify(error));
    await pause(Number(response.headers.get("Retry-After") ?? 5));
  }
}

for (let tag: string | undefined; ; ) {
  const { data, headers } = await ask(1, tag);
  if (data) {
    const found = new Map(data.data.map((campaign) => [campaign.id, campaign]));
    for (let page = 2; page <= (data.page.total_pages ?? 1); page++)
      for (const campaign of (await ask(page)).data?.data ?? []) found.set(campaign.id, campaign);
    console.log(`${found.size} campaigns are running`);
    tag = headers.get("ETag") ?? undefined;
  } else if (!headers.has("Preference-Applied")) await pause(2);
}
