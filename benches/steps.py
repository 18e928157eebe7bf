"""Where the time of a call goes: a profile for each call and language.

The steps are timed, not sampled, each through a call of its own on the same
documents in the same rounds, and the shortest time of all rounds is taken: the
steps must add up, and what else the machine does only ever adds time.

parse       reading the text into a document
canonical   the canonical text: the call that gives only it, less the parse
hash        SHA-256 of the canonical value and of the schema
rest        schema, Struct bytes, decoding by merges: the core's call less the above
host        the conversions of strings and bytes that the host cannot do without,
            each by its cheapest way (those of the limit)
crossing    what is left of the binding's call: entering, leaving, and all that
            the binding does beyond the cheapest conversions

A Python object is not parsed: its `host` holds the cheapest walk over it and the
cheapest making of the values that are handed back, its `crossing` what reading it
into a document and making those values take beyond.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

import machine
import payloads
import run
import table
from table import Row

STEPS = ["parse", "canonical", "hash", "rest", "host", "crossing"]
OBJECT_CALL = "process_export_payload_pyobject"


def core_call(row: Row) -> str:
    """The call of the core that a row's call makes."""
    return "process_export_payload" if row.call == OBJECT_CALL else table.snake(row.call)


def wanted(row: Row) -> bool:
    return row.limit == "core" and not row.default_allocator


def measure(row: Row, workers: run.Workers, passes: int) -> dict[str, Any]:
    request = {"call": row.call, "payload": row.payload, "calls": row.calls, "way": row.way}
    core_request = {**request, "call": core_call(row), "parts": ["call", "document", "canonical", "hash"]}
    core, ours = workers.get("Rust", "ours"), workers.get(row.language, "ours")
    cores: dict[str, list[float]] = {}
    series = table.Series()
    for _ in range(passes):
        for part, nanoseconds in core.time(core_request).items():
            cores.setdefault(part, []).append(nanoseconds)
        if row.language != "Rust":
            series.ours.append(ours.time({**request, "parts": ["call"]})["call"])
            series.add_host(ours.time({**request, "parts": ["host"]})["host"])
    part_us = {part: min(values) / 1000 for part, values in cores.items()}
    host_us = sum(min(min(values) for values in ways.values()) for ways in series.host.values()) / 1000
    whole = part_us["call"] if row.language == "Rust" else min(series.ours) / 1000
    steps = {
        "parse": part_us["document"],
        "canonical": part_us["canonical"] - part_us["document"],
        "hash": part_us["hash"],
        "rest": part_us["call"] - part_us["canonical"] - part_us["hash"],
        "host": host_us,
        "crossing": whole - part_us["call"] - host_us,
    }
    if core_call(row) != "process_export_payload":
        # It makes the canonical text and its hash, nothing else.
        steps["canonical"] += steps.pop("rest")
    if row.call == OBJECT_CALL:
        steps["crossing"] += steps.pop("parse")
    if row.language == "Rust":
        steps = {step: steps[step] for step in steps if step not in ("host", "crossing")}
    return {
        "language": row.language,
        "call": row.title,
        "payload": row.payload,
        "ours_us": whole,
        "steps_us": steps,
    }


def cells(made: dict[str, Any]) -> list[str]:
    """Call, payload, microseconds, and the share of each step; noise can take a small step below zero."""
    steps = made["steps_us"]
    shares = (
        f"{max(0, 100 * steps[step] / made['ours_us']):.0f}%" if step in steps else "" for step in STEPS
    )
    return [made["call"], made["payload"], table.number(made["ours_us"]), *shares]


def padded(parts: list[str]) -> str:
    widths = [34, 22, -10, *([-10] * len(STEPS))]
    return " ".join(f"{part:<{w}}" if w > 0 else f"{part:>{-w}}" for part, w in zip(parts, widths)).rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    run.add_options(parser)
    options = parser.parse_args()
    pattern = re.compile(options.only)
    described = machine.describe(options.ours_python)
    print("\n".join(f"{name:13} {value}" for name, value in described.items()))
    results = []
    with run.inputs(payloads.names()) as (folder, sizes):
        workers = run.Workers(options, folder)
        try:
            for language in ("Rust", "Python", "Node"):
                print(f"\n{language}\n\n{padded(['call', 'payload', 'µs', *STEPS])}")
                for row in table.rows(sizes):
                    if row.language == language and wanted(row) and pattern.search(row.identity):
                        made = measure(table.with_calls(row, options.calls), workers, options.passes)
                        results.append(made)
                        print(padded(cells(made)), flush=True)
        finally:
            workers.close()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
