// The key or token: kept for this tab alone, by the browser, until the tab is closed.

const NAME = "campaign-gateway.credential";
let held = null;

export function credential() {
  if (held === null) {
    try {
      held = sessionStorage.getItem(NAME) ?? "";
    } catch {
      held = "";
    }
  }
  return held;
}

export function keep(value) {
  held = value;
  try {
    if (value) sessionStorage.setItem(NAME, value);
    else sessionStorage.removeItem(NAME);
  } catch {
    // Without storage it is asked for again after a reload.
  }
}

// A JWT is three parts in base64url, the first of which is a JSON object: `{"` is `eyJ`.
export const isToken = (value) => /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(value);

// Whether a header can carry it. Browsers send no others, and say so in the words for a server that does not answer.
export const isOne = (value) => /^[!-~]+$/.test(value);

// The header that carries it.
export const header = (value = credential()) =>
  isToken(value) ? { Authorization: `Bearer ${value}` } : { "X-API-Key": value };
