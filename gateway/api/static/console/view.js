// What is looked at, as the page's own address says it: a view is a link. No credential is ever in it.

export const STATUSES = ["", "running", "paused", "completed", "other"];
export const TYPES = ["", "intelligent_ivr", "predictive", "automatic_ivr", "preview", "preempted"];
export const PERIODS = ["", "today", "week", "own"];
export const SIZES = [10, 20, 50, 100];
export const LONGEST_NAME = 30;

const DEFAULTS = {
  vdn: "", status: "", name: "", type: "", period: "", from: "", to: "",
  page: 1, size: 20, show: "list", axis: "week", shift: 0, wall: false,
};

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const whole = (text, least, most, otherwise) => {
  const number = /^-?\d{1,9}$/.test(text ?? "") ? Number(text) : otherwise;
  return number >= least && number <= most ? number : otherwise;
};
const oneOf = (words, text, otherwise) => (words.includes(text) ? text : otherwise);

// The view of a query string; what makes no sense in it counts as absent.
export function read(search) {
  const given = new URLSearchParams(search);
  const text = (name) => given.get(name) ?? "";
  return {
    vdn: String(whole(given.get("vdn"), 1, 9999, "")),
    status: oneOf(STATUSES, text("status"), ""),
    name: [...text("name")].slice(0, LONGEST_NAME).join(""),
    type: oneOf(TYPES, text("type"), ""),
    period: oneOf(PERIODS, text("period"), ""),
    from: DAY.test(text("from")) ? text("from") : "",
    to: DAY.test(text("to")) ? text("to") : "",
    page: whole(given.get("page"), 1, 2 ** 31 - 1, 1),
    size: SIZES.includes(Number(text("size"))) ? Number(text("size")) : DEFAULTS.size,
    show: oneOf(["list", "timeline"], text("show"), "list"),
    axis: oneOf(["day", "week"], text("axis"), "week"),
    shift: whole(given.get("shift"), -520, 520, 0),
    wall: text("wall") === "1",
  };
}

// The query string of a view, of what is not as usual in it.
export function write(view) {
  const told = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (view[name] !== usual) told.set(name, view[name] === true ? "1" : view[name]);
  }
  const text = told.toString();
  return text ? `?${text}` : "";
}

export const isNarrowed = (view) => Boolean(view.status || view.name || view.type || view.period);

// The parameters of GET /campaigns for the filters of a view, without paging; `day` is today and `monday` that of its
// week in the time zone of the VDN, and so is each date here: the gateway takes it for its first or last second there.
export function parameters(view, { day, monday, sunday }) {
  // From a later day to an earlier one is the time between them too.
  const [first, last] = view.from && view.to && view.from > view.to ? [view.to, view.from] : [view.from, view.to];
  const periods = {
    "": {},
    today: { begins_from: day, ends_to: day },
    week: { begins_from: monday, ends_to: sunday },
    own: { begins_from: first, ends_to: last },
  };
  return {
    vdn: view.vdn,
    name: view.name,
    status: view.status === "other" ? "" : view.status,
    device_type: view.type,
    ...periods[view.period],
  };
}
