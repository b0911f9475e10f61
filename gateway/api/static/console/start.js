// What the first view needs is under way before all other modules are there: the words, and whose the credential is, where
// this tab has one.

import { credential } from "./credentials.js";
import { getJson } from "./gateway.js";
import { choose } from "./words.js";

await choose();

// The answer about that, for who takes it away from here; null for none.
export const first = { me: credential() ? getJson("me") : null };

// Whoever takes it hears why there is none.
first.me?.catch(() => {});
