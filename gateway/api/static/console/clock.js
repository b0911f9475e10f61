// Time, without the clock of this machine: that may be an hour off. What the time is, is known from the answers' Date;
// how much has passed, from the browser's steady clock. That one stands still while the machine sleeps, which shows in
// the difference to the other one.

const NAP_MS = 3000;

let sleptMs = 0;
let before = { steady: performance.now(), wall: Date.now() };
let ahead = null; // what to add to elapsed() for the time of the gateway

// Milliseconds since the page was opened, those of sleep too.
export const elapsed = () => performance.now() + sleptMs;

// Notices sleep; to be called about once a second. Tells whether there was some.
export function tick() {
  const now = { steady: performance.now(), wall: Date.now() };
  const gone = now.wall - before.wall - (now.steady - before.steady);
  before = now;
  if (gone < NAP_MS) return false;
  sleptMs += gone;
  return true;
}

// Takes the time from an answer that has just come. Its Date is of whole seconds, cut, hence half of one more.
export function learn(headers) {
  const date = Date.parse(headers.get("Date"));
  if (!Number.isNaN(date)) ahead = date + 500 - elapsed();
}

// The time of the gateway in milliseconds since 1970; before any answer, that of this machine.
export const now = () => (ahead === null ? Date.now() : elapsed() + ahead);
