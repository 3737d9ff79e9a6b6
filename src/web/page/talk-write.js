// Where a text is written: its draft is kept, and nothing is sent twice or lost.

import * as api from "./api.js";
import { h, icon, say } from "./dom.js";
import { reason } from "./dialog.js";
import { number, t } from "./i18n.js";
import { who } from "./store.js";
import { reached } from "./talk-row.js";

const MOST = 65_536;
const NEAR = 60_000;
const BIG = 4_000;
const DRAFT = "peer.draft.";
const ENTER = "peer.enter";

function kept(key) {
  try { return localStorage.getItem(key) ?? ""; } catch { return ""; }
}

function keep(key, value) {
  try { value ? localStorage.setItem(key, value) : localStorage.removeItem(key); } catch { /* no room: it stays in the field */ }
}

/** Calls back with the place of a draft that another tab changed; gives back what ends that. */
export function onDraft(fn) {
  const changed = ({ key }) => { if (key?.startsWith(DRAFT)) fn(key.slice(DRAFT.length)); };
  addEventListener("storage", changed);
  return () => removeEventListener("storage", changed);
}

export const draft = (place) => kept(DRAFT + place);

/** Whether Enter sends, or Control and Enter. */
export const enterSends = () => kept(ENTER) !== "line";
export const setEnter = (sends) => keep(ENTER, sends ? "" : "line");

const encoder = new TextEncoder();

export class Writer {
  #busy = false;
  #saving = 0;
  #timer = 0;
  #unsure = null;
  #until = 0;

  /** `sent(line)` is called with what was said, `drafted(place)` when a draft came or went. */
  constructor(place, { label, sent, drafted }) {
    Object.assign(this, { place, sent, drafted });
    this.field = h("textarea", { class: "write-text", id: "write-text", rows: 1, dir: "auto", "aria-label": label, placeholder: label, "aria-describedby": "write-hint write-count", enterkeyhint: enterSends() ? "send" : "enter" });
    this.field.value = draft(place);
    this.count = h("span", { class: "write-count", id: "write-count", hidden: true });
    this.problem = h("p", { class: "write-problem", role: "alert", hidden: true });
    this.button = h("button", { type: "submit", class: "button main write-send", "aria-label": t("talk.send"), title: t("talk.send") }, icon("send"));
    this.stop = h("button", { type: "button", class: "button small", hidden: true, onclick: () => this.#halt() }, t("dialog.cancel"));
    this.hint = h("p", { class: "write-hint", id: "write-hint" });
    this.root = h("form", { class: "write", onsubmit: (event) => { event.preventDefault(); this.#send(); } },
      this.problem, h("div", { class: "write-row" }, this.field, this.button), h("div", { class: "write-foot" }, this.hint, this.count, this.stop));
    this.field.addEventListener("input", () => this.#typed());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    // To find the height of a long text takes its time: such a field is as high as it can be.
    this.field.addEventListener("paste", (event) => { if ((event.clipboardData?.getData("text/plain").length ?? 0) > BIG) this.field.classList.add("big"); });
    this.leaving = () => this.#save();
    addEventListener("pagehide", this.leaving);
    // What another tab wrote or sent, unless something else is written here.
    this.other = ({ key, oldValue, newValue }) => {
      if (key !== DRAFT + this.place || (oldValue ?? "") !== this.field.value) return;
      this.field.value = newValue ?? "";
      this.#measure();
    };
    addEventListener("storage", this.other);
    this.redraw();
    this.#measure();
  }

  /** Says anew how to send. */
  redraw() {
    say(this.hint, t(enterSends() ? "talk.hint.enter" : "talk.hint.line"));
  }

  /** Takes the field away where nothing may be said. */
  block(yes) {
    this.field.disabled = yes;
    this.button.disabled = yes;
  }

  focus() { this.field.focus({ preventScroll: true }); }

  end() {
    removeEventListener("pagehide", this.leaving);
    removeEventListener("storage", this.other);
    this.#save();
    clearInterval(this.#timer);
    this.gone = true;
  }

  /** A line of ours came: the one of which we did not hear whether it was sent? */
  heard(line) {
    if (this.#unsure !== line.text) return;
    this.#unsure = null;
    if (this.field.value === line.text) this.#clear();
  }

  #key(event) {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    const control = event.ctrlKey || event.metaKey;
    if (control || (enterSends() && !event.shiftKey && !event.altKey)) {
      event.preventDefault();
      if (!event.repeat) this.#send();
    }
  }

  #typed() {
    this.#tell("");
    this.#measure();
    clearTimeout(this.#saving);
    this.#saving = setTimeout(() => this.#save(), 300);
  }

  #measure() {
    const text = this.field.value;
    // A character has at most three bytes a unit, so most texts need not be counted.
    const size = text.length * 3 < NEAR ? 0 : encoder.encode(text).length;
    this.count.hidden = size < NEAR;
    if (size >= NEAR) {
      this.count.textContent = t("talk.count", { n: size, size: number(size), most: number(MOST) });
      this.count.classList.toggle("over", size > MOST);
    }
    this.field.classList.toggle("big", text.length > BIG);
    if (!CSS.supports("field-sizing", "content")) this.field.rows = Math.min(9, text.slice(0, 4_000).split("\n").length);
  }

  #save() {
    clearTimeout(this.#saving);
    keep(DRAFT + this.place, this.field.value);
    this.drafted(this.place);
  }

  #clear() {
    this.field.value = "";
    this.#measure();
    this.#save();
    this.#tell("");
  }

  #tell(text) {
    this.problem.hidden = text === "";
    say(this.problem, text);
  }

  #work(busy) {
    this.#busy = busy;
    this.field.readOnly = busy;
    this.button.setAttribute("aria-disabled", String(busy));
    this.root.setAttribute("aria-busy", String(busy));
  }

  #halt() {
    clearInterval(this.#timer);
    this.stop.hidden = true;
    this.#tell("");
    this.#work(false);
    this.focus();
  }

  async #send() {
    const text = this.field.value;
    if (this.#busy || this.field.disabled || text.trim() === "") return;
    const size = text.length * 3 > MOST ? encoder.encode(text).length : 0;
    if (size > MOST) { this.#tell(t("talk.too-long", { size: number(size), most: number(MOST) })); return; }
    this.#work(true);
    this.#tell("");
    this.#save();
    const to = who(this.place);
    try {
      const answer = this.place ? await api.send("POST", "/api/dms", { to, text }) : await api.send("POST", "/api/posts", { text });
      this.#unsure = null;
      reached(answer);
      const now = new Date().toISOString();
      this.#clear();
      this.#work(false);
      const said = { message: answer.message, ours: true, with: answer.to, text, stamp: now, at: now, private: answer.private, read: true, late: false };
      this.sent(this.place ? { type: "dm", ...said, mark: answer.mark, reason: answer.reason } : { type: "post", ...said });
    } catch (error) {
      if (error.status === 429 && !this.gone) { this.#later(error.retryAfterMs ?? 1_000); return; }
      this.#work(false);
      this.#unsure = error.status === 0 ? text : null;
      this.#tell(error.status === 0 ? t("talk.unsure") : reason(error));
      if (!this.gone) this.focus();
    }
  }

  /** Sends it once it may. */
  #later(wait) {
    this.#until = Date.now() + wait + 50;
    this.stop.hidden = false;
    const tick = () => {
      const left = this.#until - Date.now();
      if (left > 0) { this.#tell(t("talk.wait", { n: Math.ceil(left / 1000) })); return; }
      clearInterval(this.#timer);
      this.stop.hidden = true;
      this.#work(false);
      this.#send();
    };
    clearInterval(this.#timer);
    this.#timer = setInterval(tick, 250);
    tick();
  }
}
