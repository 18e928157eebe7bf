"""Export requests: the strings, the spans laid in, the check of their top level."""

from __future__ import annotations

from typing import Any

from .table import Case

EMPTY = "4a0052005a006200920100a20100aa0100ba0100"
NAMED = "0a0161" + EMPTY
STRINGS: dict[str, Any] = {
    "observable_service_id": "svc-1",
    "environment": "test",
    "sdk_version": "0.1.29",
    "sdk_instance_id": "instance",
}


def export(name: str, *spans: str, **strings: str) -> Case:
    """An `export` case."""
    base = dict.fromkeys(STRINGS, "")
    return name, "export", {**base, **strings, "spans_hex": list(spans)}


# A single span's bytes and whether they are taken is the oracle's to say.
SPANS = {
    "an empty span": "",
    "a span of empty messages": EMPTY,
    "a span with a trace id": "0a0161",
    "a span with a string that is not UTF-8": "0a01ff",
    "a span with nonsense in its input value": "4a02ffff",
    "a span with an unknown field of each wire type": "d00101d1010000000000000000d20100d50100000000",
    "a span with the largest field number": "f8ffffff0f01",
    "a span with an unknown field that is cut short": "d10100",
    "a span with a repeated field": "0a01610a0162",
    "a span with fields out of order": "12016a0a0161",
    "a span with an overlong tag": "8a80000161",
    "a span with an overlong length": "0a81808080800061",
    "a span with a length of ten bytes": "0a8180808080808080800061",
    "a span with an overlong varint": "4081808080808080808000",
    "a span with a varint of ten bytes at its largest": "40ffffffffffffffffff01",
    "a span with a varint of eleven bytes": "408080808080808080808000",
    "a span with an unknown enum code": "4063",
    "a tag alone": "0a",
    "a tag cut short": "8a",
    "a length beyond the end": "0a0561",
    "a length cut short": "0a80",
    "a length of 2^64 - 1": "0affffffffffffffffff01",
    "a length of 2^31": "0a8080808008",
    "a varint cut short": "4080",
    "a varint without a value": "40",
    "a string field as a varint": "0801",
    "a string field as fixed 64": "090000000000000000",
    "a string field as fixed 32": "0d00000000",
    "a message field as a varint": "4801",
    "an enum field as bytes": "420101",
    "a Boolean field as fixed 32": "9d0100000000",
    "a Boolean field as bytes": "9a0100",
    "the id as a varint": "c80101",
    "the metadata as fixed 64": "b9010000000000000000",
    "field 0 as a varint": "0000",
    "field 0 as bytes": "0200",
    "a group": "0b0c",
    "an unknown group": "d301d401",
    "the end of a group": "d401",
    "wire type 6": "0e",
    "wire type 7": "d70100",
    "a fault after good fields": EMPTY + "0a0561",
    "fixed 64 cut short": "d10100000000000000",
    "fixed 32 cut short": "d501000000",
}

CASES: list[Case] = [export(f"{name}, in an export request", encoded) for name, encoded in SPANS.items()]
CASES += [
    export("an export request of nothing"),
    ("an export request of its strings alone", "export", {**STRINGS, "spans_hex": []}),
    ("an export request with two spans", "export", {**STRINGS, "spans_hex": [EMPTY, NAMED]}),
    ("an export request keeps the order of the spans", "export", {**STRINGS, "spans_hex": [NAMED, EMPTY, NAMED]}),
    export("an export request with one string of the four", EMPTY, sdk_version="1"),
    export("an export request with strings beyond ASCII", observable_service_id="\u00e9\U0001f600", environment="\u0000"),
    export("an export request with a span of 200 bytes", "22c801" + "61" * 200),
    export("the first bad span is named", EMPTY, "0a0561", "0801"),
    export("a bad span at the end is named", EMPTY, EMPTY, "00"),
    export("a bad span at the start is named", "ff", EMPTY),
]  # fmt: skip
