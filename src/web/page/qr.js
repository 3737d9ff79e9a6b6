// A QR code from rows of 1 for dark and 0 for light: always dark on light, with the margin that readers want.
import { s } from "./dom.js";

const MARGIN = 4;

export function qr(rows, label) {
  const size = rows.length + MARGIN * 2;
  const drawn = s("svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    s("rect", { width: size, height: size, fill: "#fff" }));
  rows.forEach((row, y) => {
    for (const run of row.matchAll(/1+/g)) {
      drawn.append(s("rect", { x: MARGIN + run.index, y: MARGIN + y, width: run[0].length, height: 1, fill: "#000" }));
    }
  });
  return drawn;
}
