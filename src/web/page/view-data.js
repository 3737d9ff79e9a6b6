// What peers share besides talk: lists, progress, the cache, messages of programs.
import { h, icon, put } from "./dom.js";
import { t } from "./i18n.js";
import { named, state } from "./data.js";
import * as lists from "./list-overview.js";
import * as board from "./board.js";
import * as cache from "./cache.js";
import * as topics from "./topics.js";

const PARTS = { lists, progress: board, cache, messages: topics };
const SIGNS = { lists: "shared", progress: "check", cache: "download", messages: "talk" };

const partOf = (params) => (Object.hasOwn(PARTS, params.part ?? "") ? params.part : "lists");

export function title(params) {
  const part = partOf(params);
  const list = part === "lists" && params.list && state.lists.get(params.list);
  return list ? named(list) : `${t(`shared.${part}`)} · ${t("nav.shared")}`;
}

export function mount(root, params) {
  const links = Object.fromEntries(Object.keys(PARTS).map((part) =>
    [part, h("a", { class: "data-tab", href: `#/shared/${part}` }, icon(SIGNS[part], { size: 17 }), t(`shared.${part}`))]));
  const place = h("div.data-part");
  const page = h("div.data-page",
    h("header.data-head", h("h1", { tabindex: -1 }, t("nav.shared")), h("nav.data-tabs", { "aria-label": t("shared.parts") }, Object.values(links))), place);
  put(root, page);
  let open = null;

  function route(now) {
    const part = partOf(now);
    page.dataset.part = part;
    page.dataset.deep = String(part === "lists" && Boolean(now.list));
    for (const [one, link] of Object.entries(links)) one === part ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
    if (open?.part === part) { open.mounted.update?.(now); return; }
    open?.mounted.unmount();
    place.scrollTop = 0;
    place.className = `data-part part-${part}`;
    open = { part, mounted: PARTS[part].mount(place, now) };
  }

  route(params);
  return {
    update: route,
    unmount() {
      open?.mounted.unmount();
      root.replaceChildren();
    },
  };
}
