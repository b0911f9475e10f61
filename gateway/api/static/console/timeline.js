// Campaigns as bars from begin to end, on the axis of a day or a week of the VDN's calendar, with now as a line.

import { el, fill } from "./dom.js";
import { nameButton, statusBadge, statusWord } from "./row.js";
import { addDays, beginningOf, brief, calendar, dayAndTime, timeOfDay, weekday } from "./times.js";
import { say } from "./words.js";

// The axis: when it begins and ends, and its marks {at, text}.
export function axisOf({ axis, shift }, zone, now) {
  const { day, monday } = calendar(now, zone);
  const isDay = axis === "day";
  const first = addDays(isDay ? day : monday, shift * (isDay ? 1 : 7));
  const days = isDay ? 1 : 7;
  const begins = beginningOf(first, zone);
  const ends = beginningOf(addDays(first, days), zone);
  // Days with a change of the clocks have 23 or 25 hours, so marks are counted in time that passes.
  const marks = isDay
    ? Array.from({ length: 8 }, (_, index) => begins + index * 3 * 3_600_000).map((at) => ({ at, text: timeOfDay(at, zone) }))
    : Array.from({ length: 7 }, (_, index) => beginningOf(addDays(first, index), zone)).map((at) => ({ at, text: weekday(at, zone) }));
  return { begins, ends, marks };
}

// Where a campaign's bar begins and ends on an axis, in shares of it; null for none there.
export function barOf(row, { begins, ends }) {
  const from = row.begins_at === null ? -Infinity : Date.parse(row.begins_at);
  const to = row.ends_at === null ? Infinity : Date.parse(row.ends_at);
  if (to < begins || from > ends || to < from) return null;
  const share = (moment) => Math.min(1, Math.max(0, (moment - begins) / (ends - begins)));
  return { from: share(from), to: share(to), isCutBefore: from < begins, isCutAfter: to > ends };
}

export function show(element, rows, view, zone, now) {
  const axis = axisOf(view, zone, now);
  const share = (moment) => (moment - axis.begins) / (axis.ends - axis.begins);
  const isNowThere = now >= axis.begins && now < axis.ends;
  fill(
    element,
    el(
      "div",
      { class: "axis", "aria-hidden": "true" },
      el("div", { class: "track" }, axis.marks.map(({ at, text }) => placed(el("span", { class: "tick" }, text), share(at))), isNowThere && placed(el("span", { class: "now-word" }, say("timeline.now")), share(now))),
    ),
    el("ol", { class: "bars", "aria-label": say("timeline") }, rows.map((row) => lineOf(row, axis, zone, now, isNowThere && share(now)))),
  );
  place(element);
}

function lineOf(row, axis, zone, now, nowAt) {
  const bar = barOf(row, axis);
  const period = [row.begins_at, row.ends_at].map((text) => (text === null ? say("no_time") : dayAndTime(new Date(text), zone, now))).join(" – ");
  const outside = !bar && (Date.parse(row.ends_at) < axis.begins ? say("timeline.before", { time: brief(new Date(row.ends_at), zone, now) }) : say("timeline.after", { time: row.begins_at ? brief(new Date(row.begins_at), zone, now) : say("no_time") }));
  return el(
    "li",
    { "data-id": String(row.id) },
    el("div", { class: "who" }, nameButton(row, "bar"), statusBadge(row.status)),
    el("p", { class: "period" }, period),
    el(
      "div",
      { class: "track", "aria-hidden": "true", title: `${statusWord(row.status)}: ${period}` },
      axis.marks.map(({ at }) => placed(el("span", { class: "grid" }), (at - axis.begins) / (axis.ends - axis.begins))),
      bar && placed(el("span", { class: `bar ${row.status}${bar.isCutBefore ? " cut-before" : ""}${bar.isCutAfter ? " cut-after" : ""}` }), bar.from, bar.to),
      outside && el("span", { class: "outside" }, outside),
      nowAt !== false && placed(el("span", { class: "now-line" }), nowAt),
    ),
  );
}

const percent = (share) => `${(share * 100).toFixed(2)}%`;

function placed(element, from, to = null) {
  element.dataset.from = percent(from);
  if (to !== null) element.dataset.width = percent(Math.max(to - from, 0.004));
  return element;
}

// By properties, not by style attributes, which the page's policy forbids.
function place(element) {
  for (const one of element.querySelectorAll("[data-from]")) {
    one.style.setProperty("inset-inline-start", one.dataset.from);
    if (one.dataset.width) one.style.setProperty("inline-size", one.dataset.width);
  }
}
