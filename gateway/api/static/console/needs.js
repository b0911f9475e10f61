// The list of what needs attention.

import { REASONS, someOf } from "./attention.js";
import { el, fill, icon, part } from "./dom.js";
import { nameButton, statusBadge } from "./row.js";
import { brief, span } from "./times.js";
import { say } from "./words.js";

const SHOWN = 6;
const WORST = { overdue: "down", due: "slow", ending: "clock", unknown: "unknown", no_caller: "slow" };

// `looked` is {found, rows, items, isWhole, ageS}, or null before the first look; `problem` why there was none.
export function show(looked, problem, zone, at, { isOpen, most = SHOWN }) {
  const section = part("attention");
  section.setAttribute("aria-labelledby", "attention-title");
  const found = looked?.found ?? [];
  const shown = isOpen ? found : someOf(found, most);
  fill(
    section,
    el(
      "header",
      {},
      el("h2", { id: "attention-title" }, say("attention"), " ", looked && el("span", { class: "number" }, found.length)),
      el("p", { class: "note" }, note(looked, problem)),
    ),
    found.length > most && el("p", { class: "kinds" }, REASONS.map((name) => [name, found.filter(({ reasons }) => reasons[0] === name).length]).filter(([, n]) => n).map(([name, n]) => say(`reasons.${name}`, { n })).join(" · ")),
    looked && !found.length && el("p", { class: "calm" }, icon("completed"), say("attention.none")),
    shown.length > 0 && el("ul", {}, shown.map((one) => item(one, zone, at))),
    found.length > most &&
      el(
        "button",
        { type: "button", class: "quiet", "data-act": "attention", "data-key": "attention", "aria-expanded": String(isOpen) },
        isOpen ? say("attention.less") : say("attention.more", { n: found.length - most }),
      ),
  );
}

function note(looked, problem) {
  if (!looked) return problem ? say("attention.failed", { why: problem.title ?? problem.name }) : say("attention.looking");
  const age = span(looked.ageS);
  if (looked.isWhole) return say("attention.whole", { n: looked.rows, age });
  return say("attention.part", { n: looked.rows, items: looked.items, age });
}

function item({ row, reasons }, zone, at) {
  return el(
    "li",
    { class: reasons[0] },
    icon(WORST[reasons[0]]),
    el("div", { class: "what" }, nameButton(row, "need"), el("p", { class: "why" }, reasons.map((name) => reason(name, row, zone, at)).join(" · "))),
    statusBadge(row.status),
  );
}

// A reason in words, with its times.
export function reason(name, row, zone, at) {
  const moment = Date.parse(name === "due" ? row.begins_at : row.ends_at);
  const minutes = Math.floor(Math.abs(moment - at) / 60_000) * 60;
  const values = Number.isNaN(moment) ? {} : { span: span(minutes), time: brief(moment, zone, at) };
  return say(`reason.${REASONS.includes(name) ? name : "unknown"}`, values);
}
