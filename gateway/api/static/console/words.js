// The page's words in the language of its user: that of the browser, or the one that was chosen here.

const NAME = "campaign-gateway.language";
const LANGUAGES = { en: "en", zh: "zh-CN" };

let language = "en";
let words = {};

// Loads the words: of what was chosen before, else of the first language of the browser that there is.
export async function choose(wanted = null) {
  let chosen = wanted;
  try {
    if (wanted) localStorage.setItem(NAME, wanted);
    else chosen = localStorage.getItem(NAME);
  } catch {
    // Without storage it holds until the page is left.
  }
  const known = [chosen, ...navigator.languages.map((tag) => tag.split("-")[0].toLowerCase())];
  language = known.find((name) => Object.hasOwn(LANGUAGES, name)) ?? "en";
  words = (await import(`./words-${language}.js`)).default;
  document.documentElement.lang = languageTag();
}

export const languageTag = () => LANGUAGES[language];
export const otherLanguage = () => (language === "en" ? "zh" : "en");

// A sentence with {name} replaced by values. Where one is of a number {n}, `key.one` is that for a single one.
export function say(key, values = {}) {
  const text = (values.n === 1 && words[`${key}.one`]) || words[key];
  if (text === undefined) throw new Error(`no words for ${key} in ${language}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
}

// How numbers and dates are written: as the browser's user has them, where that is in the language of the words.
export const locale = () => navigator.languages.find((tag) => tag.split("-")[0].toLowerCase() === language) ?? languageTag();
export const number = (value) => new Intl.NumberFormat(locale()).format(value);
