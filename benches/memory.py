"""The peak of memory of one call on a large payload, ours beside the published packages.

Each figure comes from a fresh process: how far the peak of its resident set
(`VmHWM`) lies above what it held before the call, the argument included. The
payloads are rows of a database in four alphabets, which decide how many bytes
a host takes for a character, and arrays of numbers, whose Struct bytes alone
are several times the text. glibc's defaults, one call.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import machine
import payloads
import run

HERE = Path(__file__).resolve().parent
MEGA = 1_000_000
# Rows are at most so many times the payload, beyond the argument; numbers at most outputs and twice the payload.
ROWS_TIMES = 4
NUMBERS_TIMES = 2

NUMBERS = ["numbers", "digits"]
ROW_ALPHABETS = ["ascii", "latin", "unicode", "emoji"]


def rows_text(alphabet: str, size: int) -> str:
    """An object of rows: a few thousand, again and again, since no output depends on equal rows."""
    rng = random.Random(f"{payloads.SEED} memory {alphabet}")
    words = payloads.Words(rng, alphabet)
    block = ",".join(payloads.dump(payloads.row(rng, words)) for _ in range(3_000))
    return '{"rows":[' + ",".join([block] * max(1, size // len(block.encode()))) + "]}"


def numbers_text(kind: str, size: int) -> str:
    """Long numbers, or digits: the shorter a number, the more times its text its Struct bytes are."""
    rng = random.Random(f"{payloads.SEED} memory {kind}")
    if kind == "numbers":
        block = payloads.dump(payloads.numbers(rng, payloads.Words(rng, "ascii"))["series"])
    else:
        block = payloads.dump([rng.randrange(10) for _ in range(100_000)])
    return '{"series":[' + ",".join([block] * max(1, size // len(block))) + "]}"


def peak(command: list[str]) -> dict[str, int]:
    made: dict[str, int] = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
    return made


def sides(options: argparse.Namespace) -> list[tuple[str, str, list[str], list[str] | None]]:
    """Language, way, command of ours and of the published package, without the file."""
    python, node = str(HERE / "memory_child.py"), str(HERE / "memory_child.mjs")
    ours_node, published_node = (
        str(Path(each).resolve()) for each in (options.ours_node, options.published_node)
    )
    return [
        ("Rust", "text", [options.ours_rust, "memory", "FILE"], None),
        (
            "Python",
            "text",
            [options.ours_python, python, "FILE", "text"],
            [options.published_python, python, "FILE", "text"],
        ),
        ("Python", "bytes", [options.ours_python, python, "FILE", "bytes"], None),
        (
            "Node",
            "text",
            ["node", "--expose-gc", node, "FILE", "text", ours_node],
            ["node", "--expose-gc", node, "FILE", "text", published_node],
        ),
        ("Node", "Buffer", ["node", "--expose-gc", node, "FILE", "bytes", ours_node], None),
    ]


def measure(options: argparse.Namespace, name: str, file: Path) -> list[dict[str, Any]]:
    size = file.stat().st_size
    made = []
    for language, way, ours_command, published_command in sides(options):
        ours, published = (
            peak([str(file) if part == "FILE" else part for part in command]) if command else None
            for command in (ours_command, published_command)
        )
        assert ours is not None
        most = ours["outputs"] + NUMBERS_TIMES * size if name in NUMBERS else ROWS_TIMES * size
        row = {
            "language": language,
            "way": way,
            "payload": name,
            "payload_mb": size / MEGA,
            "argument_mb": ours["argument"] / MEGA,
            "outputs_mb": ours["outputs"] / MEGA,
            "ours_mb": ours["peak"] / MEGA,
            "published_mb": published["peak"] / MEGA if published else None,
            "times_payload": ours["peak"] / size,
            "published_times_payload": published["peak"] / size if published else None,
            "target_mb": most / MEGA,
            "reached": ours["peak"] <= most,
        }
        made.append(row)
        print(line(row), flush=True)
    return made


def megabytes(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def times(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}x"


def cells(row: dict[str, Any]) -> list[str]:
    return [
        row["language"],
        row["way"],
        row["payload"],
        *(megabytes(row[f"{each}_mb"]) for each in ("payload", "argument", "outputs", "ours", "published")),
        times(row["times_payload"]),
        times(row["published_times_payload"]),
        megabytes(row["target_mb"]),
        "yes" if row["reached"] else "no",
    ]


HEADING = "language|way|payload|payload MB|argument|outputs|ours|published|ours/payload|published/payload|at most|reached".split(
    "|"
)
WIDTHS = [8, 7, 13, -10, -9, -8, -8, -10, -12, -17, -8, 8]


def padded(parts: list[str]) -> str:
    return " ".join(f"{part:<{w}}" if w > 0 else f"{part:>{-w}}" for part, w in zip(parts, WIDTHS)).rstrip()


def line(row: dict[str, Any]) -> str:
    return padded(cells(row))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    machine.add_sides(parser)
    parser.add_argument(
        "--megabytes", type=float, default=100, help="UTF-8 bytes of a payload in millions (default 100)"
    )
    parser.add_argument("--json", type=Path, help="write the results to this file too")
    options = parser.parse_args()
    if sys.platform != "linux":
        raise SystemExit("peaks are read from /proc, which only Linux has")

    print("\n".join(f"{name:13} {value}" for name, value in machine.describe(options.ours_python).items()))
    print("\nmegabytes; ours, published: the peak beyond what was there before the call\n")
    print(padded(HEADING), flush=True)
    results = []
    with run.temporary_folder() as folder:
        size = int(options.megabytes * MEGA)
        for name in [*ROW_ALPHABETS, *NUMBERS]:
            file = folder / f"{name}.json"
            text = numbers_text(name, size) if name in NUMBERS else rows_text(name, size)
            file.write_text(text, encoding="utf-8")
            results += measure(options, name if name in NUMBERS else f"rows, {name}", file)
            file.unlink()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
