"""Times calls of the `drift_core` that this interpreter has, on request.

Reads one JSON request a line, `{"call", "payload", "rounds"}`, answers with
nanoseconds a call, one number a round. Every timed call gets a string object
that was not seen before: CPython keeps the UTF-8 of a string it has encoded.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable

import drift_core

FOLDER = Path(sys.argv[1])


def arguments(call: str, text: bytes, merges: str | None) -> Callable[[], tuple[Any, ...]]:
    if call == "process_export_payload":
        return lambda: (text.decode(), merges)
    if call == "process_export_payload_pyobject":
        native_merges = json.loads(merges) if merges else None
        return lambda: (json.loads(text), native_merges)
    return lambda: (text.decode(),)


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        text = (FOLDER / f"{request['payload']}.json").read_bytes()
        merges_file = FOLDER / f"{request['payload']}.merges.json"
        merges = merges_file.read_text() if merges_file.exists() else None
        function = getattr(drift_core, request["call"])
        make = arguments(request["call"], text, merges)
        repeat = max(1, 200_000 // len(text))
        rounds = []
        for _ in range(request["rounds"]):
            prepared = [make() for _ in range(repeat)]
            start = time.perf_counter_ns()
            for each in prepared:
                function(*each)
            rounds.append((time.perf_counter_ns() - start) / repeat)
        print(json.dumps(rounds), flush=True)


main()
