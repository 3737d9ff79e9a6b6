// Starts the page: the way in, the frame around the views, and which view is shown.
import * as api from "./api.js";
import * as live from "./live.js";
import * as store from "./store.js";
import { h, put, say, icon } from "./dom.js";
import * as i18n from "./i18n.js";
import { complain, toast } from "./dialog.js";
import { shortcut } from "./keys.js";
import * as notices from "./notices.js";
import { nobodyIn, showShortcuts } from "./door.js";
import * as notify from "./notify.js";
import * as data from "./data.js";

const { t } = i18n;
const view = document.getElementById("view");
const rail = document.getElementById("rail");
const skip = document.getElementById("skip");

const VIEWS = {
  people: () => import("./view-people.js"),
  connect: () => import("./view-people.js"),
  talk: () => import("./view-talk.js"),
  shared: () => import("./view-data.js"),
  network: () => import("./view-network.js"),
  me: () => import("./view-me.js"),
  api: () => import("./view-api.js"),
};
const NAV = ["people", "talk", "shared", "network", "me", "api"];

let shown = null;
let turn = 0;

function where() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  const place = Object.hasOwn(VIEWS, parts[0] ?? "") ? parts[0] : "people";
  const params = { place, parts: parts.slice(1), query: new URLSearchParams(query) };
  if (place === "talk") params.who = parts[1];
  if (place === "connect") params.link = parts[1];
  if (place === "shared") [, params.part, params.list] = parts;
  return params;
}

/** Goes to a place such as `/talk/...`. */
export function go(path) {
  location.hash = `#${path}`;
}

function titled(module, params) {
  const words = typeof module.title === "function" ? module.title(params) : t(module.title);
  const unread = store.state.unread;
  const whole = `${unread ? `(${i18n.number(unread)}) ` : ""}${words} · peer`;
  if (document.title !== whole) document.title = whole;
}

/** Stands in for a view that could not be loaded. */
function broken(error) {
  console.error(error);
  return {
    title: "error.title",
    mount(root) {
      put(root, h("div.empty", icon("warn"), h("h1", { tabindex: -1 }, t("error.title")), h("p.dim", t("error.view")),
        h("button.button", { onclick: () => location.reload() }, t("error.reload"))));
      return { unmount() { root.replaceChildren(); } };
    },
  };
}

async function route({ focus = true } = {}) {
  if (!api.hasToken()) return;
  const params = where();
  const mine = ++turn;
  for (const link of rail.querySelectorAll("a[data-place]")) {
    const here = link.dataset.place === (params.place === "connect" ? "people" : params.place);
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  document.body.dataset.place = params.place;
  let module;
  try { module = await VIEWS[params.place](); } catch (error) {
    if (mine !== turn) return;
    module = broken(error);
  }
  if (mine !== turn) return;
  if (shown?.module === module && shown.mounted.update) {
    shown.params = params;
    titled(module, params);
    shown.mounted.update(params);
    return;
  }
  shown?.mounted.unmount();
  shown = null;
  view.replaceChildren();
  view.scrollTop = 0;
  view.className = `view ${params.place === "connect" ? "people" : params.place}`;
  const mounted = module.mount(view, params);
  shown = { module, mounted, params };
  view.removeAttribute("aria-busy");
  titled(module, params);
  // A view may have put the focus where it belongs, such as into the field that one writes in.
  if (focus && !view.querySelector(":focus")) (view.querySelector("h1[tabindex]") ?? view).focus({ preventScroll: true });
}

function drawRail() {
  const counter = h("span.count", { hidden: true });
  const invited = h("span.count", { hidden: true });
  put(rail,
    h("nav.nav", { "aria-label": t("nav.label") },
      NAV.map((place) => h("a", { href: `#/${place}`, class: "nav-link", data: { place } },
        h("span.nav-icon", icon(place, { size: 22 }), place === "talk" && counter, place === "shared" && invited),
        h("span.nav-word", t(`nav.${place}`))))),
    h("button.nav-link.keys-button", { onclick: showShortcuts, "aria-label": t("keys.title") }, icon("keys", { size: 22 })));
  say(skip, t("nav.skip"));
  skip.hidden = false;
  const unread = () => {
    const count = store.state.unread;
    counter.hidden = count === 0;
    put(counter, count > 99 ? "99+" : i18n.number(count), h("span.away", ` ${t("nav.unread")}`));
    if (shown) titled(shown.module, shown.params);
  };
  const invitations = () => {
    const count = data.invitations().length;
    invited.hidden = count === 0;
    put(invited, i18n.number(count), h("span.away", ` ${t("list.invitations", { n: count })}`));
  };
  unread();
  invitations();
  const both = [store.subscribe("unread", unread), store.subscribe("lists", invitations)];
  return () => both.forEach((end) => end());
}

let ends = [];

/** Draws the whole page anew: after another language was chosen, and when the door opens or closes. */
export async function draw({ focus = false } = {}) {
  for (const end of ends) end();
  shown?.mounted.unmount();
  shown = null;
  turn += 1;
  if (!api.hasToken()) {
    rail.replaceChildren();
    skip.hidden = true;
    document.body.dataset.place = "door";
    document.title = "peer";
    ends = [nobodyIn(view)];
    return;
  }
  ends = [drawRail(), notices.draw(document.getElementById("notices"))];
  await route({ focus });
}

async function begin() {
  store.state.loaded = false;
  live.start();
  const first = store.loadAll().catch((error) => {
    if (error.status !== 401 && error.status !== 0) complain(error);
  });
  await worded;
  await draw();
  await first;
  data.begin();
}

/** The code of the address is of use once; nobody finds it there afterwards. */
async function comeIn() {
  if (!location.hash.startsWith("#enter=")) return;
  const given = new URLSearchParams(location.hash.slice(1));
  const to = given.get("to") ?? "";
  history.replaceState(null, "", `/#${to.startsWith("/") ? to : "/people"}`);
  try {
    await api.enter(given.get("enter"));
  } catch (error) {
    if (!api.hasToken()) notices.entryFailed(error);
  }
}

addEventListener("hashchange", async () => {
  if (location.hash.startsWith("#enter=")) {
    await comeIn();
    await begin();
  } else if (location.hash !== "#view") {
    await route();
  }
});

skip.addEventListener("click", (event) => {
  event.preventDefault();
  view.focus();
});

api.onAccess((may) => {
  if (may) begin();
  else { live.stop(); draw(); }
});
notify.begin();
live.on("cut-off", () => toast(t("news.cut-off"), { kind: "bad", seconds: 15 }));
let invited = -Infinity;
live.on("invited", (list) => {
  // Who invites again and again is told of once.
  if (performance.now() - invited < 10_000) return;
  invited = performance.now();
  toast(t("list.invited-toast", { name: data.named(list) }), { action: t("list.look"), run: () => go("/shared") });
});
live.on("renamed", (news) => toast(t("news.renamed", { id: news.id })));

// What takes its time goes on at the same time: the words, the view, the way in.
const worded = i18n.load().catch(() => i18n.load("en"));
const entering = comeIn();
VIEWS[where().place]().catch(() => {});
for (const place of NAV) shortcut(`g ${place[0]}`, `nav.${place}`, () => go(`/${place}`));
shortcut("?", "keys.title", showShortcuts);
shortcut("/", "keys.search", () => view.querySelector("input[type=search]")?.focus());
await entering;
if (api.hasToken()) await begin();
else { await worded; await draw(); }
