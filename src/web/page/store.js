// What the page knows. Events change it here and nowhere else; views subscribe.
import * as api from "./api.js";
import * as live from "./live.js";

/** `people`: PeerObject by id(peer), with `heardAt`. `conversations`: ConversationObject by id(with), "" for everyone. */
export const state = {
  me: null,
  people: new Map(),
  conversations: new Map(),
  unread: 0,
  loaded: false,
  alerts: new Map(),
};

/** What tells one person from all others as long as the page is open: the key, or the id of somebody without one. */
export const id = (person) => (person ? person.key ?? person.id : "");

/** The place of the conversation with somebody; of everyone without. */
export const talkPath = (person) => (person ? `/talk/${encodeURIComponent(id(person))}` : "/talk");

const subscribers = new Map();
const changed = new Map();
let due = false;

/**
 * Calls `fn(ids)` after a change, at most once a frame; `ids` has what changed, or is null for all of it.
 * Topics: `me`, `people`, `conversations`, `unread`, `alerts`; those of data.js.
 */
export function subscribe(topic, fn) {
  if (!subscribers.has(topic)) subscribers.set(topic, new Set());
  subscribers.get(topic).add(fn);
  return () => subscribers.get(topic).delete(fn);
}

/** Tells those who subscribed that something changed. */
export function note(topic, what) {
  if (what === undefined) changed.set(topic, null);
  else if (!changed.has(topic)) changed.set(topic, new Set([what]));
  else changed.get(topic)?.add(what);
  if (due) return;
  due = true;
  // A hidden page draws no frames, but its title tells what is unread.
  if (document.hidden) setTimeout(publish, 30);
  else requestAnimationFrame(publish);
}

function publish() {
  due = false;
  const told = [...changed];
  changed.clear();
  for (const [topic, ids] of told) for (const fn of subscribers.get(topic) ?? []) {
    try { fn(ids); } catch (error) { console.error(error); }
  }
}

/** Seconds since somebody was heard. */
export const heardFor = (peer) => (peer.heardAt === undefined ? undefined : Math.max(0, Math.round((Date.now() - peer.heardAt) / 1000)));

function take(peer) {
  const known = state.people.get(id(peer));
  const taken = { ...peer, heardAt: peer.heard === undefined ? known?.heardAt : Date.now() - peer.heard * 1000 };
  delete taken.what;
  if (known && taken.interface === undefined && taken.address === known.address) taken.interface = known.interface;
  state.people.set(id(peer), taken);
  return taken;
}

/** The person with this id, this `who`, or this name that nobody else has. */
export function person(what) {
  const found = state.people.get(what);
  if (found) return found;
  const all = [...state.people.values()];
  const exact = what && all.find((peer) => peer.who === what || peer.id === what || peer.address === what);
  if (exact) return exact;
  const called = all.filter((peer) => peer.name === what);
  return called.length === 1 ? called[0] : undefined;
}

/** What the API is told to mean this person and nobody else. */
export function who(what) {
  return person(what)?.who ?? state.conversations.get(what)?.who ?? what;
}

let stale = false;
const running = new Map();

/** One at a time, and once more where it was asked for meanwhile. */
export function once(key, load) {
  const now = running.get(key);
  if (now) { now.again = true; return now.done; }
  const run = { again: false };
  run.done = (async () => {
    do { run.again = false; await load(); } while (run.again);
  })().finally(() => running.delete(key));
  running.set(key, run);
  return run.done;
}

export const loadMe = () => once("me", async () => {
  const [status, profile] = await Promise.all([api.get("/api/status"), api.get("/api/profile")]);
  state.me = { ...status, picture: profile.picture, avatar: profile.avatar, chosen: profile.name };
  note("me");
});

export const loadPeople = () => once("people", async () => {
  const peers = await api.get("/api/peers", { all: true });
  const before = state.people;
  state.people = new Map();
  for (const peer of peers) {
    const known = before.get(id(peer));
    const fresh = take(peer);
    if (known && peer.heard === undefined) fresh.heardAt = known.heardAt;
    watchKey(fresh);
  }
  for (const what of state.alerts.keys()) if (!state.people.has(what) && state.alerts.delete(what)) note("alerts");
  note("people");
});

export const loadConversations = () => once("conversations", async () => {
  if (state.me && !state.me.history) return;
  let list;
  try { list = await api.get("/api/conversations"); } catch (error) {
    if (error.status === 503) return;
    throw error;
  }
  state.conversations = new Map(list.map((one) => [id(one.with), one]));
  count();
  note("conversations");
});

function count() {
  let sum = 0;
  for (const one of state.conversations.values()) sum += one.unread;
  if (sum === state.unread) return;
  state.unread = sum;
  note("unread");
}

/** Reads everything anew. */
export async function loadAll() {
  try {
    await Promise.all([loadMe(), loadPeople()]);
    await loadConversations();
  } catch (error) {
    stale = true;
    throw error;
  }
  state.loaded = true;
  note("me");
}

const planned = new Set();

/** Once, however often it is asked for until then. */
export function soon(load, milliseconds = 300) {
  if (planned.has(load)) return;
  planned.add(load);
  setTimeout(() => { planned.delete(load); load().catch(() => {}); }, milliseconds);
}

const postponed = new Set();

/** Tells the user that somebody has a new key, or stops telling it once that was decided. */
function watchKey(peer) {
  const what = id(peer);
  if (peer.trust === "new key" && !peer.blocked) {
    if (state.alerts.has(what) || postponed.has(what)) return;
    state.alerts.set(what, peer);
    note("alerts");
    return;
  }
  postponed.delete(what);
  if (state.alerts.delete(what)) note("alerts");
}

/** The user will decide later about somebody's new key. */
export function postpone(what) {
  postponed.add(what);
  if (state.alerts.delete(what)) note("alerts");
}

/** Takes a PeerObject that the API answered. */
export function learn(peer) {
  const taken = take(peer);
  watchKey(taken);
  note("people", id(peer));
  return taken;
}

/** Takes the ProfileObject that the API answered. */
export function learnProfile(profile) {
  if (!state.me) return;
  const own = profile.id.slice(0, profile.id.lastIndexOf("@"));
  const { status, picture, avatar } = profile;
  state.me = { ...state.me, id: profile.id, name: profile.name ?? own, chosen: profile.name, status, picture, avatar };
  note("me");
}

live.on("peer", (peer) => {
  const gone = peer.what === "left" || peer.what === "gone";
  if (gone && !peer.key) {
    state.people.delete(id(peer));
    note("people", id(peer));
    return;
  }
  const taken = take(gone ? { ...peer, presence: "away", address: undefined, interface: undefined } : peer);
  watchKey(taken);
  note("people", id(peer));
  // No event tells that it answered since, and how fast.
  if (taken.presence === "heard" || (!gone && taken.round_trip_us === undefined)) soon(loadPeople, 1_000);
});

const same = (a, b) => (a?.row !== undefined && a.row === b.row)
  || (a?.message === b.message && a.ours === b.ours && id(a.with) === id(b.with));
const seen = new Set();

function said(line) {
  const place = line.type === "post" ? "" : id(line.with);
  const known = state.conversations.get(place);
  const mark = `${line.ours} ${line.message} ${id(line.with)}`;
  if (same(known?.last, line) || seen.has(mark)) return;
  seen.add(mark);
  if (seen.size > 4_000) seen.delete(seen.values().next().value);
  const fresh = known ?? { type: "conversation", with: line.type === "post" ? undefined : line.with, who: place ? who(place) : undefined, unread: 0 };
  const newest = !known?.last || !line.late ? line : known.last;
  state.conversations.set(place, {
    ...fresh, last: newest, with: place ? line.with ?? fresh.with : undefined,
    unread: fresh.unread + (line.ours || line.read ? 0 : 1),
  });
  count();
  note("conversations", place);
}

live.on("post", said);
live.on("dm", said);
live.on("mark", (sent) => {
  const place = id(sent.to);
  const known = state.conversations.get(place);
  if (!known?.last?.ours || known.last.message !== sent.message) return;
  state.conversations.set(place, { ...known, last: { ...known.last, mark: sent.mark, reason: sent.reason } });
  note("conversations", place);
});
live.on("read", () => soon(loadConversations));
live.on("forgotten", () => soon(loadConversations));
live.on("caught-up", () => soon(loadConversations));
live.on("renamed", () => loadMe().catch(() => {}));

/** Rows of a conversation were shown: what is unread falls at once, and is counted anew soon. */
export function wasRead(place, lines) {
  const known = state.conversations.get(place);
  if (!known || !lines) return;
  state.conversations.set(place, { ...known, unread: Math.max(0, known.unread - lines) });
  count();
  note("conversations", place);
}

/** Keeps what no event tells, such as when somebody was last heard, fresh while a view shows it. */
export function keepFresh(seconds = 10) {
  const timer = setInterval(() => {
    if (!document.hidden && live.isOpen()) loadPeople().catch(() => {});
  }, seconds * 1000);
  return () => clearInterval(timer);
}

live.on("open", () => {
  // The first time everything is read by the start of the page; after a break, what events do not tell.
  if (stale) loadAll().catch(() => {});
  stale = true;
});
live.on("reload", () => loadAll().catch(() => {}));
