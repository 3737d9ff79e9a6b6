// Every request to the peer goes through here.
import * as comeback from "./comeback.js";

const KEY = "peer.token";
let token = read();
const watchers = new Set();

function read() {
  try { return localStorage.getItem(KEY) ?? ""; } catch { return token ?? ""; }
}

function keep(fresh) {
  token = fresh;
  try { fresh ? localStorage.setItem(KEY, fresh) : localStorage.removeItem(KEY); } catch { /* it holds in this tab */ }
}

// Another tab came in, or left.
addEventListener("storage", (event) => {
  if (event.key !== KEY || (event.newValue ?? "") === token) return;
  const was = token;
  token = event.newValue ?? "";
  // One token for another is the same page.
  if (!was || !token) for (const watcher of watchers) watcher(token !== "");
});

/** Calls back with true once this page may ask again, and with false once it may not any more. */
export function onAccess(watcher) {
  watchers.add(watcher);
}

/** What the peer said no with; `status` is 0 where it did not answer. */
export class ApiError extends Error {
  constructor(status, body) {
    super(body?.message ?? "");
    this.status = status;
    this.error = body?.error ?? (status === 0 ? "no-answer" : "failed");
    this.candidates = body?.candidates ?? [];
    this.retryAfterMs = body?.retry_after_ms;
  }
}

export const hasToken = () => token !== "";
/** The token that requests show now. */
export const shown = () => token;
export const headers = () => (token ? { "X-Peer-Token": token } : {});

async function ask(method, path, { body, type, signal, first = true } = {}) {
  let answer;
  const used = token;
  try {
    answer = await fetch(path, {
      method, signal, body, cache: "no-store", redirect: "error",
      headers: { ...headers(), ...(type ? { "Content-Type": type } : {}) },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, null);
  }
  if (answer.ok) return answer;
  let told = null;
  try { told = await answer.json(); } catch { /* told by the status alone */ }
  if (answer.status === 401 && first && path !== "/api/enter" && await refused(answer, used)) return ask(method, path, { body, type, signal, first: false });
  throw new ApiError(answer.status, told);
}

let coming = null;

/** The token that was used is not taken any more; true once there is another one. */
export function refused(answer, used = token) {
  coming ??= alone(() => comeIn(answer, used)).finally(() => { coming = null; });
  return coming;
}

/** In one tab after the other. */
const alone = (deed) => (navigator.locks ? navigator.locks.request("peer-token", deed) : deed());

async function comeIn(answer, used) {
  const kept = read();
  if (kept !== used) token = kept;
  if (token !== used) return token !== "";
  const start = /^Peer start="([\w-]+)"$/.exec(answer.headers.get("WWW-Authenticate") ?? "");
  const proof = start && await comeback.proof(start[1]);
  if (proof) {
    try { keep((await send("POST", "/api/enter", proof)).token); return true; } catch (error) {
      // It does not answer, or not now.
      if (error.status === 0 || error.status >= 500) return false;
    }
  }
  keep("");
  for (const watcher of watchers) watcher(false);
  return false;
}

async function json(answer) {
  try { return await answer.json(); } catch { throw new ApiError(0, null); }
}

function asked(path, query) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== false);
  return given.length ? `${path}?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}` : path;
}

/** The object that a path answers; throws an ApiError. */
export const get = async (path, query, signal) => json(await ask("GET", asked(path, query), { signal }));

/** The answer itself, for what is read as it comes. */
export const stream = (path, query, signal) => ask("GET", asked(path, query), { signal });

/** Asks for a change; `body` is sent as JSON. */
export const send = async (method, path, body) =>
  json(await ask(method, path, body === undefined ? {} : { body: JSON.stringify(body), type: "application/json" }));

/** Sends a text that is JSON already. */
export const sendText = async (method, path, body) => json(await ask(method, path, { body, type: "application/json" }));

/** Sends bytes. */
export const put = async (path, blob) => json(await ask("PUT", path, { body: blob, type: blob.type || "application/octet-stream" }));

/** Trades the code of the address for a token. */
export async function enter(code) {
  const entered = await send("POST", "/api/enter", { code, key: await comeback.key() });
  keep(entered.token);
}

/** Gives the token back, and forgets it in every tab. */
export async function leave() {
  try { await send("DELETE", "/api/enter"); } finally {
    keep("");
    await comeback.forget();
    for (const watcher of watchers) watcher(false);
  }
}
