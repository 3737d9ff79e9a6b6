// Conversations: all of them on one side, the open one on the other.

import * as api from "./api.js";
import * as live from "./live.js";
import { avatar, h, icon, line, name, put, setAvatar } from "./dom.js";
import { complain, sure, toast } from "./dialog.js";
import { t, tn } from "./i18n.js";
import { id, person, state, subscribe, talkPath, who } from "./store.js";
import { Chats } from "./talk-list.js";
import { Thread } from "./talk-thread.js";
import { Writer, enterSends, onDraft, setEnter } from "./talk-write.js";
import { presenceMark, privateMark, trustTag } from "./words.js";

const ALL = "everyone";
const narrow = matchMedia("(max-width: 720px)");

/** The id of the conversation that an address means; "" for everyone. */
function placeOf(params) {
  const asked = params.who ?? "";
  if (asked === "" || asked === ALL) return "";
  if (state.conversations.has(asked)) return asked;
  const known = person(asked);
  if (known) return id(known);
  for (const [place, one] of state.conversations) if (one.who === asked) return place;
  return asked;
}

const called = (place) => (place ? state.people.get(place)?.name ?? state.conversations.get(place)?.with?.name ?? line(place) : t("talk.everyone"));

export function title(params) {
  const place = placeOf(params);
  return state.people.has(place) || state.conversations.get(place)?.with ? called(place) : t("nav.talk");
}

/** The head of a conversation: with whom, and what can be done. */
class Head {
  constructor(place, actions) {
    this.place = place;
    this.face = place ? avatar({ id: place, name: called(place) }, { size: 36 }) : h("span", { class: "avatar everyone", "aria-hidden": "true" }, icon("people"));
    this.title = h("h2", { id: "thread-title", tabindex: -1, "aria-level": narrow.matches ? 1 : 2 });
    this.about = h("p", { class: "thread-about" });
    const box = h("input", { type: "checkbox", checked: enterSends(), onchange: () => { setEnter(box.checked); actions.enter(); } });
    const menu = h("div", { class: "thread-menu", id: "thread-menu", popover: "auto" },
      h("button", { type: "button", class: "menu-item", onclick: () => { menu.hidePopover(); actions.save(); } }, icon("download", { size: 18 }), t("talk.export")),
      place && h("button", { type: "button", class: "menu-item bad", onclick: () => { menu.hidePopover(); actions.forget(); } }, icon("trash", { size: 18 }), t("talk.forget")),
      h("label", { class: "menu-item" }, box, t("talk.enter")));
    const more = h("button", { type: "button", class: "button icon-only", "aria-label": t("talk.more"), title: t("talk.more"), popovertarget: "thread-menu" }, icon("more"));
    menu.addEventListener("toggle", (event) => {
      if (event.newState !== "open") return;
      const at = more.getBoundingClientRect();
      menu.style.insetBlockStart = `${at.bottom + 4}px`;
      menu.style.left = `${Math.max(8, Math.min(innerWidth - menu.offsetWidth - 8, at.right - menu.offsetWidth))}px`;
    });
    const info = place && h("button", { type: "button", class: "button icon-only", "aria-label": t("talk.about"), title: t("talk.about"), onclick: actions.about }, icon("info"));
    this.root = h("header", { class: "thread-head" },
      h("a", { class: "button icon-only thread-back", href: "#/talk", "aria-label": t("talk.back"), title: t("talk.back") }, icon("back")),
      this.face, h("div", { class: "thread-who" }, this.title, this.about), info, more, menu);
    this.draw();
  }

  draw() {
    const { place } = this;
    const one = state.people.get(place);
    const whom = one ?? state.conversations.get(place)?.with;
    const here = [...state.people.values()].filter((peer) => peer.presence !== "away" && !peer.blocked).length;
    const told = JSON.stringify([called(place), whom?.trust, one?.presence, one?.status, one?.private, one?.picture, place ? 0 : here]);
    if (this.told === told) return;
    this.told = told;
    if (place && whom) setAvatar(this.face, whom);
    put(this.title, name(called(place)), whom && trustTag(whom.trust));
    if (!place) put(this.about, t("talk.here", { n: here }));
    else if (one) {
      put(this.about, presenceMark(one.presence), privateMark(one), one.status && h("bdi", { class: "thread-status" }, one.status));
    } else put(this.about, t("talk.unknown"));
  }
}

/** What has to be known before something is written. */
function warning(place) {
  const one = state.people.get(place);
  if (!one) return null;
  const note = (kind, text, ...more) => h("div", { class: `thread-warning ${kind}`, role: "note" }, icon(kind === "bad" ? "new-key" : "unverified", { size: 18 }), h("p", {}, text), more);
  if (one.blocked) return note("bad", tn("talk.warn.blocked", { name: name(one.name) }));
  if (one.trust === "new key") {
    return note("bad", tn("talk.warn.new-key", { name: name(one.name) }), h("button", { type: "button", class: "button small", onclick: async () => (await import("./person.js")).compare(one) }, t("new-key.look")));
  }
  if (!one.private) return note("warn", tn("talk.warn.open", { name: name(one.name) }));
  return null;
}

async function save(place) {
  try {
    const answer = await api.stream("/api/export", place ? { with: who(place), kind: "dm" } : { kind: "post" });
    const made = URL.createObjectURL(await answer.blob());
    const file = (place ? called(place) : ALL).replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 60) || "lines";
    h("a", { href: made, download: `${file}.jsonl` }).click();
    setTimeout(() => URL.revokeObjectURL(made), 60_000);
  } catch (error) { complain(error); }
}

async function forget(place) {
  if (!(await sure({ title: tn("talk.forget.title", { name: name(called(place)) }), text: t("talk.forget.text"), yes: t("talk.forget.yes"), danger: true }))) return;
  try {
    const gone = await api.send("POST", "/api/forget", { with: who(place) });
    toast(t("talk.forgotten", { n: gone.lines }), { kind: "good" });
  } catch (error) { complain(error); }
}

export function mount(root, params) {
  const chats = new Chats();
  const pane = h("section", { class: "thread-pane", "aria-labelledby": "thread-title" });
  const whole = h("div", { class: "talk-panes" }, chats.root, pane);
  put(root, whole);
  let open = null;
  let now = params;

  function close() {
    if (!open) return;
    open.thread.end();
    open.writer.end();
    open = null;
    pane.replaceChildren();
  }

  function warn() {
    const made = warning(open.place);
    const told = made?.textContent ?? "";
    open.writer.block(Boolean(made?.classList.contains("bad")));
    if (open.warned === told) return;
    open.warned = told;
    put(open.warning, made);
  }

  function show(place, row, focus) {
    if (open?.place === place) {
      if (row !== null) open.thread.jump(row);
      return;
    }
    close();
    const thread = new Thread(place, { said: (said) => writer.heard(said) });
    const label = place ? t("talk.write.one", { name: called(place) }) : t("talk.write.all");
    const writer = new Writer(place, { label, sent: (said) => thread.add(said), drafted: (each) => chats.drafted(each) });
    const head = new Head(place, {
      enter: () => writer.redraw(), save: () => save(place), forget: () => forget(place),
      about: async () => (await import("./person.js")).about(state.people.get(place) ?? person(place)),
    });
    open = { place, thread, writer, head, warning: h("div", {}), warned: "" };
    put(pane, head.root, thread.root, open.warning, writer.root);
    warn();
    thread.load({ row });
    if (!focus || row !== null || !now.who) return;
    // After the frame of the page gave the focus to the view.
    queueMicrotask(() => {
      if (narrow.matches || matchMedia("(pointer: coarse)").matches) head.title.focus({ preventScroll: true });
      else writer.focus();
    });
  }

  function route(focus) {
    const alone = narrow.matches && !now.who;
    whole.dataset.pane = now.who ? "thread" : "list";
    const row = Number(now.query?.get("row") ?? NaN);
    const place = placeOf(now);
    const back = alone && focus && open;
    if (alone) close();
    else show(place, Number.isSafeInteger(row) ? row : null, focus);
    chats.open(back ? back.place : place);
    if (back) chats.focus();
  }

  // Who is meant may be known only once people and conversations were read.
  function learned() {
    if (!open) return;
    if (placeOf(now) !== open.place) { route(false); return; }
    open.head.draw();
    warn();
  }
  const ends = [subscribe("people", learned), subscribe("conversations", learned)];
  const resized = () => route(false);
  narrow.addEventListener("change", resized);
  ends.push(() => narrow.removeEventListener("change", resized));
  ends.push(live.on("reload", learned));
  ends.push(onDraft((place) => chats.drafted(place)));
  route(true);
  return {
    update(fresh) { now = fresh; route(true); },
    unmount() {
      for (const end of ends) end();
      close();
      chats.end();
      root.replaceChildren();
    },
  };
}
