// Times in words: in the zone of the VDN, in UTC and in that of the reader; and how long from one to another.

import { locale, say } from "./words.js";

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;
const DAY_MS = DAY_S * 1000;
const made = new Map();

function formatter(zone, options) {
  const key = JSON.stringify([locale(), zone, options]);
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(locale(), { timeZone: zone, hourCycle: "h23", ...options }));
  return made.get(key);
}

// The zone if this browser knows it, else UTC: zones are renamed, and browsers are old.
export function usable(zone) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}

export const myZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

const FULL = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };

export const full = (moment, zone) => formatter(zone, { ...FULL, second: "2-digit", timeZoneName: "short" }).format(moment);
// Without the year where it is that of `at`.
export function dayAndTime(moment, zone, at) {
  const isThisYear = dayOf(moment, zone).slice(0, 4) === dayOf(at, zone).slice(0, 4);
  return formatter(zone, isThisYear ? { ...FULL, year: undefined } : FULL).format(moment);
}
export const timeOfDay = (moment, zone, seconds = false) =>
  formatter(zone, { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) }).format(moment);
export const weekday = (moment, zone) => formatter(zone, { weekday: "short", month: "numeric", day: "numeric" }).format(moment);
export const zoneName = (moment, zone) =>
  formatter(zone, { timeZoneName: "shortOffset" }).formatToParts(moment).find((one) => one.type === "timeZoneName").value;

// A time of today as a time alone, any other with its day.
export function brief(moment, zone, at) {
  return dayOf(moment, zone) === dayOf(at, zone) ? timeOfDay(moment, zone) : dayAndTime(moment, zone, at);
}

// A length in words of at most two units, such as "2 h 5 min".
export function span(seconds) {
  const left = Math.max(0, Math.round(seconds));
  const units = [["day", DAY_S], ["hour", HOUR_S], ["minute", MINUTE_S], ["second", 1]];
  const first = Math.max(0, units.findIndex(([, size]) => left >= size));
  const start = left < 1 ? 3 : first;
  const shown = units.slice(start, start + (left >= 10 * DAY_S || start === 3 ? 1 : 2));
  let rest = left;
  const parts = shown.map(([unit, size]) => {
    const value = Math.floor(rest / size);
    rest -= value * size;
    return { unit, value };
  });
  return parts.filter(({ value }, at) => value || at === 0).map(inWords).join(" ");
}

const inWords = ({ unit, value }) => say(`unit.${unit}`, { n: value });

// The date, yyyy-mm-dd, of a moment in a zone.
export function dayOf(moment, zone) {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" })
      .formatToParts(moment)
      .map(({ type, value }) => [type, value]),
  );
  return `${parts.year.padStart(4, "0")}-${parts.month}-${parts.day}`;
}

export const addDays = (day, count) => new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);

// Today, and Monday and Sunday of its week.
export function calendar(moment, zone) {
  const day = dayOf(moment, zone);
  const sinceMonday = (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
  const monday = addDays(day, -sinceMonday);
  return { day, monday, sunday: addDays(monday, 6) };
}

// When a day begins in a zone, in milliseconds since 1970. What the clocks there show of a guess corrects the guess.
export function beginningOf(day, zone) {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  let guess = wanted;
  for (let turn = 0; turn < 3; turn += 1) guess += wanted - shownAsUtc(guess, zone);
  return guess;
}

function shownAsUtc(moment, zone) {
  const options = { hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en", { timeZone: zone, ...options }).formatToParts(moment).map(({ type, value }) => [type, Number(value)]),
  );
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
}
