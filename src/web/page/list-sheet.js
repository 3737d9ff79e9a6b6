// One shared list: its items as they are now, and what can be done with them.
import * as data from "./data.js";
import { clean, h, icon, line, put, say } from "./dom.js";
import { complain, reason, toast } from "./dialog.js";
import { t, tn } from "./i18n.js";
import { List } from "./list.js";
import { swap } from "./words.js";
import { Drag } from "./list-drag.js";
import { changed, draftOf, makeRow, updateRow } from "./list-item.js";
import { invite, leave, log, members, sentence } from "./list-dialogs.js";

const LONGEST = 2_000;
const FLASHED = 20;
/** Between two readings while others edit, milliseconds; longer where a reading takes long. */
const PAUSE = 150;
const SHARE = 4;

const bytes = (text) => new TextEncoder().encode(text).length;

export class Sheet {
  #items = [];
  #place = new Map();
  #drafts = new Map();
  #whole = null;
  #ends = [];
  #queue = Promise.resolve();
  #pending = 0;
  #timer = 0;
  #ended = false;
  #reading = false;
  #again = false;
  #added = null;
  #last = [0, 0];

  constructor(id, { join }) {
    this.id = id;
    this.title = h("h2", { id: "list-title", tabindex: -1 });
    this.about = h("p.dim.small-text");
    const action = (sign, label, run) => h("button.button.icon-only", { onclick: run, title: t(label), "aria-label": t(label) }, icon(sign));
    this.actions = h("div.sheet-actions",
      action("undo", "list.undo", () => this.undo()), action("log", "list.log", () => log(this.id)),
      action("invite", "list.invite", () => invite(this.#whole)), action("people", "list.members-of", () => members(this.#whole)),
      action("out", "list.leave", () => leave(this.#whole ?? data.state.lists.get(id))));
    this.notes = h("div.sheet-notes");
    this.box = h("div.items", { role: "list", "aria-label": t("list.items-of"), "aria-describedby": "items-keys" });
    this.empty = h("div.lines-empty", { hidden: true }, t("list.nothing"));
    this.hint = h("p.away", { id: "items-keys" }, t("list.keys"));
    this.voice = h("p.away", { role: "status" });
    this.field = h("input.input", { "aria-label": t("list.add-label"), placeholder: t("list.add-label"), autocomplete: "off", enterkeyhint: "done", dir: "auto" });
    this.adder = h("form.item-add", { onsubmit: (event) => { event.preventDefault(); this.#add(); } }, this.field,
      h("button.button.main", { type: "submit" }, icon("plus", { size: 18 }), t("list.add")));
    this.root = h("div.sheet",
      h("header.sheet-head", h("a.button.icon-only.thread-back", { href: "#/shared/lists", "aria-label": t("list.back"), title: t("list.back") }, icon("back")),
        h("div.sheet-title", this.title, this.about), this.actions),
      this.notes, h("div.items-box", this.box, this.empty), this.hint, this.voice, this.adder);
    this.join = join;
    this.list = new List(this.box, {
      role: "listitem", stick: false, key: (item) => item.id,
      render: (item) => makeRow(item, this.#state(item)), update: (row, item) => updateRow(row, item, this.#state(item)),
      guess: (item, width) => 30 + 21 * Math.min(40, Math.ceil((item.text.length * 7.4) / Math.max(160, width - 260))) + (item.fields && Object.keys(item.fields).length ? 26 : 0),
    });
    this.drag = new Drag(this.box, this.list, { items: () => this.#items, drop: (item, to) => this.#move(item, to, { focus: false }), ended: () => { if (this.#again) this.load(); } });
    this.box.addEventListener("click", (event) => this.#clicked(event));
    this.box.addEventListener("dblclick", (event) => {
      const row = event.target.closest(".item");
      if (row && event.target.closest(".item-body") && !row.editor && !event.target.closest("a")) this.#edit(row.item);
    });
    this.box.addEventListener("keydown", (event) => this.#typed(event));
    this.box.addEventListener("focusin", (event) => this.#reach(event.target.closest(".item")));
    this.box.addEventListener("focusout", (event) => { if (!this.box.contains(event.relatedTarget)) this.#reach(null); });
    const undo = (event) => {
      if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.target.closest("input, textarea, dialog")) return;
      event.preventDefault();
      this.undo();
    };
    addEventListener("keydown", undo);
    this.#ends.push(() => removeEventListener("keydown", undo));
    this.#ends.push(data.onChange((list) => { if (list.id === this.id) this.#came(list); }));
    this.summary();
    this.load({ first: true });
  }

  get #may() { return (this.#whole ?? data.state.lists.get(this.id))?.standing === "joined"; }

  #state(item) {
    return {
      place: this.#place.get(item.id) ?? 0, of: this.#items.length, draft: this.#drafts.get(item.id), may: this.#may,
      edited: { save: (draft) => this.#save(item.id, draft), cancel: () => this.#stop(item.id) },
    };
  }

  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const end of this.#ends) end();
    this.drag.end();
    this.list.end();
  }

  /** Draws what is known of the list in a word. */
  summary() {
    const list = data.state.lists.get(this.id) ?? this.#whole;
    swap(this.title, list?.name ?? "", () => list && h("bdi.name", data.named(list)));
    say(this.about, list ? [t("list.items", { n: this.#whole ? this.#items.length : list.items }), t("list.members", { n: list.members }), list.open && t("list.open")].filter(Boolean).join(" · ") : "");
    const joined = list?.standing === "joined";
    this.actions.hidden = this.adder.hidden = !joined;
    this.#draw();
  }

  /** Somebody is called otherwise now. */
  people() {
    for (const item of this.list.drawn) updateRow(this.list.row(item.id), item, this.#state(item));
  }

  /** Reads the list anew, one reading at a time, and not while our own edits are on their way. */
  async load({ first = false } = {}) {
    if (this.#ended) return;
    if (this.#reading || this.#pending > 0 || this.drag.busy) { this.#again = true; return; }
    this.#reading = true;
    this.#again = false;
    const edits = this.#pending;
    const from = performance.now();
    try {
      const whole = await data.show(this.id);
      // What we did meanwhile is not in it.
      if (this.#ended || this.#pending !== edits) { this.#again = true; return; }
      this.#took(whole, first);
    } catch (error) {
      if (this.#ended) return;
      if (error.status === 404) this.#gone();
      else if (first || ![0, 401].includes(error.status)) {
        delete this.notes.dataset.key;
        put(this.notes, h("p.error-text", { role: "alert" }, reason(error)));
      }
    } finally {
      this.#reading = false;
      this.#last = [performance.now(), performance.now() - from];
      if (this.#again && !this.#ended) this.#soon();
    }
  }

  #soon() {
    this.#again = false;
    const [from, took] = this.#last;
    const wait = Math.max(0, from + Math.max(PAUSE, took * SHARE) - performance.now());
    if (!this.#timer) this.#timer = setTimeout(() => { this.#timer = 0; this.load(); }, wait);
  }

  #gone() {
    this.#whole = null;
    this.#items = [];
    this.list.set([]);
    this.actions.hidden = this.adder.hidden = true;
    this.empty.hidden = false;
    const list = data.state.lists.get(this.id);
    put(this.empty, h("div.empty", icon("shared"), h("h2", t("list.gone")),
      list?.standing === "invited" && h("button.button.main", { onclick: () => this.join(list) }, t("list.join"))));
  }

  #took(whole, first) {
    const before = new Map(this.#items.map((item) => [item.id, item]));
    this.#whole = whole;
    this.#items = whole.items;
    for (const id of this.#drafts.keys()) {
      if (!before.has(id) || whole.items.some((item) => item.id === id)) continue;
      toast(t("list.item.removed-meanwhile", { text: line(this.#drafts.get(id).text).slice(0, 80) }), { kind: "bad" });
      this.#drafts.delete(id);
    }
    const fresh = first ? [] : whole.items.filter((item) => {
      const old = before.get(item.id);
      return !old || old.text !== item.text || JSON.stringify(old.fields) !== JSON.stringify(item.fields);
    });
    this.#arrange({ top: first });
    this.summary();
    // What we added is shown where it went.
    if (this.#place.has(this.#added)) {
      this.list.show(this.#added);
      this.#added = null;
    }
    if (fresh.length <= FLASHED) for (const item of fresh) this.#flash(item.id);
    if (first) this.#earlier();
  }

  /** Puts the items into the list as they stand now. */
  #arrange({ top = false, loose } = {}) {
    this.#place = new Map(this.#items.map((item, at) => [item.id, at]));
    for (const item of this.#items) {
      const row = this.list.row(item.id);
      if (row) updateRow(row, item, this.#state(item));
    }
    this.list.set(this.#items, { loose });
    if (top && this.#items.length) this.list.show(this.#items[0].id, { middle: false });
    this.empty.hidden = this.#items.length > 0;
    this.box.role = this.empty.hidden ? "list" : "group";
    if (!this.empty.hidden) put(this.empty, t("list.nothing"));
  }

  #flash(id) {
    const row = this.list.row(id);
    if (!row) return;
    row.classList.remove("came");
    void row.offsetWidth;
    row.classList.add("came");
  }

  /** What was done came: by us in another window, or by somebody else. */
  #came({ by, change }) {
    if (change && by && !data.ours(by)) say(this.voice, sentence(by, change).textContent);
    this.summary();
    if (this.#reading || this.#pending > 0) this.#again = true;
    else this.#soon();
  }

  /** What returned before this page looked, of the last few edits. */
  async #earlier() {
    try {
      const entries = await data.log(this.id, 30);
      for (const { change, undone } of entries) {
        if (change.what === "returned" && !undone) data.noted(this.id, change);
      }
    } catch { return; }
    if (!this.#ended) this.#draw();
  }

  /** Why items are here that somebody removed. */
  #draw() {
    const notes = [...(data.state.notes.get(this.id)?.values() ?? [])].filter((note) => !note.seen && this.#place.has(note.item)).slice(-3);
    const list = data.state.lists.get(this.id);
    const invited = list?.standing === "invited" ? list : null;
    swap(this.notes, JSON.stringify([notes.map((note) => note.item), invited?.id, this.#whole?.rebuilt]), () => [
      invited && h("div.thread-warning", icon("info", { size: 18 }), h("p", tn("list.invited-here", { who: data.who(invited.invited_by ?? invited.creator) })),
        h("button.button.main.small", { onclick: () => this.join(invited) }, t("list.join"))),
      notes.map((note) => h("div.thread-warning.warn", { role: "note" }, icon("info", { size: 18 }),
        h("p", tn("list.returned", { text: h("bdi.name", line(note.text).slice(0, 80)) })),
        h("button.button.small", { onclick: () => { note.seen = true; this.#remove(note.item); } }, t("list.remove-again")),
        h("button.button.small.plain", { onclick: () => { note.seen = true; this.#draw(); } }, t("list.keep")))),
    ]);
  }

  /** One edit after the other; `local` shows it at once. Gives what the API answered, or nothing. */
  #do(local, ask) {
    this.#pending += 1;
    local?.();
    const done = this.#queue.then(ask).catch((error) => {
      complain(error);
      return null;
    }).finally(() => {
      this.#pending -= 1;
      if (this.#pending === 0) this.load();
    });
    this.#queue = done;
    return done;
  }

  async #add() {
    const text = clean(this.field.value).trim();
    if (!text) return;
    if (bytes(text) > LONGEST) { toast(t("list.item.long", { most: LONGEST }), { kind: "bad" }); return; }
    this.field.value = "";
    this.field.focus();
    const done = await this.#do(null, () => data.add(this.id, text));
    if (!done) { if (!this.field.value) this.field.value = text; return; }
    this.#added = done.item;
  }

  #move(item, to, { focus = true } = {}) {
    const from = this.#place.get(item.id);
    const place = Math.min(this.#items.length - 1, Math.max(0, to));
    if (from === undefined || place === from || !this.#may) return;
    this.#do(() => {
      this.#items = [...this.#items];
      this.#items.splice(from, 1);
      this.#items.splice(place, 0, item);
      this.#arrange({ loose: item.id });
      if (focus) this.#reveal(item.id);
      this.#flash(item.id);
      say(this.voice, t("list.moved", { text: line(item.text).slice(0, 80), place: place + 1, of: this.#items.length }));
    }, () => data.move(this.id, item.id, place));
  }

  /** Keeps a row that was moved by a key in view, and what had the focus in it. */
  #reveal(id) {
    const part = document.activeElement?.closest(".item")?.item?.id === id ? document.activeElement : null;
    const row = this.list.row(id);
    const view = this.box.getBoundingClientRect();
    const at = row?.getBoundingClientRect();
    if (!row || at.top < view.top + 4 || at.bottom > view.bottom - 4) this.list.show(id, { focus: !part });
    if (part?.isConnected && !part.disabled) part.focus({ preventScroll: true });
    else this.list.row(id)?.focus({ preventScroll: true });
  }

  #remove(id) {
    const at = this.#place.get(id);
    const item = this.#items[at];
    if (!item || !this.#may) return;
    const focused = this.box.contains(document.activeElement);
    this.#drafts.delete(id);
    this.#do(() => {
      this.#items = this.#items.filter((one) => one.id !== id);
      this.#arrange();
      this.summary();
      const next = this.#items[Math.min(at, this.#items.length - 1)];
      if (focused && next) this.list.row(next.id)?.focus({ preventScroll: true });
    }, () => data.remove(this.id, id)).then((done) => {
      if (done) toast(t("list.removed", { text: line(item.text).slice(0, 80) }), { action: t("list.undo"), run: () => this.undo() });
    });
  }

  async undo() {
    const done = await this.#do(null, () => data.undo(this.id));
    if (done) toast(t("list.undone"), { kind: "good" });
  }

  #edit(item) {
    if (!this.#may || this.#drafts.has(item.id)) return;
    this.#drafts.set(item.id, draftOf(item));
    this.list.refresh(item, { keep: true });
    const text = this.list.row(item.id)?.querySelector("textarea");
    text?.focus({ preventScroll: true });
    text?.setSelectionRange(text.value.length, text.value.length);
  }

  #stop(id) {
    const at = this.#place.get(id);
    const inside = this.list.row(id)?.contains(document.activeElement);
    this.#drafts.delete(id);
    if (at === undefined) return;
    this.list.refresh(this.#items[at], { keep: true });
    if (inside) this.list.row(id)?.focus({ preventScroll: true });
  }

  /** Says what is wrong, or nothing. */
  async #save(id, draft) {
    const made = changed(draft);
    if (!made) { this.#stop(id); return ""; }
    if (made.text !== undefined && bytes(made.text) > LONGEST) return t("list.item.long", { most: LONGEST });
    this.#pending += 1;
    try {
      await data.change(this.id, id, made.text, made.fields);
    } catch (error) {
      return reason(error);
    } finally {
      this.#pending -= 1;
    }
    const at = this.#place.get(id);
    if (at !== undefined) {
      const fields = Object.fromEntries(draft.fields.filter(([name, value]) => name && value !== ""));
      this.#items[at] = { ...this.#items[at], text: draft.text, fields };
    }
    this.#stop(id);
    this.#flash(id);
    this.load();
    return "";
  }

  #deed(deed, item) {
    const at = this.#place.get(item.id);
    if (deed === "up") this.#move(item, at - 1);
    else if (deed === "down") this.#move(item, at + 1);
    else if (deed === "edit") this.#edit(item);
    else if (deed === "remove") this.#remove(item.id);
  }

  #clicked(event) {
    const button = event.target.closest("button[data-deed]");
    const row = button?.closest(".item");
    if (row) this.#deed(button.dataset.deed, row.item);
  }

  #typed(event) {
    const row = event.target.closest(".item");
    if (!row || event.ctrlKey || event.metaKey || row.editor?.contains(event.target)) return;
    const at = this.#place.get(row.item.id);
    if (event.altKey) {
      const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.#items.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.#move(row.item, to);
      return;
    }
    if (event.target !== row) return;
    if (event.key === "Enter" || event.key === "F2") this.#edit(row.item);
    else if (event.key === "Delete") this.#remove(row.item.id);
    else return;
    event.preventDefault();
  }

  /** The buttons of one row only are in the order of the Tab key. */
  #reach(row) {
    if (this.reached === row) return;
    for (const button of this.reached?.querySelectorAll(".item-tools button") ?? []) button.tabIndex = -1;
    for (const button of row?.querySelectorAll(".item-tools button") ?? []) button.tabIndex = 0;
    this.reached = row;
  }
}
