// Asks the gateway. Every answer that is no good comes out as a Problem; nothing else is thrown but the abort.

import { credential, header } from "./credentials.js";
import * as clock from "./clock.js";
import { languageTag } from "./words.js";

const MOUNT = new URL("../../", import.meta.url);
const PATIENCE_MS = 20_000;

// Why there is no page: `name` is the kind of problem, "no-gateway" where nobody answered.
export class Problem extends Error {
  constructor(name, status, told = {}, retryAfterS = null) {
    super(told.detail ?? name);
    Object.assign(this, { name, status, title: told.title, detail: told.detail, requestId: told.request_id, retryAfterS });
  }
}

// The URL of a path below the mount; parameters that are empty are left out.
export function urlOf(path, parameters = {}) {
  const url = new URL(path, MOUNT);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

// JSON.parse changes the digits of numbers beyond 2^53. Those are ids, which nobody calculates with: they stay texts.
export function parse(text) {
  const kept = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) => (token[0] === '"' ? token : `"${token}"`));
  return JSON.parse(kept);
}

// Sends a GET; returns the Response, of status 200 or 304. `cache: "no-store"` keeps Chromium from letting one tab wait
// for the same URL of another. It also adds `Cache-Control: no-cache` by itself, which would have CC-iSales asked each
// time, unless there is one: `max-stale` asks for what is at hand (RFC 9111, section 5.2.1.2).
export async function get(url, { signal, headers = {}, patienceMs = PATIENCE_MS } = {}) {
  const late = AbortSignal.timeout(patienceMs);
  let response;
  try {
    response = await fetch(url, {
      headers: { "Cache-Control": "max-stale", "Accept-Language": languageTag(), ...header(), ...headers },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem("no-gateway", 0);
  }
  clock.learn(response.headers);
  if (response.status === 200 || response.status === 206 || response.status === 304) return response;
  throw await problemOf(response);
}

async function problemOf(response) {
  const seconds = Number.parseInt(response.headers.get("Retry-After"), 10);
  const told = await response.json().catch(() => ({}));
  const name = typeof told.type === "string" ? told.type.split("/").pop() : "no-gateway";
  return new Problem(name, response.status, told, Number.isNaN(seconds) ? null : seconds);
}

export async function getJson(path, parameters, options = {}) {
  const response = await get(urlOf(path, parameters), { ...options, headers: { Accept: "application/json", ...options.headers } });
  return { response, body: response.status === 304 ? null : parse(await text(response, options.signal)) };
}

async function text(response, signal) {
  try {
    return await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem("no-gateway", 0);
  }
}

// What a kind of problem means and what to do about it, in the language of the page; null where that is not known.
export async function explanation(name) {
  try {
    const { body } = await getJson(`problems/${encodeURIComponent(name)}`);
    return body;
  } catch {
    return null;
  }
}

export { credential };
