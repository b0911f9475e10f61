// What somebody should look at, derived from the rows alone. `at` is the time in milliseconds since 1970.

const HOUR_MS = 3_600_000;

// From what is worst to what is least.
export const REASONS = ["overdue", "due", "ending", "unknown", "no_caller"];

// The reasons of one campaign, each of REASONS or none.
export function reasonsOf(row, at) {
  const begins = row.begins_at === null ? null : Date.parse(row.begins_at);
  const ends = row.ends_at === null ? null : Date.parse(row.ends_at);
  const isOver = ends !== null && ends < at;
  const isDue = begins !== null && begins <= at && !isOver;
  const found = [];
  if (isOver && row.status === "running") found.push("overdue");
  if (isDue && (row.status === "paused" || row.status === "draft")) found.push("due");
  if (row.status === "running" && ends !== null && ends >= at && ends - at <= HOUR_MS) found.push("ending");
  if (row.status === "unknown") found.push("unknown");
  // Of one that is over nobody sees the number any more.
  if (!row.caller_number && row.status !== "completed" && !isOver) found.push("no_caller");
  return found;
}

// Some of those that need attention, where all are too many: of each reason the first, then of each the second, and so
// on, so that many of one kind hide none of another.
export function someOf(found, most) {
  const turns = new Map();
  const turn = new Map(found.map((one) => {
    const number = turns.get(one.reasons[0]) ?? 0;
    turns.set(one.reasons[0], number + 1);
    return [one, number];
  }));
  const first = new Set([...found].sort((one, other) => turn.get(one) - turn.get(other)).slice(0, most));
  return found.filter((one) => first.has(one));
}

// The campaigns that need attention with their reasons, the worst first, and among these the one whose time is nearest:
// what went wrong an hour ago is news, what did last year is not.
export function needing(rows, at) {
  const found = rows.map((row) => ({ row, reasons: reasonsOf(row, at) })).filter(({ reasons }) => reasons.length);
  const rank = ({ reasons }) => REASONS.indexOf(reasons[0]);
  const distance = ({ row, reasons }) => Math.abs(Date.parse((reasons[0] === "due" ? row.begins_at : row.ends_at) ?? "") - at) || 0;
  return found.sort((one, other) => rank(one) - rank(other) || distance(one) - distance(other));
}
