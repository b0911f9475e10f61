// The line that is always in sight: how old what is shown is, and what is wrong where something is.

import { ageOf } from "./answer.js";
import { copyButton } from "./copy.js";
import { el, fill, icon, part } from "./dom.js";
import { brief, full, span } from "./times.js";
import { number, say } from "./words.js";
import * as clock from "./clock.js";

const REFRESHING = new Set(["", "stale-while-revalidate"]);
const SLOW = "stale-if-slow";

// What the line has to say of a state: {level, text, more}. `level` is good, slow, down, paused or asking.
export function judge({ facts, problem, explanation, isPaused, zone, contactAt }) {
  const age = facts && span(ageOf(facts));
  const since = (moment) => brief(moment, zone, clock.now());
  if (problem) {
    const isGateway = problem.name === "no-gateway";
    const why = problem.title ?? problem.detail ?? problem.name;
    const from = isGateway ? contactAt : facts?.asOf;
    const who = isGateway ? "gateway" : problem.name.startsWith("upstream-") ? "upstream" : "other";
    const text = from ? say(`fresh.${who}_since`, { time: since(from), why }) : say(`fresh.${who}`, { why });
    const more = isGateway ? say("fresh.gateway_remedy") : [problem.detail, explanation?.remedy].filter(Boolean).join(" ");
    return { level: "down", text, more, requestId: problem.requestId, age: facts && say("fresh.shown", { age }) };
  }
  if (!facts) return { level: "asking", text: say("fresh.asking") };
  if (isPaused) return { level: "paused", text: say("fresh.paused", { age }) };
  if (REFRESHING.has(facts.detail)) return { level: "good", text: say("fresh.good", { age }) };
  if (facts.detail === SLOW) return { level: "slow", text: say("fresh.slow", { age }) };
  return {
    level: "down",
    text: say("fresh.upstream_since", { time: since(facts.asOf), why: explanation?.title ?? facts.detail }),
    more: explanation?.remedy,
    requestId: facts.requestId,
    age: say("fresh.shown", { age }),
  };
}

const ICONS = { good: "good", slow: "slow", down: "down", paused: "paused", asking: "clock" };

export function show(state, act) {
  const told = judge(state);
  const line = part("freshness");
  line.hidden = false;
  line.dataset.level = told.level;
  line.setAttribute("aria-label", say("fresh.label"));
  const leftS = state.nextAt && state.problem ? Math.max(0, Math.ceil((state.nextAt - performance.now()) / 1000)) : null;
  fill(
    line,
    el(
      "div",
      { class: "said" },
      el("p", { class: "state" }, icon(ICONS[told.level]), el("strong", {}, told.text)),
      // Paper does not know how old it gets.
      state.facts && el("p", { class: "printed" }, say("fresh.as_of", { time: full(state.facts.asOf, state.zone) })),
      told.age && el("p", { class: "age" }, told.age),
      (told.more || told.requestId) &&
        el(
          "p",
          { class: "more" },
          told.more && el("span", {}, told.more),
          told.requestId && el("span", { class: "request" }, say("request_id"), " ", el("code", {}, told.requestId)),
          told.requestId && copyButton(told.requestId, say("copy.request_id"), "request"),
        ),
      leftS !== null && el("p", { class: "next" }, say("fresh.next", { seconds: number(leftS) })),
    ),
    el(
      "div",
      { class: "controls" },
      el("button", { type: "button", class: "quiet", "data-key": "now", "data-act": "now", title: say("now.title") }, say("now")),
      el(
        "button",
        { type: "button", class: "quiet", "data-key": "pause", "data-act": "pause", "aria-pressed": String(state.isPaused) },
        say("pause"),
      ),
    ),
  );
  line.onclick = (event) => {
    const wanted = event.target.closest("[data-act]")?.dataset.act;
    if (wanted) act[wanted]();
  };
  return told;
}
