// A program for the client that @hey-api/openapi-ts made: it prints what it saw, as JSON.
import { createClient } from "../campaigns/client/index.js";
import * as campaigns from "../campaigns/index.js";

type Query = NonNullable<campaigns.ListCampaignsData["query"]>;

// What has no type is `unknown`, which compiles nearly everywhere, but not where a text is wanted.
export const isText = (query: Query): string | undefined => query.begins_from ?? query.ends_to;

const [front, key] = process.argv.slice(2) as [string, string];
const client = (mount: string, apiKey: string | null = key) =>
  createClient({ baseUrl: front + mount, auth: (scheme) => (scheme.name === "X-API-Key" ? apiKey ?? undefined : undefined) });
const here = client("/api");
const newFields = client("/new-fields");

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("there is no answer where there must be one");
  return value;
}

// Where there is a page for people too, the type is that of JSON or a text.
function noPage<T>(value: T | string | undefined): T {
  if (value === undefined || typeof value === "string") throw new Error("there is no JSON where there must be");
  return value;
}

const ids = (page: campaigns.CampaignPage): number[] => page.data.map((campaign) => Number(campaign.id));
const name = (problem: campaigns.Problem): string => problem.type.slice(problem.type.lastIndexOf("/") + 1);
const list = (query: Query, of = here, headers: campaigns.ListCampaignsData["headers"] = {}) =>
  campaigns.listCampaigns({ client: of, query, headers });
const page = async (query: Query, of = here) => must((await list(query, of)).data);
const wrong = { begins_from: "2026-02-01", ends_to: "2026-01-01" };

const first = await list({ page_size: 2 });
const data = must(first.data);
const tag = must(first.response?.headers.get("ETag") ?? undefined);
const unchanged = await list({ page_size: 2 }, here, { "If-None-Match": tag });
const refused = await list(wrong);
const unauthenticated = await list({}, client("/api", null));
const packed = await list({ page_size: 100 }, here, { "X-Request-Id": "packed" });
const newProblem = must((await list(wrong, newFields)).error);
const newWords = await page({ page_size: 2 }, client("/new-words"));

const me = await campaigns.getMe({ client: here });
const counted = await campaigns.countCampaigns({ client: here });
const exported = await campaigns.exportCampaigns({ client: here, parseAs: "text" });
const explained = await campaigns.explainQuery({ client: here, query: { page_size: 2 } });
const health = await campaigns.checkHealth({ client: here });
const readiness = await campaigns.checkReadiness({ client: here });
const metrics = await campaigns.getMetrics({ client: here });
const places = await campaigns.listPlaces({ client: here });
const document = await campaigns.getApiDocument({ client: here });
const docs = await campaigns.readDocs({ client: here });
const console_ = await campaigns.readConsole({ client: here });
const problems = await campaigns.listProblems({ client: here });
const forbidden = await campaigns.explainProblem({ client: here, path: { name: "forbidden" } });
const purge = await campaigns.purgeCache({ client: here });

console.log(
  JSON.stringify({
    operations: {
      listCampaigns: first.response?.status,
      getMe: me.response?.status,
      countCampaigns: counted.response?.status,
      exportCampaigns: exported.response?.status,
      explainQuery: explained.response?.status,
      checkHealth: health.response?.status,
      checkReadiness: readiness.response?.status,
      getMetrics: metrics.response?.status,
      listPlaces: places.response?.status,
      getApiDocument: document.response?.status,
      readDocs: docs.response?.status,
      readConsole: console_.response?.status,
      listProblems: problems.response?.status,
      explainProblem: forbidden.response?.status,
      purgeCache: purge.response?.status,
    },
    contents: {
      me: [must(me.data).credential, must(me.data).vdns[0]?.name],
      counted: [must(counted.data).total, must(counted.data).by_status.paused],
      exported: String(must(exported.data)).trimEnd().split("\n").length,
      explained: must(explained.data).fetch_under_way,
      health: must(health.data).status,
      vdn: must(readiness.data).dependencies["isales"]?.vdns?.["1"]?.status,
      metrics: must(metrics.data).startsWith("# HELP"),
      places: must(places.data)["openapi"],
      openapi: must(document.data)["openapi"],
      problems: noPage(problems.data).problems.length > 10,
      problem: noPage(forbidden.data).status,
      purged: must(purge.data).vdns,
    },
    list: {
      ids: ids(data),
      names: data.data.map((campaign) => campaign.name),
      statuses: data.data.map((campaign) => campaign.status),
      device_types: data.data.map((campaign) => campaign.device_type),
      begins_at: data.data.map((campaign) => campaign.begins_at),
      page: [data.page.number, data.page.size, data.page.total_items, data.page.total_pages],
      totals: [data.totals.skill_queue, data.totals.ivr],
    },
    page_2: ids(await page({ page: 2, page_size: 2 })),
    problem: [
      refused.response?.status,
      name(must(refused.error)),
      must(refused.error).errors?.map((fault) => fault.parameter),
    ],
    unauthenticated: [unauthenticated.response?.status, name(must(unauthenticated.error))],
    not_modified: unchanged.response?.status,
    packed: ids(must(packed.data)).length,
    new_fields: [ids(await page({ page_size: 2 }, newFields)), name(newProblem)],
    new_words: [
      ids(newWords),
      newWords.data.map((campaign) => campaign.status),
      newWords.data.map((campaign) => campaign.device_type),
    ],
  }),
);
