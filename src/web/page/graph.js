// The network as a picture: we in the middle, our interfaces around us, behind each of them those whom it leads to.
// Everybody has a place by their key alone, so nothing jumps when others come and go.

import { h, hue, line, s } from "./dom.js";
import { t } from "./i18n.js";

const NODES = 300;
const NAMES = 36;
const CENTRE = 90;
const FIRST = 185;
const RING = 46;
const APART = 34;
const NAMED = 74;
export const SIGNS = { verified: "✓", "new key": "!", unverified: "?" };
const RANK = { live: 0, heard: 1, quiet: 2, away: 3 };

/** A number that belongs to a text. */
function hash(text) {
  let sum = 2_166_136_261;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 16_777_619);
  sum = Math.imul(sum ^ (sum >>> 15), 2_246_822_507);
  return (sum ^ (sum >>> 13)) >>> 0;
}

const keyOf = (peer) => peer.key ?? peer.address ?? peer.id;

/** Which of them are drawn one by one: who is here for sure goes first. */
function choose(peers, most) {
  if (peers.length <= most) return peers;
  return [...peers].sort((a, b) => (RANK[a.presence] ?? 9) - (RANK[b.presence] ?? 9) || hash(keyOf(a)) - hash(keyOf(b))).slice(0, most);
}

/** Places of a sector, ring by ring: `{ angle, ring }`, at least so many. */
function places(count, from, to, apart) {
  const out = [];
  for (let ring = 0; out.length < count; ring += 1) {
    const radius = FIRST + ring * (apart === APART ? RING - 8 : RING + 8);
    const room = Math.max(1, Math.floor(((to - from) * radius) / apart));
    for (let at = 0; at < room; at += 1) {
      out.push({ angle: from + ((at + 0.5 + (ring % 2 ? 0.25 : -0.25)) * (to - from)) / room, radius });
    }
  }
  return out;
}

/**
 * Where everybody stands: `{ nodes: [{ peer, x, y, port }], ports: [{ name, x, y, more }], box }`; `wide` is how
 * much wider than high it is, `least` the least width of `box`.
 */
export function layout(network, wide = 1, least = 0) {
  const used = new Set(network.peers.map((peer) => peer.interface));
  const names = [...new Set(network.interfaces.filter((port) => !port.loopback || used.has(port.name)).map((port) => port.name))].sort();
  const known = new Set(names);
  const lost = network.peers.some((peer) => !known.has(peer.interface));
  if (lost) names.push("");
  const drawn = choose(network.peers, NODES);
  const by = new Map(names.map((name) => [name, []]));
  for (const peer of drawn) by.get(known.has(peer.interface) ? peer.interface : "").push(peer);
  const all = new Map(names.map((name) => [name, 0]));
  for (const peer of network.peers) { const name = known.has(peer.interface) ? peer.interface : ""; all.set(name, all.get(name) + 1); }
  // Powers of two, so that the sectors keep their width while few come and go.
  const weight = (name) => 2 ** Math.ceil(Math.log2(by.get(name).length + 2));
  const sum = names.reduce((total, name) => total + weight(name), 0);
  const nodes = [];
  const ports = [];
  const apart = drawn.length > NAMES ? APART : NAMED;
  let from = -Math.PI / 2;
  for (const name of names) {
    const to = from + (2 * Math.PI * weight(name)) / sum;
    const middle = (from + to) / 2;
    // The only one stands right below us, so that no line runs behind us to the other side.
    const far = names.length === 1 ? { x: 0, y: 44, from: { x: 0, y: 0 } } : { x: Math.cos(middle) * CENTRE * wide, y: Math.sin(middle) * CENTRE };
    const port = { name, from: far, ...far, more: all.get(name) - by.get(name).length };
    ports.push(port);
    const edge = Math.min(0.12, (to - from) / 10);
    const free = places(Math.ceil(weight(name) * 1.25), from + edge, to - edge, apart);
    const taken = new Array(free.length).fill(false);
    for (const peer of [...by.get(name)].sort((a, b) => hash(keyOf(a)) - hash(keyOf(b)))) {
      const number = hash(keyOf(peer));
      let at = number % free.length;
      // Not the next one, so that few do not stand in a heap.
      for (let tries = 0; taken[at]; tries += 1) at = (at + (tries < free.length ? 1 + (number % 7) * 2 : 1)) % free.length;
      taken[at] = true;
      const { angle, radius } = free[at];
      nodes.push({ peer, key: keyOf(peer), x: Math.cos(angle) * radius * wide, y: Math.sin(angle) * radius, port });
    }
    from = to;
  }
  const spots = [{ x: 0, y: 0 }, ...ports, ...nodes];
  const [left, right] = [Math.min(...spots.map((one) => one.x)) - 62, Math.max(...spots.map((one) => one.x)) + 62];
  const [top, foot] = [Math.min(...spots.map((one) => one.y)) - 44, Math.max(...spots.map((one) => one.y)) + 44];
  // Few of them are not to be drawn like giants.
  const [x, y] = [Math.max(0, least - (right - left)) / 2, Math.max(0, least / 1.8 - (foot - top)) / 2];
  return { nodes, ports, box: [left - x, top - y, right - left + 2 * x, foot - top + 2 * y] };
}

/** What a node looks like: a disc is live, a ring quiet, a diamond only heard. */
function shape(peer) {
  const class_ = `node-shape presence-${peer.presence}`;
  if (peer.presence === "heard") return s("path", { class: class_, d: "M0-9L9 0 0 9-9 0Z" });
  if (peer.older) return s("rect", { class: class_, x: -8, y: -8, width: 16, height: 16, rx: 2 });
  return s("circle", { class: class_, r: 9 });
}

function short(text, most) {
  const letters = [...line(text)];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}

export class Graph {
  #nodes = [];
  #active = null;
  #drawn = "";

  /** `facts(peer)` are lines of text about somebody, `open(peer)` follows a click or Enter, `words(network)` says it all. */
  constructor({ facts, open, words }) {
    Object.assign(this, { facts, open, words });
    this.sheet = s("svg", { class: "graph", role: "img", tabindex: 0, "aria-describedby": "graph-keys" });
    this.card = h("div", { class: "graph-card", hidden: true });
    this.live = h("p", { class: "away", role: "status" });
    this.root = h("div", { class: "graph-box" }, this.sheet, this.card, this.live, h("p", { id: "graph-keys", class: "graph-keys" }, t("network.graph.keys")));
    this.sheet.addEventListener("pointerover", (event) => { const node = this.#under(event); if (node) this.#choose(node, false); });
    this.sheet.addEventListener("pointerleave", () => { if (document.activeElement !== this.sheet) this.#choose(null, false); });
    this.sheet.addEventListener("click", (event) => { const node = this.#under(event); if (node) this.open(node.peer); });
    this.sheet.addEventListener("blur", () => this.#choose(null, false));
    this.sheet.addEventListener("keydown", (event) => this.#typed(event));
    this.sizes = new ResizeObserver(() => { if (this.network) this.show(this.network); });
    this.sizes.observe(this.root);
  }

  end() { this.sizes.disconnect(); }

  show(network) {
    this.network = network;
    const width = this.root.clientWidth || 600;
    const { nodes, ports, box } = layout(network, width > 560 ? 1.4 : 0.9, Math.min(width, 700));
    const scale = Math.max(1, box[2] / width);
    this.sheet.setAttribute("aria-label", this.words(network));
    const looks = nodes.map(({ peer: { name, presence, trust, ways, older }, key, x, y }) => [key, x | 0, y | 0, name, presence, trust, ways, older]);
    const drawn = JSON.stringify([box, Math.round(scale * 10), looks, ports.map(({ name, more }) => [name, more])]);
    this.#nodes = nodes;
    if (drawn !== this.#drawn) { this.#drawn = drawn; this.#draw(nodes, ports, box, scale); }
    this.#choose(nodes.find((node) => node.key === this.#active) ?? null, false);
  }

  #draw(nodes, ports, box, scale) {
    const many = nodes.length > NAMES || scale > 1.8;
    const edges = s("g", { class: "edges" });
    const spots = s("g", {});
    for (const port of ports) {
      edges.append(s("line", { class: "edge edge-port", x1: 0, y1: 0, x2: port.x, y2: port.y }));
      const label = port.name || t("network.graph.elsewhere");
      spots.append(s("g", { class: "port", transform: `translate(${port.x.toFixed(1)} ${port.y.toFixed(1)}) scale(${scale.toFixed(2)})` },
        s("rect", { x: -34, y: -13, width: 68, height: 26, rx: 6 }), s("text", { y: 4, "text-anchor": "middle" }, short(label, 9)),
        port.more > 0 && s("text", { class: "more", y: 27, "text-anchor": "middle" }, t("network.graph.more", { n: port.more }))));
    }
    for (const node of nodes) {
      const { peer, port } = node;
      const ways = (peer.ways ?? []).length > 1 ? "both" : peer.ways?.[0] ?? "none";
      edges.append(s("line", { class: `edge way-${ways} presence-${peer.presence}`, x1: port.from.x, y1: port.from.y, x2: node.x, y2: node.y }));
      const sign = SIGNS[peer.trust];
      node.mark = s("g", { class: `node trust-${peer.trust.replace(" ", "-")}`, transform: `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})`, "data-node": node.key },
        s("circle", { class: "node-reach", r: 16 }), shape(peer),
        sign && s("g", { class: "badge", transform: "translate(9 -9)" }, s("circle", { r: 6.5 }), s("text", { y: 3.5, "text-anchor": "middle" }, sign)),
        !many && s("text", { class: "node-name", y: 24, "text-anchor": "middle" }, short(peer.name, 14)));
      node.mark.style.setProperty("--hue", hue(peer.key ?? peer.id));
      spots.append(node.mark);
    }
    const me = s("g", { class: "self" }, s("circle", { r: 30 }), s("text", { y: 4, "text-anchor": "middle" }, t("network.graph.self")));
    this.ring = s("circle", { class: "node-focus", r: 15, visibility: "hidden" });
    this.sheet.setAttribute("viewBox", box.map((one) => one.toFixed(0)).join(" "));
    this.sheet.style.setProperty("--scale", scale.toFixed(2));
    this.sheet.replaceChildren(edges, me, spots, this.ring);
  }

  #under(event) {
    const mark = event.target.closest?.("[data-node]");
    return mark && this.#nodes.find((node) => node.key === mark.dataset.node);
  }

  #choose(node, tell) {
    this.#active = node?.key ?? null;
    this.card.hidden = !node;
    this.ring?.setAttribute("visibility", node ? "visible" : "hidden");
    if (!node) return;
    this.ring.setAttribute("cx", node.x);
    this.ring.setAttribute("cy", node.y);
    const [first, ...rest] = this.facts(node.peer);
    this.card.replaceChildren(h("strong", {}, h("bdi", {}, first)), ...rest.map((fact) => h("span", {}, fact)));
    if (tell) this.live.textContent = [first, ...rest].join(", ");
    const box = this.sheet.getBoundingClientRect();
    const spot = this.sheet.createSVGPoint();
    Object.assign(spot, { x: node.x, y: node.y });
    const at = spot.matrixTransform(this.sheet.getScreenCTM());
    const left = at.x - box.left + this.sheet.parentNode.scrollLeft;
    const top = at.y - box.top;
    this.card.style.left = `${Math.max(4, Math.min(box.width - this.card.offsetWidth - 4, left - this.card.offsetWidth / 2))}px`;
    this.card.style.top = `${top > box.height / 2 ? top - this.card.offsetHeight - 20 : top + 34}px`;
  }

  /** Arrows go to the nearest node that lies that way, Enter opens it. */
  #typed(event) {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const active = this.#nodes.find((node) => node.key === this.#active);
    if (event.key === "Enter" && active) { event.preventDefault(); this.open(active.peer); return; }
    if (event.key === "Escape" && active) { this.#choose(null, false); return; }
    if (!way || !this.#nodes.length) return;
    event.preventDefault();
    const from = active ?? { x: 0, y: 0 };
    let best = null;
    let least = Infinity;
    for (const node of this.#nodes) {
      if (node === active) continue;
      const [x, y] = [node.x - from.x, node.y - from.y];
      const along = x * way[0] + y * way[1];
      const aside = Math.abs(x * way[1]) + Math.abs(y * way[0]);
      if (along <= 0.5) continue;
      const cost = along + aside * 2;
      if (cost < least) { least = cost; best = node; }
    }
    if (best) this.#choose(best, true);
  }
}
