// Every word of the page, from locale/*.json.

const LANGUAGES = { en: "English", ar: "العربية" };
const words = {};
let language = "en";
let plural;
let formats;

export const languages = LANGUAGES;
export const current = () => language;

function wanted() {
  let kept = null;
  try { kept = localStorage.getItem("peer.language"); } catch { /* by the browser's languages */ }
  if (kept && LANGUAGES[kept]) return kept;
  return [...(navigator.languages ?? [])].map((one) => one.slice(0, 2)).find((one) => LANGUAGES[one]) ?? "en";
}

/** Loads the words of a language, and turns the page its way. */
export async function load(chosen = wanted()) {
  const from = async (one) => { words[one] ??= await (await fetch(`/page/locale/${one}.json`)).json(); };
  await Promise.all([...new Set(["en", chosen])].map(from));
  language = chosen;
  document.documentElement.lang = chosen;
  document.documentElement.dir = chosen === "ar" ? "rtl" : "ltr";
  plural = new Intl.PluralRules(chosen);
  const tag = chosen === "en" && navigator.language?.startsWith("en") ? navigator.language : chosen;
  formats = {
    number: new Intl.NumberFormat(tag, { maximumFractionDigits: 1 }),
    time: new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit" }),
    day: new Intl.DateTimeFormat(tag, { weekday: "long", day: "numeric", month: "long" }),
    date: new Intl.DateTimeFormat(tag, { day: "numeric", month: "short", year: "numeric" }),
    full: new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "medium" }),
    ago: new Intl.RelativeTimeFormat(tag, { numeric: "auto", style: "short" }),
    list: new Intl.ListFormat(tag, { type: "conjunction" }),
  };
}

/** Keeps a language for this browser; the page is drawn anew by whoever asks. */
export async function choose(chosen) {
  try { localStorage.setItem("peer.language", chosen); } catch { /* until the page is closed */ }
  await load(chosen);
}

function pattern(key, vars) {
  let found = words[language]?.[key] ?? words.en?.[key];
  if (found === undefined) return key;
  if (typeof found === "object") found = found[vars?.n === 0 && found.zero !== undefined ? "zero" : plural.select(vars?.n ?? 0)] ?? found.other;
  return found;
}

const shown = (value) => (typeof value === "number" ? formats.number.format(value) : String(value ?? ""));

/** The words of a key; `{name}` in them is taken from `vars`, and `vars.n` chooses the plural. */
export function t(key, vars) {
  return pattern(key, vars).replace(/\{(\w+)\}/g, (_, one) => shown(vars?.[one]));
}

/** The same as a list of texts and nodes, where some of `vars` are nodes. */
export function tn(key, vars) {
  return pattern(key, vars).split(/\{(\w+)\}/).map((part, at) => {
    if (at % 2 === 0) return part;
    return vars?.[part] instanceof Node ? vars[part] : shown(vars?.[part]);
  }).filter((part) => part !== "");
}

/** True where the locale has this key. */
export const has = (key) => words[language]?.[key] !== undefined;

export const number = (value) => formats.number.format(value);
export const list = (all) => formats.list.format(all);
const date = (value) => (value instanceof Date ? value : new Date(value));
export const time = (value) => formats.time.format(date(value));
export const day = (value) => formats.day.format(date(value));
export const calendar = (value) => formats.date.format(date(value));
export const moment = (value) => formats.full.format(date(value));

/** So many seconds ago, in words. */
export function ago(seconds) {
  if (seconds < 60) return formats.ago.format(-Math.round(seconds), "second");
  if (seconds < 3_600) return formats.ago.format(-Math.round(seconds / 60), "minute");
  if (seconds < 86_400) return formats.ago.format(-Math.round(seconds / 3_600), "hour");
  if (seconds < 86_400 * 30) return formats.ago.format(-Math.round(seconds / 86_400), "day");
  return formats.date.format(new Date(Date.now() - seconds * 1000));
}

/** A time that is short near now: the hour of today, else the day. */
export function short(value) {
  const then = date(value);
  return then.toDateString() === new Date().toDateString() ? time(then) : calendar(then);
}

function measured(value, unit, maximumFractionDigits, unitDisplay = "short") {
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay, maximumFractionDigits }).format(value);
}

/** Bytes in words. */
export function bytes(value) {
  const step = value < 1_000 ? 0 : value < 1e6 ? 1 : value < 1e9 ? 2 : 3;
  return measured(value / 1000 ** step, ["byte", "kilobyte", "megabyte", "gigabyte"][step], step ? 1 : 0, step ? "short" : "long");
}

/** The way there and back, from microseconds. */
export function roundTrip(micros) {
  const ms = micros / 1000;
  return measured(ms, "millisecond", ms < 10 ? 1 : 0);
}
