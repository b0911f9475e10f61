// Keys: `/` goes to the search, arrows from campaign to campaign. `/` is a character, so it can be turned off (WCAG 2.1.4).

import { part } from "./dom.js";

const NAME = "campaign-gateway.shortcuts";

export function areOn() {
  try {
    return localStorage.getItem(NAME) !== "off";
  } catch {
    return true;
  }
}

export function turn(on) {
  try {
    localStorage.setItem(NAME, on ? "on" : "off");
  } catch {
    return true;
  }
  return on;
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

export function serve() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const { target } = event;
    if (event.key === "/" && areOn() && !target.closest("input, select, textarea")) {
      const search = part("name");
      if (!search || !search.checkVisibility()) return;
      event.preventDefault();
      search.focus();
      search.select();
    }
    if (event.key in STEPS) step(event, STEPS[event.key]);
  });
}

function step(event, by) {
  const there = event.target.closest("#campaigns button.name, #attention button.name");
  if (!there) return;
  const names = [...there.closest("section").querySelectorAll("button.name")];
  const next = names[names.indexOf(there) + by];
  event.preventDefault();
  next?.focus();
}
