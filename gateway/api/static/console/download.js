// Files of all campaigns of the present filter. What has come is checked before it is offered: over HTTP/2 Chromium calls
// half a download complete, and a list that ends early looks like any other.

import { get, Problem, urlOf } from "./gateway.js";

export const FORMATS = ["xlsx", "csv", "ndjson"];

const ACCEPT = {
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  csv: "text/csv",
  ndjson: "application/x-ndjson",
};
const LONGEST_MS = 600_000;

// Fetches a file and returns {blob, name, rows, checks}; `progress({rows, items, bytes, size})` hears how far it is.
// Raises Problem: "cut-short" where what came is not what was announced.
export async function fetchFile(format, parameters, { signal, progress }) {
  const asked = { ...parameters, format, ...(format === "csv" ? { bom: "true" } : {}) };
  const response = await get(urlOf("campaigns/export", asked), { signal, headers: { Accept: ACCEPT[format] }, patienceMs: LONGEST_MS });
  const announced = {
    rows: Number(response.headers.get("X-Total-Count") ?? Number.NaN),
    // That of the coding which was sent: what is read here is unpacked.
    size: response.headers.has("Content-Encoding") ? null : Number(response.headers.get("Content-Length") ?? Number.NaN),
    digest: /\bsha-256=:([A-Za-z0-9+/=]+):/.exec(response.headers.get("Repr-Digest") ?? "")?.[1] ?? "",
    isPacked: response.headers.has("Content-Encoding"),
  };
  const counter = format === "xlsx" ? null : new RowCounter(format);
  const chunks = [];
  let bytes = 0;
  try {
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      bytes += value.length;
      counter?.add(value);
      progress({ rows: counter?.rows ?? null, items: announced.rows, bytes, size: announced.size });
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("cut-short", 0);
  }
  const blob = new Blob(chunks, { type: ACCEPT[format] });
  const checks = await check({ blob, bytes, rows: counter?.rows ?? null, announced });
  return { blob, name: nameOf(response, format), rows: announced.rows, checks };
}

// Tells by what the file was found whole, at least one of rows, digest and size.
async function check({ blob, bytes, rows, announced }) {
  const checks = [];
  const compare = (name, found, wanted) => {
    if (found !== wanted) throw new Problem("cut-short", 0, { detail: `${name}: ${found}, ${wanted}` });
    checks.push(name);
  };
  if (rows !== null && !Number.isNaN(announced.rows)) compare("rows", rows, announced.rows);
  // The digest is of the representation as it is sent (RFC 9530), and there is no WebCrypto over plain HTTP.
  if (announced.digest && !announced.isPacked && window.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
    compare("digest", btoa(String.fromCharCode(...digest)), announced.digest);
  }
  if (announced.size !== null && !Number.isNaN(announced.size)) compare("size", bytes, announced.size);
  if (!checks.length) throw new Problem("cut-short", 0);
  return checks;
}

// Counts the rows of a file as it comes: lines of NDJSON, records of CSV (RFC 4180) but for the header.
export class RowCounter {
  #isCsv;
  #records = 0;
  #isQuoted = false;
  #isWithin = false; // a record, which the last one may be without an end of line

  constructor(format) {
    this.#isCsv = format === "csv";
  }

  add(bytes) {
    // All that counts is ASCII, which UTF-8 uses for nothing else.
    for (const byte of bytes) {
      if (byte === 0x22 && this.#isCsv) this.#isQuoted = !this.#isQuoted;
      if (byte === 0x0a && !this.#isQuoted) {
        this.#records += 1;
        this.#isWithin = false;
      } else this.#isWithin = true;
    }
  }

  get rows() {
    const records = this.#records + (this.#isWithin ? 1 : 0);
    return this.#isCsv ? Math.max(0, records - 1) : records;
  }
}

function nameOf(response, format) {
  const told = /filename="([\w.-]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
  return told?.[1] ?? `campaigns.${format}`;
}

// Gives a file to the browser, which saves it.
export function save({ blob, name }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
