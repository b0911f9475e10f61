// Buttons that copy a text. They hold it as data and one listener serves all, so that equal buttons are equal nodes.

import { el, icon, part } from "./dom.js";
import { say } from "./words.js";

export function copyButton(text, label, key) {
  return el(
    "button",
    { type: "button", class: "copy quiet", "aria-label": label, title: label, "data-copy": text, "data-key": `copy:${key}` },
    icon("copy"),
  );
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers have no clipboard for pages that came over plain HTTP.
  const field = el("textarea", { class: "unseen", "aria-hidden": "true" });
  field.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser did not copy");
  return undefined;
}

export function serveCopyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    let told = "copied";
    try {
      await copy(button.dataset.copy);
    } catch {
      told = "copy.failed";
    }
    button.focus();
    button.classList.add(told === "copied" ? "done" : "failed");
    setTimeout(() => button.classList.remove("done", "failed"), 1500);
    part("announcements").textContent = say(told, { text: button.dataset.copy });
  });
}
