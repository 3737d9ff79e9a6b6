// A small chart over time: lines with gaps, a scale, what the newest values are, and all of it in words.

import { h, s } from "./dom.js";
import { t } from "./i18n.js";

const HEIGHT = 120;
const FOOT = 18;
const SIDE = 52;

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** A round number that is not below this one, and the step between lines of a scale up to it. */
function scale(most) {
  if (!(most > 0)) return { top: 1, step: 1 };
  const unit = 10 ** Math.floor(Math.log10(most));
  const top = [1, 2, 3, 4, 5, 6, 8, 10].find((times) => times * unit >= most) * unit;
  return { top, step: top / (top / unit === 3 || top / unit === 6 ? 3 : 2) };
}

export class Chart {
  #lines = [];
  #span = [0, 1];
  #spot = null;

  /**
   * `format(value)` writes a value, `time(unix ms)` a time of the day; with `log` each line of the scale is ten times
   * the one below it.
   */
  constructor({ title, format, time, log = false }) {
    Object.assign(this, { title, format, time, log });
    this.key = h("div", { class: "chart-key" });
    this.sheet = s("svg", { role: "img", class: "chart-sheet", height: HEIGHT });
    this.hint = h("p", { class: "chart-hint", "aria-hidden": "true" });
    this.root = h("figure", { class: "chart" }, h("figcaption", {}, h("span", { class: "chart-title" }, title), this.key), this.sheet, this.hint);
    this.sizes = new ResizeObserver(() => this.#draw());
    this.sizes.observe(this.root);
    this.sheet.addEventListener("pointermove", (event) => this.#point(event.offsetX));
    this.sheet.addEventListener("pointerleave", () => this.#point(null));
  }

  /** Lines `{ name, points: [[unix ms, value or null]] }` between two moments. */
  show(lines, from, to) {
    this.#lines = lines;
    this.#span = [from, to];
    this.#draw();
  }

  end() { this.sizes.disconnect(); }

  #draw() {
    const width = Math.max(160, this.root.clientWidth);
    const [from, to] = this.#span;
    const values = this.#lines.flatMap((line) => line.points.map((point) => point[1])).filter((value) => value !== null);
    const most = values.length ? Math.max(...values) : 0;
    const { top, step } = this.log ? { top: Math.max(10, 10 ** Math.ceil(Math.log10(Math.max(1, most)))), step: 0 } : scale(most);
    this.x = (at) => SIDE + ((at - from) / (to - from)) * (width - SIDE - 6);
    const high = HEIGHT - FOOT - 8;
    this.y = (value) => 8 + high - high * (this.log ? Math.log10(Math.max(1, value)) / Math.log10(top) : value / top);
    const marks = [];
    if (this.log) for (let value = 1; value <= top; value *= 10) marks.push(value);
    else for (let value = 0; value <= top * 1.001; value += step) marks.push(value);
    const shown = marks.length > 4 ? marks.filter((_, at) => (marks.length - 1 - at) % 2 === 0) : marks;
    const grid = s("g", { class: "chart-grid" }, shown.map((value) => [
      s("line", { x1: SIDE, x2: width - 6, y1: this.y(value), y2: this.y(value) }),
      s("text", { x: SIDE - 6, y: this.y(value) + 4, "text-anchor": "end" }, value ? this.format(value) : "0"),
    ]).flat());
    const quarter = 900_000;
    for (let at = Math.ceil(from / quarter) * quarter; at <= to; at += quarter) {
      const x = this.x(at);
      if (x > width - 24 || x < SIDE + 12) continue;
      grid.append(s("line", { x1: x, x2: x, y1: 8, y2: 8 + high, class: "chart-tick" }), s("text", { x, y: HEIGHT - 4, "text-anchor": "middle" }, this.time(at)));
    }
    const drawn = this.#lines.map((line, at) => s("path", { d: this.#path(line.points), class: `chart-line chart-${at + 1}` }));
    this.pin = s("line", { class: "chart-pin", y1: 8, y2: 8 + high, visibility: "hidden" });
    set(this.sheet, { width, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-label": this.#words() });
    this.sheet.replaceChildren(grid, ...drawn, this.pin);
    this.#name();
  }

  #path(points) {
    let path = "";
    let down = false;
    points.forEach(([at, value], index) => {
      if (value === null) { down = false; return; }
      const place = `${this.x(at).toFixed(1)} ${this.y(value).toFixed(1)}`;
      const alone = !down && (points[index + 1]?.[1] ?? null) === null;
      path += down ? `L${place}` : `M${place}${alone ? "h1" : ""}`;
      down = true;
    });
    return path;
  }

  #known(line) { return line.points.map((point) => point[1]).filter((value) => value !== null); }

  #words() {
    const lines = this.#lines.map((line) => {
      const known = this.#known(line);
      if (!known.length) return t("network.chart.nothing", { name: line.name });
      const now = this.format(known.at(-1));
      return t("network.chart.words", { name: line.name, now, low: this.format(Math.min(...known)), high: this.format(Math.max(...known)) });
    });
    return `${this.title}. ${lines.join(" ")}`;
  }

  #name() {
    const at = this.#spot;
    this.key.replaceChildren(...this.#lines.map((line, index) => {
      const near = at === null ? this.#known(line).at(-1) : nearest(line.points, at);
      return h("span", { class: "chart-name" },
        s("svg", { class: "chart-sample", width: 18, height: 8, "aria-hidden": "true" }, s("path", { d: "M1 4H17", class: `chart-line chart-${index + 1}` })),
        `${line.name} `, h("b", {}, near === undefined || near === null ? "–" : this.format(near)));
    }));
    this.hint.textContent = at === null ? "" : this.time(at);
  }

  #point(x) {
    const [from, to] = this.#span;
    const width = Number(this.sheet.getAttribute("width"));
    const at = x === null || x < SIDE ? null : from + ((x - SIDE) / (width - SIDE - 6)) * (to - from);
    this.#spot = at;
    if (this.pin) set(this.pin, { visibility: at === null ? "hidden" : "visible", x1: x ?? 0, x2: x ?? 0 });
    this.#name();
  }
}

function nearest(points, at) {
  let best = null;
  let away = 60_000;
  for (const [when, value] of points) {
    if (Math.abs(when - at) < away) { away = Math.abs(when - at); best = value; }
  }
  return best;
}
