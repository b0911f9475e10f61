// The table of campaigns. Rows stay the same elements while they say the same, so that nothing blinks or loses the focus.

import { copyButton } from "./copy.js";
import { el, fill, keepingFocus } from "./dom.js";
import { leftOf, mark, moment, nameButton, statusBadge } from "./row.js";
import { say } from "./words.js";

const COLUMNS = ["status", "name", "type", "begins", "ends", "left", "caller", "id"];

export function table() {
  const heads = COLUMNS.map((name) => el("th", { scope: "col", role: "columnheader", class: `c-${name}` }, say(`column.${name}`)));
  return el(
    "table",
    { class: "list", role: "table", "aria-labelledby": "campaigns-title" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)),
    el("tbody", { role: "rowgroup" }),
  );
}

export function show(element, rows, zone, at) {
  const body = element.tBodies[0];
  const there = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  const wanted = rows.map((row) => {
    const made = rowOf(row, zone, at);
    const old = there.get(made.dataset.id);
    if (!old) return made;
    old.className = made.className;
    [...made.cells].forEach((cell, index) => fill(old.cells[index], [...cell.childNodes]));
    return old;
  });
  const isSame = wanted.length === body.rows.length && wanted.every((row, index) => row === body.rows[index]);
  if (!isSame) keepingFocus(body, () => body.replaceChildren(...wanted));
}

function rowOf(row, zone, at) {
  const id = String(row.id);
  const left = leftOf(row, at);
  const marked = mark(row);
  const cell = (name, ...children) =>
    el("td", { role: "cell", class: `c-${name}` }, el("span", { class: "label", "aria-hidden": "true" }, say(`column.${name}`)), children);
  return el(
    "tr",
    { role: "row", "data-id": id, class: marked ? "is-marked" : null },
    cell("status", statusBadge(row.status)),
    el("th", { role: "rowheader", scope: "row", class: "c-name" }, nameButton(row, "row"), marked),
    cell("type", say(`type.${row.device_type}`)),
    cell("begins", moment(row.begins_at, zone, at)),
    cell("ends", moment(row.ends_at, zone, at)),
    cell("left", el("span", { class: `left ${left.kind}` }, left.text)),
    cell("caller", row.caller_number ? el("span", { class: "digits" }, row.caller_number) : el("span", { class: "faint" }, say("no_caller"))),
    cell("id", el("span", { class: "digits" }, id), copyButton(id, say("copy.id", { id }), `id:${id}`)),
  );
}
