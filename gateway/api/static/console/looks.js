// The theme: that of the browser, or the one that was chosen here.

import { el, part } from "./dom.js";
import { say } from "./words.js";

const NAME = "campaign-gateway.theme";
const THEMES = ["auto", "light", "dark"];

export function build() {
  const choice = part("theme");
  choice.replaceChildren(...THEMES.map((theme) => el("option", { value: theme }, say(`theme.${theme}`))));
  choice.value = document.documentElement.dataset.theme ?? "auto";
  choice.onchange = () => wear(choice.value);
}

function wear(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(NAME, theme);
  } catch {
    // Without storage it holds until the page is left.
  }
}
