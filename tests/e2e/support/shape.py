"""What a recording looks like when its contents are left out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .recording import Span, case_names

# Set at random by the recorder or the network, and present or not from run to run.
_EXACT = ("name", "packageName", "instrumentationName", "submoduleName", "packageType", "kind", "isRootSpan")


def skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: skeleton(item) for key, item in value.items()}
    if isinstance(value, list):
        return [skeleton(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return "number" if isinstance(value, (int, float)) else "text"


def shapes(spans: Iterable[Span]) -> dict[str, list[str]]:
    """By test case, the sorted shapes of its spans: some members exactly, of the rest the kinds."""
    spans = list(spans)
    names = case_names(spans)
    found: dict[str, list[str]] = {}
    for span in spans:
        document = json.loads(span.line)
        shape = {key: item if key in _EXACT else skeleton(item) for key, item in document.items()}
        # The schemas have no contents to leave out.
        shape["inputSchema"], shape["outputSchema"] = document["inputSchema"], document["outputSchema"]
        case = names.get(span.trace_id, str(document["name"]))
        found.setdefault(case, []).append(json.dumps(shape, sort_keys=True))
    return {case: sorted(texts) for case, texts in found.items()}
