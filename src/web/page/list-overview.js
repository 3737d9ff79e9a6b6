// All lists on one side, the open one on the other.
import * as data from "./data.js";
import * as store from "./store.js";
import { h, icon, put } from "./dom.js";
import { complain, reason } from "./dialog.js";
import { t, tn } from "./i18n.js";
import { swap } from "./words.js";
import { Sheet } from "./list-sheet.js";

const narrow = matchMedia("(max-width: 720px)");
const ROWS = 128;

/** Why there are no lists. */
function without(error) {
  return h("div.empty", icon("shared"), h("h2", t(data.notBuilt(error) ? "list.not-built" : "error.failed")),
    h("p.dim", { dir: "auto" }, data.notBuilt(error) ? t("list.not-built.text") : reason(error)),
    data.notBuilt(error) && h("div.command", h("code", { dir: "ltr" }, "cargo install --path . --features full")));
}

function row(list) {
  return h("li", h("a.list-link", { href: `#/shared/lists/${encodeURIComponent(list.id)}`, data: { list: list.id } },
    h("span.list-sign", { "aria-hidden": "true" }, icon("shared", { size: 18 })),
    h("span.list-about", h("bdi.name", data.named(list)),
      h("span.dim.small-text", [t("list.items", { n: list.items }), t("list.members", { n: list.members }), list.open && t("list.open")].filter(Boolean).join(" · ")))));
}

export function mount(root, params) {
  let now = params;
  let sheet = null;
  const field = h("input.input", { id: "list-new", "aria-label": t("list.new"), placeholder: t("list.new"), maxlength: 64, autocomplete: "off", required: true });
  const make = h("form.list-make", { onsubmit: async (event) => {
    event.preventDefault();
    const name = field.value.trim();
    if (!name) return;
    try {
      const made = await data.make(name);
      field.value = "";
      location.hash = `#/shared/lists/${encodeURIComponent(made.id)}`;
    } catch (error) { complain(error); }
  } }, field, h("button.button.icon-only", { type: "submit", "aria-label": t("list.make"), title: t("list.make") }, icon("plus")));
  const invitations = h("section.list-invitations", { "aria-label": t("list.invited"), hidden: true });
  const mine = h("ul.list-links", { "aria-label": t("shared.lists") });
  const none = h("p.dim.list-none", { hidden: true }, t("list.none"));
  const side = h("div.lists-side", make, invitations, mine, none);
  const pane = h("section.list-pane", { "aria-label": t("list.one") });
  const panes = h("div.list-panes", side, pane);
  put(root, panes);

  async function take(list) {
    try {
      await data.join(list.id);
      location.hash = `#/shared/lists/${encodeURIComponent(list.id)}`;
    } catch (error) { complain(error); }
  }

  function invitation(list) {
    return h("div.invitation",
      h("div", h("p.invitation-name", h("bdi.name", data.named(list))),
        h("p.dim.small-text", list.invited_by ? tn("list.invited-by", { who: data.who(list.invited_by) }) : tn("list.made-by", { who: data.who(list.creator) }))),
      h("button.button.main.small", { onclick: () => take(list), "aria-label": t("list.join-this", { name: data.named(list) }) }, t("list.join")));
  }

  function draw() {
    if (data.state.off) {
      close();
      swap(root, `off ${data.state.off.error}`, () => without(data.state.off));
      return;
    }
    if (root.firstChild !== panes) { delete root.dataset.key; put(root, panes); }
    const order = (a, b) => data.named(a).localeCompare(data.named(b)) || (a.id < b.id ? -1 : 1);
    const invited = data.invitations().sort(order).slice(0, ROWS);
    const all = data.joined().sort(order).slice(0, ROWS);
    swap(invitations, JSON.stringify(invited.map((list) => [list.id, list.name, data.called(list.invited_by ?? list.creator)])),
      () => [h("h2.group-head", t("list.invited")), invited.map(invitation)]);
    invitations.hidden = invited.length === 0;
    const told = JSON.stringify(all.map(({ id, name, items, members, open }) => [id, name, items, members, open]));
    if (mine.dataset.key !== told) {
      const focus = mine.contains(document.activeElement) && document.activeElement.dataset.list;
      swap(mine, told, () => all.map(row));
      if (focus) mine.querySelector(`[data-list="${CSS.escape(focus)}"]`)?.focus();
    }
    none.hidden = !data.state.loaded || all.length > 0 || invited.length > 0;
    route();
  }

  function close() {
    sheet?.end();
    sheet = null;
    pane.replaceChildren();
  }

  /** The list of the address; on a wide screen the first one where it names none. */
  function wanted() {
    if (now.list) return now.list;
    if (narrow.matches) return null;
    return sheet && data.state.lists.get(sheet.id)?.standing === "joined" ? sheet.id : mine.querySelector("[data-list]")?.dataset.list ?? null;
  }

  function route() {
    const id = wanted();
    panes.dataset.pane = now.list ? "one" : "all";
    for (const link of mine.querySelectorAll("[data-list]")) link.dataset.list === id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    if (!id) {
      close();
      if (!narrow.matches && data.state.loaded) put(pane, h("div.empty", icon("shared"), h("h2", t("list.empty.title")), h("p.dim", t("list.empty.text"))));
      return;
    }
    if (sheet?.id === id) { sheet.summary(); return; }
    close();
    if (!data.state.loaded) return;
    sheet = new Sheet(id, { join: take });
    put(pane, sheet.root);
  }

  const resized = () => route();
  narrow.addEventListener("change", resized);
  const ends = [store.subscribe("lists", draw), store.subscribe("people", () => { draw(); sheet?.people(); }), () => narrow.removeEventListener("change", resized)];
  draw();
  data.loadLists();
  return {
    update(fresh) {
      const back = narrow.matches && now.list && !fresh.list ? now.list : null;
      now = fresh;
      route();
      if (back) mine.querySelector(`[data-list="${CSS.escape(back)}"]`)?.focus();
    },
    unmount() {
      for (const end of ends) end();
      close();
      delete root.dataset.key;
      root.replaceChildren();
    },
  };
}
