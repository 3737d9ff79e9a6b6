// The lines of one conversation, as far back as one scrolls, live.

import * as api from "./api.js";
import * as live from "./live.js";
import { clean, h, icon } from "./dom.js";
import { complain, copy } from "./dialog.js";
import { day, t } from "./i18n.js";
import { List } from "./list.js";
import { id, person, state, subscribe, wasRead, who } from "./store.js";
import { arrange, drawRow, itemOf, keyOf, updateRow } from "./talk-row.js";

const PAGE = 100;
const MOST = 1_000;
const SEEN_AFTER = 400;

/** What a day is called, near today. */
function dayNames() {
  const today = new Date().toDateString();
  const yesterday = new Date(Date.now() - 86_400_000).toDateString();
  return ({ date, at }) => (date === today ? t("talk.today") : date === yesterday ? t("talk.yesterday") : day(at));
}

/** Says what went wrong, but for what the frame of the page says. */
function blame(error) {
  if (![0, 401, 404, 503].includes(error.status)) complain(error);
}

export class Thread {
  #line = null;
  #known = new Map();
  #fresh = null;
  #whole = false;
  #busy = null;
  #timer = 0;
  #telling = new Set();
  #news = [];
  #turn = 0;
  #ends = [];
  #new = 0;
  #queue = [];
  #marks = new Map();
  #unseen = false;
  #skipped = false;

  /** `place` is "" for everyone, else the id of a person; `said(line)` is called with lines of ours as they come. */
  constructor(place, { said }) {
    Object.assign(this, { place, said });
    this.box = h("div", { class: "lines", role: "feed", "aria-label": t("talk.lines"), "aria-busy": "true" });
    this.empty = h("div", { class: "lines-empty", hidden: true });
    this.down = h("button", { type: "button", class: "button to-end", hidden: true, onclick: () => this.#skip() });
    this.voice = h("div", { class: "away", "aria-live": "polite" });
    this.root = h("div", { class: "thread-lines" }, this.box, this.empty, this.down, this.voice);
    this.list = new List(this.box, {
      key: (item) => item.key,
      render: (item) => drawRow(item, { everyone: !place, changed: (grown) => this.list.refresh(grown, { keep: true }) }),
      update: updateRow,
      guess: ({ line, day: head, joined }, width) => 34 + (head ? 44 : 0) + (joined || line.ours ? 0 : 18) + 21 * Math.min(26, Math.ceil((line.text.length * 7.4) / Math.max(200, width * 0.66))),
      seen: () => this.#look(),
      top: () => this.#older(),
      moved: (end) => this.#ended(end),
    });
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "c" && (event.ctrlKey || event.metaKey) && event.target.item && getSelection().isCollapsed) { event.preventDefault(); copy(event.target.item.line.text); }
    });
    // One button for all lines: it goes to the one that is pointed at.
    const take = h("button", {
      type: "button", class: "button icon-only copy-line", tabindex: -1, title: t("talk.copy"), "aria-label": t("talk.copy"),
      onclick: () => copy(take.closest("[role=article]").item.line.text),
    }, icon("copy", { size: 15 }));
    for (const type of ["pointerover", "focusin"]) {
      this.box.addEventListener(type, (event) => {
        const bubble = event.target.closest("[role=article]")?.querySelector(".bubble");
        if (bubble && take.parentNode !== bubble) bubble.append(take);
      });
    }
    const mine = (line) => (line.type === "post" ? !place : line.type === "dm" && id(line.with) === place);
    for (const type of ["post", "dm"]) this.#ends.push(live.on(type, (line) => { if (mine(line)) this.#came(line); }));
    this.#ends.push(
      live.on("mark", (sent) => this.#marked(sent)),
      live.on("read", ({ rows }) => this.#wereRead(rows)),
      live.on("forgotten", () => this.load()), live.on("reload", () => this.load()),
      live.on("caught-up", () => { if (!place) this.load(); }),
    );
    this.#ends.push(subscribe("people", (ids) => {
      for (const item of this.list.drawn) if (!item.line.ours && (!ids || ids.has(id(item.line.with)))) updateRow(this.list.row(item.key), item);
    }));
    const shown = () => this.#look();
    document.addEventListener("visibilitychange", shown);
    this.#ends.push(() => document.removeEventListener("visibilitychange", shown));
    let opened = live.isOpen();
    this.#ends.push(live.on("open", () => { if (opened || !this.loaded) this.load(); opened = true; }));
  }

  get #items() { return this.list.items; }

  end() {
    this.ended = true;
    for (const end of this.#ends) end();
    this.#turn += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.telling);
    this.list.end();
  }

  #asked(more) {
    return this.place ? { with: who(this.place), kind: "dm", ...more } : { kind: "post", ...more };
  }

  /** Reads the newest lines, and keeps those before them that are known. */
  async load({ row = null } = {}) {
    const turn = ++this.#turn;
    const first = this.#items.length === 0;
    const unread = state.conversations.get(this.place)?.unread ?? 0;
    const limit = Math.min(MOST, Math.max(PAGE, first ? unread + 20 : this.#items.length));
    const asked = performance.now();
    let lines;
    try {
      lines = await api.get("/api/history", this.#asked({ limit }));
    } catch (error) {
      if (turn !== this.#turn) return;
      // Nothing was said yet with somebody who is not here.
      this.off = error.status === 503;
      if (this.#items.length || (error.status !== 404 && !this.off)) { blame(error); return; }
      lines = [];
    } finally {
      this.box.setAttribute("aria-busy", "false");
    }
    if (turn !== this.#turn) return;
    this.loaded = true;
    const before = lines.length ? this.#items.findIndex((item) => item.key === keyOf(lines[0])) : -1;
    const kept = before > 0 ? this.#items.slice(0, before) : [];
    if (before < 0) this.#whole = lines.length < limit;
    if (first) this.#fresh = lines.find((line) => !line.ours && !line.read) ?? null;
    if (first && this.#fresh) { this.#fresh = keyOf(this.#fresh); this.#unseen = true; }
    const old = this.#known;
    const read = lines.map((line) => {
      const item = old.get(keyOf(line));
      return this.#merged(item, line, { marked: item?.marked > asked });
    });
    // What came while we asked is not in the answer.
    const told = new Set(lines.map(keyOf));
    const since = this.#items.filter((item) => !told.has(item.key) && item.came > asked);
    this.#put([...kept, ...read, ...since], { end: first && !this.#fresh });
    for (const item of read) this.list.refresh(item);
    if (row !== null) await this.jump(row);
    else if (first && this.#fresh) this.list.show(this.#fresh, { middle: true });
  }

  /** With `marked` the mark that is known holds. */
  #merged(item, line, { marked = false } = {}) {
    if (!item) return itemOf(line);
    const mark = marked && item.line.mark ? { mark: item.line.mark, reason: item.line.reason } : {};
    item.line = { ...item.line, ...line, ...mark, read: item.line.read || line.read, late: item.line.late || line.late };
    return item;
  }

  #put(items, { end = false } = {}) {
    this.#known = new Map(items.map((item) => [item.key, item]));
    this.#line = this.#fresh;
    this.list.drop(arrange(items, this.#fresh, dayNames()).map((item) => item.key));
    this.list.set(items, { end });
    this.#filled();
  }

  /** Puts lines after all others. */
  #append(items) {
    // Where the line above what is unread moves, other rows change as well.
    if (this.#line !== this.#fresh || !this.#items.length) { this.#put([...this.#items, ...items]); return; }
    arrange(items, this.#fresh, dayNames(), this.#items.at(-1));
    this.list.append(items);
  }

  #filled() {
    const items = this.#items;
    this.empty.hidden = items.length > 0;
    // A feed has articles.
    this.box.role = items.length ? "feed" : "group";
    if (!items.length) this.empty.replaceChildren(h("p", {}, t(this.off ? "talk.no-history" : this.place ? "talk.empty.one" : "talk.empty.all")));
  }

  /** Lines before the first one. */
  #older(limit = PAGE) {
    if (this.#whole || !this.#items.length) return Promise.resolve(false);
    this.#busy ??= (async () => {
      const turn = this.#turn;
      this.box.setAttribute("aria-busy", "true");
      try {
        const before = this.#items.find((item) => item.line.row !== undefined)?.line.row;
        if (before === undefined) return false;
        const lines = await api.get("/api/history", this.#asked({ before, limit }));
        if (turn !== this.#turn) return true;
        this.#whole = lines.length < limit;
        const fresh = lines.filter((line) => !this.#known.has(keyOf(line)));
        if (fresh.length) this.#put([...fresh.map(itemOf), ...this.#items]);
        return lines.length > 0;
      } catch (error) {
        blame(error);
        return false;
      } finally {
        this.box.setAttribute("aria-busy", "false");
        this.#busy = null;
      }
    })();
    return this.#busy;
  }

  /** Brings the line of a row into view, however old it is. */
  async jump(row) {
    const find = () => this.#items.find((item) => item.line.row === row);
    while (!find() && (await this.#older(MOST))) { /* further back */ }
    const item = find();
    if (!item) return;
    this.list.show(item.key, { focus: true });
    const shown = this.list.row(item.key);
    shown?.classList.add("found");
    setTimeout(() => shown?.classList.remove("found"), 2_500);
  }

  /** A line that we said just now, before the event tells of it. */
  add(line) {
    this.#queue.push(line);
    this.#flush();
    this.list.toEnd();
  }

  /** Many may come at once: they are shown together. */
  #came(line) {
    this.#queue.push(line);
    if (this.#queue.length > 1) return;
    if (document.hidden) setTimeout(() => this.#flush(), 30);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    const seen = document.visibilityState === "visible" && this.list.atEnd;
    const fresh = [];
    for (const line of this.#queue.splice(0)) {
      const known = this.#known.get(keyOf(line));
      if (known) {
        // This tells how it began; what became of it may be known already, by an event or by the answer.
        this.#merged(known, line, { marked: known.marked !== undefined || line.mark === "waiting" });
        this.list.refresh(known);
        continue;
      }
      const mark = line.ours && this.#marks.get(line.message);
      const item = itemOf({ ...line, ...mark });
      item.came = performance.now();
      if (mark) item.marked = item.came;
      this.#known.set(item.key, item);
      fresh.push(item);
      if (line.ours) { this.#fresh = null; this.said(line); } else {
        if (!seen && !this.#unseen) this.#fresh = item.key;
        this.#unseen ||= !seen;
        this.#tell(line);
      }
    }
    if (!fresh.length || this.ended) return;
    this.#append(fresh);
    this.#count(this.#new + (this.list.atEnd ? 0 : fresh.filter(({ line }) => !line.ours).length));
  }

  #marked(sent) {
    const told = { mark: sent.mark, reason: sent.reason };
    const item = this.#known.get(`o ${sent.message}`);
    // A mark may come before the line that it is for.
    this.#marks.set(sent.message, told);
    if (this.#marks.size > 200) this.#marks.delete(this.#marks.keys().next().value);
    if (!item) return;
    item.marked = performance.now();
    item.line = { ...item.line, ...told };
    this.list.refresh(item);
  }

  #wereRead(rows) {
    const read = new Set(rows);
    for (const item of this.#items) if (read.has(item.line.row)) item.line.read = true;
  }

  #ended(end) {
    this.#count(end ? 0 : this.#new);
    if (end && document.visibilityState === "visible") this.#unseen = false;
  }

  /** Who asks for the newest line has done with those before it. */
  #skip() {
    this.#skipped = true;
    this.list.toEnd();
    this.#look();
  }

  #count(fresh) {
    this.#new = fresh;
    this.down.hidden = this.list.atEnd;
    this.down.textContent = fresh ? t("talk.below", { n: fresh }) : t("talk.to-end");
  }

  /** Says arriving lines to screen readers, a few at a time. */
  #tell(line) {
    this.#news.push(line);
    if (this.telling) return;
    this.telling = setTimeout(() => {
      this.telling = 0;
      const news = this.#news.splice(0);
      const words = news.length > 3 ? [t("talk.many", { n: news.length })]
        : news.map((one) => t("talk.says", { who: person(id(one.with))?.name ?? one.with?.name ?? "", text: clean(one.text).slice(0, 240) }));
      this.voice.replaceChildren(...words.map((one) => h("p", {}, one)));
    }, 700);
  }

  /** What is in view of a page that is in view, and stays there for a moment, was read. */
  #look() {
    if (this.#timer || document.visibilityState !== "visible") return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (document.visibilityState !== "visible") return;
      const fresh = (this.#skipped ? this.#items : this.list.inView).filter(({ line }) => !line.ours && !line.read && line.row !== undefined && !this.#telling.has(line.row));
      this.#skipped = fresh.length > MOST;
      if (fresh.length) this.#tellRead(fresh.slice(0, MOST));
    }, SEEN_AFTER);
  }

  async #tellRead(items) {
    const rows = items.map((item) => item.line.row);
    for (const row of rows) this.#telling.add(row);
    try {
      await api.send("POST", "/api/read", { rows });
      for (const item of items) item.line.read = true;
      wasRead(this.place, rows.length);
    } catch { /* it stays unread, and is told again when it is seen again */ } finally {
      for (const row of rows) this.#telling.delete(row);
      if (this.#skipped) this.#look();
    }
  }
}
