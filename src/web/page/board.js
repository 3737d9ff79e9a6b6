// The board of progress: who stands where with which lesson.
import * as data from "./data.js";
import * as live from "./live.js";
import * as store from "./store.js";
import { h, icon, line, put, say } from "./dom.js";
import { reason, toast } from "./dialog.js";
import { moment, short, t, tn } from "./i18n.js";

/** Cells of a table; beyond, all is one long list. */
const CELLS = 6_000;
const ROWS = 300;
const WORDS = { completed: "good", complete: "good", done: "good", passed: "good", started: "going", "in-progress": "going", "in progress": "going", running: "going", failed: "bad", stuck: "bad", blocked: "bad" };

/** The time that was told, as a label: what no calendar holds is its end. */
const when = (entry) => Math.min(entry.timestamp * 1_000, 8.64e15);

const keyOf = (entry) => JSON.stringify([entry.user, entry.lesson]);

export function mount(root) {
  const entries = new Map();
  const cells = new Map();
  let words = "";
  let drawn = "";
  let due = 0;
  let ended = false;
  let most = ROWS;

  const place = h("div.board-place");
  const voice = h("p.away", { role: "status" });
  const count = h("p.dim.small-text");
  const search = h("input.input", { type: "search", "aria-label": t("board.search"), placeholder: t("board.search"), autocomplete: "off", maxlength: 64 });
  const input = (key, more) => h("input.input", { id: `board-${key}`, required: true, maxlength: 64, autocomplete: "off", dir: "auto", ...more });
  const [user, lesson, status] = [input("user"), input("lesson"), input("status", { list: "board-words", value: "completed" })];
  const to = h("select.input", { id: "board-to" });
  const field = (label, one) => h("div.field", h("label", { htmlFor: one.id }, t(label)), one);
  const send = h("button.button.main", { type: "submit" }, icon("send", { size: 18 }), t("board.send"));
  const form = h("form.board-form", { onsubmit: tell }, field("board.user", user), field("board.lesson", lesson), field("board.status", status), field("board.to", to), send,
    h("datalist", { id: "board-words" }, ["started", "completed"].map((one) => h("option", { value: one }))));
  put(root, h("div.board",
    h("details.card.board-tell", h("summary", t("board.tell")), form),
    h("div.board-tools", h("div.search", icon("search", { size: 18 }), search), count), voice, place));

  function whom() {
    const now = to.value;
    const people = [...store.state.people.values()].filter((one) => one.key && one.presence !== "away" && !one.blocked).sort((a, b) => a.name.localeCompare(b.name)).slice(0, 200);
    const told = JSON.stringify(people.map((one) => [one.who, one.name]));
    if (to.dataset.told === told) return;
    to.dataset.told = told;
    put(to, h("option", { value: "" }, t("board.everyone")), people.map((one) => h("option", { value: one.who, selected: one.who === now }, line(one.name))));
  }

  async function tell(event) {
    event.preventDefault();
    send.disabled = true;
    try {
      const told = await data.tell({ user: user.value.trim(), lesson: lesson.value.trim(), status: status.value.trim(), ...(to.value ? { to: to.value } : {}) });
      toast(t("board.told", { n: told.peers ?? 0 }), { kind: "good" });
      if (!to.value) load();
    } catch (error) { toast(reason(error), { kind: "bad" }); }
    send.disabled = false;
  }

  function tag(entry) {
    const word = line(entry.status);
    const kind = Object.hasOwn(WORDS, word.toLowerCase()) ? WORDS[word.toLowerCase()] : "";
    return h("span", { class: `tag progress-${kind || "other"}`, title: `${word} · ${moment(when(entry))} · ${data.called(entry.by)}` }, kind === "good" && icon("check", { size: 14 }), h("bdi.name", word));
  }

  function fill(cell, entry) {
    const told = entry ? JSON.stringify([entry.status, entry.timestamp, data.called(entry.by)]) : "";
    if (cell.told === told) return;
    const fresh = cell.told !== undefined && cell.told !== "" && told !== "";
    cell.told = told;
    put(cell, entry && tag(entry));
    cell.classList.toggle("came", fresh);
  }

  const order = new Intl.Collator(undefined, { numeric: true });

  /** Users beside lessons; or one line each where that would be too large a table. */
  function draw() {
    due = 0;
    if (ended) return;
    const all = [...entries.values()].filter((one) => !words || [one.user, one.lesson, one.status].some((text) => line(text).toLocaleLowerCase().includes(words)));
    const users = [...new Set(all.map((one) => one.user))].sort(order.compare);
    const lessons = [...new Set(all.map((one) => one.lesson))].sort(order.compare);
    say(count, t("board.count", { n: entries.size }));
    if (all.length === 0) {
      drawn = "";
      put(place, h("div.empty", icon("check"), h("h2", t(entries.size ? "board.none" : "board.empty")), !entries.size && [h("p.dim", t("board.empty.text")),
        h("div.command", h("code", { dir: "ltr" }, "peer progress send --user fatuma --lesson lesson-001 --status completed"))]));
      return;
    }
    if (users.length * lessons.length > CELLS) { long(all); return; }
    const shape = JSON.stringify([users, lessons]);
    if (shape !== drawn) {
      drawn = shape;
      cells.clear();
      put(place, h("div.table-box.board-box", { tabindex: 0, role: "region", "aria-label": t("shared.progress") }, h("table.board-table",
        h("thead", h("tr", h("th", { scope: "col" }, t("board.user")), lessons.map((one) => h("th", { scope: "col" }, h("bdi", line(one)))))),
        h("tbody", users.map((name) => h("tr", h("th", { scope: "row" }, h("bdi", line(name))), lessons.map((one) => {
          const cell = h("td");
          cells.set(JSON.stringify([name, one]), cell);
          return cell;
        })))))));
    }
    for (const [key, cell] of cells) fill(cell, entries.get(key));
  }

  function long(all) {
    drawn = "";
    cells.clear();
    const sorted = all.sort((a, b) => order.compare(a.user, b.user) || order.compare(a.lesson, b.lesson));
    put(place, h("div.table-box.board-box", { tabindex: 0, role: "region", "aria-label": t("shared.progress") }, h("table.board-table",
      h("thead", h("tr", ["board.user", "board.lesson", "board.status", "board.when", "board.by"].map((one) => h("th", { scope: "col" }, t(one))))),
      h("tbody", sorted.slice(0, most).map((one) => h("tr", h("th", { scope: "row" }, h("bdi", line(one.user))), h("td", h("bdi", line(one.lesson))), h("td", tag(one)),
        h("td", short(when(one))), h("td", data.who(one.by))))))),
    sorted.length > most && h("button.button", { onclick: () => { most += ROWS; draw(); } }, t("network.rest", { n: sorted.length - most })));
  }

  const soon = () => { if (!due) due = requestAnimationFrame(draw); };

  async function load() {
    try {
      const all = await data.board();
      if (ended) return;
      entries.clear();
      for (const one of all) entries.set(keyOf(one), one);
      draw();
    } catch (error) {
      if (!ended && entries.size === 0) put(place, h("p.error-text", { role: "alert" }, reason(error)));
    }
  }

  search.addEventListener("input", () => { words = search.value.trim().toLocaleLowerCase(); soon(); });
  const ends = [
    live.on("progress", (one) => {
      say(voice, tn("board.said", { who: line(one.user), lesson: line(one.lesson), status: line(one.status) }).join(""));
      if (one.newest === false) return;
      entries.set(keyOf(one), one);
      soon();
    }),
    live.on("open", load), live.on("reload", load), store.subscribe("people", () => { whom(); soon(); }),
  ];
  whom();
  load();
  return {
    unmount() {
      ended = true;
      cancelAnimationFrame(due);
      for (const end of ends) end();
      root.replaceChildren();
    },
  };
}
