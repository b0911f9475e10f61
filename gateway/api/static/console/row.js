// One campaign in words, as all that show campaigns need it.

import { el, icon } from "./dom.js";
import { markOf } from "./changes.js";
import { dayAndTime, full, myZone, span } from "./times.js";
import { say } from "./words.js";

// A name of nothing but blanks would be a button that nobody sees, and that has no name for screen readers.
export const nameOf = (row) => (row.name?.trim() ? row.name : say("no_name"));
export const statusWord = (status) => say(`status.${status}`);

export const statusBadge = (status) => el("span", { class: `badge ${status}` }, icon(status), statusWord(status));

export function nameButton(row, from) {
  return el(
    "button",
    { type: "button", class: "name", "data-open": String(row.id), "data-key": `${from}:${row.id}`, dir: "auto" },
    nameOf(row),
  );
}

export function mark(row) {
  const kind = markOf(row);
  return kind ? el("span", { class: "mark" }, say(`mark.${kind}`)) : null;
}

// A time in the zone of the VDN; in UTC and the reader's own on hover, and in the details for all others.
export function moment(text, zone, at) {
  if (text === null) return el("span", { class: "faint" }, say("no_time"));
  const when = new Date(text);
  const others = `${full(when, "UTC")}\n${full(when, myZone())}`;
  return el("time", { datetime: text, title: others }, dayAndTime(when, zone, at));
}

// How long a campaign has to go, or is overdue: {text, kind}.
export function leftOf(row, at) {
  const begins = row.begins_at === null ? null : Date.parse(row.begins_at);
  const ends = row.ends_at === null ? null : Date.parse(row.ends_at);
  if (row.status === "completed" || ends === null) return { text: "–", kind: "none" };
  const rounded = (ms) => span(Math.abs(ms) < 60_000 ? Math.abs(ms) / 1000 : Math.floor(Math.abs(ms) / 60_000) * 60);
  if (ends < at) return { text: say("left.over", { span: rounded(at - ends) }), kind: row.status === "running" ? "overdue" : "over" };
  if (begins !== null && begins > at) return { text: say("left.until", { span: rounded(begins - at) }), kind: "ahead" };
  return { text: say("left.left", { span: rounded(ends - at) }), kind: ends - at <= 3_600_000 ? "soon" : "left" };
}
