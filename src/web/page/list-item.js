// One item of a list: a row, and the fields to change it.
import { clean, h, icon, line, prose, put, say } from "./dom.js";
import { current, number, t } from "./i18n.js";
import { called, ours } from "./data.js";

const FIELDS = 16;

const NAME = /^[a-z0-9_-]{1,32}$/;

function tool(deed, sign) {
  return h("button", { class: `button icon-only item-${deed}`, tabindex: -1, data: { deed }, title: t(`list.item.${deed}`), "aria-label": t(`list.item.${deed}`) }, icon(sign, { size: 17 }));
}

let blank = { language: "", row: null };

/** A row that shows nothing yet. It is copied: that is faster than to make one. */
function blankRow() {
  if (blank.language === current()) return blank.row.cloneNode(true);
  const row = h("div.item", { role: "listitem", tabindex: -1 },
    h("span.item-grip", { data: { deed: "drag" }, "aria-hidden": "true", title: t("list.item.drag") }, icon("grip", { size: 18 })),
    h("span.item-place", { "aria-hidden": "true" }),
    h("div.item-body"), h("div.item-tools", tool("up", "up"), tool("down", "down"), tool("edit", "edit"), tool("remove", "trash")));
  blank = { language: current(), row };
  return row.cloneNode(true);
}

/** The row of an item; the box of all rows listens for what is pressed in it. */
export function makeRow(item, state) {
  const row = blankRow();
  updateRow(row, item, state);
  return row;
}

/** Makes a row show an item, and touches nothing that is right. `state`: `place`, `of`, `draft`, `may`. */
export function updateRow(row, item, { place, of, draft, may, edited }) {
  row.item = item;
  const [, at, body] = row.children;
  say(at, number(place + 1));
  const told = JSON.stringify([item.text, item.fields, called(item.by), Boolean(draft), may]);
  if (row.told !== told) {
    row.told = told;
    row.classList.toggle("read-only", !may);
    const short = line(item.text).slice(0, 80);
    row.setAttribute("aria-label", t("list.item.label", { text: short, who: called(item.by) }));
    for (const one of row.querySelectorAll(".item-tools button")) one.setAttribute("aria-label", `${t(`list.item.${one.dataset.deed}`)}: ${short}`);
    if (draft && !row.editor) {
      row.editor = editor(draft, edited);
      row.classList.add("edited");
      put(body, row.editor);
    } else if (!draft) {
      row.editor = null;
      row.classList.remove("edited");
      put(body, h("p.item-text", { dir: "auto" }, prose(item.text)), pairs(item), h("span.item-by", ours(item.by) ? t("list.item.ours") : t("list.item.by", { who: called(item.by) })));
    }
  }
  if (draft && row.editor) row.editor.meanwhile(item);
  const [up, down] = row.lastElementChild.children;
  up.disabled = place === 0;
  down.disabled = place + 1 >= of;
}

function pairs(item) {
  const all = Object.entries(item.fields ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, FIELDS);
  return all.length > 0 && h("dl.item-fields", all.map(([name, value]) => h("div", h("dt", line(name)), h("dd", { dir: "auto" }, line(value)))));
}

/** What is being changed of an item, kept while its row is out of sight. */
export const draftOf = (item) => ({ text: item.text, fields: Object.entries(item.fields ?? {}), was: JSON.stringify([item.text, item.fields]), item });

/** What a draft changes of what was there when it began, so that what others change stays; null where that is nothing. */
export function changed({ text, fields, item }) {
  const made = {};
  if (text !== item.text) made.text = text;
  const before = item.fields ?? {};
  const after = Object.fromEntries(fields.filter(([name, value]) => name && value !== ""));
  const other = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (before[name] !== after[name]) other[name] = after[name] ?? null;
  }
  if (Object.keys(other).length > 0) made.fields = other;
  return made.text === undefined && !made.fields ? null : made;
}

function editor(draft, { save, cancel }) {
  const text = h("textarea.input.item-input", { value: draft.text, rows: 1, "aria-label": t("list.item.text"), maxlength: 2_000, dir: "auto" });
  text.addEventListener("input", () => { draft.text = text.value; });
  const all = h("div.item-pairs");
  const news = h("p.small-text.item-news", { role: "status", hidden: true });
  const wrong = h("p.error-text", { role: "alert" });
  function pair(one) {
    const name = h("input.input", { value: one[0], "aria-label": t("list.field.name"), placeholder: t("list.field.name"), maxlength: 32, autocapitalize: "none", spellcheck: false, dir: "ltr" });
    const value = h("input.input", { value: one[1], "aria-label": t("list.field.value"), placeholder: t("list.field.value"), maxlength: 500, dir: "auto" });
    name.addEventListener("input", () => { one[0] = name.value.trim(); });
    value.addEventListener("input", () => { one[1] = value.value; });
    const made = h("div.item-pair", name, value, h("button.button.icon-only", { "aria-label": t("list.field.remove"), title: t("list.field.remove"), onclick: () => {
      draft.fields.splice(draft.fields.indexOf(one), 1);
      made.remove();
      text.focus();
    } }, icon("close", { size: 16 })));
    return made;
  }
  put(all, draft.fields.map(pair));
  const more = h("button.button.plain.small", { onclick: () => {
    if (draft.fields.length >= FIELDS) return;
    const one = ["", ""];
    draft.fields.push(one);
    const made = pair(one);
    all.append(made);
    made.firstChild.focus();
  } }, icon("plus", { size: 16 }), t("list.field.add"));
  const send = h("button.button.main.small", { type: "submit" }, t("list.item.save"));
  const form = h("form.item-editor", { onsubmit: async (event) => {
    event.preventDefault();
    put(wrong, "");
    if (draft.text.trim() === "") { put(wrong, t("list.item.empty")); text.focus(); return; }
    const bad = draft.fields.find(([name, value]) => value !== "" && !NAME.test(name));
    if (bad) { put(wrong, t("list.field.wrong", { name: line(bad[0]) || "–" })); return; }
    send.disabled = true;
    const problem = await save(draft);
    send.disabled = false;
    if (problem) put(wrong, problem);
  } }, text, all, news, wrong, h("div.row-actions", send, h("button.button.small", { onclick: cancel }, t("dialog.cancel")), more));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); cancel(); }
    else if (event.key === "Enter" && event.target === text && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
  });
  /** Somebody else changed the item meanwhile: said, and nothing that was typed is lost. */
  form.meanwhile = (item) => {
    const other = JSON.stringify([item.text, item.fields]) !== draft.was;
    news.hidden = !other;
    if (other) say(news, t("list.item.meanwhile", { text: clean(item.text).slice(0, 200) }));
  };
  return form;
}
