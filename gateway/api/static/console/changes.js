// What has changed since it was last seen, remembered for a minute.

import { elapsed } from "./clock.js";

const MARKED_MS = 60_000;
const MOST_SEEN = 20_000;

const seen = new Map(); // id → {looks, status, asOf, source}: what it looked like, when, and in whose answer
const marked = new Map(); // id → {kind, until}
let wholeAsOf = Infinity; // of when all were seen last; one that comes up later, and was never seen, is new

const look = (row) => JSON.stringify([row.name, row.status, row.device_type, row.begins_at, row.ends_at, row.caller_number]);

// Compares rows of an answer of `source` with what was seen of them; returns the changes, each {row, kind, was}: of status,
// or of anything else, or that it is new. `isWhole` tells of a reading of all campaigns whether it has them all; it is left
// out of a page, where one that is seen first may have moved from another page. Pages of different questions are of
// different ages, and the clock of `asOf` knows seconds only: what another source told later, or within the same second,
// stays.
export function notice(rows, { asOf, source, isWhole = null }) {
  const until = elapsed() + MARKED_MS;
  const found = [];
  for (const row of rows) {
    const id = String(row.id);
    const before = seen.get(id);
    const looks = look(row);
    if (before && (asOf < before.asOf || (asOf === before.asOf && source !== before.source))) continue;
    if (before === undefined ? asOf > wholeAsOf : before.looks !== looks) {
      const kind = before === undefined ? "new" : before.status === row.status ? "changed" : "status";
      marked.set(id, { kind, until });
      found.push({ row, kind, was: before?.status });
    }
    seen.delete(id);
    seen.set(id, { looks, status: row.status, asOf, source });
  }
  if (isWhole !== null) wholeAsOf = isWhole ? asOf : Infinity;
  for (const id of seen.keys()) {
    if (seen.size <= MOST_SEEN) break;
    seen.delete(id);
  }
  return found;
}

// The kind of the change of a campaign within the last minute, or undefined.
export function markOf(row) {
  const mark = marked.get(String(row.id));
  if (mark && mark.until > elapsed()) return mark.kind;
  marked.delete(String(row.id));
  return undefined;
}

export function forget() {
  seen.clear();
  wholeAsOf = Infinity;
  marked.clear();
}
