// Brings campaigns: one page as the gateway has it, or all of them, page by page, where something has to be found that
// cannot be asked for. All of it goes through the gateway's cache, where everybody's questions meet.

import { factsOf, oldest, pageOf } from "./answer.js";
import { getJson } from "./gateway.js";

const PAGE_SIZE = 100;
const TRIES = 3;
const WAITED_MS = 45_000;

export const MOST_PAGES = 10;

// The page of these parameters. Where `etag` still is that of it `page` is null; the facts are always those of now.
export async function readPage(parameters, { etag = null, wait = 0, force = false, signal } = {}) {
  const headers = {};
  if (etag) headers["If-None-Match"] = etag;
  if (etag && wait) headers.Prefer = `wait=${wait}`;
  if (force) headers["Cache-Control"] = "no-cache";
  const options = { headers, signal, ...(wait ? { patienceMs: WAITED_MS } : {}) };
  const { response, body } = await getJson("campaigns", parameters, options);
  const facts = factsOf(response);
  return { page: body && pageOf(body, facts), facts };
}

// All campaigns of these parameters, of the first MOST_PAGES pages; `isWhole` tells whether that is all. Pages shift when
// campaigns come and go meanwhile, which shows in their totals: then it begins again. No id comes twice.
export async function readAll(parameters, { force = false, signal } = {}) {
  for (let turn = 1; ; turn += 1) {
    const readOne = async (number) => {
      const asked = { ...parameters, page: number, page_size: PAGE_SIZE };
      return (await readPage(asked, { force: force && turn === 1, signal })).page;
    };
    const pages = [await readOne(1)];
    if (pages[0].pages !== null) {
      // The first one tells how many there are: no need for one to wait for another.
      const count = Math.min(pages[0].pages, MOST_PAGES);
      pages.push(...(await Promise.all(Array.from({ length: Math.max(0, count - 1) }, (_, index) => readOne(index + 2)))));
    } else {
      while (pages.length < MOST_PAGES && pages.at(-1).rows.length + pages.at(-1).leftOut >= PAGE_SIZE) {
        pages.push(await readOne(pages.length + 1));
      }
    }
    const held = pages.every((page) => page.items === pages[0].items);
    if (!held && turn < TRIES) continue;
    const rows = new Map(pages.flatMap((page) => page.rows).map((row) => [String(row.id), row]));
    const items = pages[0].items ?? rows.size;
    const leftOut = pages.reduce((sum, page) => sum + page.leftOut, 0);
    return {
      rows: [...rows.values()],
      items,
      leftOut,
      isWhole: rows.size + leftOut >= items,
      facts: oldest(pages.map((page) => page.facts)),
    };
  }
}

// A page of those that `belongs` picks, made here of all that there are.
export async function readPicked(parameters, belongs, { number, size }, options) {
  const all = await readAll(parameters, options);
  const picked = all.rows.filter(belongs);
  const page = {
    rows: picked.slice((number - 1) * size, number * size),
    number,
    size,
    items: picked.length,
    pages: Math.ceil(picked.length / size),
    leftOut: all.leftOut,
    lookedAt: all.isWhole ? null : { rows: all.rows.length, items: all.items },
    facts: all.facts,
  };
  return { page, facts: all.facts };
}
