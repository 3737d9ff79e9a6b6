// The conversations, and what is found in them.

import * as api from "./api.js";
import * as live from "./live.js";
import { avatar, clean, h, icon, line as oneLine, name, put, setAvatar } from "./dom.js";
import { reason } from "./dialog.js";
import { number, short, t, tn } from "./i18n.js";
import { id, state, subscribe, talkPath } from "./store.js";
import { draft } from "./talk-write.js";
import { when } from "./talk-row.js";
import { trustTag } from "./words.js";

const FOUND = 200;
const AROUND = 40;
const STEP = 50;

const link = (place) => (place ? talkPath(state.people.get(place) ?? state.conversations.get(place)?.with ?? { id: place }) : "/talk/everyone");

const called = (place) => (place ? state.people.get(place)?.name ?? state.conversations.get(place)?.with?.name ?? place : t("talk.everyone"));

function fresh(place) {
  const open = h("a", { class: "chat", href: `#${link(place)}`, tabindex: -1, data: { chat: place } },
    place ? avatar(state.people.get(place) ?? state.conversations.get(place)?.with ?? { id: place, name: place }, { size: 40 }) : h("span", { class: "avatar everyone", "aria-hidden": "true" }, icon("people")),
    h("span", { class: "chat-name" }), h("time", { class: "chat-time" }), h("span", { class: "chat-last", dir: "auto" }), h("span", { class: "chat-count" }));
  return h("li", { data: { place } }, open);
}

function fill(row, place) {
  const one = state.conversations.get(place);
  const person = state.people.get(place) ?? one?.with;
  const open = row.firstChild;
  const [face, title, time, last, count] = open.children;
  const written = draft(place);
  const unread = one?.unread ?? 0;
  const told = JSON.stringify([called(place), person?.trust, person?.picture, one?.last?.text?.slice(0, 200), one?.last?.at, one?.last?.mark, written.slice(0, 100), unread, new Date().toDateString()]);
  if (row.told === told) return;
  row.told = told;
  if (place && person) setAvatar(face, person);
  put(title, name(called(place)), person && trustTag(person.trust));
  if (one?.last) { time.dateTime = one.last.at; time.textContent = short(when(one.last)); } else time.textContent = "";
  if (written) put(last, h("span", { class: "draft" }, t("talk.draft")), " ", oneLine(written.slice(0, 200)));
  else if (one?.last) {
    const by = one.last.ours ? t("talk.you") : place ? "" : state.people.get(id(one.last.with))?.name ?? one.last.with?.name ?? "";
    put(last, by && [h("bdi", {}, by), ": "], oneLine(one.last.text.slice(0, 200)));
  } else put(last, t("talk.nothing"));
  put(count, unread > 0 && [h("span", { class: "count" }, unread > 99 ? "99+" : number(unread)), h("span", { class: "away" }, t("talk.unread", { n: unread }))]);
}

export class Chats {
  #rows = new Map();
  #active = "";
  #most = 2 * STEP;
  #timer = 0;
  #turn = 0;

  /** `place` is the conversation that is open. */
  constructor() {
    this.field = h("input", { type: "search", class: "input", "aria-label": t("talk.search"), placeholder: t("talk.search"), autocomplete: "off", maxlength: 200 });
    this.within = h("input", { type: "checkbox" });
    this.scope = h("label", { class: "scope", hidden: true }, this.within, h("span", {}));
    this.list = h("ul", { class: "chats" });
    this.found = h("div", { class: "found-lines", hidden: true });
    this.voice = h("p", { class: "away", role: "status" });
    this.root = h("section", { class: "chats-pane", "aria-label": t("talk.chats") },
      h("div", { class: "chats-head" }, h("h1", { tabindex: -1 }, t("nav.talk")), h("a", { class: "button icon-only", href: "#/people", "aria-label": t("talk.new"), title: t("talk.new") }, icon("edit"))),
      h("div", { class: "search" }, icon("search", { size: 18 }), this.field), this.scope, this.voice, this.found, this.list);
    this.field.addEventListener("input", () => this.#typed());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.field.value) { this.field.value = ""; this.#typed(); event.stopPropagation(); }
      if (event.key === "ArrowDown") { event.preventDefault(); this.root.querySelector(".found-lines:not([hidden]) a, .chats a[tabindex='0']")?.focus(); }
    });
    this.within.addEventListener("change", () => this.#typed());
    // A line that was found already is shown once more.
    this.found.addEventListener("click", (event) => { if (event.target.closest("a")?.hash === location.hash) dispatchEvent(new Event("hashchange")); });
    for (const box of [this.list, this.found]) box.addEventListener("keydown", (event) => this.#moved(event));
    this.ends = [
      subscribe("conversations", (ids) => this.#changed(ids)),
      subscribe("people", (ids) => this.#renamed(ids)),
      live.on("forgotten", () => this.#typed()),
    ];
    this.#changed(null);
  }

  end() {
    for (const end of this.ends) end();
    clearTimeout(this.#timer);
  }

  /** Says which conversation is open. */
  open(place) {
    const other = place !== this.#active;
    this.#active = place;
    if (!this.#rows.has(place)) this.#order();
    for (const [each, row] of this.#rows) {
      const now = each === place;
      now ? row.firstChild.setAttribute("aria-current", "page") : row.firstChild.removeAttribute("aria-current");
      row.firstChild.tabIndex = now ? 0 : -1;
    }
    this.#scope();
    if (other && this.within.checked) this.#typed();
  }

  /** Brings the focus to the open conversation. */
  focus() { this.#rows.get(this.#active)?.firstChild.focus(); }

  /** A draft came or went. */
  drafted(place) {
    const row = this.#rows.get(place);
    if (row) fill(row, place);
  }

  #changed(ids) {
    this.#order();
    for (const place of ids ?? this.#rows.keys()) { const row = this.#rows.get(place); if (row) fill(row, place); }
  }

  #renamed(ids) {
    for (const place of ids ?? this.#rows.keys()) { const row = this.#rows.get(place); if (row) fill(row, place); }
  }

  #order() {
    const newest = (place) => state.conversations.get(place)?.last?.at ?? "";
    const places = [...state.conversations.keys()].filter((place) => place !== "").sort((a, b) => (newest(a) < newest(b) ? 1 : newest(a) > newest(b) ? -1 : 0));
    const all = ["", ...places];
    if (!all.includes(this.#active)) all.splice(1, 0, this.#active);
    // Very many are made a few a frame.
    const shown = all.filter((place, at) => at < this.#most || place === this.#active);
    if (shown.length < all.length) requestAnimationFrame(() => { this.#most += STEP; this.#order(); });
    const wanted = new Set(shown);
    for (const [place, row] of this.#rows) if (!wanted.has(place)) { row.remove(); this.#rows.delete(place); }
    let after = null;
    for (const place of shown) {
      let row = this.#rows.get(place);
      if (!row) { row = fresh(place); this.#rows.set(place, row); fill(row, place); }
      const next = after ? after.nextSibling : this.list.firstChild;
      if (next !== row) {
        const focus = row.contains(document.activeElement);
        this.list.insertBefore(row, next);
        if (focus) row.firstChild.focus({ preventScroll: true });
      }
      after = row;
    }
    if (!this.list.querySelector("a[tabindex='0']")) this.list.querySelector("a").tabIndex = 0;
  }

  /** Arrows, Home and End go through a list of which Tab sees one. */
  #moved(event) {
    const box = event.currentTarget;
    const all = [...box.querySelectorAll("a")];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (to < 0) { this.field.focus(); return; }
    const next = all[Math.min(all.length - 1, to)];
    all[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  #scope() {
    this.scope.hidden = this.field.value.trim() === "";
    put(this.scope.lastChild, tn("talk.within", { name: name(called(this.#active)) }));
  }

  #typed() {
    clearTimeout(this.#timer);
    const words = this.field.value.trim();
    this.#scope();
    if (words === "") {
      this.#turn += 1;
      this.found.hidden = true;
      this.list.hidden = false;
      this.voice.textContent = "";
      return;
    }
    this.#timer = setTimeout(() => this.#search(words), 250);
  }

  async #search(words) {
    const turn = ++this.#turn;
    const within = this.within.checked;
    const place = this.#active;
    const person = within && place ? { with: state.people.get(place)?.who ?? state.conversations.get(place)?.who ?? place } : {};
    let lines;
    try {
      lines = await api.get("/api/search", { words, limit: FOUND, ...person });
    } catch (error) {
      if (turn === this.#turn) this.#showFound([h("p", { class: "found-none" }, reason(error))], reason(error));
      return;
    }
    if (turn !== this.#turn) return;
    const fits = (line) => (line.type === "post" || line.type === "dm") && (!within || (place ? line.type === "dm" && id(line.with) === place : line.type === "post"));
    const hits = lines.filter(fits).reverse();
    const said = hits.length ? t("talk.found", { n: hits.length }) : t("talk.found.none");
    const chats = within ? [] : [...this.#rows.keys()].filter((each) => called(each).toLocaleLowerCase().includes(words.toLocaleLowerCase())).slice(0, 5);
    this.#showFound([
      chats.length > 0 && h("ul", { class: "chats" }, chats.map((each) => { const row = fresh(each); fill(row, each); return row; })),
      h("p", { class: hits.length ? "found-head" : "found-none", "aria-hidden": "true" }, said),
      h("ul", { class: "hits" }, hits.map((line) => this.#hit(line, words))),
    ], said);
  }

  #showFound(parts, said) {
    put(this.found, parts);
    this.found.hidden = false;
    this.list.hidden = true;
    this.voice.textContent = said;
    const first = this.found.querySelector("a");
    if (first) first.tabIndex = 0;
  }

  #hit(line, words) {
    const place = line.type === "post" ? "" : id(line.with);
    const by = line.ours ? t("talk.you") : line.with?.name ?? "";
    const to = line.type === "post" ? ` · ${t("talk.everyone")}` : line.ours && [" → ", h("bdi", {}, line.with?.name ?? "")];
    return h("li", {}, h("a", { class: "hit", tabindex: -1, href: `#${link(place)}?row=${line.row}` },
      h("span", { class: "hit-head" }, h("span", { class: "hit-by" }, h("bdi", {}, by), to), h("time", { datetime: line.at }, short(when(line)))),
      h("span", { class: "hit-text", dir: "auto" }, marked(line.text, words))));
  }
}

/** The part of a text where the first word stands, with all words marked. */
function marked(text, words) {
  const plain = oneLine(clean(text));
  const all = words.toLocaleLowerCase().split(/\s+/u).filter(Boolean);
  const low = plain.toLocaleLowerCase();
  const at = low.length === plain.length ? Math.max(0, low.indexOf(all[0])) : 0;
  const from = at > AROUND ? at - AROUND / 2 : 0;
  const part = plain.slice(from, from + 180);
  const out = from > 0 ? ["…"] : [];
  let rest = part;
  for (;;) {
    const small = rest.toLocaleLowerCase();
    const next = small.length === rest.length ? all.map((word) => [small.indexOf(word), word.length]).filter(([place]) => place >= 0).sort((a, b) => a[0] - b[0] || b[1] - a[1])[0] : undefined;
    if (!next) { out.push(rest); break; }
    out.push(rest.slice(0, next[0]), h("mark", {}, rest.slice(next[0], next[0] + next[1])));
    rest = rest.slice(next[0] + next[1]);
  }
  return out;
}
