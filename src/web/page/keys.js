// Keyboard shortcuts: single keys outside of fields, which can be turned off.
const known = [];
let started = "";
let timer = 0;

export function enabled() {
  try { return localStorage.getItem("peer.keys") !== "off"; } catch { return true; }
}

export function enable(yes) {
  try { yes ? localStorage.removeItem("peer.keys") : localStorage.setItem("peer.keys", "off"); } catch { /* until the page is closed */ }
}

/** `keys` such as "?" or "g p"; `label` a key of the locale. Gives back what ends it. */
export function shortcut(keys, label, run) {
  const made = { keys, label, run };
  known.push(made);
  return () => known.splice(known.indexOf(made), 1);
}

export const shortcuts = () => known;

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable], dialog") || document.querySelector("dialog[open]")) return;
  if (!enabled() || event.key.length !== 1) return;
  const typed = started ? `${started} ${event.key}` : event.key;
  clearTimeout(timer);
  started = "";
  const hit = known.findLast((one) => one.keys === typed);
  if (hit) {
    event.preventDefault();
    hit.run();
  } else if (known.some((one) => one.keys.startsWith(`${typed} `))) {
    started = typed;
    timer = setTimeout(() => { started = ""; }, 1_500);
  }
});
