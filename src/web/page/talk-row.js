// One line of a conversation: who, what, when, and what became of it.

import { avatar, clean, h, name, prose, s, setAvatar } from "./dom.js";
import { list, moment, number, t, time } from "./i18n.js";
import { id, state } from "./store.js";
import { swap, trustTag } from "./words.js";

const LONG = 1_600;
const LINES = 24;
const LATE = 300_000;

/** What was said to how many, and to whom not, of posts of this page: the history does not keep it. */
const reach = new Map();

export function reached(sent) {
  reach.set(sent.message, sent);
  if (reach.size > 500) reach.delete(reach.keys().next().value);
}

/** What names a line for as long as the page is open. */
export const keyOf = (line) => (line.ours ? `o ${line.message}` : `${id(line.with)} ${line.message}`);

/** When it was written; by our clock where its author's cannot be right. */
export function when(line) {
  const stamp = Date.parse(line.stamp);
  const at = Date.parse(line.at);
  return stamp > at + 60_000 || !(stamp > 0) ? at : stamp;
}

const isLate = (line) => line.late || (!line.ours && Date.parse(line.at) - when(line) > LATE);

const TICK = "M1.5 6.5 4.5 9.5 10 3";
const SIGNS = {
  waiting: ["M6 1.5a4.5 4.5 0 1 0 .01 0ZM6 3.6V6l1.8 1.3"],
  sent: [TICK],
  acknowledged: [TICK, "M12 9.2 12.2 9.4"],
  received: [TICK, "M7.4 8.6l.9.9L13.8 3"],
  stored: [TICK, "M7.4 8.6l.9.9L13.8 3"],
  failed: ["M2.5 2.5l7 7M9.5 2.5l-7 7"],
};

function sign(mark) {
  return s("svg", { class: "mark-sign", viewBox: "0 0 15 12", width: 17, height: 14, "aria-hidden": "true" },
    (SIGNS[mark] ?? []).map((d) => s("path", { d, fill: "none", stroke: "currentColor", "stroke-width": mark === "stored" ? 2 : 1.4, "stroke-linecap": "round", "stroke-linejoin": "round" })));
}

const word = (mark) => t(`talk.mark.${mark}`);

function drawMark(line) {
  if (!line.mark) return null;
  const said = line.reason ? t("talk.mark.because", { mark: word(line.mark), reason: clean(line.reason) }) : word(line.mark);
  const plain = line.mark === "waiting" || line.mark === "failed";
  return h("span", { class: `mark mark-${line.mark}`, title: t(`talk.mark.${line.mark}.means`) }, sign(line.mark), h("span", { class: plain ? "" : "away" }, said));
}

function drawReach(line) {
  const sent = line.ours && line.type === "post" ? reach.get(line.message) : null;
  if (!sent || sent.peers === undefined) return null;
  const without = sent.without ?? [];
  return h("span", { class: "reach" }, t("talk.reach", { n: sent.peers }),
    without.length > 0 && h("span", { class: "without" }, ` ${t("talk.without", { names: list(without.slice(0, 8).map((one) => clean(one.name))) + (without.length > 8 ? ` +${number(without.length - 8)}` : "") })}`));
}

const whose = (line) => state.people.get(id(line.with)) ?? line.with ?? {};

const author = (line) => (line.ours ? t("talk.you") : whose(line).name ?? "");

function label(line) {
  const parts = [author(line), clean(line.text.slice(0, 300)), time(when(line)), isLate(line) && t("talk.late.word"), line.mark && word(line.mark)];
  return parts.filter(Boolean).join(", ");
}

/** The beginning of a text that is too long to be shown whole at once. */
function short(text) {
  if (text.length <= LONG && text.split("\n", LINES + 1).length <= LINES) return null;
  // Not within a word: half an address would lead elsewhere.
  return text.split("\n", LINES).join("\n").slice(0, LONG).replace(/\s\S{0,400}$/u, "").replace(/\S*:\/\/\S*$/u, "").replace(/[\ud800-\udbff]$/, "");
}

function drawText(box, item, changed) {
  const { text } = item.line;
  const cut = item.open ? null : short(text);
  box.replaceChildren(prose(cut ?? text));
  box.append(...(short(text) === null ? [] : ["\n", h("button", {
    type: "button", class: "link-button", "aria-expanded": String(cut === null),
    onclick: () => { item.open = !item.open; drawText(box, item); changed(item); box.querySelector("button").focus({ preventScroll: true }); },
  }, cut === null ? t("talk.less") : t("talk.whole", { size: number(Math.ceil(new Blob([text]).size / 1024)) }))]));
}

function drawMeta(box, line) {
  const late = isLate(line);
  box.replaceChildren(...[
    h("time", { datetime: line.stamp, title: moment(when(line)) }, time(when(line))),
    late && h("span", { class: "late", title: t("talk.late.means") }, t("talk.late", { time: time(line.at) })),
    line.private === false && h("span", { class: "open-text" }, t("talk.open")),
    drawReach(line), drawMark(line),
  ].filter(Boolean));
}

function drawBy(box, line) {
  const told = `${author(line)} ${whose(line).trust}`;
  swap(box, told, () => [name(author(line)), trustTag(whose(line).trust ?? "")]);
  return box;
}

/** The row of an item `{ line, day, fresh, joined }`; `changed(item)` is called when it grew. */
export function drawRow(item, { everyone, changed }) {
  const { line } = item;
  const text = h("div", { class: "text", dir: "auto" });
  drawText(text, item, changed);
  const meta = h("div", { class: "meta" });
  drawMeta(meta, line);
  const by = !line.ours && everyone && !item.joined;
  const row = h("div", { role: "article", class: `line ${line.ours ? "ours" : "theirs"}${item.joined ? " joined" : ""}`, "aria-label": label(line) },
    item.day && h("div", { class: "day" }, h("span", {}, item.day)),
    item.fresh && h("div", { class: "fresh" }, h("span", {}, t("talk.fresh"))),
    h("div", { class: "said" },
      !line.ours && everyone && (item.joined ? h("span", { class: "no-face" }) : avatar(whose(line), { size: 32 })),
      h("div", { class: "bubble" },
        by && drawBy(h("div", { class: "by" }), line),
        text, meta)));
  row.item = item;
  return row;
}

/** Makes a row tell what became of its line, and who its author is by now. */
export function updateRow(row, item) {
  row.item = item;
  const by = row.querySelector(".by");
  if (by) drawBy(by, item.line);
  const face = row.querySelector(".avatar");
  if (face) setAvatar(face, whose(item.line));
  row.setAttribute("aria-label", label(item.line));
  drawMeta(row.querySelector(".meta"), item.line);
}

/** An item of the list. */
export function itemOf(line) {
  const at = when(line);
  return { line, key: keyOf(line), by: line.ours ? "" : id(line.with), at, date: new Date(at).toDateString(), day: null, fresh: false, joined: false, open: false };
}

/** Says of each item what stands before it: a day, the line above what is unread; gives those that changed. */
export function arrange(items, fresh, dayOf, before = null) {
  let last = before;
  const changed = [];
  for (const item of items) {
    const day = last?.date === item.date ? "" : dayOf(item);
    const first = item.key === fresh;
    const joined = !day && !first && last.by === item.by && item.at - last.at < 300_000;
    if (day !== item.day || first !== item.fresh || joined !== item.joined) {
      if (item.day !== null) changed.push(item);
      Object.assign(item, { day, fresh: first, joined });
    }
    last = item;
  }
  return changed;
}
