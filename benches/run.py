"""Ours beside the published packages, interleaved in one run.

Prints one row a call and payload: median microseconds of both sides, the
ratio of the medians, and the spread of ours (quartiles over median). `--json`
writes the same rows to a file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import payloads

PYTHON_CALLS = [
    "process_export_payload",
    "process_export_payload_pyobject",
    "normalize_and_hash",
    "deterministic_hash",
]
NODE_CALLS = ["processExportPayload", "normalizeAndHash", "deterministicHash"]

# glibc gives large blocks back to the system and faults them in again; the
# same thresholds on both sides keep that out of the comparison.
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}


class Worker:
    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **ALLOCATOR}
        )

    def time(self, request: dict[str, Any]) -> list[float]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a benchmark worker ended: {self.process.args!r}")
        rounds: list[float] = json.loads(line)
        return rounds

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=30)


def compare(ours: Worker, published: Worker, request: dict[str, Any], passes: int) -> dict[str, Any]:
    # The published binding takes no bytes: its text calls stand beside our bytes calls.
    requests = {"ours": (ours, request), "published": (published, {**request, "bytes": False})}
    for worker, warm_up in requests.values():
        worker.time({**warm_up, "rounds": 2})
    times: dict[str, list[float]] = {"ours": [], "published": []}
    for _ in range(passes):
        for side, (worker, one) in requests.items():
            times[side] += worker.time({**one, "rounds": 1})
    median = {side: statistics.median(values) for side, values in times.items()}
    low, _, high = statistics.quantiles(times["ours"], n=4)
    return {
        "ours_us": median["ours"] / 1000,
        "published_us": median["published"] / 1000,
        "ratio": median["published"] / median["ours"],
        "spread": (high - low) / median["ours"],
    }


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours-python", required=True, help="an interpreter that has our wheel")
    parser.add_argument(
        "--published-python", required=True, help="an interpreter that has drift-core-python 0.1.9"
    )
    parser.add_argument("--ours-node", required=True, help="the folder of our package")
    parser.add_argument("--published-node", required=True, help="the folder of the published package")
    parser.add_argument("--passes", type=int, default=15, help="interleaved rounds a row (default 15)")
    parser.add_argument("--only", default="", help="only payloads whose name contains this")
    parser.add_argument("--json", type=Path, help="write the rows to this file too")
    options = parser.parse_args()

    run_folder = Path(__file__).resolve().parents[1] / ".run"
    run_folder.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=run_folder))
    try:
        payloads.write(folder)
        rows = run(options, folder)
    finally:
        shutil.rmtree(folder)
        if not any(run_folder.iterdir()):
            run_folder.rmdir()
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


def run(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    here = Path(__file__).parent
    names = [name for name in payloads.payloads() if options.only in name]
    python = [
        [interpreter, str(here / "worker.py"), str(folder)]
        for interpreter in (options.ours_python, options.published_python)
    ]
    node = [
        ["node", str(here / "worker.mjs"), str(folder), str(Path(package).resolve())]
        for package in (options.ours_node, options.published_node)
    ]
    jobs = [
        ("Python", python, [(call, call, {}) for call in PYTHON_CALLS]),
        (
            "Node",
            node,
            [(call, call, {"bytes": False}) for call in NODE_CALLS]
            + [("processExportPayload", "processExportPayload (Buffer)", {"bytes": True})],
        ),
    ]
    print(f"{processor()}, {os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}")
    print(
        "median microseconds a call; ratio = published / ours; spread = interquartile range / median of ours\n"
    )
    rows = []
    print(f"{'':7} {'call':34} {'payload':22} {'ours':>10} {'published':>11} {'ratio':>7} {'spread':>7}")
    for language, commands, calls in jobs:
        ours, published = (Worker(command) for command in commands)
        for call, title, extra in calls:
            for name in names:
                result = compare(ours, published, {"call": call, "payload": name, **extra}, options.passes)
                rows.append({"language": language, "call": title, "payload": name, **result})
                print(
                    f"{language:7} {title:34} {name:22} {result['ours_us']:10.1f} {result['published_us']:11.1f}"
                    f" {result['ratio']:6.1f}x {result['spread']:7.2f}",
                    flush=True,
                )
        ours.close()
        published.close()
    return rows


if __name__ == "__main__":
    sys.exit(main())
