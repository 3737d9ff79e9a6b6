// Moving an item by the pointer: a line shows where it will be.
import { h } from "./dom.js";

const NEAR = 44;
const MOVED = 4;

export class Drag {
  #held = null;
  #due = 0;
  #listening = new AbortController();

  /** `drop(item, to)` is called with the place that the item is to have then, counted from 0; `ended()` after every try. */
  constructor(box, list, { items, drop, ended }) {
    Object.assign(this, { box, list, items, drop, ended });
    this.mark = h("div.drop-mark", { hidden: true, "aria-hidden": "true" });
    box.parentNode?.append(this.mark);
    const { signal } = this.#listening;
    box.addEventListener("pointerdown", (event) => this.#taken(event), { signal });
    box.addEventListener("pointermove", (event) => this.#moved(event), { signal });
    box.addEventListener("pointerup", (event) => this.#let(event, true), { signal });
    box.addEventListener("pointercancel", (event) => this.#let(event, false), { signal });
    box.addEventListener("lostpointercapture", (event) => this.#let(event, false), { signal });
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#held) return;
      event.preventDefault();
      this.#let({ pointerId: this.#held.pointer }, false);
    }, { signal, capture: true });
  }

  get busy() { return this.#held !== null; }

  end() {
    this.#listening.abort();
    cancelAnimationFrame(this.#due);
    this.#held = null;
  }

  #taken(event) {
    const grip = event.target.closest("[data-deed=drag]");
    const row = grip?.closest(".item");
    if (!row || event.button !== 0 || this.#held || row.classList.contains("read-only")) return;
    event.preventDefault();
    // The box has the pointer: rows come and go while it scrolls.
    this.box.setPointerCapture(event.pointerId);
    this.#held = { pointer: event.pointerId, item: row.item, from: event.clientY, y: event.clientY, before: undefined, moving: false };
  }

  #moved(event) {
    const held = this.#held;
    if (!held || event.pointerId !== held.pointer) return;
    held.y = event.clientY;
    if (!held.moving && Math.abs(held.y - held.from) < MOVED) return;
    held.moving = true;
    this.box.classList.add("dragging");
    if (!this.#due) this.#due = requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    this.#due = 0;
    const held = this.#held;
    if (!held?.moving) return;
    const view = this.box.getBoundingClientRect();
    const over = held.y < view.top + NEAR ? held.y - view.top - NEAR : held.y > view.bottom - NEAR ? held.y - view.bottom + NEAR : 0;
    if (over) {
      this.box.scrollTop += over / 3;
      this.#due = requestAnimationFrame(() => this.#frame());
    }
    let edge = null;
    held.before = null;
    for (const item of this.list.drawn) {
      const row = this.list.row(item.id);
      const at = row.getBoundingClientRect();
      row.classList.toggle("dragged", item.id === held.item.id);
      if (edge === null && held.y < at.top + at.height / 2) {
        edge = at.top;
        held.before = item.id;
      } else if (edge === null) this.last = at.bottom;
    }
    // Behind all that is drawn, there may be more.
    if (held.before === null) {
      const items = this.items();
      const last = this.list.drawn.at(-1);
      held.before = items[items.indexOf(last) + 1]?.id ?? null;
    }
    const y = Math.min(view.bottom, Math.max(view.top, edge ?? this.last ?? view.top));
    this.mark.hidden = false;
    this.mark.style.transform = `translateY(${Math.round(y - view.top)}px)`;
  }

  #let(event, yes) {
    const held = this.#held;
    if (!held || event.pointerId !== held.pointer) return;
    this.#held = null;
    cancelAnimationFrame(this.#due);
    this.#due = 0;
    this.mark.hidden = true;
    this.box.classList.remove("dragging");
    for (const row of this.box.querySelectorAll(".dragged")) row.classList.remove("dragged");
    if (this.box.hasPointerCapture?.(held.pointer)) this.box.releasePointerCapture(held.pointer);
    const rest = this.items().filter((item) => item.id !== held.item.id);
    if (!yes || !held.moving || rest.length === this.items().length) { this.ended(); return; }
    // Before the item that follows; before itself is where it was.
    if (held.before === held.item.id) { this.ended(); return; }
    const at = held.before === null ? rest.length : rest.findIndex((item) => item.id === held.before);
    this.drop(held.item, at < 0 ? rest.length : at);
    this.ended();
  }
}
