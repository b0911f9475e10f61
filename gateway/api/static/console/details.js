// All about one campaign, and the request that it came with for a terminal.

import { copyButton } from "./copy.js";
import { credential, isToken } from "./credentials.js";
import { el, fill, icon, part } from "./dom.js";
import { reasonsOf } from "./attention.js";
import { reason } from "./needs.js";
import { leftOf, nameOf, statusBadge } from "./row.js";
import { full, myZone } from "./times.js";
import { say } from "./words.js";

// The request for curl. The key is not in it, for it would end up in the terminal's history: a variable stands for it.
export function curl(url) {
  const header = isToken(credential()) ? "Authorization: Bearer $TOKEN" : "X-API-Key: $API_KEY";
  // URLs have no single quote that is not escaped, so single quotes are safe around them.
  return `curl -i --compressed -H "${header}" '${String(url).replaceAll("'", "%27")}'`;
}

let opener = null; // the data-key of what had the focus before
let brought = null; // {url, facts} of the answer by which they were opened

// Shows them, or how they are by now where they are shown already.
export function show(row, { zone, at, url, facts }) {
  const dialog = part("details");
  const id = String(row.id);
  if (!dialog.open) {
    opener = document.activeElement?.dataset.key;
    brought = { url, facts };
  }
  const command = curl(brought.url);
  const reasons = reasonsOf(row, at);
  const fact = (name, ...value) => el("div", {}, el("dt", {}, say(name)), el("dd", {}, value));
  const moments = (text) =>
    text === null
      ? say("no_time")
      : [zone, "UTC", myZone()]
          .filter((one, index, all) => all.indexOf(one) === index)
          .map((one) => el("span", { class: "in-zone" }, el("time", { datetime: text }, full(new Date(text), one)), one !== "UTC" && [" ", el("span", { class: "faint" }, one)]));
  dialog.setAttribute("aria-labelledby", "details-title");
  dialog.dataset.id = id;
  fill(
    dialog,
    el("header", {}, el("h2", { id: "details-title", dir: "auto" }, nameOf(row)), el("button", { type: "button", class: "quiet", id: "close", "data-key": "close" }, say("close"))),
    reasons.length > 0 && el("ul", { class: "reasons" }, reasons.map((name) => el("li", {}, icon("slow"), reason(name, row, zone, at)))),
    el(
      "dl",
      {},
      fact("column.status", statusBadge(row.status)),
      fact("column.type", say(`type.${row.device_type}`)),
      fact("column.begins", moments(row.begins_at)),
      fact("column.ends", moments(row.ends_at)),
      fact("column.left", leftOf(row, at).text),
      fact("column.caller", row.caller_number ? [el("span", { class: "digits" }, row.caller_number), copyButton(row.caller_number, say("copy.caller"), "caller")] : say("no_caller")),
      fact("column.id", el("span", { class: "digits" }, id), copyButton(id, say("copy.id", { id }), "details-id")),
    ),
    el("h3", {}, say("details.request")),
    el("div", { class: "code" }, el("code", { id: "curl" }, command), copyButton(command, say("copy.curl"), "curl")),
    brought.facts && el("p", { class: "note" }, say("request_id"), " ", el("code", {}, brought.facts.requestId), brought.facts.cacheStatus && [el("br"), el("code", {}, brought.facts.cacheStatus)]),
  );
  if (!dialog.open) dialog.showModal();
}

export function serve() {
  const dialog = part("details");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("#close")) dialog.close();
  });
  // The browser gives the focus back to the very element, and that one may have been replaced by its like meanwhile.
  dialog.addEventListener("close", () => {
    const isLost = document.activeElement === document.body || dialog.contains(document.activeElement);
    if (isLost && opener) document.querySelector(`[data-key="${CSS.escape(opener)}"]`)?.focus();
  });
}
