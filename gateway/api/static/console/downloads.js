// The buttons for files, and how far a file is.

import { FORMATS, fetchFile, save } from "./download.js";
import { el, fill, part } from "./dom.js";
import { span } from "./times.js";
import { number, say } from "./words.js";

let underWay = null; // {format, began, far, abort}
let outcome = null; // {format, file, problem}: how the latest ended
let parametersOf = () => ({});

// `parameters` returns what the files are of.
export function serve(parameters) {
  parametersOf = parameters;
}

export function build() {
  const section = part("downloads");
  section.replaceChildren(
    el("span", { class: "title" }, say("download")),
    ...FORMATS.map((format) => el("button", { type: "button", class: "quiet", "data-format": format, title: say(`download.${format}`) }, format.toUpperCase())),
    el("p", { id: "download-state", class: "note", role: "status" }),
    el("p", { id: "download-far", class: "note" }),
    el("button", { type: "button", class: "quiet", id: "cancel", hidden: true }, say("download.cancel")),
  );
  section.onclick = ({ target }) => {
    const format = target.closest("[data-format]")?.dataset.format;
    if (format) begin(format);
    if (target.closest("#cancel")) underWay?.abort.abort();
    if (target.closest("#again")) save(outcome.file);
  };
  tell();
}

// `canAsk`: there is no filter for what is neither running, paused nor completed.
export function show(canAsk) {
  for (const button of part("downloads").querySelectorAll("[data-format]")) button.disabled = !canAsk || underWay !== null;
  if (!canAsk && !underWay) fill(part("download-state"), say("download.not_other"));
  else if (!underWay && !outcome) fill(part("download-state"));
}

async function begin(format) {
  if (underWay) return;
  // Buttons that cannot be pressed meanwhile lose the focus.
  const isHeld = hasFocus();
  underWay = { format, began: performance.now(), far: null, abort: new AbortController() };
  outcome = null;
  show(true);
  tell();
  if (isHeld) part("cancel").focus();
  const ticking = setInterval(far, 500);
  try {
    const progress = (now) => Object.assign(underWay, { far: now });
    const file = await fetchFile(format, parametersOf(), { signal: underWay.abort.signal, progress });
    outcome = { format, file };
    save(file);
  } catch (problem) {
    outcome = problem.name === "AbortError" ? null : { format, problem };
  } finally {
    clearInterval(ticking);
    const isStillHeld = hasFocus();
    underWay = null;
    show(true);
    tell();
    if (isStillHeld) part("downloads").querySelector(`[data-format="${format}"]`).focus();
  }
}

const hasFocus = () => part("downloads").contains(document.activeElement);

// What screen readers hear: that it began, and how it ended.
function tell() {
  const state = part("download-state");
  part("cancel").hidden = underWay === null;
  if (underWay) fill(state, say("download.reading", { format: underWay.format.toUpperCase() }));
  else if (outcome?.file) {
    const by = outcome.file.checks.map((check) => say(`check.${check}`)).join(say("and"));
    fill(state, say("download.done", { name: outcome.file.name, n: outcome.file.rows, by }), " ", el("button", { type: "button", class: "link", id: "again" }, say("download.again")));
  } else if (outcome?.problem) {
    const { name, title, detail, requestId } = outcome.problem;
    const why = name === "cut-short" ? say("download.cut_short") : [title ?? say("fresh.gateway_short"), detail].filter(Boolean).join(": ");
    fill(state, el("span", { class: "trouble" }, say("download.failed", { format: outcome.format.toUpperCase(), why })), requestId && ` ${say("request_id")} ${requestId}`);
  } else fill(state);
  far();
}

// How long it has taken, and how much there is of it, for those who watch.
function far() {
  const line = part("download-far");
  if (!underWay) return fill(line);
  const time = span((performance.now() - underWay.began) / 1000);
  const told = underWay.far;
  if (!told) return fill(line, say("download.waiting", { time }));
  const rows = told.rows === null ? sizeInWords(told.bytes) : say("download.rows", { n: told.rows, items: told.items || "?" });
  return fill(line, `${time} · ${rows}`);
}

function sizeInWords(bytes) {
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${number(Math.round((bytes / 1000 ** power) * 10) / 10)} ${["B", "kB", "MB", "GB"][power]}`;
}
