// What is shown around the list: the counts of the tabs, and all campaigns of the VDN, for what needs attention. The
// counts are looked at once a minute. All campaigns are read when these have changed, soon after a change in the list,
// and else once in a while, for there are changes that no count shows. What is looked at for the sake of a change is
// fetched anew: a page that is fresh yet may be from before it.

import { factsOf } from "./answer.js";
import { notice } from "./changes.js";
import { elapsed, now } from "./clock.js";
import { getJson } from "./gateway.js";
import { readAll } from "./reader.js";

const EVERY_MS = 60_000;
const SPREAD_MS = 10_000;
const ALL_EVERY_MS = 290_000;
const SOON_MS = 1500;
const STALE_MS = 4000;
const MOST_STALE = 2;
const STALE = ["stale-while-revalidate", "stale-if-slow"];

export class Surroundings {
  all = null; // {rows, items, isWhole, facts} of the VDN, whatever the filters
  problem = null; // why there is none, or no newer one

  #filter = null;
  #counts = null;
  #countsAsOf = 0;
  #run = null;
  #timer = null;
  #staleLooks = 0;
  #allDueAt = 0;
  #force = false;

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
    this.#allDueAt = 0;
    this.#again();
  }

  soon({ isChange = true } = {}) {
    if (!this.#run) return;
    this.#staleLooks = 0;
    this.#allDueAt = 0;
    this.#force ||= isChange;
    this.#lookIn(SOON_MS);
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

  // {all, running, paused, completed, other} of a view, what is not known left out; null for nothing known. Where all
  // campaigns are there, and are not older, they are counted: numbers of the summary may be of different moments, and what
  // is left of its total is then too many or too few.
  counts(view, page) {
    const isOlder = this.#counts && this.all?.facts.asOf < this.#countsAsOf;
    if (this.all?.isWhole && !isOlder && !this.#isNarrowed("device_type")) {
      const type = this.#filter?.device_type;
      const rows = this.all.rows.filter((row) => !type || row.device_type === type);
      const count = (...statuses) => rows.filter((row) => statuses.includes(row.status)).length;
      return { all: type ? rows.length : this.all.items, running: count("running"), paused: count("paused"), completed: count("completed"), other: count("draft", "unknown") };
    }
    if (this.#counts) return this.#counts;
    return page ? { [view.status || "all"]: page.items } : null;
  }

  #again() {
    this.stop();
    this.#run = new AbortController();
    this.#look(this.#run.signal);
  }

  #lookIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run && this.#again(), ms);
  }

  async #look(signal) {
    const force = this.#force;
    this.#force = false;
    const counting = this.#count(signal, force);
    // Neither waits for the other one, unless it is for that one to say whether there is something to read.
    const isDue = !this.all || elapsed() >= this.#allDueAt;
    const isWanted = isDue || (await counting).isOther;
    const reading = isWanted && !signal.aborted ? this.#readAll(signal, force) : { isStale: false, found: [] };
    const [counted, read] = await Promise.all([counting, reading]);
    if (signal.aborted) return;
    const isStale = counted.isStale || read.isStale;
    // Since this look began somebody may have asked for another one.
    if (isStale || this.#force) this.#allDueAt = 0;
    // Counts that were asked for meanwhile may be from before the changes.
    this.#force ||= isDue && !force && read.found.length > 0;
    this.#lookIn(this.#force ? SOON_MS : this.#pauseMs(isStale));
    this.changed(read.found);
    this.shown();
  }

  // Counts anew. `isOther` where something may have changed that makes up all campaigns of the VDN.
  async #count(signal, force) {
    const { device_type: type, status: _, ...filter } = this.#filter;
    const before = JSON.stringify(this.#counts);
    let isStale = false;
    try {
      if (!type) {
        const { response, body } = await getJson("campaigns/summary", filter, { signal, headers: force ? { "Cache-Control": "no-cache" } : {} });
        if (signal.aborted) return { isStale, isOther: false };
        const facts = factsOf(response);
        isStale = STALE.includes(facts.detail);
        this.#countsAsOf = facts.asOf;
        this.#counts = { all: body.total, ...body.by_status };
        this.shown();
      }
    } catch {
      if (!signal.aborted) this.#counts = null;
    }
    return { isStale, isOther: this.#isNarrowed() || !this.#counts || JSON.stringify(this.#counts) !== before };
  }

  async #readAll(signal, force) {
    try {
      const all = await readAll({ vdn: this.#filter.vdn }, { force, signal });
      if (signal.aborted) return { isStale: false, found: [] };
      Object.assign(this, { all, problem: null });
      this.#allDueAt = elapsed() + ALL_EVERY_MS;
      const found = notice(all.rows, { asOf: all.facts.asOf, source: "all", isWhole: all.isWhole });
      return { isStale: STALE.includes(all.facts.detail), found };
    } catch (problem) {
      if (!signal.aborted) this.problem = problem;
      return { isStale: false, found: [] };
    }
  }

  // Whether the counts are of some campaigns of the VDN only, by another filter than `besides`.
  #isNarrowed(besides = "vdn") {
    return Object.entries(this.#filter ?? {}).some(([name, value]) => name !== "vdn" && name !== besides && value);
  }

  // Pages that nobody has asked for lately come stale, and are refreshed behind: those are worth another look.
  #pauseMs(isStale) {
    this.#staleLooks = isStale ? this.#staleLooks + 1 : 0;
    if (isStale && this.#staleLooks <= MOST_STALE) return STALE_MS;
    // All consoles look within the same seconds of a minute, in which what the first one had fetched still is fresh.
    const toNextMs = EVERY_MS - (now() % EVERY_MS);
    return (toNextMs < SPREAD_MS ? toNextMs + EVERY_MS : toNextMs) + SPREAD_MS * Math.random();
  }
}
