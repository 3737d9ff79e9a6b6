// Messages of programs: a tail of what comes, and a form to say something.
import * as data from "./data.js";
import * as store from "./store.js";
import { clean, h, icon, line, put, say } from "./dom.js";
import { copy, reason } from "./dialog.js";
import { list as listed, t, time } from "./i18n.js";
import { List } from "./list.js";
import { tail as listen } from "./tail.js";

const KINDS = ["chat", "data", "control"];
const BODY = 64 << 10;
const TOPIC = 128;
const PART = /^[^\s/+#]+$/u;
const LONG = 600;

const bytes = (text) => new TextEncoder().encode(text).length;

/** True for a topic; for a pattern, too, where that is asked. */
function isTopic(text, pattern = false) {
  if (!text || bytes(text) > TOPIC) return false;
  const parts = text.split("/");
  return parts.every((part, at) => PART.test(part) || (pattern && (part === "+" || (part === "#" && at === parts.length - 1))));
}

/** What is typed stays while the page is open. */
const draft = { topic: "", body: "", kind: "data", delivery: "best-effort", to: "", pattern: "#" };

function row(one) {
  const made = h("div.message", { role: "article", tabindex: -1, "aria-label": t("topic.label", { who: data.called(one.from), topic: line(one.topic), time: time(one.at) }) });
  fill(made, one);
  return made;
}

function fill(made, one) {
  const shown = clean(one.text);
  const long = shown.length > LONG && !one.whole;
  put(made,
    h("div.message-head", h("bdi.message-topic.mono", line(one.topic)), h("span", { class: `tag kind-${KINDS.includes(one.kind) ? one.kind : "data"}` }, KINDS.includes(one.kind) ? t(`topic.kind.${one.kind}`) : line(one.kind)),
      one.sealed && h("span.private-mark", icon("private", { size: 14 }), h("span", t("private.word"))),
      h("span.message-by", data.who(one.from)), h("span.message-end", h("time.dim", { dateTime: new Date(one.at).toISOString() }, time(one.at)),
        h("button.button.icon-only", { tabindex: -1, "aria-label": t("topic.copy"), title: t("topic.copy"), data: { deed: "copy" } }, icon("copy", { size: 15 })))),
    h("pre.message-body", { dir: "ltr" }, long ? `${shown.slice(0, LONG)}…` : shown),
    long && h("button.link-button", { data: { deed: "whole" } }, t("talk.whole", { size: Math.ceil(bytes(one.text) / 1024) })));
}

export function mount(root) {
  const kinds = new Set(KINDS);
  let held = false;
  let due = 0;

  const pattern = h("input.input", { value: draft.pattern, "aria-label": t("topic.filter"), placeholder: t("topic.filter"), autocomplete: "off", autocapitalize: "none", spellcheck: false, maxlength: TOPIC, dir: "ltr", "aria-describedby": "topic-hint" });
  const chips = KINDS.map((kind) => h("button.button.small.chip", { "aria-pressed": "true", onclick: (event) => {
    kinds.has(kind) ? kinds.delete(kind) : kinds.add(kind);
    event.currentTarget.setAttribute("aria-pressed", String(kinds.has(kind)));
    draw();
  } }, t(`topic.kind.${kind}`)));
  const pause = h("button.button.small", { "aria-pressed": "false", onclick: () => {
    held = !held;
    pause.setAttribute("aria-pressed", String(held));
    say(pause, t(held ? "topic.go-on" : "topic.pause"));
    if (!held) draw();
  } }, t("topic.pause"));
  const count = h("span.dim.small-text");
  const box = h("div.messages", { role: "feed", "aria-label": t("topic.tail") });
  const empty = h("div.lines-empty", { hidden: true });
  const gap = h("p.small-text.without", { role: "status", hidden: true }, t("topic.missed"));
  const tail = new List(box, {
    key: (one) => one.key, render: row, update: fill,
    guess: (one) => 42 + 18 * Math.min(30, (one.text.match(/\n/g)?.length ?? 0) + 1),
  });
  box.addEventListener("click", (event) => {
    const deed = event.target.closest("[data-deed]")?.dataset.deed;
    const key = event.target.closest("[data-key]")?.dataset.key;
    const one = deed && tail.items.find((each) => each.key === key);
    if (!one) return;
    if (deed === "copy") copy(one.text);
    else { one.whole = true; tail.refresh(one, { keep: true }); }
  });

  const field = (label, one, hint) => h("div.field", h("label", { htmlFor: one.id }, t(label)), one, hint);
  const keep = (one, key) => { one.addEventListener("input", () => { draft[key] = one.value; check(); }); return one; };
  const topic = keep(h("input.input", { id: "topic-name", value: draft.topic, required: true, autocomplete: "off", autocapitalize: "none", spellcheck: false, dir: "ltr", placeholder: "sensors/room-1/heat" }), "topic");
  const choice = (id, key, all) => keep(h("select.input", { id }, all.map(([value, label]) => h("option", { value, selected: draft[key] === value }, label))), key);
  const kind = choice("topic-kind", "kind", KINDS.map((one) => [one, t(`topic.kind.${one}`)]));
  const delivery = choice("topic-delivery", "delivery", ["best-effort", "acknowledged"].map((one) => [one, t(`topic.delivery.${one}`)]));
  const to = keep(h("select.input", { id: "topic-to" }), "to");
  const body = keep(h("textarea.input.mono", { id: "topic-body", value: draft.body, rows: 5, required: true, spellcheck: false, dir: "ltr", placeholder: "{ \"celsius\": 21.5 }", "aria-describedby": "topic-check" }), "body");
  const checked = h("p.small-text", { id: "topic-check", role: "status" });
  const told = h("p.small-text", { role: "status" });
  const send = h("button.button.main", { type: "submit" }, icon("send", { size: 18 }), t("topic.publish"));
  const form = h("form.card.topic-form", { onsubmit: publish, "aria-label": t("topic.publish.title") }, h("h2", t("topic.publish.title")),
    field("topic.topic", topic), h("div.pair", field("topic.kind", kind), field("topic.delivery", delivery)), field("board.to", to), field("topic.body", body, checked),
    h("div.row-actions", send), told);
  put(root, h("div.topics",
    h("section.topic-tail", { "aria-label": t("topic.tail") },
      h("div.topic-tools", h("div.search", icon("search", { size: 18 }), pattern), h("div.chips", { role: "group", "aria-label": t("topic.kind") }, chips), pause, count),
      h("p.dim.small-text", { id: "topic-hint" }, t("topic.filter.hint")), gap,
      h("div.messages-box", box, empty)),
    form));

  function whom() {
    const people = [...store.state.people.values()].filter((one) => one.key && one.presence !== "away" && !one.blocked).sort((a, b) => a.name.localeCompare(b.name)).slice(0, 200);
    const now = JSON.stringify(people.map((one) => [one.who, one.name]));
    if (to.dataset.told === now) return;
    to.dataset.told = now;
    put(to, h("option", { value: "" }, t("board.everyone")), people.map((one) => h("option", { value: one.who, selected: one.who === draft.to }, line(one.name))));
    draft.to = to.value;
  }

  /** Says what is wrong with what is typed; gives the body where it is JSON. */
  function check() {
    const good = isTopic(draft.topic);
    topic.setAttribute("aria-invalid", String(draft.topic !== "" && !good));
    topic.setCustomValidity(draft.topic === "" || good ? "" : t("topic.wrong"));
    let value;
    let problem = "";
    const size = bytes(draft.body);
    if (size > BODY) problem = t("topic.long", { size, most: BODY });
    else if (draft.body.trim() !== "") {
      try { value = JSON.parse(draft.body); } catch (error) { problem = t("topic.no-json", { why: line(error.message).slice(0, 160) }); }
    }
    body.setAttribute("aria-invalid", String(problem !== ""));
    checked.className = problem ? "error-text" : "small-text dim";
    say(checked, problem || (draft.body.trim() === "" ? t("topic.json") : t("topic.good", { size })));
    return problem || !good ? undefined : value;
  }

  async function publish(event) {
    event.preventDefault();
    const value = check();
    if (value === undefined) { (isTopic(draft.topic) ? body : topic).focus(); return; }
    send.disabled = true;
    say(told, t("topic.sending"));
    told.className = "small-text dim";
    try {
      const receipt = await data.publish({ topic: draft.topic, kind: draft.kind, delivery: draft.delivery, ...(draft.to ? { to: [draft.to] } : {}) }, draft.body.trim());
      const missing = receipt.missing ?? [];
      told.className = missing.length ? "small-text without" : "small-text good-text";
      say(told, draft.delivery === "acknowledged"
        ? [t("topic.acknowledged", { n: receipt.acknowledged?.length ?? 0 }), missing.length > 0 && t("topic.missing", { names: listed(missing.map(data.called)) })].filter(Boolean).join(" ")
        : t("topic.sent", { n: receipt.sent ?? 0 }));
    } catch (error) {
      told.className = "error-text";
      say(told, reason(error));
    }
    send.disabled = false;
  }

  function draw() {
    due = 0;
    const now = pattern.value.trim() || "#";
    const good = isTopic(now, true);
    pattern.setAttribute("aria-invalid", String(!good));
    draft.pattern = pattern.value;
    const all = data.state.messages.filter((one) => (kinds.has(one.kind) || !KINDS.includes(one.kind)) && (!good || data.matches(now, one.topic)));
    tail.set(all);
    say(count, t("topic.count", { n: all.length }));
    empty.hidden = all.length > 0;
    box.role = all.length > 0 ? "feed" : "group";
    if (!empty.hidden) say(empty, t(data.state.messages.length ? "topic.none" : "topic.empty"));
  }

  const soon = () => { if (!due && !held) due = requestAnimationFrame(draw); };
  pattern.addEventListener("input", draw);
  const ends = [
    store.subscribe("messages", soon), store.subscribe("people", whom),
    listen("#", (type, json) => {
      if (type === "message") data.said(JSON.parse(json), json);
      else if (type === "reload") gap.hidden = false;
    }),
  ];
  whom();
  check();
  draw();
  return {
    unmount() {
      cancelAnimationFrame(due);
      for (const end of ends) end();
      tail.end();
      root.replaceChildren();
    },
  };
}
