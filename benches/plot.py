"""The plot of docs/performance.md as SVG: how many times faster than the published package each row is."""

from __future__ import annotations

import math
from html import escape
from typing import Any

PANEL_WIDTH = 560
LABEL_WIDTH = 150
BAR = 13
GAP = 3
HEAD = 44
FOOT = 14
TICKS = [1, 2, 5, 10, 20, 50, 100, 200]
AXIS = PANEL_WIDTH - LABEL_WIDTH - 60
FONT = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"
REACHED, MISSED, INK, FAINT = "#2a7f62", "#d98c2b", "#222222", "#dddddd"
TARGET, LIMIT = "#b3261e", "#1d4e9e"


def place(times: float) -> float:
    """Where a ratio stands on the axis, which is logarithmic and begins at 1."""
    return AXIS * math.log(min(max(times, TICKS[0]), TICKS[-1])) / math.log(TICKS[-1])


def text(
    x: float, y: float, content: str, *, size: int = 11, anchor: str = "start", weight: str = "normal"
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' font-weight='{weight}' "
        f"text-anchor='{anchor}' fill='{INK}'>{escape(content)}</text>"
    )


def rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(width, 0):.1f}' height='{height:.1f}' fill='{fill}'/>"


def rule(x: float, top: float, bottom: float, colour: str, more: str = "") -> str:
    return f"<line x1='{x:.1f}' y1='{top:.1f}' x2='{x:.1f}' y2='{bottom:.1f}' stroke='{colour}'{more}/>"


def panel(left: float, top: float, title: str, rows: list[dict[str, Any]]) -> tuple[list[str], float]:
    """One call: a bar a payload. Gives its height too."""
    height = HEAD + len(rows) * (BAR + GAP) + FOOT
    start = left + LABEL_WIDTH
    bottom = top + height - FOOT
    parts = [text(left, top + 16, title, size=14, weight="bold")]
    for tick in TICKS:
        x = start + place(tick)
        parts += [
            rule(x, top + HEAD - 4, bottom, FAINT),
            text(x, top + HEAD - 8, f"{tick}x", size=9, anchor="middle"),
        ]
    for index, row in enumerate(rows):
        y = top + HEAD + index * (BAR + GAP)
        times, target = row["times"], row["target_times"]
        colour = REACHED if target is None or times >= target else MISSED
        parts.append(text(start - 6, y + BAR - 3, row["payload"], anchor="end"))
        parts.append(rect(start, y, place(times), BAR, colour))
        parts.append(text(start + AXIS + 52, y + BAR - 3, f"{times:.1f}x", size=10, anchor="end"))
        if row["most_times"] is not None:
            parts.append(rule(start + place(row["most_times"]), y, y + BAR, LIMIT, " stroke-width='2'"))
        if target is not None:
            parts.append(
                rule(start + place(target), y - GAP / 2, y + BAR + GAP / 2, TARGET, " stroke-width='2'")
            )
    return parts, height


def draw(bench: dict[str, Any]) -> str:
    """The plot: a column of panels for each host."""
    columns = []
    tallest = 0.0
    for column, language in enumerate(("Python", "Node")):
        panels: dict[str, list[dict[str, Any]]] = {}
        for row in bench["rows"]:
            if row["language"] == language and row["times"] is not None and "malloc" not in row["call"]:
                panels.setdefault(row["call"], []).append(row)
        left, top = 16 + column * (PANEL_WIDTH + 24), 76.0
        for call, rows in panels.items():
            parts, height = panel(left, top, f"{language}: {call}", rows)
            columns += parts
            top += height + 8
        tallest = max(tallest, top)
    width = 16 + 2 * (PANEL_WIDTH + 24)
    key = [
        text(16, 26, "How many times faster than the published package", size=18, weight="bold"),
        text(16, 46, f"{bench['date']}, {bench['machine']['processor']}; medians; the axis is logarithmic"),
    ]
    x = 16.0
    for colour, meaning in (
        (REACHED, "target reached"),
        (MISSED, "target missed"),
        (TARGET, "target"),
        (LIMIT, "a call at the limit"),
    ):
        key += [rect(x, 56, 12, 10, colour), text(x + 17, 65, meaning)]
        x += 120
    body = "\n".join([rect(0, 0, width, tallest, "#ffffff"), *key, *columns])
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{tallest:.0f}' "
        f"viewBox='0 0 {width:.0f} {tallest:.0f}'>\n{body}\n</svg>\n"
    )
