// The event stream: it comes back by itself, and goes on where it ended.
import { hasToken, headers, onAccess, refused, shown } from "./api.js";

const SILENT = 20_000;
const FIRST = 250;
const LONGEST = 1_500;
const LOCK = "peer-stream";

const listeners = new Map();
let last = "";
let open = false;
let told = "";
let heard = 0;
let wait = FIRST;
let timer = 0;
let current = null;
let wanted = false;
let letGo = null;

/** Calls `fn(data)` at every event of this type; gives back what ends that. */
export function on(type, fn) {
  if (!listeners.has(type)) listeners.set(type, new Set());
  listeners.get(type).add(fn);
  return () => listeners.get(type).delete(fn);
}

function emit(type, data) {
  for (const fn of listeners.get(type) ?? []) {
    try { fn(data); } catch (error) { console.error(error); }
  }
}

export const isOpen = () => open;

function became(state) {
  open = state === "open";
  if (told === state) return;
  told = state;
  emit(state);
}

function frame(text) {
  const made = { id: undefined, type: "message", data: "" };
  for (const line of text.split("\n")) {
    const at = line.indexOf(":");
    if (at < 1) continue;
    const value = line.slice(line[at + 1] === " " ? at + 2 : at + 1);
    const field = line.slice(0, at);
    if (field === "id") made.id = value;
    else if (field === "event") made.type = value;
    else if (field === "data") made.data += made.data ? `\n${value}` : value;
  }
  return made;
}

/** Reads a stream until it ends: `part()` at whatever comes, which gives back false to stop, and `whole({ id, type, data })` at every event. */
export async function frames(answer, part, whole) {
  const bytes = answer.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await bytes.read();
    if (done) throw new Error("ended");
    if (part() === false) return;
    rest += decoder.decode(value, { stream: true });
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      whole(frame(rest.slice(0, end)));
      rest = rest.slice(end + 2);
    }
  }
}

async function read(run) {
  const used = shown();
  const answer = await fetch("/api/events", {
    signal: run.signal, cache: "no-store", headers: { ...headers(), ...(last ? { "Last-Event-ID": last } : {}) },
  });
  if (answer.status === 401 && await refused(answer, used)) wait = FIRST;
  // An id that it does not understand would be refused for ever.
  if (answer.status === 400) last = "";
  if (!answer.ok) throw new Error(String(answer.status));
  await frames(answer, () => {
    if (run !== current) return false;
    heard = performance.now();
    wait = FIRST;
    became("open");
    return true;
  }, ({ id, type, data }) => {
    if (id !== undefined) last = id;
    if (!data) return;
    let object;
    try { object = JSON.parse(data); } catch { return; }
    emit(type, object);
  });
}

function connect() {
  clearTimeout(timer);
  timer = 0;
  current?.abort();
  if (!wanted || !hasToken()) return;
  const run = new AbortController();
  current = run;
  heard = performance.now();
  read(run).catch(() => {
    if (run !== current) return;
    current = null;
    became("lost");
    timer = setTimeout(connect, wait);
    wait = Math.min(wait * 2, LONGEST);
  });
}

/** Tries at once. */
export function again() {
  wait = FIRST;
  if (wanted) connect();
}

export function start() {
  wanted = true;
  connect();
  if (document.hidden) hide();
}

export function stop() {
  wanted = false;
  clearTimeout(timer);
  current?.abort();
  current = null;
  open = false;
  told = "";
}

/** Of the hidden tabs one keeps its stream: a browser allows six connections, and other tabs need some. */
function hide() {
  if (!navigator.locks) return;
  const waiting = new AbortController();
  let held = false;
  letGo = () => waiting.abort();
  navigator.locks.request(LOCK, { signal: waiting.signal }, () => {
    held = true;
    if (!document.hidden) return undefined;
    if (!current && wanted) connect();
    return new Promise((release) => { letGo = release; });
  }).catch(() => {});
  setTimeout(() => {
    if (held || !document.hidden) return;
    clearTimeout(timer);
    current?.abort();
    current = null;
  }, 2_000);
}

function show() {
  letGo?.();
  letGo = null;
  if (wanted && (!current || performance.now() - heard > 16_000)) again();
}

document.addEventListener("visibilitychange", () => (document.hidden ? hide() : show()));
document.addEventListener("resume", () => again());
addEventListener("online", again);
addEventListener("pageshow", (event) => event.persisted && again());
onAccess((may) => { if (may && wanted) { last = ""; again(); } });

// A gap between two beats means that the computer slept: what the stream said meanwhile may be lost.
let beat = Date.now();
setInterval(() => {
  const now = Date.now();
  const slept = now - beat > 6_000 && !document.hidden;
  beat = now;
  if (!wanted || (!current && !timer)) return;
  if (slept || (current && performance.now() - heard > SILENT)) {
    // After a sleep all is read anew, as after a break.
    if (slept) told = "";
    else became("lost");
    again();
  }
}, 1_000);
