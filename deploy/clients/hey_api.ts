// All running campaigns, and all again whenever one comes or goes: the client of @hey-api/openapi-ts.
import { createClient } from "./campaigns/client/index.js";
import { listCampaigns } from "./campaigns/index.js";

const { GATEWAY, API_KEY } = process.env as Record<string, string>;
const known = { "X-API-Key": API_KEY, Prefer: "wait=10" };
const first = createClient({ baseUrl: GATEWAY, headers: known });
const others = createClient({ baseUrl: GATEWAY, headers: { ...known, "Cache-Control": "no-cache" } });
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function ask(page: number, tag = '""') {
  for (;;) {
    const asked = { query: { status: "running", page, page_size: 100 }, headers: { "If-None-Match": tag } } as const;
    const client = page > 1 ? others : first;
    const { data, error, response } = await listCampaigns({ client, ...asked, signal: AbortSignal.timeout(30_000) });
    if (!response) throw error;
    if (response.status === 304) return { data: undefined, headers: response.headers };
    if (response.ok) return { data, headers: response.headers };
    if (response.status !== 429 && response.status !== 503) throw new Error(JSON.stringify(error));
    await pause(Number(response.headers.get("Retry-After") ?? 5));
  }
}

for (let tag: string | undefined; ; ) {
  const { data, headers } = await ask(1, tag);
  if (data) {
    const found = new Map(data.data.map((campaign) => [campaign.id, campaign]));
    for (let page = 2; page <= Number(data.page.total_pages ?? 1); page++)
      for (const campaign of (await ask(page)).data?.data ?? []) found.set(campaign.id, campaign);
    console.log(`${found.size} campaigns are running`);
    tag = headers.get("ETag") ?? undefined;
  } else if (!headers.has("Preference-Applied")) await pause(2);
}
