// The words of the page, in the language that the person chose or the browser prefers.
import de from "./de.js";
import en from "./en.js";

const CATALOGUES = { de, en };
const REMEMBERED = "calbridge.language";

let language = "en";
let words = en;

const primary = (tag) => tag.toLowerCase().split("-")[0];

// Storage may be forbidden; the choice then lasts as long as the page.
function remembered() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

function use(name) {
  language = name;
  words = CATALOGUES[name];
  document.documentElement.lang = name;
}

export function begin() {
  const wanted = [remembered(), ...navigator.languages].map((tag) => primary(tag ?? ""));
  use(wanted.find((name) => Object.hasOwn(CATALOGUES, name)) ?? "en");
  return language;
}

export function choose(name) {
  use(name);
  try {
    localStorage.setItem(REMEMBERED, name);
  } catch {
    // not remembered, see above
  }
}

// The browser's own variant of the chosen language (en-GB) for dates, or the language alone.
export function locale() {
  return navigator.languages.find((tag) => primary(tag) === language) ?? language;
}

const fill = (form, values) =>
  form.replace(/\{(\w+)\}/g, (mark, name) => String(values[name] ?? mark));

// The text of a key ("fail.denied" looks into an object), or undefined.
function find(key) {
  return key.split(".").reduce((place, name) =>
    typeof place === "object" && Object.hasOwn(place, name) ? place[name] : undefined, words);
}

export const has = (key) => typeof find(key) === "string";

export function t(key, values = {}) {
  const found = find(key);

  if (typeof found !== "object") return fill(found ?? key, values);
  return fill(found[new Intl.PluralRules(language).select(values.n)] ?? found.other, values);
}
