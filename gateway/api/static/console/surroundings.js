// What is shown around the list: the counts of the tabs, and all campaigns of the VDN, for what needs attention. Both are
// looked at once a minute, and soon after something has changed.

import { factsOf } from "./answer.js";
import { notice } from "./changes.js";
import { getJson } from "./gateway.js";
import { readAll } from "./reader.js";

const EVERY_MS = 60_000;
const SOON_MS = 1500;
const STALE_MS = 4000;
const MOST_STALE = 2;
const STALE = "stale-while-revalidate";

export class Surroundings {
  all = null; // {rows, items, isWhole, facts} of the VDN, whatever the filters
  problem = null; // why there is none, or no newer one

  #filter = null;
  #counts = null;
  #run = null;
  #timer = null;
  #staleLooks = 0;

  // `changed` is told of changes of campaigns, `shown` that there is something to show.
  constructor({ changed, shown }) {
    Object.assign(this, { changed, shown });
  }

  // Sets what the counts are of: the parameters of GET /campaigns/summary, and a device type, of which it knows nothing.
  of(filter) {
    const isSame = JSON.stringify(filter) === JSON.stringify(this.#filter);
    if (filter.vdn !== this.#filter?.vdn) this.all = null;
    if (!isSame) this.#counts = null;
    this.#filter = filter;
  }

  go() {
    this.stop();
    this.#run = new AbortController();
    this.#look(this.#run.signal);
  }

  soon() {
    if (!this.#run) return;
    this.#staleLooks = 0;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run && this.go(), SOON_MS);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#run?.abort();
    this.#run = null;
  }

  forget() {
    Object.assign(this, { all: null, problem: null });
    this.#filter = this.#counts = null;
  }

  // {all, running, paused, completed, other} of a view, what is not known left out; null for nothing known.
  counts(view, page) {
    if (this.#counts) return this.#counts;
    const isNarrowed = this.#filter && Object.entries(this.#filter).some(([name, value]) => name !== "vdn" && value);
    if (this.all?.isWhole && !isNarrowed) {
      const count = (...statuses) => this.all.rows.filter((row) => statuses.includes(row.status)).length;
      return { all: this.all.items, running: count("running"), paused: count("paused"), completed: count("completed"), other: count("draft", "unknown") };
    }
    return page ? { [view.status || "all"]: page.items } : null;
  }

  async #look(signal) {
    const { device_type: type, status: _, ...filter } = this.#filter;
    let isStale = false;
    try {
      if (!type) {
        const { response, body } = await getJson("campaigns/summary", filter, { signal });
        if (signal.aborted) return;
        isStale = factsOf(response).detail === STALE;
        this.#counts = { all: body.total, ...body.by_status };
        this.shown();
      }
    } catch (problem) {
      if (signal.aborted) return;
      this.#counts = null;
    }
    let found = [];
    try {
      const all = await readAll({ vdn: filter.vdn }, { signal });
      if (signal.aborted) return;
      Object.assign(this, { all, problem: null });
      isStale ||= all.facts.detail === STALE;
      found = notice(all.rows, all.isWhole);
    } catch (problem) {
      if (signal.aborted) return;
      this.problem = problem;
    }
    // Before anybody is told, who may want another look soon: the counts are from before these changes.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run && this.go(), this.#pauseMs(isStale));
    this.changed(found);
    this.shown();
  }

  // Pages that nobody has asked for lately come stale, and are refreshed behind: those are worth another look.
  #pauseMs(isStale) {
    this.#staleLooks = isStale ? this.#staleLooks + 1 : 0;
    if (isStale && this.#staleLooks <= MOST_STALE) return STALE_MS;
    return EVERY_MS * (0.9 + 0.2 * Math.random());
  }
}
