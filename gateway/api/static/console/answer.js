// What an answer tells of itself: how old its page is, whether it is a stale one and why, and how long it is good.

import * as clock from "./clock.js";

// Facts of a response of GET /campaigns. `ageS` is that at arrival; ageOf() is that of now.
export function factsOf(response) {
  const headers = response.headers;
  const asOf = Date.parse(headers.get("Campaigns-As-Of"));
  const status = headers.get("Cache-Status") ?? "";
  const age = /;\s*age=(\d+)/.exec(status);
  return {
    asOf: Number.isNaN(asOf) ? clock.now() : asOf,
    ageS: age ? Number(age[1]) : Math.max(0, (clock.now() - asOf) / 1000) || 0,
    arrived: clock.elapsed(),
    detail: /;\s*detail=([\w-]+)/.exec(status)?.[1] ?? "",
    cacheStatus: status,
    maxAgeS: Number(/max-age=(\d+)/.exec(headers.get("Cache-Control"))?.[1] ?? 0),
    etag: headers.get("ETag"),
    requestId: headers.get("X-Request-Id") ?? "",
    waited: /\bwait\b/.test(headers.get("Preference-Applied") ?? ""),
  };
}

export const ageOf = (facts) => facts.ageS + (clock.elapsed() - facts.arrived) / 1000;

// The worst of several, of which one list was put together.
export function oldest(several) {
  const first = several.reduce((one, other) => (ageOf(one) >= ageOf(other) ? one : other));
  return { ...first, detail: several.find((facts) => facts.detail)?.detail ?? "", waited: false, etag: null };
}

export function pageOf(body, facts) {
  return {
    rows: body.data,
    number: body.page.number,
    size: body.page.size,
    items: body.page.total_items,
    pages: body.page.total_pages,
    leftOut: body.page.left_out ?? 0,
    facts,
  };
}
