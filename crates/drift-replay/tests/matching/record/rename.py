"""Writes recordings with identifiers that can be read: rename.py IN OUT LETTER."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

source, target, letter = sys.argv[1:4]


def time_of(span: dict[str, Any]) -> tuple[int, int]:
    return span["timestamp"]["seconds"], span["timestamp"]["nanos"]


traces = [
    [json.loads(line) for line in path.read_text().splitlines()]
    for path in sorted(Path(source).glob("*.jsonl"))
]
traces.sort(key=lambda spans: min(map(time_of, spans)))
for path in Path(target).glob("*.jsonl"):
    path.unlink()
for number, spans in enumerate(traces, 1):
    in_order = sorted(spans, key=time_of)
    trace_id = f"{letter}{number:02d}".ljust(32, "0")
    ids = {
        span["spanId"]: f"{letter}{number:02d}{position:02d}".ljust(16, "0")
        for position, span in enumerate(in_order)
    }
    start = datetime.fromtimestamp(in_order[0]["timestamp"]["seconds"], timezone.utc)
    fraction = "-000000+00-00" if letter == "a" else "-000Z"
    name = f"{start:%Y-%m-%dT%H-%M-%S}{fraction}_trace_{trace_id}.jsonl"
    with (Path(target) / name).open("w") as out:
        for span in spans:
            # Its answer describes the machine.
            if span["submoduleName"] == "info":
                continue
            span["traceId"] = trace_id
            span["spanId"] = ids[span["spanId"]]
            parent = span["parentSpanId"]
            span["parentSpanId"] = ids.get(parent, "" if span["isRootSpan"] else parent)
            out.write(json.dumps(span, ensure_ascii=False, separators=(",", ":")) + "\n")
