// The counters, which are tabs, which are the filter by status, which is in the URL: so they are links.

import { el, fill, icon, part } from "./dom.js";
import { number, say } from "./words.js";
import { STATUSES, write } from "./view.js";

// `counts` is {all, running, paused, completed, other} or null.
export function show(view, counts) {
  const nav = part("tabs");
  nav.setAttribute("aria-label", say("tabs"));
  fill(
    nav,
    STATUSES.map((status) => {
      const count = counts?.[status || "all"];
      const here = status === view.status;
      return el(
        "a",
        {
          href: write({ ...view, status, page: 1 }) || "?",
          class: `tab ${status || "all"}`,
          "aria-current": here ? "page" : null,
          "data-look": JSON.stringify({ status, page: 1 }),
          "data-key": `tab:${status}`,
        },
        icon(status || "all"),
        el("span", { class: "word" }, say(`status.${status || "all"}`)),
        el("span", { class: "count" }, count === undefined || count === null ? "–" : number(count)),
      );
    }),
  );
}
