"""The peak of memory of one `process_export_payload`, in a process of its own.

    python benches/memory_child.py FILE text|bytes

Prints bytes: `argument`, what the argument takes; `outputs`, what the results
take; `peak`, how far the resident set rose beyond what it was before the call.
Linux only. Runs in the environment of the published package too.
"""

from __future__ import annotations

import ctypes
import gc
import json
import re
import sys
from pathlib import Path

import drift_core


def status(field: str) -> int:
    """A field of the process's status, in bytes."""
    found = re.search(rf"^{field}:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def main() -> None:
    file, way = sys.argv[1:]
    # What the first call sets up is not what the payload costs.
    drift_core.process_export_payload('{"a":[1]}', None)
    payload = Path(file).read_bytes() if way == "bytes" else Path(file).read_text(encoding="utf-8")
    argument = sys.getsizeof(payload)
    gc.collect()
    # What reading the file left goes back to the system, so that the call cannot take it again.
    ctypes.CDLL(None).malloc_trim(0)
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    result = drift_core.process_export_payload(payload, None)
    peak = status("VmHWM") - before
    outputs = {id(output): sys.getsizeof(output) for output in result}
    print(json.dumps({"argument": argument, "outputs": sum(outputs.values()), "peak": peak}))


main()
