// What came and went over the last hour: charts, drops by reason, and how full the tables are.

import { Chart } from "./chart.js";
import { h, say } from "./dom.js";
import { bytes, has, moment, number, t, time } from "./i18n.js";

const HOUR = 3_600_000;
const GAP = 95_000;
const WINDOW = 120_000;

const slug = (word) => word.toLowerCase().replace(/[^a-z]+/g, "-");
const called = (kind, word) => (has(`network.${kind}.${slug(word)}`) ? t(`network.${kind}.${slug(word)}`) : word);

const few = (value) => number(value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);
const kilo = (value) => few(value / 1000);
const delay = (ms) => (ms >= 1000 ? t("network.seconds", { value: few(ms / 1000) }) : t("network.millis", { value: few(ms) }));

/** How much of it there was each second between two samples; nothing where none were taken. */
function rates(samples, field, times = 1) {
  const points = [];
  for (let at = 1; at < samples.length; at += 1) {
    const [before, after] = [samples[at - 1], samples[at]];
    const gap = after.when - before.when;
    if (gap > GAP) points.push([before.when + 1, null]);
    const grown = after[field] - before[field];
    if (gap > 0) points.push([after.when, grown < 0 || gap > GAP ? null : (grown * 1000 * times) / gap]);
  }
  return points;
}

/** The time within which this part of the DMs was acknowledged, by the steps that they were counted in. */
function quantile(counts, ends, part) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (!all) return null;
  let left = all * part;
  for (let step = 0; step < counts.length; step += 1) {
    if (counts[step] >= left && counts[step] > 0) {
      const from = step ? ends[step - 1] : 0;
      const to = ends[step] ?? ends.at(-1) * 2;
      return from + ((to - from) * left) / counts[step];
    }
    left -= counts[step];
  }
  return ends.at(-1);
}

function latencies(samples, ends, part) {
  let from = 0;
  return samples.map((sample, at) => {
    while (sample.when - samples[from].when > WINDOW && from < at) from += 1;
    return [sample.when, quantile(sample.latency.map((count, step) => Math.max(0, count - samples[from].latency[step])), ends, part)];
  });
}

export class Traffic {
  #polls = [];
  #drops = new Map();
  #tables = new Map();

  constructor() {
    const chart = (key, format, log) => new Chart({ title: t(`network.chart.${key}`), format, time, log });
    this.charts = {
      datagrams: chart("datagrams", few), bytes: chart("bytes", kilo), latency: chart("latency", delay, true),
      dropped: chart("dropped", few), retries: chart("retries", few), peers: chart("peers", few),
    };
    this.since = h("p", { class: "dim" });
    this.drops = h("ul", { class: "drops" });
    this.none = h("details", { class: "drops-none" }, h("summary", {}), h("p", { class: "dim" }));
    this.tables = h("ul", { class: "fills" });
    this.root = h("div", { class: "traffic" },
      h("section", { class: "card", "aria-labelledby": "network-traffic" }, h("h2", { id: "network-traffic" }, t("network.traffic")), this.since,
        h("div", { class: "charts" }, Object.values(this.charts).map((one) => one.root))),
      h("div", { class: "two-cards" },
        h("section", { class: "card", "aria-labelledby": "network-drops" }, h("h2", { id: "network-drops" }, t("network.drops")), this.drops, this.none),
        h("section", { class: "card", "aria-labelledby": "network-fills" }, h("h2", { id: "network-fills" }, t("network.fills")), this.tables)));
  }

  end() { for (const one of Object.values(this.charts)) one.end(); }

  show(traffic) {
    const samples = traffic.samples.map((sample) => ({ ...sample, when: Date.parse(sample.at) })).filter((sample) => sample.when > 0);
    // Two moments that are close together make a rate of chance.
    if (samples.length > 2 && samples.at(-1).when - samples.at(-2).when < 3_000) samples.splice(-2, 1);
    const to = samples.at(-1)?.when ?? Date.now();
    const from = to - HOUR;
    const shown = samples.filter((sample) => sample.when >= from);
    const names = { received: t("network.in"), sent: t("network.out") };
    this.charts.datagrams.show(["received", "sent"].map((key) => ({ name: names[key], points: rates(shown, key) })), from, to);
    this.charts.bytes.show(["received", "sent"].map((key) => ({ name: names[key], points: rates(shown, `${key}_bytes`) })), from, to);
    this.charts.dropped.show([{ name: t("network.dropped"), points: rates(shown, "dropped", 60) }], from, to);
    this.charts.retries.show([{ name: t("network.retried"), points: rates(shown, "retries", 60) }], from, to);
    const peers = shown.flatMap(({ when, peers: count }, at) => (at && when - shown[at - 1].when > GAP ? [[when - 1, null], [when, count]] : [[when, count]]));
    this.charts.peers.show([{ name: t("network.listed"), points: peers }], from, to);
    const ends = traffic.latency_bounds_ms;
    this.charts.latency.show([[0.5, "half"], [0.99, "most"]].map(([part, key]) => ({ name: t(`network.latency.${key}`), points: latencies(shown, ends, part) })), from, to);
    say(this.since, t("network.since", { time: moment(traffic.since) }));
    this.#showDrops(traffic.drops);
    this.#showTables(traffic.tables);
  }

  #showDrops(drops) {
    const now = performance.now();
    this.#polls = this.#polls.filter((poll) => now - poll.at < 60_000);
    this.#polls.push({ at: now, drops });
    const first = this.#polls[0];
    const minutes = (now - first.at) / 60_000;
    const known = Object.entries(drops).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
    const most = known[0]?.[1] ?? 1;
    for (const [key, row] of this.#drops) if (!(drops[key] > 0)) { row.remove(); this.#drops.delete(key); }
    known.forEach(([key, count], at) => {
      let row = this.#drops.get(key);
      if (!row) {
        row = h("li", {}, h("span", { class: "fill-name" }, called("drop", key)), h("span", { class: "fill-bar", "aria-hidden": "true" }, h("span", {})), h("span", { class: "fill-value" }));
        this.#drops.set(key, row);
      }
      if (this.drops.children[at] !== row) this.drops.insertBefore(row, this.drops.children[at] ?? null);
      row.children[1].firstChild.style.inlineSize = `${Math.max(1, (100 * count) / most)}%`;
      const grown = minutes > 0.03 ? (count - (first.drops[key] ?? 0)) / Math.max(minutes, 0.1) : 0;
      say(row.lastChild, grown > 0 ? t("network.drop.rate", { n: count, count: number(count), rate: few(grown) }) : number(count));
    });
    const none = Object.keys(drops).filter((key) => !(drops[key] > 0));
    this.none.hidden = none.length === 0;
    say(this.none.firstChild, known.length ? t("network.drops.others", { n: none.length }) : t("network.drops.none"));
    say(this.none.lastChild, none.map((key) => called("drop", key)).join(", "));
  }

  #showTables(tables) {
    for (const table of tables) {
      let row = this.#tables.get(table.name);
      if (!row) {
        row = h("li", {}, h("span", { class: "fill-name" }, called("fill", table.name)), h("span", { class: "fill-bar", "aria-hidden": "true" }, h("span", {})), h("span", { class: "fill-value" }));
        this.#tables.set(table.name, row);
        this.tables.append(row);
      }
      const part = table.cap ? Math.min(1, table.size / table.cap) : 0;
      row.children[1].firstChild.style.inlineSize = `${100 * part}%`;
      row.classList.toggle("full", part >= 0.9);
      const size = table.name.endsWith(", bytes") ? bytes : number;
      say(row.lastChild, t("network.fill", { size: size(table.size), cap: size(table.cap) }));
    }
    for (const [key, row] of this.#tables) if (!tables.some((table) => table.name === key)) { row.remove(); this.#tables.delete(key); }
  }
}
