// Every request to the peer goes through here.

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
  token = event.newValue ?? "";
  for (const watcher of watchers) watcher(token !== "");
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
export const headers = () => (token ? { "X-Peer-Token": token } : {});

async function ask(method, path, { body, type, signal } = {}) {
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
  if (answer.status === 401 && path !== "/api/enter") refused(used);
  throw new ApiError(answer.status, told);
}

/** This page's token is not taken any more. */
export function refused(used = token) {
  if (used !== token) return;
  const kept = read();
  if (kept && kept !== token) { token = kept; return; }
  keep("");
  for (const watcher of watchers) watcher(false);
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
  const entered = await send("POST", "/api/enter", { code });
  keep(entered.token);
}

/** Gives the token back, and forgets it in every tab. */
export async function leave() {
  try { await send("DELETE", "/api/enter"); } finally {
    keep("");
    for (const watcher of watchers) watcher(false);
  }
}
