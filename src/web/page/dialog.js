// Dialogs and toasts.
import { ApiError } from "./api.js";
import { h, put } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";

let numbers = 0;
const place = () => document.getElementById("toasts");

/**
 * Opens a dialog. `body` nodes; `actions` of { label, value, kind: "main" | "danger" | "plain", run }: `run` may give back
 * false, or a promise of it, to keep the dialog open. Gives { element, body, close(value), closed: Promise(value) }.
 */
export function dialog({ title, body = [], actions = [], wide = false, role, onclose }) {
  numbers += 1;
  const label = `dialog-${numbers}`;
  const from = document.activeElement;
  const inside = h("div.dialog-body", body);
  const element = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-labelledby": label, role });
  let finish;
  const closed = new Promise((done) => { finish = done; });
  let answer;
  const close = (value) => { answer = value; if (element.open) element.close(); };
  const foot = actions.length > 0 && h("div.dialog-actions", actions.map((action) =>
    h("button", {
      class: `button ${action.kind ?? "plain"}`, autofocus: action.focus,
      onclick: async (event) => {
        const button = event.currentTarget;
        button.disabled = true;
        const stays = action.run && (await action.run()) === false;
        button.disabled = false;
        if (!stays) close(action.value);
      },
    }, action.label)));
  put(element,
    h("div.dialog-head",
      h("h2", { id: label, tabindex: -1 }, title),
      h("button.button.icon-only", { "aria-label": t("dialog.close"), onclick: () => close() }, icon("close"))),
    inside, foot);
  element.addEventListener("close", () => {
    if (element.contains(place())) document.body.append(place());
    element.remove();
    onclose?.();
    finish(answer);
    if (from?.isConnected) from.focus({ preventScroll: true });
  });
  element.addEventListener("mousedown", (event) => { if (event.target === element) close(); });
  document.body.append(element);
  element.showModal();
  // Not the cross in the corner, which would be first.
  if (!element.querySelector("[autofocus]")) element.querySelector("h2").focus();
  return { element, body: inside, close, closed };
}

/** Asks yes or no. */
export async function sure({ title, text, yes, danger = false }) {
  const asked = dialog({
    title, role: "alertdialog", body: [h("p", text)],
    actions: [{ label: t("dialog.cancel"), focus: true }, { label: yes, value: true, kind: danger ? "danger" : "main" }],
  });
  return (await asked.closed) === true;
}

/** Says something for a while, to screen readers too. `kind`: "good" or "bad". */
export function toast(text, { kind = "", seconds = kind === "bad" ? 9 : 5, action, run } = {}) {
  // A dialog makes all outside of it dumb: what is said then is said inside.
  const open = [...document.querySelectorAll("dialog[open]")].pop();
  const toasts = place();
  if (open ? !open.contains(toasts) : toasts.parentNode !== document.body) (open ?? document.body).append(toasts);
  const made = h("div", { class: `toast ${kind}` }, h("span", text),
    action && h("button.button.small", { onclick: () => { made.remove(); run(); } }, action),
    h("button.button.icon-only", { "aria-label": t("dialog.close"), onclick: () => made.remove() }, icon("close")));
  while (toasts.children.length > 3) toasts.firstElementChild.remove();
  toasts.append(made);
  setTimeout(() => made.remove(), seconds * 1000);
}

/** What went wrong, in words. */
export function reason(error) {
  if (error instanceof ApiError) {
    if (error.status === 0) return t("error.no-answer");
    if (error.status === 429) return t("error.too-fast");
    return error.message || t("error.failed");
  }
  console.error(error);
  return t("error.failed");
}

/** Says what went wrong. */
export const complain = (error) => toast(reason(error), { kind: "bad" });

/** Copies a text, and says so. */
export async function copy(text, label = t("copy.done")) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const held = h("textarea.away", { value: text });
    (document.querySelector("dialog[open]") ?? document.body).append(held);
    held.select();
    document.execCommand("copy");
    held.remove();
  }
  toast(label, { kind: "good" });
}
