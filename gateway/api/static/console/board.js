// The part of the page with the campaigns: filters, list or timeline, pages, files, and what can be switched below.

import { el, fill, part } from "./dom.js";
import * as downloads from "./downloads.js";
import * as filters from "./filters.js";
import * as list from "./list.js";
import * as notices from "./notices.js";
import * as shortcuts from "./shortcuts.js";
import * as timeline from "./timeline.js";
import { isNarrowed, write } from "./view.js";
import { number, say } from "./words.js";

// Builds it anew, in the language of now.
export function build(act) {
  part("campaigns").setAttribute("aria-labelledby", "campaigns-title");
  part("campaigns").replaceChildren(
    el("header", {}, el("h2", { id: "campaigns-title" }, say("campaigns")), el("p", { id: "shown", class: "note" }), el("nav", { id: "shows", class: "choices" })),
    filters.form(act),
    el("nav", { id: "axes", class: "choices", hidden: true }),
    el("p", { id: "nothing", class: "nothing", hidden: true }),
    list.table(),
    el("div", { id: "timeline", class: "timeline", hidden: true }),
    el("div", { class: "below" }, el("nav", { id: "pages", class: "pages" }), el("div", { id: "downloads", class: "downloads" })),
    el("footer", { id: "switches", class: "switches" }),
  );
  downloads.build();
  switches(act);
}

function switches(act) {
  const box = (id, text, checked, turn) => {
    const input = el("input", { type: "checkbox", id });
    input.checked = checked;
    input.addEventListener("change", async () => {
      input.checked = await turn(input.checked);
    });
    return el("label", { class: "check", for: id }, input, " ", text);
  };
  part("switches").append(
    ...(notices.canNotify() ? [box("notices", say("switch.notices"), notices.areOn(), notices.turn)] : []),
    box("shortcuts", say("switch.shortcuts"), shortcuts.areOn(), shortcuts.turn),
    el("a", { href: "?wall=1", id: "wall" }, say("switch.wall")),
  );
  part("wall").addEventListener("click", (event) => {
    event.preventDefault();
    act.look({ wall: true });
  });
}

const link = (view, change, text, attributes = {}) =>
  el("a", { href: write({ ...view, ...change }) || "?", "data-look": JSON.stringify(change), ...attributes }, text);

// Shows a page of a view, null for none; `isBusy` while another one is on its way.
export function show({ view, page, isBusy, zone, at, problem }) {
  const isTimeline = view.show === "timeline";
  const table = document.querySelector("table.list");
  const rows = page?.rows ?? [];
  filters.show(view);
  choices("shows", say("show"), ["list", "timeline"].map((show) => link(view, { show }, say(`show.${show}`), { "aria-current": show === view.show ? "true" : null, "data-key": `show:${show}` })));
  part("axes").hidden = !isTimeline;
  if (isTimeline) showAxes(view);
  table.hidden = isTimeline || !rows.length;
  table.setAttribute("aria-busy", String(isBusy));
  part("timeline").hidden = !isTimeline || !rows.length;
  if (isTimeline) timeline.show(part("timeline"), rows, view, zone, at);
  list.show(table, isTimeline ? [] : rows, zone, at);
  part("nothing").hidden = rows.length > 0;
  const none = isNarrowed(view) ? "nothing" : "nothing.at_all";
  part("nothing").textContent = page ? say(page.items ? "nothing.here" : none) : problem ? say("nothing.yet") : say("nothing.loading");
  showPages(view, page);
  downloads.show(view.status !== "other");
}

function choices(id, label, links) {
  part(id).setAttribute("aria-label", label);
  fill(part(id), links);
}

function showAxes(view) {
  choices("axes", say("axis"), [
    ...["day", "week"].map((axis) => link(view, { axis, shift: 0 }, say(`axis.${axis}`), { "aria-current": axis === view.axis ? "true" : null, "data-key": `axis:${axis}` })),
    link(view, { shift: view.shift - 1 }, say("axis.earlier"), { "data-key": "axis:earlier" }),
    link(view, { shift: 0 }, say("axis.now"), { "data-key": "axis:now" }),
    link(view, { shift: view.shift + 1 }, say("axis.later"), { "data-key": "axis:later" }),
  ]);
}

function showPages(view, page) {
  const nav = part("pages");
  nav.setAttribute("aria-label", say("pages"));
  const notes = [];
  if (page?.items !== null && page?.items !== undefined && page.rows.length) {
    const first = (page.number - 1) * page.size + 1;
    notes.push(say("shown", { first, last: first + page.rows.length - 1, n: page.items }));
  }
  if (page?.leftOut) notes.push(say("left_out", { n: page.leftOut }));
  if (page?.lookedAt) notes.push(say("looked_at", { n: page.lookedAt.rows, items: page.lookedAt.items }));
  part("shown").textContent = notes.join(" · ");
  const last = page?.pages ?? (page && page.rows.length === page.size ? page.number + 1 : 1);
  const step = (number_, text, key) =>
    number_ >= 1 && number_ <= last
      ? link(view, { page: number_ }, text, { class: "step", "data-key": `page:${key}` })
      : el("span", { class: "step off", "aria-hidden": "true" }, text);
  fill(
    nav,
    (last > 1 || view.page > 1) && [
      step(1, say("pages.first"), "first"),
      step(Math.min(view.page - 1, last), say("pages.before"), "before"),
      el("span", { class: "where" }, page?.pages ? say("pages.here", { page: view.page, pages: page.pages }) : number(view.page)),
      step(view.page + 1, say("pages.after"), "after"),
      page?.pages && step(page.pages, say("pages.last"), "last"),
    ],
  );
}
