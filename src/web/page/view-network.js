// The network as it looks from here: a picture, a table, what comes and goes, and what is wrong.

import * as api from "./api.js";
import { h, icon, line, name, put, say } from "./dom.js";
import { complain, reason } from "./dialog.js";
import { Graph, SIGNS } from "./graph.js";
import { ago, number, roundTrip, t } from "./i18n.js";
import { subscribe, talkPath } from "./store.js";
import { Traffic } from "./traffic.js";
import { presenceMark, swap, trustTag } from "./words.js";

export const title = "nav.network";

const BEAT = 2_000;
const ROWS = 100;
const RANK = { live: 0, heard: 1, quiet: 2, away: 3 };

const way = (peer) => (peer.ways ?? []).map((one) => t(`network.way.${one}`)).join(", ");

/** Columns: what is sorted by, and what is shown. */
const COLUMNS = [
  ["name", (peer) => peer.name.toLocaleLowerCase(), (cell, peer) => swap(cell, `${peer.name} ${peer.trust}`, () => [h("a", { href: `#${talkPath(peer)}` }, name(peer.name)), " ", trustTag(peer.trust)])],
  ["presence", (peer) => RANK[peer.presence] ?? 9, (cell, peer) => swap(cell, peer.presence, () => presenceMark(peer.presence))],
  ["address", (peer) => (peer.address ?? "").split(/[.:]/).map((part) => part.padStart(5, "0")).join("."), (cell, peer) => swap(cell, peer.address ?? "", () => h("bdi", { class: "mono", dir: "ltr" }, line(peer.address)))],
  ["interface", (peer) => peer.interface ?? "", (cell, peer) => say(cell, line(peer.interface))],
  ["ways", (peer) => way(peer), (cell, peer) => say(cell, way(peer))],
  ["trip", (peer) => peer.round_trip_us ?? Infinity, (cell, peer) => say(cell, peer.round_trip_us === undefined ? "–" : roundTrip(peer.round_trip_us))],
  ["heard", (peer) => peer.heard ?? Infinity, (cell, peer) => say(cell, peer.heard === undefined ? "–" : ago(peer.heard))],
];

const keyOf = (peer) => peer.key ?? peer.address ?? peer.id;

class Table {
  #rows = new Map();
  #by = "name";
  #down = false;
  #most = ROWS;
  #peers = [];

  constructor() {
    this.heads = COLUMNS.map(([key]) => h("th", { scope: "col", data: { by: key } }, h("button", { type: "button", onclick: () => this.#sort(key) }, t(`network.column.${key}`), h("span", { "aria-hidden": "true" }))));
    this.body = h("tbody", {});
    this.nobody = h("p", { class: "dim small-text", hidden: true }, t("empty.title"));
    this.more = h("button", { type: "button", class: "button", hidden: true, onclick: () => { this.#most += 2 * ROWS; this.show(this.#peers); } });
    this.root = h("div", {}, h("div", { class: "table-box", tabindex: 0, role: "region", "aria-labelledby": "network-table" },
      h("table", { class: "peers-table", "aria-labelledby": "network-table" }, h("thead", {}, h("tr", {}, this.heads)), this.body)), this.nobody, this.more);
    this.#heading();
  }

  #sort(key) {
    this.#down = this.#by === key && !this.#down;
    this.#by = key;
    this.#heading();
    this.show(this.#peers);
  }

  #heading() {
    for (const head of this.heads) {
      const mine = head.dataset.by === this.#by;
      mine ? head.setAttribute("aria-sort", this.#down ? "descending" : "ascending") : head.removeAttribute("aria-sort");
      head.firstChild.lastChild.textContent = mine ? (this.#down ? " ▾" : " ▴") : "";
    }
  }

  show(peers) {
    this.#peers = peers;
    this.nobody.hidden = peers.length > 0;
    const value = COLUMNS.find(([key]) => key === this.#by)[1];
    const sign = this.#down ? -1 : 1;
    const sorted = peers.map((peer) => [value(peer), keyOf(peer), peer])
      .sort((a, b) => (a[0] < b[0] ? -sign : a[0] > b[0] ? sign : a[1] < b[1] ? -1 : 1)).slice(0, this.#most).map((one) => one[2]);
    const wanted = new Set(sorted.map(keyOf));
    for (const [key, row] of this.#rows) if (!wanted.has(key)) { row.remove(); this.#rows.delete(key); }
    const rows = sorted.map((peer) => {
      const key = keyOf(peer);
      let row = this.#rows.get(key);
      if (!row) { row = h("tr", {}, COLUMNS.map(([column]) => h(column === "name" ? "th" : "td", { scope: column === "name" ? "row" : null, class: `cell-${column}` }))); this.#rows.set(key, row); }
      COLUMNS.forEach(([, , fill], at) => fill(row.children[at], peer));
      return row;
    });
    if (rows.some((row, at) => this.body.children[at] !== row)) {
      const focus = this.body.contains(document.activeElement) && document.activeElement;
      this.body.replaceChildren(...rows);
      if (focus) focus.focus({ preventScroll: true });
    }
    this.more.hidden = peers.length <= this.#most;
    if (!this.more.hidden) say(this.more, t("network.rest", { n: peers.length - this.#most }));
  }
}

/** What `peer doctor` finds. */
function doctor() {
  const found = h("div", { class: "doctor-found", "aria-live": "polite" });
  const look = h("button", { type: "button", class: "button", onclick: async () => {
    look.disabled = true;
    put(found, h("p", { class: "dim" }, t("network.doctor.runs")));
    try {
      const told = await api.get("/api/doctor");
      put(found, h("p", { class: `doctor-cause ${told.healthy ? "good" : "bad"}` }, icon(told.healthy ? "check" : "warn"), h("strong", { dir: "auto" }, line(told.cause))),
        told.advice.length > 0 && h("ol", { class: "advice" }, told.advice.map((step) => h("li", { dir: "auto" }, line(step)))),
        h("details", { open: !told.healthy }, h("summary", {}, t("network.doctor.checks", { n: told.checks.length })),
          h("ul", { class: "checks" }, told.checks.map((check) => h("li", { class: `check ${check.verdict}` },
            h("span", { class: "check-sign", "aria-hidden": "true" }, { ok: "✓", warning: "!", problem: "✕" }[check.verdict] ?? "·"),
            h("div", {}, h("p", {}, h("strong", {}, line(check.name), " "), h("bdi", { class: "mono" }, line(check.subject)), " ", h("span", { class: "check-word" }, t(`network.verdict.${check.verdict}`))),
              h("p", { dir: "auto" }, line(check.text)), check.advice.map((step) => h("p", { class: "dim", dir: "auto" }, line(step)))))))));
    } catch (error) { put(found, h("p", { class: "error-text" }, reason(error))); }
    look.disabled = false;
  } }, icon("search", { size: 18 }), t("network.doctor.run"));
  return h("section", { class: "card doctor", "aria-labelledby": "network-doctor" },
    h("div", { class: "card-head" }, h("h2", { id: "network-doctor" }, t("network.doctor")), look), h("p", { class: "dim" }, t("network.doctor.about")), found);
}

function ports(network) {
  return h("ul", { class: "ports" }, network.interfaces.map((port) => h("li", {},
    h("span", { class: "port-name" }, line(port.name)), " ", h("bdi", { class: "mono", dir: "ltr" }, line(port.network ? `${port.address} · ${port.network}` : port.address)), " ",
    h("span", { class: "dim" }, port.loopback ? t("network.port.here") : port.broadcast ? t("network.port.peers", { n: port.peers }) : t("network.port.silent")))));
}

const count = (peers, word) => peers.filter((peer) => peer.presence === word).length;

function words(network) {
  const { peers } = network;
  const ports = network.interfaces.map((port) => `${line(port.name)} ${number(port.peers)}`).join(", ");
  return t("network.graph.words", { n: peers.length, live: count(peers, "live"), heard: count(peers, "heard"), quiet: count(peers, "quiet"), ports });
}

function facts(peer) {
  return [line(peer.name), t(`presence.${peer.presence}`), peer.trust !== "known" && t(`trust.${peer.trust.replace(" ", "-")}`), line(peer.address),
    peer.interface && line(peer.interface), way(peer) && t("network.heard-by", { ways: way(peer) }),
    peer.round_trip_us !== undefined && t("network.trip", { time: roundTrip(peer.round_trip_us) })].filter(Boolean);
}

function legend() {
  const edge = (kind, key) => h("li", {}, h("span", { class: `legend-edge way-${kind}` }), t(`network.legend.${key}`));
  return h("ul", { class: "legend" },
    ["live", "quiet", "heard"].map((one) => h("li", {}, presenceMark(one))),
    edge("broadcast", "broadcast"), edge("unicast", "unicast"), edge("both", "both"),
    h("li", {}, h("span", { class: "legend-square" }), t("network.legend.older")),
    Object.entries(SIGNS).map(([trust, sign]) => h("li", {}, h("span", { class: `legend-badge ${trust.replace(" ", "-")}`, "aria-hidden": "true" }, sign), t(`trust.${trust.replace(" ", "-")}`))));
}

export function mount(root) {
  const graph = new Graph({ facts, words, open: (peer) => { location.hash = `#${talkPath(peer)}`; } });
  const table = new Table();
  const traffic = new Traffic();
  const about = h("p", { class: "dim network-about" });
  const toTable = (event) => { event.preventDefault(); document.getElementById("network-table").focus(); };
  const inside = h("div", { class: "ports-box" });
  put(root, h("div", { class: "network-view" },
    h("div", { class: "network-head" }, h("h1", { tabindex: -1 }, t("nav.network")), about),
    h("div", { class: "network-top" },
      h("section", { class: "card", "aria-labelledby": "network-graph" },
        h("div", { class: "card-head" }, h("h2", { id: "network-graph" }, t("network.graph")), h("a", { class: "small-text", href: "#network-table", onclick: toTable }, t("network.graph.table"))),
        graph.root, legend()),
      h("div", { class: "network-side" }, doctor(), h("section", { class: "card", "aria-labelledby": "network-ports" }, h("h2", { id: "network-ports" }, t("network.ports")), inside))),
    h("div", { class: "card" }, h("h2", { id: "network-table", tabindex: -1 }, t("network.table")), table.root),
    traffic.root));

  let timer = 0;
  let ended = false;
  let beats = 0;
  let broken = false;
  let crowd = 0;

  async function beat() {
    clearTimeout(timer);
    if (ended || document.hidden) return;
    const began = performance.now();
    try {
      const jobs = [api.get("/api/traffic").then((told) => { if (!ended) traffic.show(told); })];
      // A long list is read less often.
      if (crowd < 250 || beats % 3 === 0) jobs.push(api.get("/api/network").then((told) => { if (!ended) show(told); }));
      beats += 1;
      await Promise.all(jobs);
      broken = false;
    } catch (error) {
      if (!broken && error.status !== 0 && error.status !== 401) complain(error);
      broken = true;
    }
    if (!ended) timer = setTimeout(beat, Math.max(500, BEAT - (performance.now() - began)));
  }

  function show(network) {
    crowd = network.peers.length;
    graph.show(network);
    requestAnimationFrame(() => { if (!ended) table.show(network.peers); });
    const announced = network.announced !== undefined && t("network.announced", { ago: ago(network.announced) });
    say(about, [line(network.id), t("network.at-port", { port: String(network.port) }), !network.discovery && t("network.deaf"), announced].filter(Boolean).join(" · "));
    swap(inside, JSON.stringify(network.interfaces), () => ports(network));
  }

  const seen = () => { if (!document.hidden) beat(); };
  document.addEventListener("visibilitychange", seen);
  let soon = 0;
  const ends = [subscribe("people", () => { clearTimeout(soon); soon = setTimeout(() => { beats = 0; beat(); }, 150); })];
  beat();
  return {
    unmount() {
      ended = true;
      clearTimeout(timer);
      clearTimeout(soon);
      for (const end of ends) end();
      document.removeEventListener("visibilitychange", seen);
      traffic.end();
      graph.end();
      root.replaceChildren();
    },
  };
}
