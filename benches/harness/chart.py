#!/usr/bin/env python3
"""Draws rows of results.json as an SVG chart: the server's CPU time for each message beside hand-written epoll,
on a logarithmic axis; a bar to the right is cheaper than epoll, one to the left dearer.

    cd benches && python3 -m harness.chart ../target/bench/results.json ../docs/performance.svg
"""
import json
import math
import sys
from pathlib import Path

COLOURS = {"libuv": "#7f8fa6", "libevent": "#b0a08e", "asio": "#9b8fb5", "tokio": "#c49a6c",
           "chromesock-reactor": "#1a73e8"}
BAR, GAP, LEFT, WIDTH, TOP, RIGHT = 9, 12, 150, 620, 64, 60
STEPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
LOW, HIGH = STEPS[0], 32  # bars are cut off at both


def text(x, y, what, anchor="start", size=11, colour="#333"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
            f"{what}</text>")


def draw(rows):
    shown = {}
    for row in rows:
        if row["contestant"] in COLOURS and row["cpu_ratio_epoll"]:
            shown.setdefault(row["workload"], {})[row["contestant"]] = row["cpu_ratio_epoll"]

    def x_of(ratio):
        return LEFT + WIDTH * math.log(min(max(ratio, LOW), HIGH) / LOW) / math.log(HIGH / LOW)

    out, y = [], TOP
    for workload, group in shown.items():
        out.append(text(LEFT - 8, y + len(group) * BAR / 2 + 4, workload, "end"))
        for contestant, ratio in group.items():
            left, right = sorted((x_of(1), x_of(ratio)))
            out.append(f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 1):.1f}" height="{BAR - 1}" '
                       f'fill="{COLOURS[contestant]}"><title>{workload}, {contestant}: {ratio:.2f}</title></rect>')
            if contestant.startswith("chromesock"):
                out.append(text(max(right, x_of(1)) + 4, y + BAR - 1, f"{ratio:.2f}", size=9))
            y += BAR
        y += GAP
    grid = [f'<line x1="{x_of(step):.1f}" x2="{x_of(step):.1f}" y1="{TOP - 6}" y2="{y - GAP + 4}" '
            f'stroke="{"#333" if step == 1 else "#ddd"}"/>' + text(x_of(step), TOP - 10, f"{step:g}", "middle", 10)
            for step in STEPS if step <= HIGH]
    legend, x = [], LEFT
    for contestant, colour in COLOURS.items():
        legend.append(f'<rect x="{x}" y="30" width="10" height="10" fill="{colour}"/>' + text(x + 14, 39, contestant))
        x += 30 + 7 * len(contestant)
    title = text(LEFT, 18, f"CPU time per message: hand-written epoll = 1, to the right is cheaper; cut off at {LOW:g}", size=13)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{y}" '
            f'font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>\n'
            + "\n".join([title, *legend, *grid, *out]) + "\n</svg>\n")


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(json.loads(Path(sys.argv[1]).read_text())))
