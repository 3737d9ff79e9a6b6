// The stream of messages of programs, beside that of all else: open while somebody looks.
import * as api from "./api.js";
import { frames } from "./live.js";

const FIRST = 250;
const LONGEST = 4_000;

/** Calls `came(type, json)` at every message of a topic that the pattern means, from now on; gives back what ends that. */
export function tail(pattern, came) {
  let last = "";
  let wait = FIRST;
  let timer = 0;
  let run = null;

  async function connect() {
    clearTimeout(timer);
    run?.abort();
    const mine = new AbortController();
    run = mine;
    try {
      const headers = { ...api.headers(), ...(last ? { "Last-Event-ID": last } : {}) };
      const answer = await fetch(`/api/events?topic=${encodeURIComponent(pattern)}`, { signal: mine.signal, cache: "no-store", headers });
      if (answer.status === 400) last = "";
      if (!answer.ok) throw new Error(String(answer.status));
      await frames(answer, () => { wait = FIRST; return run === mine; }, ({ id, type, data }) => {
        if (id !== undefined) last = id;
        if (!data) return;
        try { came(type, data); } catch (error) { console.error(error); }
      });
    } catch {
      if (run !== mine) return;
      timer = setTimeout(connect, wait);
      wait = Math.min(wait * 2, LONGEST);
    }
  }

  function pause() {
    clearTimeout(timer);
    run?.abort();
    run = null;
  }

  // A browser allows six connections: what is hidden needs none. It goes on where it ended.
  const seen = () => {
    clearTimeout(timer);
    if (!document.hidden) { if (!run) connect(); } else timer = setTimeout(pause, 5_000);
  };
  document.addEventListener("visibilitychange", seen);
  seen();
  return () => {
    document.removeEventListener("visibilitychange", seen);
    pause();
  };
}
