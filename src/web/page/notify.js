// Notifications of the browser: only where the user allowed them, and only while the page is hidden.
import * as live from "./live.js";
import * as store from "./store.js";
import { line } from "./dom.js";
import { t } from "./i18n.js";

const KEY = "peer.notify";
const there = "Notification" in globalThis;

export const refused = () => !there || Notification.permission === "denied";

export function enabled() {
  try { return there && Notification.permission === "granted" && localStorage.getItem(KEY) === "on"; } catch { return false; }
}

/** Turns them on or off, asking the user once; gives back whether they are on now. */
export async function enable(yes) {
  if (yes && there && Notification.permission === "default") await Notification.requestPermission();
  const on = yes && there && Notification.permission === "granted";
  try { on ? localStorage.setItem(KEY, "on") : localStorage.removeItem(KEY); } catch { return false; }
  return on;
}

function tell(title, body, tag, path) {
  if (!document.hidden || !enabled()) return;
  try {
    const told = new Notification(title, { body, tag, icon: "/page/icon.svg", dir: "auto" });
    told.onclick = () => { window.focus(); location.hash = `#${path}`; told.close(); };
  } catch { /* some browsers only let a service worker do this */ }
}

/** Begins to tell; once for the whole page. */
export function begin() {
  live.on("dm", (said) => {
    if (said.ours || said.late) return;
    const known = store.state.people.get(store.id(said.with));
    if (known?.blocked || known?.muted) return;
    tell(line(said.with.name), line(said.text).slice(0, 160), store.id(said.with), store.talkPath(said.with));
  });
  live.on("peer", (peer) => {
    if (peer.what === "new-key") tell(t("notify.new-key", { name: line(peer.name) }), t("new-key.short"), `key ${store.id(peer)}`, "/people");
  });
}
