// What stands above every view: the peer does not answer, somebody has a new key, the page could not come in.
import * as live from "./live.js";
import * as store from "./store.js";
import { h, put, name, icon } from "./dom.js";
import { t, tn } from "./i18n.js";

let lost = false;
let timer = 0;
let entry = null;
let redraw = () => {};

/** The code of the address was not taken. */
export function entryFailed(error) {
  entry = error;
}

export const entryError = () => entry;

live.on("lost", () => {
  clearTimeout(timer);
  // A break that nobody notices is no news.
  timer = setTimeout(() => { lost = true; redraw(); }, 600);
});
live.on("open", () => {
  clearTimeout(timer);
  if (lost) { lost = false; redraw(); }
});

function connection() {
  return h("div.notice.warn", { role: "alert" }, icon("warn"),
    h("p", h("strong", t("lost.title")), " ", t("lost.text")),
    h("button.button.small", { onclick: live.again }, t("lost.again")));
}

function newKey(peer) {
  const compare = async () => (await import("./person.js")).compare(peer);
  return h("div.notice.bad", { role: "alert" }, icon("new-key"),
    h("p", h("strong", tn("new-key.title", { name: name(peer.name) })), " ", t("new-key.short")),
    h("div.notice-actions",
      h("button.button.small", { onclick: compare }, t("new-key.look")),
      h("button.button.small.plain", { onclick: () => store.postpone(store.id(peer)) }, t("new-key.later"))));
}

function many(count) {
  return h("div.notice.bad", { role: "alert" }, icon("new-key"), h("p", h("strong", t("new-key.many", { n: count })), " ", t("new-key.short")),
    h("a.button.small", { href: "#/people" }, t("nav.people")));
}

/** Draws the notices, and keeps them right until what it gives back is called. */
export function draw(place) {
  let told = "";
  redraw = () => {
    const alerts = [...store.state.alerts.values()];
    const now = `${lost} ${alerts.map(store.id).join(" ")}`;
    if (now === told) return;
    told = now;
    put(place, lost && connection(), alerts.length > 3 ? many(alerts.length) : alerts.map(newKey));
  };
  redraw();
  const end = store.subscribe("alerts", redraw);
  return () => { end(); redraw = () => {}; place.replaceChildren(); };
}
