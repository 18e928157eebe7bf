"""Writes the tables of docs/performance.md, and docs/performance.svg, from what the benches kept.

    python benches/report.py target/bench.json target/bench-memory.json target/bench-profile.json \
        target/bench-replay.json
    python benches/report.py target/bench-replay.json

The second form writes the table of the replay engine alone.
Each table stands between two comments, `<!-- bench NAME -->` and
`<!-- end NAME -->`; the rest of the page is written by hand and stays.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

import machine
import memory
import plot
import steps
import table

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "performance.md"


def markdown(heading: list[str], rows: list[list[str]], left: int) -> str:
    """A table whose first columns are text and the others numbers."""
    rule = ["---" if place < left else "---:" for place in range(len(heading))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heading, rule, *rows])


def code(call: str) -> str:
    """A call's title with its name as code: `name` (way)."""
    name, space, rest = call.partition(" ")
    return f"`{name}`{space}{rest}" if re.fullmatch(r"\w+,?", name) and name != "export" else call


def machine_lines(bench: dict[str, Any]) -> str:
    described = "; ".join(f"{name} {value}" for name, value in bench["machine"].items())
    return f"Measured on {bench['date']} with `make bench-report`, {bench['passes']} rounds a row, on: {described}."


def main_table(rows: list[dict[str, Any]], language: str) -> str:
    heading = [name for name, _, _ in table.COLUMNS]
    chosen = [[cell(row) for _, _, cell in table.COLUMNS] for row in rows if row["language"] == language]
    return markdown(heading, [[code(cells[0]), *cells[1:]] for cells in chosen], 2)


def parts_table(rows: list[dict[str, Any]]) -> str:
    parts = ["limit", "parse", "hash", "write"]
    chosen = [row for row in rows if "parse" in row["parts_us"]]
    return markdown(
        ["call", "payload", "ours", *parts],
        [
            [
                f"`{row['call']}`",
                row["payload"],
                *(table.number(row["parts_us"].get(part, row["ours_us"])) for part in ["ours", *parts]),
            ]
            for row in chosen
        ],
        2,
    )


def batch_table(rows: list[dict[str, Any]]) -> str:
    chosen = [row for row in rows if row["one_core_us"] is not None]
    return markdown(
        ["language", "call", "one core, µs", "as shipped, µs", "times"],
        [
            [
                row["language"],
                code(row["call"]),
                table.number(row["one_core_us"], 0),
                table.number(row["ours_us"], 0),
                table.number(row["one_core_us"] / row["ours_us"], 2, "x"),
            ]
            for row in chosen
        ],
        2,
    )


def replay_table(replay: dict[str, Any]) -> dict[str, str]:
    parts = machine.describe(sys.executable)
    described = "; ".join(f"{name} {parts[name]}" for name in ("processor", "cores", "system", "rustc"))
    measured = (
        f"Measured on {date.today()} with `make bench-replay SPANS={replay['spans']}`, on: {described}."
    )
    heading = ["what", "ours", "target", "reached", "limit", "share of the limit"]
    return {"replay": f"{measured}\n\n{markdown(heading, replay['rows'], len(heading))}"}


def tables(
    bench: dict[str, Any], peaks: list[dict[str, Any]], profile: list[dict[str, Any]]
) -> dict[str, str]:
    rows = bench["rows"]
    summary = [[cells[0], code(cells[1]), *cells[2:]] for cells in table.summary(rows)]
    profile_rows = [[made["language"], *steps.cells(made)] for made in profile]
    return {
        "machine": machine_lines(bench),
        "summary": markdown(table.SUMMARY_HEADING, summary, 3),
        **{language.lower(): main_table(rows, language) for language in ("Rust", "Python", "Node")},
        "parts": parts_table(rows),
        "batch": batch_table(rows),
        "memory": markdown(memory.HEADING, [memory.cells(row) for row in peaks], 3),
        "profile": markdown(
            ["language", "call", "payload", "µs", *steps.STEPS],
            [[cells[0], f"{code(cells[1])}", *cells[2:]] for cells in profile_rows],
            3,
        ),
    }


def main() -> None:
    *core, replay = (json.loads(Path(file).read_text(encoding="utf-8")) for file in sys.argv[1:])
    made = replay_table(replay)
    if core:
        made.update(tables(*core))
    page = PAGE.read_text(encoding="utf-8")
    for name, text in made.items():
        pattern = re.compile(rf"(<!-- bench {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        page, count = pattern.subn(lambda found, text=text: f"{found[1]}\n{text}\n\n{found[2]}", page)
        if count != 1:
            raise SystemExit(f"{PAGE.name} has {count} places for the table {name}, not one")
    PAGE.write_text(page, encoding="utf-8")
    if core:
        (DOCS / "performance.svg").write_text(plot.draw(core[0]), encoding="utf-8")
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
