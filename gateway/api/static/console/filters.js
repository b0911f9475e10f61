// What the list is narrowed to besides the tab. All of it goes into the URL.

import { el, part } from "./dom.js";
import { say } from "./words.js";
import { LONGEST_NAME, PERIODS, SIZES, TYPES } from "./view.js";

const TYPING_MS = 350;

let typing = null; // what looks when nobody types any more

export function form(act) {
  const option = (value, text) => el("option", { value }, text);
  const field = (id, text, control, more = {}) => el("div", { class: "field", id: `field-${id}`, ...more }, el("label", { for: id }, text), control);
  const made = el(
    "form",
    { class: "filters", role: "search", "aria-label": say("filters") },
    field("name", say("filter.name"), el("input", { id: "name", type: "search", maxlength: LONGEST_NAME, autocomplete: "off", "aria-keyshortcuts": "/", "data-key": "name" })),
    field("type", say("column.type"), el("select", { id: "type" }, TYPES.map((type) => option(type, say(type ? `type.${type}` : "filter.any"))))),
    field("period", say("filter.period"), el("select", { id: "period" }, PERIODS.map((period) => option(period, say(`period.${period || "any"}`))))),
    field("from", say("filter.from"), el("input", { id: "from", type: "date" })),
    field("to", say("filter.to"), el("input", { id: "to", type: "date" })),
    field("size", say("filter.size"), el("select", { id: "size" }, SIZES.map((size) => option(size, String(size))))),
    el("button", { type: "reset", class: "quiet", id: "clear" }, say("filter.clear")),
  );
  const rest = () => {
    clearTimeout(typing);
    typing = null;
  };
  const look = (replace) => {
    rest();
    act.look({ ...values(made), page: 1 }, { replace });
  };
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    look(false);
  });
  made.addEventListener("change", () => {
    look(false);
  });
  made.addEventListener("input", (event) => {
    rest();
    if (event.target.id === "name") typing = setTimeout(() => look(true), TYPING_MS);
  });
  made.addEventListener("reset", (event) => {
    event.preventDefault();
    rest();
    act.look({ name: "", type: "", period: "", from: "", to: "", page: 1 });
    // The button goes when there is nothing to clear.
    part("name").focus();
  });
  return made;
}

function values(made) {
  const value = (id) => made.elements[id].value;
  return {
    name: value("name").trim(), type: value("type"), period: value("period"),
    from: value("from"), to: value("to"), size: Number(value("size")),
  };
}

// Shows the filters of a view, but for what is being typed.
export function show(view) {
  for (const name of ["name", "type", "period", "from", "to", "size"]) {
    const control = part(name);
    const isBeingChanged = control === document.activeElement && (control.type === "date" || typing || control.value.trim() === view[name]);
    if (!isBeingChanged) control.value = view[name];
  }
  part("field-from").hidden = part("field-to").hidden = view.period !== "own";
  part("clear").hidden = !(view.name || view.type || view.period);
}
