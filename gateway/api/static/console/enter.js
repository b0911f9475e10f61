// Asks for the key or token: a form like any other, so that password managers know what to do with it.

import { el, fill, icon, part } from "./dom.js";
import { say } from "./words.js";

// `trouble` is why there has to be another one, in words, or empty; `give` takes what is entered.
export function show(trouble, give) {
  const form = part("enter");
  form.hidden = false;
  fill(
    form,
    el("h2", {}, say("enter.title")),
    el("p", { class: "lead" }, say("enter.lead")),
    // Password managers keep one password for each name. There are none here, so there is one for all.
    el("input", { type: "text", name: "username", autocomplete: "username", value: "campaign-gateway", hidden: true }),
    el("label", { for: "credential" }, say("enter.label")),
    el("input", {
      id: "credential", type: "password", name: "password", autocomplete: "current-password", required: true,
      spellcheck: "false", autocapitalize: "off",
      "aria-describedby": trouble ? "enter-trouble enter-note" : "enter-note",
      "aria-invalid": trouble ? "true" : null,
    }),
    trouble && el("p", { id: "enter-trouble", class: "trouble", role: "alert" }, icon("down"), trouble),
    el("p", { id: "enter-note", class: "note" }, say("enter.note")),
    el("button", { type: "submit" }, say("enter.go")),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    const value = part("credential").value.trim();
    if (value) give(value);
  };
  part("credential").focus();
}

export function hide() {
  const form = part("enter");
  form.hidden = true;
  form.replaceChildren();
}
