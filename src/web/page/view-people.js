// Who is here, who is away, who is blocked. Only the rows that are seen are in the page.
import * as store from "./store.js";
import { h, put, say, icon } from "./dom.js";
import { current, number, t } from "./i18n.js";
import { swap } from "./words.js";
import { about, compare } from "./person.js";
import { makeRow, tick, unread, updateRow } from "./person-row.js";
import { add, follow } from "./connect.js";
import { emptyHere } from "./empty.js";

export const title = "nav.people";

const GROUPS = ["here", "away", "blocked"];
const FILTERS = {
  all: () => true,
  unread: (peer) => unread(peer) > 0,
  verified: (peer) => peer.trust === "verified",
  open: (peer) => !peer.private,
};

const groupOf = (peer) => (peer.blocked ? "blocked" : peer.presence === "away" ? "away" : "here");

export function mount(root, first) {
  let filter = "all";
  let words = "";
  let active = "";
  let height = 60;
  let asked = 0;
  const rows = new Map();
  const members = { here: [], away: [], blocked: [] };

  const count = h("span.people-count.dim");
  const found = h("p.away", { role: "status" });
  const field = h("input.input", {
    type: "search", id: "people-search", placeholder: t("people.search"), "aria-label": t("people.search"),
    autocomplete: "off", spellcheck: false, maxlength: 100,
  });
  const chips = Object.keys(FILTERS).map((key) =>
    h("button.button.small.chip", { "aria-pressed": String(key === filter), onclick: () => choose(key) }, t(`people.filter.${key}`)));
  const sections = Object.fromEntries(GROUPS.map((group) => {
    const list = h("ul.person-list", { role: "list", "aria-label": t(`people.${group}`) });
    const heading = h("h2.group-head", t(`people.${group}`), " ", h("span.dim"));
    return [group, { section: h("section.person-group", { hidden: true }, heading, list), list, heading }];
  }));
  const empty = h("div.people-empty");
  const probe = h("div.person.probe", { "aria-hidden": "true" });
  const body = h("div.people-body", GROUPS.map((group) => sections[group].section), empty, probe);
  put(root, h("div.people-page",
    h("header.people-head",
      h("div.people-title", h("h1", { tabindex: -1 }, t("nav.people")), count),
      h("div.people-tools",
        h("div.search", icon("search", { size: 18 }), field),
        h("button.button", { onclick: () => add(), "aria-label": t("people.add") },
          icon("plus", { size: 18 }), h("span.wide", t("people.add")))),
      h("div.chips", { role: "group", "aria-label": t("people.filter") }, chips), found),
    body));

  function choose(key) {
    filter = key;
    chips.forEach((chip, at) => chip.setAttribute("aria-pressed", String(Object.keys(FILTERS)[at] === key)));
    sort();
    say(found, t("people.found", { n: GROUPS.reduce((sum, group) => sum + members[group].length, 0) }));
  }

  const order = new Intl.Collator(current(), { numeric: true });

  function sort() {
    for (const group of GROUPS) members[group] = [];
    const wanted = words.toLocaleLowerCase();
    for (const peer of store.state.people.values()) {
      if (!FILTERS[filter](peer)) continue;
      const texts = [peer.name, peer.status, peer.id, peer.address, peer.who];
      if (wanted && !texts.some((text) => text?.toLocaleLowerCase().includes(wanted))) continue;
      members[groupOf(peer)].push(peer);
    }
    for (const group of GROUPS) {
      members[group].sort((a, b) => order.compare(a.name, b.name) || (store.id(a) < store.id(b) ? -1 : 1));
      const { section, list, heading } = sections[group];
      const many = members[group].length;
      section.hidden = many === 0;
      list.style.height = `${many * height}px`;
      say(heading.lastElementChild, number(many));
    }
    const all = [...store.state.people.values()];
    const here = all.filter((peer) => groupOf(peer) === "here").length;
    say(count, store.state.loaded || all.length ? t("people.count", { n: here }) : t("people.looking"));
    const none = GROUPS.every((group) => members[group].length === 0);
    const nobody = here === 0 && !words && filter === "all";
    empty.hidden = !(none || nobody) || (!store.state.loaded && all.length === 0);
    if (!empty.hidden) swap(empty, nobody ? "nobody" : "none", () => (nobody ? emptyHere() : h("p.empty.dim", t("people.none"))));
    if (!active || !GROUPS.some((group) => members[group].some((peer) => store.id(peer) === active))) active = store.id(flat()[0]);
    draw();
  }

  const flat = () => GROUPS.flatMap((group) => members[group]);

  /** Where the rows of a group stand that can be seen. */
  function seenOf(group) {
    const peers = members[group];
    const start = peers.length > 0 ? root.scrollTop - sections[group].list.offsetTop : 0;
    const from = Math.max(0, Math.floor(start / height) - 6);
    const to = Math.min(peers.length, Math.ceil((start + root.clientHeight) / height) + 6);
    const seen = [];
    for (let at = from; at < to; at += 1) seen.push(at);
    // The row that the keyboard is at stays wherever it is, or the keyboard would lose its place.
    const held = peers.findIndex((peer) => store.id(peer) === active);
    if (held >= 0 && held < from) seen.unshift(held);
    else if (held >= Math.max(from, to)) seen.push(held);
    return seen;
  }

  function place(made, peer, at, of) {
    if (made.peer !== peer || !made.drawn) updateRow(made, peer);
    made.drawn = true;
    if (made.at !== at) {
      made.at = at;
      made.row.style.transform = `translateY(${at * height}px)`;
      made.row.setAttribute("aria-posinset", at + 1);
    }
    if (made.of !== of) made.row.setAttribute("aria-setsize", made.of = of);
    const tab = store.id(peer) === active ? 0 : -1;
    if (made.parts.main.tabIndex !== tab) made.parts.main.tabIndex = made.parts.button.tabIndex = tab;
  }

  /** Puts the rows that can be seen into the page, in order; those that cannot any more become those that can. */
  function draw() {
    asked = 0;
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    const seen = GROUPS.map(seenOf);
    const wanted = new Set(GROUPS.flatMap((group, at) => seen[at].map((one) => store.id(members[group][one]))));
    const spare = [];
    for (const [key, made] of rows) {
      if (wanted.has(key)) continue;
      rows.delete(key);
      made.row.remove();
      spare.push(made);
    }
    GROUPS.forEach((group, which) => {
      const { list } = sections[group];
      let cursor = list.firstElementChild;
      for (const at of seen[which]) {
        const peer = members[group][at];
        const key = store.id(peer);
        const made = rows.get(key) ?? spare.pop() ?? makeRow(peer);
        rows.set(key, made);
        made.row.dataset.id = key;
        place(made, peer, at, members[group].length);
        if (made.row === cursor) cursor = cursor.nextElementSibling;
        else list.insertBefore(made.row, cursor);
      }
    });
    if (focused && document.activeElement !== focused && focused.isConnected) focused.focus({ preventScroll: true });
  }

  function soon() {
    if (!asked) asked = requestAnimationFrame(draw);
  }

  function measure() {
    const now = probe.offsetHeight || height;
    if (now !== height) {
      height = now;
      for (const made of rows.values()) made.at = -1;
    }
    sort();
  }

  function move(to, part = "main") {
    const peers = flat();
    if (peers.length === 0) return;
    const peer = peers[Math.min(peers.length - 1, Math.max(0, to))];
    active = store.id(peer);
    const group = groupOf(peer);
    const start = sections[group].list.offsetTop + members[group].indexOf(peer) * height;
    const head = 44;
    if (start < root.scrollTop + head) root.scrollTop = start - head;
    else if (start + height > root.scrollTop + root.clientHeight) root.scrollTop = start + height - root.clientHeight;
    draw();
    rows.get(active)?.parts[part].focus({ preventScroll: true });
  }

  body.addEventListener("keydown", (event) => {
    const row = event.target.closest?.(".person");
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = flat().findIndex((peer) => store.id(peer) === row.dataset.id);
    const page = Math.max(1, Math.floor(root.clientHeight / height) - 1);
    const part = event.target.tagName === "BUTTON" ? "button" : "main";
    const ahead = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = document.documentElement.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: Infinity, PageDown: at + page, PageUp: at - page }[event.key];
    if (to !== undefined) move(to, part);
    else if (event.key === ahead) move(at, "button");
    else if (event.key === back) move(at, "main");
    else return;
    event.preventDefault();
  });
  body.addEventListener("focusin", (event) => {
    const row = event.target.closest?.(".person");
    if (row && row.dataset.id !== active) { active = row.dataset.id; soon(); }
  });
  body.addEventListener("click", (event) => {
    const row = event.target.closest?.(".person");
    const peer = row && store.state.people.get(row.dataset.id);
    if (!peer) return;
    if (event.target.closest("button")) about(peer);
    else if (event.target.closest(".tag.new-key")) { event.preventDefault(); compare(peer); }
  });
  field.addEventListener("input", () => {
    words = field.value.trim();
    root.scrollTop = 0;
    sort();
    say(found, t("people.found", { n: flat().length }));
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); move(0); }
    else if (event.key === "Enter" && words && flat().length === 1) rows.get(store.id(flat()[0]))?.parts.main.click();
    else if (event.key === "Escape" && field.value) { field.value = ""; words = ""; sort(); event.preventDefault(); }
  });

  const update = () => { for (const made of rows.values()) made.drawn = false; sort(); };
  const ends = [
    store.subscribe("people", update), store.subscribe("conversations", update), store.subscribe("me", sort), store.keepFresh(10),
  ];
  const timer = setInterval(() => { if (!document.hidden) for (const made of rows.values()) tick(made); }, 1_000);
  root.addEventListener("scroll", soon, { passive: true });
  const sized = new ResizeObserver(measure);
  sized.observe(root);
  measure();
  if (first.link) follow(first.link);
  return {
    update(params) { if (params.link) follow(params.link); },
    unmount() {
      ends.forEach((end) => end());
      clearInterval(timer);
      cancelAnimationFrame(asked);
      sized.disconnect();
      root.removeEventListener("scroll", soon);
      root.replaceChildren();
    },
  };
}
