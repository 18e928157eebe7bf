"""Ours beside the published packages and the limit, interleaved in one run.

Prints a table for each language: median microseconds a call of ours and of the
published package, the limit, the ratios of the medians, beside each the median
of the ratios of the rounds, the target and whether it is reached, and the
spread (quartiles of ours over its median). `--json` writes the same and the
parts of the limits to a file.

Must run with an interpreter that has our wheel.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Callable

import drift_core
import machine
import payloads
import table
from table import Row, Series

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

# glibc gives large blocks back to the system and faults them in again; the
# same thresholds on both sides keep that out of the comparison.
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
# Rounds of the payloads of megabytes: a share of the others'.
FEW = 0.4


class Worker:
    """A process that has one of the bindings, or the core, and times its calls on request."""

    def __init__(self, command: list[str], allocator: bool = True, one_core: bool = False) -> None:
        core = min(os.sched_getaffinity(0)) if one_core else None
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, **(ALLOCATOR if allocator else {})},
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
        )

    def time(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            raise SystemExit(f"a worker ended during {request}: {self.process.args!r}") from None
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=30)


class Workers:
    """The processes of all sides, each started when it is first asked for."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        python, node = str(HERE / "worker.py"), str(HERE / "worker.mjs")
        host = str(Path(options.ours_rust).resolve().with_name("libdrift_bench_host.so"))
        node_command = ["node", "--expose-gc", node, str(folder)]
        self.commands = {
            "Rust": {"ours": [options.ours_rust, str(folder)]},
            "Python": {
                "ours": [options.ours_python, python, str(folder), host],
                "published": [options.published_python, python, str(folder)],
            },
            "Node": {
                "ours": [*node_command, str(Path(options.ours_node).resolve())],
                "published": [*node_command, str(Path(options.published_node).resolve())],
            },
        }
        self.started: dict[tuple[Any, ...], Worker] = {}

    def get(self, language: str, side: str, *, allocator: bool = True, one_core: bool = False) -> Worker:
        key = (language, side, allocator, one_core)
        if key not in self.started:
            self.started[key] = Worker(self.commands[language][side], allocator, one_core)
        return self.started[key]

    def close(self, language: str | None = None) -> None:
        """Ends the processes of a language, or all."""
        for key in [key for key in self.started if language in (None, key[0])]:
            self.started.pop(key).close()


def tasks(row: Row, workers: Workers, series: Series) -> list[Callable[[], None]]:
    """What one round of a row measures."""
    request = {
        "call": row.call,
        "payload": row.payload,
        "calls": row.calls,
        "way": row.way,
        "parts": ["call"],
    }
    allocator = not row.default_allocator
    ours = workers.get(row.language, "ours", allocator=allocator)
    made: list[Callable[[], None]] = []

    if row.language == "Rust" and row.limit:

        def core() -> None:
            parts = ours.time({**request, "parts": ["call", "limit", "parse", "hash", "write"]})
            series.ours.append(parts.pop("call"))
            series.add_parts(parts)

        return [core]

    made.append(lambda: series.ours.append(ours.time(request)["call"]))
    if row.published:
        published = workers.get(row.language, "published", allocator=allocator)
        # It takes no bytes: its calls with text stand beside ours with bytes.
        way = "text" if row.way == "bytes" else row.way
        made.append(lambda: series.published.append(published.time({**request, "way": way})["call"]))
    if row.limit == "core":
        rust = workers.get("Rust", "ours", allocator=allocator)
        limit = {**request, "call": table.snake(row.call), "parts": ["limit"]}
        made.append(lambda: series.add_parts(rust.time(limit)))
        made.append(lambda: series.add_host(ours.time({**request, "parts": ["host"]})["host"]))
    elif row.limit == "join":
        made.append(
            lambda: series.parts.setdefault("limit", []).append(
                ours.time({**request, "parts": ["join"]})["join"]
            )
        )
    if row.way == "batch":
        alone = workers.get(row.language, "ours", one_core=True)
        made.append(lambda: series.one_core.append(alone.time(request)["call"]))
    return made


def measure(row: Row, workers: Workers, passes: int) -> dict[str, Any]:
    warm = Series()
    for task in tasks(row, workers, warm):
        task()
    series = Series()
    round_of = tasks(row, workers, series)
    for place in range(passes):
        # Each side comes first in turn.
        turn = place % len(round_of)
        for task in round_of[turn:] + round_of[:turn]:
            task()
    return table.result(row, series)


def write_inputs(folder: Path, needed: set[str]) -> dict[str, int]:
    """The documents that the rows need, and the spans of an export request; gives the sizes."""
    made = payloads.payloads(lambda name: name in needed)
    payloads.write(folder, made)
    for payload in made:
        if payload.name == table.BATCH_PAYLOAD:
            spans = [
                drift_core.process_span(
                    {"span_id": f"{place:016x}", "name": "GET /", "output_json": text}
                ).span_bytes
                for place, text in enumerate(payload.documents)
            ]
            (folder / "spans.bin").write_bytes(b"".join(spans))
            (folder / "spans.json").write_text(json.dumps([len(span) for span in spans]))
    return table.sizes_of(made)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder under `.run`, which goes when it is left."""
    run_folder = ROOT / ".run"
    run_folder.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=run_folder))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        if not any(run_folder.iterdir()):
            run_folder.rmdir()


@contextlib.contextmanager
def inputs(needed: Iterable[str]) -> Iterator[tuple[Path, dict[str, int]]]:
    """A folder with the payloads of these names, and the sizes of all (1 for one that is not there)."""
    with temporary_folder() as folder:
        requests = {f"request-341B-{alphabet}" for alphabet in ("ascii", "unicode")}
        yield folder, {**dict.fromkeys(payloads.names(), 1), **write_inputs(folder, {*needed, *requests})}


def print_parts(results: list[dict[str, Any]]) -> None:
    print(
        f"\nThe parts of the core's limit, microseconds\n\n{'call':26} {'payload':22} {'ours':>10} {'limit':>10}"
        f" {'parse':>10} {'hash':>10} {'write':>10}"
    )
    for made in results:
        parts = made["parts_us"]
        if "parse" in parts:
            numbers = [made["ours_us"], *(parts[part] for part in ("limit", "parse", "hash", "write"))]
            print(f"{made['call']:26} {made['payload']:22} " + " ".join(f"{each:10,.1f}" for each in numbers))


def print_batches(results: list[dict[str, Any]]) -> None:
    batches = [made for made in results if made["one_core_us"] is not None]
    if not batches:
        return
    print(
        f"\nA batch on one core and as shipped, microseconds\n\n{'':7} {'call':26} {'one core':>10} {'shipped':>10} {'times':>7}"
    )
    for made in batches:
        times = made["one_core_us"] / made["ours_us"]
        print(
            f"{made['language']:7} {made['call']:26} {made['one_core_us']:10,.0f} {made['ours_us']:10,.0f} {times:6.2f}x"
        )


def measure_all(
    options: argparse.Namespace, folder: Path, sizes: dict[str, int], wanted: set[str]
) -> list[dict[str, Any]]:
    rows = [row for row in table.rows(sizes) if row.identity in wanted]

    workers = Workers(options, folder)
    results: list[dict[str, Any]] = []
    start = time.monotonic()
    try:
        for language in ("Rust", "Python", "Node"):
            chosen = [row for row in rows if row.language == language]
            if not chosen:
                continue
            print(f"\n{language}\n\n{table.heading()}", flush=True)
            for row in chosen:
                passes = options.passes
                if sizes[row.payload] > 1_000_000 or row.payload == table.BATCH_PAYLOAD:
                    passes = max(3, round(passes * FEW))
                row = table.with_calls(row, options.calls)
                made = measure(row, workers, passes)
                results.append(made)
                print(table.printed(made), flush=True)
                if sys.stderr.isatty():
                    done = f"{len(results)} of {len(rows)} rows, {time.monotonic() - start:.0f} s"
                    print(f"\r{done}\r", end="", file=sys.stderr, flush=True)
            if language != "Rust":
                workers.close(language)
    finally:
        workers.close()
    return results


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    start = time.monotonic()
    pattern = re.compile(options.only)
    everything = table.rows(dict.fromkeys(payloads.names(), 1))
    wanted = {row.identity for row in everything if pattern.search(row.identity)}
    if not wanted:
        raise SystemExit(
            f"no row matches {options.only!r}; a row is `Python process_export_payload rows-7kB-ascii`"
        )
    with inputs(row.payload for row in everything if row.identity in wanted) as (folder, sizes):
        results = measure_all(options, folder, sizes, wanted)
    print_parts(results)
    print_batches(results)
    print(
        f"\nWhat is to be reached: least, middle and greatest of the rows\n\n{table.printed_summary(results)}"
    )
    reached = [made["reached"] for made in results if made["reached"] is not None]
    print(f"\n{sum(reached)} of {len(reached)} targets reached, in {time.monotonic() - start:.0f} seconds")
    return results


def add_options(parser: argparse.ArgumentParser) -> None:
    machine.add_sides(parser)
    parser.add_argument("--passes", type=int, default=15, help="interleaved rounds a row (default 15)")
    parser.add_argument("--calls", type=float, default=1, help="times the calls a round (default 1)")
    parser.add_argument(
        "--only", default="", help="only rows whose `LANGUAGE CALL PAYLOAD` matches this pattern"
    )
    parser.add_argument("--json", type=Path, help="write the results to this file too")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    options = parser.parse_args()

    described = machine.describe(options.ours_python)
    print("\n".join(f"{name:13} {value}" for name, value in described.items()))
    print(
        "\nmedian microseconds a call; times = published / ours, /limit = ours / limit, of the medians;"
        "\npaired = the median of the rounds' ratios; at most = published / limit;"
        "\nspread = interquartile range / median of ours"
    )
    results = run(options)
    if options.json:
        made = {
            "machine": described,
            "date": time.strftime("%Y-%m-%d"),
            "passes": options.passes,
            "rows": results,
        }
        options.json.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
