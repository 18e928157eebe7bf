"""Seeded random values through Rust, every Python and Node entry point, and the oracle.

All must be equal, byte for byte; of a refusal, all that the oracle names. Prints a table of how many
answers each side gave, and the first differences with the command that shows
them alone; exits 1 if there is any.

    python tests/parity/run.py --count 3000 --seed 7
"""

from __future__ import annotations

import argparse
import collections
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "parity-fixtures" / "oracle"))

from drift_oracle.calls import evaluate  # noqa: E402
from generate_values import requests  # noqa: E402

Answer = dict[str, Any]
# Cases that are sent before the answers are read: the sides work side by side.
BATCH = 64


class Side:
    """One language: a process that answers fixtures line by line."""

    def __init__(self, name: str, command: list[str], one_entry: bool = False) -> None:
        self.name = name
        self.one_entry = one_entry
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, lines: list[str]) -> threading.Thread:
        """Writes in the background: a pipe that is full in both directions would stand still."""
        stdin = self.process.stdin
        assert stdin

        def write() -> None:
            stdin.write("".join(lines))
            stdin.flush()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        return writer

    def receive(self) -> dict[str, Answer]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            raise SystemExit(f"the {self.name} side ended with status {status} in the middle of the values")
        answers: Any = json.loads(line)
        return {"core": answers} if self.one_entry else answers

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=60)


def batches(all_cases: Iterator[tuple[str, Answer]]) -> Iterator[list[tuple[str, Answer]]]:
    batch: list[tuple[str, Answer]] = []
    for case in all_cases:
        batch.append(case)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def meets(expected: Any, answer: Any) -> bool:
    """Whether an answer has all that is expected, and is a refusal exactly when that is."""
    if isinstance(expected, dict) and isinstance(answer, dict):
        return ("error" in expected) == ("error" in answer) and all(
            meets(value, answer.get(name)) for name, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(answer, list):
        return len(expected) == len(answer) and all(map(meets, expected, answer))
    return bool(expected == answer)


def without_null(answer: Answer) -> Answer:
    return {name: value for name, value in answer.items() if value is not None}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=3000, help="values a seed (default 3000)")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has our wheel")
    options = parser.parse_args()

    here = Path(__file__).parent
    sides = [
        Side("Rust", [str(ROOT / "target/release/examples/answer")], one_entry=True),
        Side("Python", [options.python, str(here / "answer.py")]),
        Side("Node", ["node", str(here / "answer.mjs"), str(ROOT / "bindings/node")]),
    ]
    compared: dict[tuple[str, str, str], int] = collections.Counter()
    refused: dict[str, int] = collections.Counter()
    differences = 0
    started = time.monotonic()
    done = 0
    for batch in batches((each["call"], each["args"]) for each in requests(options.count, options.seed)):
        lines = [json.dumps({"call": call, "args": args}) + "\n" for call, args in batch]
        writers = [side.send(lines) for side in sides]
        for line, (call, args) in zip(lines, batch):
            expected = without_null(evaluate(call, args))
            refused[call] += "error" in expected
            for side in sides:
                for entry, answer in side.receive().items():
                    compared[call, side.name, entry] += 1
                    if not meets(expected, answer):
                        differences += 1
                        if differences <= 10:
                            print(f"DIFFERENT {side.name} {entry}: {line.strip()[:2000]}")
                            for name in sorted(set(answer) | set(expected)):
                                if answer.get(name) != expected.get(name):
                                    print(f"  {name}: oracle {str(expected.get(name))[:400]}")
                                    print(f"  {name}: {side.name:6} {str(answer.get(name))[:400]}")
        for writer in writers:
            writer.join()
        done += len(batch)
        if sys.stderr.isatty():
            print(f"\r{done} of {options.count} values", end="", file=sys.stderr)
    for side in sides:
        side.close()
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)

    print(f"{'call':22} {'side':7} {'entry point':20} {'compared':>9}")
    for (call, name, entry), count in sorted(compared.items()):
        print(f"{call:22} {name:7} {entry:20} {count:9}")
    print(
        f"{done} values (seed {options.seed}; the oracle refuses {sum(refused.values())} of them),"
        f" {sum(compared.values())} answers, {differences} different, {time.monotonic() - started:.0f} s"
    )
    return 1 if differences or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
