// What peers share besides talk: lists, and what came of messages. The only file that knows the routes of it.
import * as api from "./api.js";
import * as live from "./live.js";
import * as store from "./store.js";
import { h, line } from "./dom.js";
import { t } from "./i18n.js";

/** Messages that are held for the view of them, and their bytes. */
const MESSAGES = 500;
const BYTES = 2 << 20;

/** `lists`: ListObject by id; `off` is why there are none; `messages`: what came while somebody looked, the newest last. */
export const state = { lists: new Map(), loaded: false, off: null, messages: [], notes: new Map() };

let bytes = 0;
let numbers = 0;

/** Lists that we may join. */
export const invitations = () => [...state.lists.values()].filter((list) => list.standing === "invited");

/** Lists in which we take part. */
export const joined = () => [...state.lists.values()].filter((list) => list.standing === "joined");

export const loadLists = () => store.once("lists", async () => {
  try {
    const all = await api.get("/api/lists");
    state.lists = new Map(all.map((list) => [list.id, list]));
    state.off = null;
  } catch (error) {
    state.off = error;
    state.lists = new Map();
  }
  state.loaded = true;
  store.note("lists");
});

/** Takes a list in a word, as it is now. */
export function learn(list) {
  state.lists.set(list.id, list);
  store.note("lists", list.id);
  return list;
}

/** True where the program was built without lists. */
export const notBuilt = (error) => error?.error === "not-built";

const path = (list, what = "") => `/api/lists/${encodeURIComponent(list)}${what}`;
const edit = (list, body) => api.send("POST", path(list, "/edits"), body);

export const make = async (name) => learn(await api.send("POST", "/api/lists", { name }));
export const show = async (list) => {
  const { list: about, ...whole } = await api.get(path(list));
  return { ...word(about), ...whole };
};
export const log = (list, limit) => api.get(path(list, "/log"), { limit });
export const join = async (list) => learn(await api.send("POST", path(list, "/join")));
export const undo = (list) => api.send("POST", path(list, "/undo"));
export const invite = (list, to) => api.send("POST", path(list, "/invite"), to ? { to } : { all: true });

export async function leave(list) {
  await api.send("POST", path(list, "/leave"));
  state.lists.delete(list);
  store.note("lists", list);
}

export const add = (list, text, fields) => edit(list, { add: { text, fields } });
export const remove = (list, item) => edit(list, { remove: { item } });

/** Changes what an item says, where `text` is given, and its fields: null drops one. */
export function change(list, item, text, fields = {}) {
  const kept = Object.entries(fields).filter(([, value]) => value !== null);
  const drop = Object.keys(fields).filter((name) => fields[name] === null);
  return edit(list, { set: { item, text, fields: Object.fromEntries(kept), drop } });
}

/** Moves an item to a place, counted from 0. */
export const move = (list, item, to) => edit(list, { move: { item, to: to + 1 } });

export const board = () => api.get("/api/board");
export const tell = (progress) => api.send("POST", "/api/progress", progress);
export const stats = () => api.get("/api/cache/stats");
export const forget = () => api.send("DELETE", "/api/cache");

/** Says something; `json` is the body as it was written, which is JSON. */
export const publish = (message, json) => api.sendText("POST", "/api/publish", `${JSON.stringify(message).slice(0, -1)},"body":${json}}`);

/** True for somebody who is ourselves. */
export const ours = (person) => Boolean(person?.ours || (person?.key && person.key === store.state.me?.key));

/** What somebody is called now: text for one line. */
export function called(person) {
  if (!person) return t("shared.somebody");
  if (ours(person)) return t("talk.you");
  return line(store.state.people.get(person.key)?.name ?? person.name ?? "") || t("shared.somebody");
}

/** The same, kept apart from what stands around it. */
export const who = (person) => h("bdi.name", called(person));

/** True when a pattern means a topic: `+` is any one part, `#` at the end any number of parts. */
export function matches(pattern, topic) {
  const parts = topic.split("/");
  const wanted = pattern.split("/");
  for (const [at, part] of wanted.entries()) {
    if (part === "#" && at === wanted.length - 1) return true;
    if (at >= parts.length || (part !== "+" && part !== parts[at])) return false;
  }
  return parts.length === wanted.length;
}

/** A list in a word, without what was just done to it. */
function word({ by, change, ...list }) {
  return list;
}

live.on("list", (news) => {
  if (news.standing === "left") state.lists.delete(news.id);
  else state.lists.set(news.id, word(news));
  if (news.change?.what === "returned") noted(news.id, news.change);
  store.note("lists", news.id);
  for (const watcher of watchers) watcher(news);
});
live.on("invited", (list) => learn(word(list)));

const watchers = new Set();

/** What a list is called, on one line. */
export const named = (list) => line(list.name).slice(0, 80).trim() || "–";

/** Calls `fn(list)` when a list changed; `by` and `change` in it tell the last of what was done. */
export function onChange(fn) {
  watchers.add(fn);
  return () => watchers.delete(fn);
}

/** An item is back that somebody had removed: told until the user has seen it. */
export function noted(list, done) {
  if (!state.notes.has(list)) state.notes.set(list, new Map());
  const notes = state.notes.get(list);
  notes.set(done.item, done);
  if (notes.size > 20) notes.delete(notes.keys().next().value);
}

/** Takes a message of a program, and the JSON that it came in. */
export function said({ from, topic, kind, sealed }, json) {
  numbers += 1;
  const kept = { from, topic, kind, sealed, key: String(numbers), at: Date.now(), text: text(json) };
  state.messages.push(kept);
  bytes += kept.text.length;
  while (state.messages.length > MESSAGES || (bytes > BYTES && state.messages.length > 1)) bytes -= state.messages.shift().text.length;
  store.note("messages", kept.key);
}

/** Numbers as they were written: a number of a browser holds 15 digits. */
const exact = (_, value, context) => (typeof value === "number" && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value);

/** A body as JSON on several lines where that is readable, and on one where it is short or long. */
function text(json) {
  try {
    const value = JSON.parse(json, exact).body;
    const flat = JSON.stringify(value);
    return flat.length < 100 || flat.length > 4_000 ? flat : JSON.stringify(value, null, 2);
  } catch {
    // Too deep for that.
    return json;
  }
}

/** Begins to know what is shared, once the page knows who is here. */
export function begin() {
  if (api.hasToken() && store.state.me?.lists) loadLists();
}

live.on("reload", () => { if (state.loaded) loadLists(); });
let opened = false;
live.on("open", () => {
  if (opened && state.loaded) loadLists();
  opened = true;
});
