#!/usr/bin/env python3
"""Draws the plots of docs/experiments/ from the tables beside them. Needs Python 3 and nothing else.

usage: scripts/plot.py [FOLDER]      docs/experiments by default
"""

import csv
import math
import pathlib
import sys
from html import escape

INK, FAINT, PAPER = "#1f2328", "#d0d7de", "#ffffff"
COLOURS = ["#0969da", "#cf222e", "#1a7f37", "#8250df", "#9a6700"]
FONT = 'font-family="system-ui, sans-serif"'


class Panel:
    """One diagram with logarithmic axes: lines of points, or groups of bars."""

    def __init__(self, title, x, y, width=400, height=300):
        self.title, self.x, self.y = title, x, y
        self.width, self.height = width, height
        self.lines = []

    def line(self, name, points, colour, dashed=False):
        points = [(x, y) for x, y in points if x > 0 and y > 0]
        if points:
            self.lines.append((name, sorted(points), colour, dashed))

    def draw(self, left, top):
        if not self.lines:
            return []
        plot_left, plot_top = left + 62, top + 34
        wide, high = self.width - 82, self.height - 86
        xs = sorted({x for _, points, _, _ in self.lines for x, _ in points})
        ys = [y for _, points, _, _ in self.lines for _, y in points]
        low, top_y = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
        top_y = max(top_y, low + 1)
        first, last = math.log10(xs[0]), math.log10(xs[-1])

        def across(x):
            return plot_left + 12 + (math.log10(x) - first) / max(last - first, 1e-9) * (wide - 24)

        def up(y):
            return plot_top + high - (math.log10(y) - low) / (top_y - low) * high

        out = [text(left + self.width / 2, top + 16, self.title, 14, "middle", weight=600)]
        for power in range(low, top_y + 1):
            level = up(10**power)
            out.append(stroke(plot_left, level, plot_left + wide, level, FAINT))
            out.append(text(plot_left - 6, level + 4, short(10**power), 11, "end"))
        for x in xs:
            out.append(stroke(across(x), plot_top + high, across(x), plot_top + high + 4, INK))
            out.append(text(across(x), plot_top + high + 17, short(x), 11, "middle"))
        out.append(stroke(plot_left, plot_top + high, plot_left + wide, plot_top + high, INK))
        out.append(text(plot_left + wide / 2, plot_top + high + 34, self.x, 12, "middle"))
        out.append(text(left + 14, plot_top + high / 2, self.y, 12, "middle", turn=True))
        for _, points, colour, dashed in self.lines:
            path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
            dash = ' stroke-dasharray="5 4"' if dashed else ""
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            for x, y in points:
                out.append(f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5" fill="{colour}"/>')
        return out


def text(x, y, said, size, anchor="start", weight=400, turn=False):
    turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turn else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{INK}" '
        f'text-anchor="{anchor}"{turned}>{escape(said)}</text>'
    )


def stroke(x1, y1, x2, y2, colour):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def short(number):
    return f"{number:,.0f}" if number >= 1 else f"{number:g}"


def legend(entries, left, top):
    out = []
    for name, colour, dashed in entries:
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        out.append(f'<line x1="{left}" y1="{top}" x2="{left + 26}" y2="{top}" stroke="{colour}" stroke-width="2"{dash}/>')
        out.append(text(left + 32, top + 4, name, 12))
        left += 50 + 6.6 * len(name)
    return out


def write(file, width, height, parts, about):
    body = "\n".join(parts)
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'{FONT} role="img" aria-label="{escape(about)}">\n'
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>\n{body}\n</svg>\n'
    )
    print(f"drawn: {file}")


def rows(file):
    with file.open() as opened:
        return list(csv.DictReader(opened))


def discovery(folder):
    kinds = [
        ("namespaces", "real", "real peers", COLOURS[0], False),
        ("simulator", "real", "simulator, real signatures", COLOURS[1], False),
        ("simulator", "hashed", "simulator, hashed", COLOURS[2], True),
        ("simulator in turn", "hashed", "simulator, hashed, a start each 0.3 s", COLOURS[3], True),
    ]
    panels = [
        ("seconds", Panel("All know all after the last start", "peers", "seconds")),
        ("cpu_ms", Panel("CPU time of one peer, first seconds", "peers", "ms")),
        ("datagrams", Panel("Datagrams that one peer sends then", "peers", "datagrams")),
        ("idle_per_minute", Panel("and in each minute after that", "peers", "datagrams a minute")),
    ]
    table = rows(folder / "discovery.csv")
    for column, panel in panels:
        for place, signatures, name, colour, dashed in kinds:
            these = [row for row in table if (row["where"], row["signatures"]) == (place, signatures) and row[column]]
            panel.line(name, [(int(row["peers"]), float(row[column])) for row in these], colour, dashed)
    parts = legend([(name, colour, dashed) for _, _, name, colour, dashed in kinds], 30, 22)
    for at, (_, panel) in enumerate(panels):
        parts += panel.draw(10 + at % 2 * 410, 40 + at // 2 * 310)
    write(folder / "discovery.svg", 830, 660, parts, "Discovery by the number of peers")


def propagation(folder):
    table = rows(folder / "propagation.csv")
    delays = sorted({int(row["delay_ms"]) for row in table})
    parts = legend([(f"{delay} ms of delay", COLOURS[at], False) for at, delay in enumerate(delays)], 30, 22)
    parts += legend([("p50", INK, False), ("p99", INK, True)], 620, 22)
    for column, (what, title) in enumerate([("edit", "One edit of a list"), ("publish", "One message of a program")]):
        panel = Panel(f"{title}, until all others have it", "peers", "ms", height=340)
        for at, delay in enumerate(delays):
            these = [row for row in table if row["what"] == what and int(row["delay_ms"]) == delay]
            for rank in ["p50", "p99"]:
                points = [(int(row["peers"]), float(row[f"{rank}_ms"])) for row in these]
                panel.line(f"{delay}", points, COLOURS[at], rank == "p99")
        parts += panel.draw(10 + column * 410, 40)
    write(folder / "propagation.svg", 830, 390, parts, "How long an edit and a message take")


def cost(folder):
    table = rows(folder / "cost.csv")
    parts = [text(415, 22, "One DM of 200 bytes: plain, signed, sealed", 14, "middle", weight=600)]
    groups = [("write_us", "write it, us", COLOURS[0]), ("read_us", "read it, us", COLOURS[1]), ("bytes", "datagram, bytes", COLOURS[2])]
    for group, (column, title, colour) in enumerate(groups):
        left, values = 30 + group * 265, [float(row[column]) for row in table]
        log = column != "bytes"
        low = math.floor(math.log10(min(values))) if log else 0
        span = (math.ceil(math.log10(max(values))) - low) if log else max(values)
        parts.append(text(left + 110, 50, title + (" (logarithmic)" if log else ""), 12, "middle"))
        for at, (row, value) in enumerate(zip(table, values)):
            high = 190 * ((math.log10(value) - low) / span if log else value / span)
            x, y = left + at * 58, 270 - high
            parts.append(f'<rect x="{x}" y="{y:.1f}" width="42" height="{high:.1f}" fill="{colour}"/>')
            parts.append(text(x + 21, y - 5, f"{value:.0f}" if value >= 10 else f"{value:.2f}", 11, "middle"))
            parts.append(text(x + 21, 286, row["form"], 11, "middle"))
        parts.append(stroke(left - 4, 270, left + 222, 270, INK))
    write(folder / "cost.svg", 830, 305, parts, "Plain against signed against sealed")


def main():
    if len(sys.argv) > 1 and sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "docs/experiments")
    for name, draw in [("discovery", discovery), ("propagation", propagation), ("cost", cost)]:
        if (folder / f"{name}.csv").exists():
            draw(folder)


if __name__ == "__main__":
    main()
