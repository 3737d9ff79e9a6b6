// Signs, drawn on a grid of 24: strokes, unless a path begins with "f" for filled.
import { s } from "./dom.js";

const PATHS = {
  people: ["M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z", "M2.5 20c.4-3.6 3-5.5 6.5-5.5s6.1 1.9 6.5 5.5", "M15.5 4.5a3.2 3.2 0 0 1 0 6.2", "M17.5 14.8c2.3.7 3.7 2.5 4 5.2"],
  talk: ["M4 5h16v11.5H11l-4.5 3.5v-3.5H4Z", "M8 9.3h8M8 12.3h5"],
  network: ["M12 8.2a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4Z", "M5.2 20.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4Z", "M18.8 20.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4Z", "M10.7 8 6.5 15.5M13.3 8l4.2 7.5M8 18h8"],
  shared: ["M8.5 5H20.5M8.5 11.8H20.5M8.5 18.6H14", "M3.3 5.2l1 1 1.8-2.2M3.3 12l1 1 1.8-2.2M3.6 18.6h2", "M19 15.8v5.6M16.2 18.6h5.6"],
  me: ["M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z", "M4 20.5c.6-4 3.6-6 8-6s7.4 2 8 6"],
  api: ["M8.5 4.5c-2.5 0-3 1-3 3v1.7c0 1.6-.8 2.5-2.2 2.8 1.4.3 2.2 1.2 2.2 2.8v1.7c0 2 .5 3 3 3", "M15.5 4.5c2.5 0 3 1 3 3v1.7c0 1.6.8 2.5 2.2 2.8-1.4.3-2.2 1.2-2.2 2.8v1.7c0 2-.5 3-3 3"],
  search: ["M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z", "m15.3 15.3 5.2 5.2"],
  close: ["M6 6l12 12M18 6 6 18"],
  plus: ["M12 5v14M5 12h14"],
  copy: ["M9 9h11v11H9Z", "M5.5 15H4V4h11v1.5"],
  verified: ["M12 3 4.8 5.8v5.7c0 4.5 2.9 7.7 7.2 9.5 4.3-1.8 7.2-5 7.2-9.5V5.8Z", "m8.6 12 2.4 2.4 4.4-4.7"],
  "new-key": ["M12 3.5 2.5 20h19Z", "M12 10v4.5M12 17.2v.3"],
  unverified: ["M6 11h12v9H6Z", "M9 11V7.5a3 3 0 0 1 5.8-1"],
  private: ["M6 11h12v9H6Z", "M9 11V7.5a3 3 0 0 1 6 0V11"],
  more: ["fM5.5 10.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4ZM12 10.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4ZM18.5 10.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4Z"],
  back: ["M14.5 5.5 8 12l6.5 6.5"],
  block: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "m6 6 12 12"],
  mute: ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5Z", "m16 9.5 5 5M21 9.5l-5 5"],
  qr: ["M4 4h6v6H4ZM14 4h6v6h-6ZM4 14h6v6H4Z", "M14 14h2.5v2.5M20 14v3M14 20h3M20 20h-.5"],
  send: ["M4 12 20.5 4.5 16 20l-4-6.5Z", "m12 13.5 8.5-9"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  trash: ["M5 7h14M9.5 7V4.5h5V7M7 7l.8 13h8.4L17 7M10.5 11v5M13.5 11v5"],
  download: ["M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14"],
  warn: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M12 7.5v5.5M12 16.2v.3"],
  info: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M12 11v5.5M12 7.5v.3"],
  edit: ["M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5Z"],
  out: ["M10 4.5H4.5v15H10", "M15 8l4 4-4 4M9 12h10"],
  undo: ["M8.5 4.5 4 9l4.5 4.5", "M4.5 9H14a5.5 5.5 0 0 1 0 11h-4"],
  up: ["M12 19V5M6 11l6-6 6 6"],
  down: ["M12 5v14M6 13l6 6 6-6"],
  grip: ["fM9 4.6a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM15 4.6a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM9 10.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM15 10.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM9 16.4a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM15 16.4a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3Z"],
  log: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M12 7v5.3l3.5 2"],
  invite: ["M10 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z", "M3 20c.4-3.6 3.2-5.5 7-5.5 1.5 0 2.9.3 4 .9", "M18.5 14.5v6M15.5 17.5h6"],
  keys: ["M3 6.5h18v11H3Z", "M6.5 10h.3M10.2 10h.3M13.9 10h.3M17.5 10h.3M8 14h8"],
};

/** A sign; it says nothing to screen readers, so a word stands beside it. */
export function icon(name, { size = 20 } = {}) {
  return s("svg", { class: `icon icon-${name}`, viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", focusable: "false" },
    (PATHS[name] ?? []).map((path) => (path[0] === "f"
      ? s("path", { d: path.slice(1), fill: "currentColor" })
      : s("path", { d: path, fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linecap": "round", "stroke-linejoin": "round" }))));
}

/** The sign of presence: its form tells as much as its colour. */
export function presenceSign(presence) {
  const sign = s("svg", { class: `sign ${presence}`, viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" });
  sign.append(...presenceShape(presence));
  return sign;
}

function presenceShape(presence) {
  if (presence === "live") return [s("circle", { cx: 6, cy: 6, r: 5, fill: "currentColor" })];
  const ring = s("circle", { cx: 6, cy: 6, r: 4.1, fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-dasharray": presence === "heard" ? "2.6 1.7" : undefined });
  if (presence === "quiet") return [ring, s("path", { d: "M6 1.9a4.1 4.1 0 0 1 0 8.2Z", fill: "currentColor" })];
  return [ring];
}

/** Makes a sign of presence another one. */
export function setPresence(sign, presence) {
  if (sign.classList.contains(presence)) return;
  sign.setAttribute("class", `sign ${presence}`);
  sign.replaceChildren(...presenceShape(presence));
}
