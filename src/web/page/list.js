// A list of which only what can be seen is in the document: rows of any height, held in place while others come and go.

const NEAR = 4;
const END = 1e9;

export class List {
  #items = [];
  #place = new Map();
  #heights = new Map();
  #tops = [0];
  #rows = new Map();
  #span = [0, 0];
  #hold = null;
  #active = null;
  #due = 0;
  #width = 0;
  #lost = null;

  /**
   * `render(item)` makes a row, `update(row, item)` changes it, `key(item)` names it; `guess(item)` is the height of a
   * row that was never shown. `seen()` is called when other rows may have come into view, `top()` when the beginning comes near, `moved(end)`
   * when the end came into view or left it. `role` is that of rows which the keyboard stops at. Who sits at the end stays there, unless
   * `stick` is false.
   */
  constructor(box, { render, key, update, guess, seen = () => {}, top = () => {}, moved = () => {}, role = "article", stick = true }) {
    Object.assign(this, { box, render, key, update, guess, seen, top, moved, role, stick });
    this.above = document.createElement("div");
    this.below = document.createElement("div");
    box.replaceChildren(this.above, this.below);
    box.tabIndex = 0;
    box.style.overflowAnchor = "none";
    this.listening = new AbortController();
    const { signal } = this.listening;
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true, signal });
    box.addEventListener("keydown", (event) => this.#typed(event), { signal });
    box.addEventListener("focusin", (event) => this.#focused(event), { signal });
    this.sizes = new ResizeObserver((changes) => this.#resized(changes));
    this.sizes.observe(box);
  }

  get items() { return this.#items; }

  get atEnd() { return this.#hold === null; }

  /** Replaces the items; what is in view stays where it is, and the end stays in view if it was. `loose` is no hold: it was moved. */
  set(items, { end = false, loose } = {}) {
    const hold = end ? null : this.#grip(loose);
    this.#items = items;
    this.#place = new Map(items.map((item, at) => [this.key(item), at]));
    this.#measured(0);
    this.#draw(hold);
  }

  /** Puts items after all others, whatever their number. */
  append(items) {
    const hold = this.#grip();
    const from = this.#items.length;
    for (const item of items) {
      this.#place.set(this.key(item), this.#items.length);
      this.#items.push(item);
    }
    this.#measured(from);
    this.#draw(hold);
  }

  /** Draws the row of this item anew; `keep` holds the row itself where it is. */
  refresh(item, { keep = false } = {}) {
    const key = this.key(item);
    const at = this.#place.get(key);
    if (at === undefined) return;
    this.#items[at] = item;
    const row = this.#rows.get(key);
    if (!row) return;
    this.update(row, item);
    const off = this.#tops[at] - this.box.scrollTop;
    const hold = keep ? { key, off: Math.max(off, NEAR) } : this.#grip();
    if (this.#measure([key])) this.#draw(hold);
  }

  /** Rows that are to be made anew when they are drawn next. */
  drop(keys) {
    for (const key of keys) {
      const row = this.#rows.get(key);
      if (!row) continue;
      if (row === document.activeElement) this.#lost = key;
      this.sizes.unobserve(row);
      row.remove();
      this.#rows.delete(key);
    }
  }

  /** The items whose rows are in the document. */
  get drawn() { return this.#items.slice(...this.#span); }

  /** The items in view. */
  get inView() {
    const view = this.box.clientHeight;
    const top = this.box.scrollTop;
    return view && this.#items.length ? this.#items.slice(this.#at(top), this.#at(top + view - 24) + 1) : [];
  }

  toEnd() { this.#draw(null); }

  /** Brings an item into view, and its row under the focus if that is wanted. */
  show(key, { focus = false, middle = true } = {}) {
    const at = this.#place.get(key);
    if (at === undefined) return false;
    const view = this.box.clientHeight;
    const off = middle ? Math.max(NEAR, (view - this.#height(at)) / 2) : NEAR;
    this.#draw({ key, off });
    if (focus) this.#focus(key);
    return true;
  }

  row(key) { return this.#rows.get(key) ?? null; }

  end() {
    this.listening.abort();
    this.sizes.disconnect();
    cancelAnimationFrame(this.#due);
  }

  #height(at) {
    const item = this.#items[at];
    return this.#heights.get(this.key(item)) ?? this.guess(item, this.#width);
  }

  #measured(from) {
    const tops = this.#tops;
    tops.length = this.#items.length + 1;
    tops[0] = 0;
    for (let at = from; at < this.#items.length; at += 1) tops[at + 1] = tops[at] + this.#height(at);
  }

  /** The item at this height. */
  #at(height) {
    let low = 0;
    let high = this.#items.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle] <= height) low = middle; else high = middle - 1;
    }
    return Math.max(0, low);
  }

  /** What is to stay where it is; nothing where the end is to stay. */
  #grip(loose) {
    return this.#hold === null || !this.#items.length ? null : this.#first(loose);
  }

  /** The second row in view, as the first may get or lose what stands above it. */
  #first(loose) {
    const top = this.box.scrollTop;
    let at = this.#at(top);
    if (at + 1 < this.#items.length && this.#tops[at + 1] < top + this.box.clientHeight) at += 1;
    if (loose !== undefined && this.key(this.#items[at]) === loose && at + 1 < this.#items.length) at += 1;
    return { key: this.key(this.#items[at]), off: this.#tops[at] - top };
  }

  #draw(hold) {
    const view = this.box.clientHeight;
    const over = Math.max(200, view / 3);
    const place = hold ? this.#place.get(hold.key) : undefined;
    const aim = () => {
      const most = Math.max(0, this.#tops[this.#items.length] - view);
      if (hold === null) return this.stick ? most : Math.min(most, this.box.scrollTop);
      return Math.min(most, Math.max(0, place === undefined ? this.box.scrollTop : this.#tops[place] - hold.off));
    };
    let top = aim();
    for (let round = 0; round < 4; round += 1) {
      if (!this.#measure(this.#fill(this.#at(top - over), this.#items.length ? this.#at(top + view + over) + 1 : 0))) break;
      top = aim();
      const [first, last] = this.#span;
      if (this.#at(top) >= first && this.#at(top + view) < last) break;
    }
    this.#pad();
    if (hold === null && this.stick) this.box.scrollTop = END;
    else if (Math.abs(this.box.scrollTop - top) >= 1) this.box.scrollTop = top;
    if (this.#lost !== null) {
      this.#focus(this.#lost);
      this.#lost = null;
    }
    this.#settle();
  }

  #pad() {
    const [first, last] = this.#span;
    this.above.style.height = `${this.#tops[first] ?? 0}px`;
    this.below.style.height = `${Math.max(0, this.#tops[this.#items.length] - (this.#tops[last] ?? 0))}px`;
  }

  /** Puts these rows and no others into the document; tells which of them are new. */
  #fill(first, last) {
    const wanted = new Set();
    for (let at = first; at < last; at += 1) wanted.add(this.key(this.#items[at]));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      if (row.contains(document.activeElement)) this.box.focus({ preventScroll: true });
      this.sizes.unobserve(row);
      row.remove();
      this.#rows.delete(key);
    }
    const focused = this.box.contains(document.activeElement) ? document.activeElement : null;
    const fresh = [];
    let after = this.above;
    for (let at = first; at < last; at += 1) {
      const item = this.#items[at];
      const key = this.key(item);
      let row = this.#rows.get(key);
      if (!row) {
        row = this.render(item);
        row.dataset.key = key;
        this.#rows.set(key, row);
        fresh.push(key);
      }
      if (row.role === this.role) {
        row.ariaPosInSet = String(at + 1);
        row.ariaSetSize = String(this.#items.length);
        row.tabIndex = key === this.#active ? 0 : -1;
      }
      if (after.nextSibling !== row) after.after(row);
      after = row;
    }
    // Who is put elsewhere in the document loses the focus.
    if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    this.#span = [first, last];
    return fresh;
  }

  #measure(keys) {
    let least = Infinity;
    for (const key of keys) {
      const row = this.#rows.get(key);
      if (!row) continue;
      const height = row.getBoundingClientRect().height;
      this.sizes.observe(row);
      const at = this.#place.get(key);
      if (Math.abs(height - this.#height(at)) < 0.5) { this.#heights.set(key, height); continue; }
      this.#heights.set(key, height);
      least = Math.min(least, at);
    }
    if (least === Infinity) return false;
    this.#measured(least);
    return true;
  }

  #resized(changes) {
    if (changes.some((change) => change.target === this.box) && this.box.clientWidth !== this.#width) {
      this.#width = this.box.clientWidth;
      const hold = this.#hold;
      this.#heights.clear();
      this.#measure([...this.#rows.keys()]);
      this.#measured(0);
      this.#draw(hold);
      return;
    }
    const hold = this.#hold;
    const box = changes.some((change) => change.target === this.box);
    const keys = changes.map((change) => change.target.dataset.key).filter((key) => this.#rows.has(key));
    if (this.#measure(keys) || box) this.#draw(hold);
  }

  #scrolled() {
    if (this.#due) return;
    this.#due = requestAnimationFrame(() => {
      this.#due = 0;
      this.#settle();
      const top = this.box.scrollTop;
      const spare = this.box.clientHeight / 6;
      const [first, last] = this.#span;
      const low = this.#at(top - spare) < first;
      const high = this.#at(top + this.box.clientHeight + spare) >= last;
      if ((low || high) && this.#items.length) {
        this.#draw(this.#grip());
      }
    });
  }

  /** Notes where we stand, and tells what is in view. */
  #settle() {
    const top = this.box.scrollTop;
    const view = this.box.clientHeight;
    const end = this.box.scrollHeight - view - top <= NEAR;
    const at = this.#at(top);
    const item = this.#items[at];
    const was = this.#hold === null;
    this.#hold = (end && this.stick) || !item ? null : this.#first();
    if (was !== end) this.moved(end);
    if (item && view) this.seen();
    if (item && top < view) this.top();
  }

  #focus(key) {
    const row = this.#rows.get(key);
    if (!row) return;
    const old = this.#rows.get(this.#active);
    if (old) old.tabIndex = -1;
    this.#active = key;
    row.tabIndex = 0;
    row.focus({ preventScroll: true });
  }

  #focused(event) {
    const row = event.target.closest("[data-key]");
    if (row && this.#rows.get(row.dataset.key) === row) this.#active = row.dataset.key;
  }

  /** Arrows go from row to row, Home and End to both ends; pages are scrolled as everywhere. */
  #typed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.#items.length) return;
    if (event.target !== this.box && event.target.role !== this.role) return;
    const last = this.#items.length - 1;
    const first = this.#at(this.box.scrollTop);
    const foot = Math.min(last, this.#at(this.box.scrollTop + this.box.clientHeight - NEAR));
    const on = event.target === this.box ? undefined : this.#place.get(this.#active);
    const tall = on !== undefined && this.#height(on) > this.box.clientHeight;
    if (tall && event.key.startsWith("Page")) return;
    let to;
    if (event.key === "ArrowDown") to = on === undefined ? first : on + 1;
    else if (event.key === "ArrowUp") to = on === undefined ? foot : on - 1;
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = last;
    else if (event.key === "PageUp") to = Math.min(first, (on ?? first) - 1);
    else if (event.key === "PageDown") to = Math.max(foot, (on ?? foot) + 1);
    else return;
    event.preventDefault();
    const step = event.key === "ArrowUp" ? -1 : 1;
    to = Math.min(last, Math.max(0, to));
    this.#reveal(to, event.key);
    while (this.#rows.get(this.key(this.#items[to]))?.role !== this.role) {
      if (to + step < 0 || to + step > last) return;
      to += step;
    }
    this.#reveal(to, event.key);
    this.#focus(this.key(this.#items[to]));
  }

  #reveal(to, why) {
    const top = this.box.scrollTop;
    const view = this.box.clientHeight;
    const [from, until] = [this.#tops[to], this.#tops[to + 1]];
    const key = this.key(this.#items[to]);
    if (why === "End") this.#draw(null);
    else if (why === "PageUp") this.#draw({ key, off: Math.max(NEAR, view - (until - from) - NEAR) });
    else if (why === "PageDown" || from < top) this.#draw({ key, off: NEAR });
    else if (until > top + view) this.#draw({ key, off: Math.max(NEAR, view - (until - from) - NEAR) });
    else if (!this.#rows.has(key)) this.#draw({ key, off: from - top });
  }
}
