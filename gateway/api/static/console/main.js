// The console: what is known, what brings it, and what shows it.

import * as board from "./board.js";
import * as changes from "./changes.js";
import * as clock from "./clock.js";
import * as credentials from "./credentials.js";
import * as details from "./details.js";
import * as downloads from "./downloads.js";
import * as enter from "./enter.js";
import * as freshness from "./freshness.js";
import * as looks from "./looks.js";
import * as needs from "./needs.js";
import * as notices from "./notices.js";
import * as place from "./place.js";
import * as shortcuts from "./shortcuts.js";
import * as tabs from "./tabs.js";
import * as view from "./view.js";
import * as words from "./words.js";
import { needing } from "./attention.js";
import { ageOf } from "./answer.js";
import { serveCopyButtons } from "./copy.js";
import { part } from "./dom.js";
import { explanation, getJson, urlOf } from "./gateway.js";
import { Live } from "./live.js";
import { readPage, readPicked } from "./reader.js";
import { nameOf, statusWord } from "./row.js";
import { first } from "./start.js";
import { Surroundings } from "./surroundings.js";
import { calendar, usable } from "./times.js";

const SHOWN_AGAIN_S = 10;
const PICKED = { other: (row) => row.status === "draft" || row.status === "unknown" };
const isFinal = ({ status }) => status >= 400 && status < 500 && status !== 429;
const ONLY_LOOKS = new Set(["show", "axis", "shift", "wall"]);

const state = {
  view: view.read(location.search),
  me: null,
  vdn: null,
  zone: "UTC",
  page: null,
  facts: null,
  isBusy: false,
  problem: null,
  explanation: null,
  nextAt: null,
  isPaused: false,
  isAttentionOpen: false,
  contactAt: null,
};
let level = "";
let isBuilt = false;

const live = new Live({ read, failed, isFinal });
const entering = new Live({ read: readMe, failed, isFinal });
const around = new Surroundings({ changed: noticed, shown: showAround });

// What is asked for.

const filter = () => view.parameters({ ...state.view, vdn: state.vdn?.vdn ?? "" }, calendar(clock.now(), state.zone));
const question = () => ({ ...filter(), page: state.view.page, page_size: state.view.size });

async function read({ etag, wait, force, signal }) {
  const pick = PICKED[state.view.status];
  const { page, facts } = pick
    ? await readPicked(filter(), pick, { number: state.view.page, size: state.view.size }, { force, signal })
    : await readPage(question(), { etag, wait, force, signal });
  if (!signal.aborted) arrived(page, facts);
  return facts;
}

function arrived(page, facts) {
  const wasTrouble = state.problem !== null;
  // One that has left a tab is no change of any that are there, but of what is around them.
  const haveMoved = !state.isBusy && page && state.page && whoIsThere(page) !== whoIsThere(state.page);
  Object.assign(state, { facts, isBusy: false, problem: null, nextAt: null, contactAt: clock.now() });
  state.page = page ?? state.page;
  explain(freshness.judge(state).level === "down" ? facts.detail : null);
  const found = page ? changes.notice(page.rows, { asOf: facts.asOf, source: JSON.stringify(question()) }) : [];
  noticed(found);
  if (wasTrouble || haveMoved || found.length) around.soon({ isChange: Boolean(haveMoved || found.length) });
  show();
}

const whoIsThere = (page) => JSON.stringify([page.items, page.rows.map((row) => row.id)]);

function failed(problem, nextAt) {
  // What is shown is of another question than the one that failed.
  if (state.isBusy) Object.assign(state, { page: null, facts: null });
  Object.assign(state, { problem, nextAt, isBusy: false });
  if (problem.status === 401) return leave(problem.detail ?? "");
  if (problem.name !== "no-gateway") state.contactAt = clock.now();
  explain(problem.name === "no-gateway" ? null : problem.name);
  return show();
}

async function explain(name) {
  if (name === null) state.explanation = null;
  else if (state.explanation?.name !== name) {
    state.explanation = { name };
    const told = await explanation(name);
    if (told && state.explanation?.name === name) {
      Object.assign(state.explanation, told);
      showFreshness();
    }
  }
}

// What is done about what the user wants.

const act = {
  look(change, { replace = false } = {}) {
    const next = { ...state.view, ...change };
    if (view.write(next) === view.write(state.view)) return;
    const isSameQuestion = Object.keys(change).every((name) => ONLY_LOOKS.has(name));
    history[replace ? "replaceState" : "pushState"](null, "", view.write(next) || location.pathname);
    state.view = next;
    if (isSameQuestion) show();
    else again();
  },
  now() {
    if (!state.me) return entering.go();
    around.soon();
    if (!state.isPaused) return live.go({ force: true });
    return read({ force: true, signal: new AbortController().signal }).catch((problem) => failed(problem, null));
  },
  pause() {
    state.isPaused = !state.isPaused;
    if (state.isPaused) halt();
    else go();
    show();
  },
  attention() {
    state.isAttentionOpen = !state.isAttentionOpen;
    showAround();
  },
};

// Asks the question of the view that is there now.
function again() {
  const vdn = chosenVdn();
  if (vdn.vdn !== state.vdn?.vdn) changes.forget();
  Object.assign(state, { vdn, zone: usable(vdn.time_zone), isBusy: true, problem: null, nextAt: null });
  around.of({ ...filter(), status: "" });
  // It is under way while what is there is drawn.
  if (state.isPaused) act.now();
  else go({ etag: null });
  show();
}

function go({ etag = state.facts?.etag ?? null } = {}) {
  if (document.hidden || !state.me) return;
  live.go({ etag });
  around.go();
}

function halt() {
  live.stop();
  around.stop();
}

// The VDN that the URL names, which the caller may not be allowed to read, else the first one that it is.
function chosenVdn() {
  const wanted = Number(state.view.vdn);
  const named = state.me.vdns.find(({ vdn }) => vdn === wanted);
  return named ?? (wanted ? { vdn: wanted, name: "", time_zone: "UTC" } : state.me.vdns[0] ?? { vdn: "", name: "", time_zone: "UTC" });
}

async function readMe({ signal }) {
  const asked = first.me ?? getJson("me", {}, { signal });
  first.me = null;
  const { body } = await asked;
  signal.throwIfAborted();
  entering.stop();
  entered(body);
  return { etag: null, maxAgeS: 0, waited: false };
}

function entered(me) {
  Object.assign(state, { me, problem: null, nextAt: null, contactAt: clock.now() });
  enter.hide();
  part("board").hidden = false;
  part("leave").hidden = false;
  again();
}

// Forgets everything, the credential too, and asks for another one; `trouble` is why.
function leave(trouble = "") {
  halt();
  entering.stop();
  credentials.keep("");
  changes.forget();
  around.forget();
  Object.assign(state, { me: null, vdn: null, page: null, facts: null, problem: null, explanation: null, nextAt: null, isBusy: false, isPaused: false });
  part("details").close();
  for (const id of ["board", "leave", "place", "client", "freshness"]) part(id).hidden = true;
  ask(trouble);
}

function ask(trouble = "") {
  enter.show(trouble && words.say("enter.refused", { why: trouble }), (value) => {
    if (!credentials.isOne(value)) return ask(words.say("enter.none"));
    credentials.keep(value);
    state.isBusy = true;
    showFreshness();
    return entering.go();
  });
}

// What shows it.

function show() {
  if (!isBuilt) return null;
  if (!state.me) return showFreshness();
  const at = clock.now();
  document.documentElement.toggleAttribute("data-wall", state.view.wall);
  document.title = `${place.vdnName(state.vdn)} · ${words.say("campaigns")} · Campaign Gateway`;
  place.show(state.me, state.vdn, state.zone, act);
  board.show({ ...state, at });
  if (part("details").open) open(part("details").dataset.id);
  showAround();
  return showFreshness();
}

function showAround() {
  if (!state.me) return;
  const at = clock.now();
  tabs.show(state.view, around.counts(state.view, state.page));
  const looked = around.all && { ...around.all, rows: around.all.rows.length, found: needing(around.all.rows, at), ageS: ageOf(around.all.facts) };
  needs.show(looked, around.problem, state.zone, at, { isOpen: state.isAttentionOpen, most: state.view.wall ? 8 : 6 });
}

function showFreshness() {
  const told = freshness.show(state, act);
  if (state.vdn) place.tick(state.zone, clock.now());
  if (told.level === level) return;
  if (level && !(told.level === "good" && level === "asking")) announce([told.text, told.more].filter(Boolean).join(" "));
  level = told.level;
}

// Screen readers hear of changes when they have nothing else to say, and not of each of many.
function noticed(found) {
  if (!found.length) return;
  notices.tell(found);
  const few = found.slice(0, 3).map(({ row, kind }) => words.say(`announce.${kind}`, { name: nameOf(row), is: statusWord(row.status) }));
  announce(found.length > 3 ? words.say("announce.many", { n: found.length }) : few.join(" "));
  show();
}

function announce(text) {
  part("announcements").textContent = text;
}

// What happens by itself.

let ticks = 0;
function tick() {
  if (clock.tick() && !state.isPaused && state.me) go();
  if (document.hidden || (!state.me && !state.problem)) return;
  ticks += 1;
  if (ticks % SHOWN_AGAIN_S === 0) show();
  else showFreshness();
}

function build() {
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = words.say(element.dataset.say);
  const other = words.otherLanguage();
  part("language").textContent = other === "zh" ? "中文" : "English";
  part("language").lang = other === "zh" ? "zh-CN" : "en";
  looks.build();
  board.build(act);
  isBuilt = true;
  part("details").close();
  if (state.me) show();
}

function listen() {
  serveCopyButtons();
  shortcuts.serve();
  details.serve();
  downloads.serve(filter);
  part("leave").addEventListener("click", () => leave());
  part("unwall").addEventListener("click", (event) => {
    event.preventDefault();
    act.look({ wall: false });
  });
  part("language").addEventListener("click", async () => {
    await words.choose(words.otherLanguage());
    build();
    if (!state.me && !part("enter").hidden) ask();
    const told = state.explanation;
    state.explanation = null;
    if (told) explain(told.name);
  });
  part("content").addEventListener("click", (event) => {
    const { target } = event;
    const link = target.closest("[data-look]");
    if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      act.look(JSON.parse(link.dataset.look));
    }
    const id = target.closest("[data-open]")?.dataset.open;
    if (id) open(id);
    if (target.closest("[data-act=attention]")) act.attention();
  });
  addEventListener("popstate", () => {
    state.view = view.read(location.search);
    if (state.me) again();
  });
  document.addEventListener("visibilitychange", () => {
    if (!state.me || state.isPaused) return;
    if (!document.hidden) go();
    else {
      halt();
      if (notices.areOn()) around.go();
    }
  });
  addEventListener("online", () => (state.me ? !state.isPaused && go() : credentials.credential() && entering.go()));
}

function open(id) {
  const row = [...(state.page?.rows ?? []), ...(around.all?.rows ?? [])].find((one) => String(one.id) === id);
  if (row) details.show(row, { zone: state.zone, at: clock.now(), url: urlOf("campaigns", question()), facts: state.facts });
}

// Where it is known already who looks, campaigns are on their way while the page is built for them; nothing waits for that.
const turn = new Promise((over) => {
  setTimeout(over, 0);
});
const known = await Promise.race([first.me, turn]).catch(() => null);
if (known) {
  first.me = null;
  entered(known.body);
}
build();
listen();
setInterval(tick, 1000);
if (!credentials.credential()) ask();
else if (!state.me) {
  showFreshness();
  entering.go();
}
