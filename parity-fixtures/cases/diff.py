"""Semantic differences."""

from __future__ import annotations

import pathlib
import sys

from .spans import FULL
from .table import Case, arrays, objects

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))

from drift_oracle import export, span
from drift_oracle.wire import message_field


def diff(name: str, left: str, right: str) -> Case:
    """A `diff_json` case."""
    return f"the difference of {name}", "diff_json", {"left": left, "right": right}


def diff_spans(name: str, left: bytes, right: bytes) -> Case:
    """A `diff_spans` case."""
    return f"the difference of {name}", "diff_spans", {"left_hex": left.hex(), "right_hex": right.hex()}


def diff_requests(name: str, left: bytes, right: bytes) -> Case:
    """A `diff_export_requests` case."""
    return (
        f"the difference of {name}",
        "diff_export_requests",
        {"left_hex": left.hex(), "right_hex": right.hex()},
    )


STRINGS = {"observable_service_id": "svc", "environment": "test", "sdk_version": "1", "sdk_instance_id": "i"}
SORTED = bytes.fromhex("0a070a0161120208000a070a016212022001")
UNSORTED = bytes.fromhex("0a070a0162120220010a070a016112020800")

CASES: list[Case] = [
    diff("equal scalars", "1", "1"),
    diff("equal objects in another order and spelling", '{"a":1.0,"b":"\\u00e9"}', ' {"b":"\u00e9", "a":10e-1}'),
    diff("an integer and the float of the same value", "1", "1.0"),
    diff("zero and minus zero", '{"z":0.0}', '{"z":-0.0}'),
    diff("two spellings of one double", "1e5", "100000.0"),
    diff("two huge integers that differ in the last digit", "123456789012345678901234567890", "123456789012345678901234567891"),
    diff("null and an absent member", '{"a":null}', "{}"),
    diff("an absent member and null", "{}", '{"a":null}'),
    diff("a changed member", '{"a":1,"b":2}', '{"a":1,"b":3}'),
    diff("an added and a removed member", '{"a":1}', '{"b":1}'),
    diff("a changed kind", '{"a":[1]}', '{"a":{"0":1}}'),
    diff("an object and a scalar at the root", '{"a":1}', "1"),
    diff("an empty object and an empty array", "{}", "[]"),
    diff("a string and a number", '"1"', "1"),
    diff("true and one", "true", "1"),
    diff("lists of the same length", "[1,2,3]", "[1,9,3]"),
    diff("a longer right list", "[1]", "[1,2,3]"),
    diff("a longer left list", "[1,2,3]", "[1]"),
    diff("a list with an item inserted in front goes by index", "[1,2,3]", "[0,1,2,3]"),
    diff("an empty list and a list", "[]", "[[],{}]"),
    diff("nested members, depth first in canonical order", '{"b":{"y":1,"x":1},"a":[1,{"k":1}],"c":1}', '{"a":[2,{"k":2,"j":1}],"b":{"x":2,"y":2},"d":1}'),
    diff("members whose names need quotes", '{"a b":1,"":1,"1a":1,"a-b":1,"_x9":1,"\u00e9":1,"a\\"\\\\\\n":1}', "{}"),
    diff("members with astral and private-use names", '{"\U00010000":1,"\uffff":1}', '{"\U00010000":2,"\uffff":2}'),
    diff("members below a name that needs quotes", '{"a b":{"c":[{"d e":1}]}}', '{"a b":{"c":[{"d e":2}]}}'),
    diff("a whole object removed", '{"o":{"b":[1,2.0],"a":null}}', "{}"),
    diff("repeated keys: the last counts", '{"a":1,"a":2}', '{"a":2}'),
    diff("replaced surrogates", '{"\\ud800":"\\udc00"}', '{"\ufffd":"\ufffd"}'),
    diff("values at the largest depth", arrays(127), arrays(126)),
    diff("objects at the largest depth", objects(127), objects(127, "2")),
    diff("strings that differ only in normalisation", '"\u00e9"', '"e\u0301"'),
    diff("a faulty left text is refused", "[1,]", "1"),
    diff("a faulty right text is refused", "1", '{"a":'),
    diff("two faulty texts names the left", "xx", " y"),
    diff("a text too deep is refused", "1", arrays(128)),
    diff("a number out of range is refused", "1e400", "1"),
    diff_spans("a span and itself", span(FULL), span(FULL)),
    diff_spans("spans whose map entries are in another order", message_field(9, SORTED), message_field(9, UNSORTED)),
    diff_spans("an empty span and a span without anything", b"", span({})),
    diff_spans("spans with another name and time", span(FULL), span({**FULL, "name": "GET /up/2", "timestamp_nanos": 1})),
    diff_spans("spans with another input", span(FULL), span({**FULL, "input_value": '{"b":2,"c":[]}'})),
    diff_spans("spans with another schema", span(FULL), span({**FULL, "input_schema": '{"type":6,"properties":{"a":{"type":1,"encoding":1}}}'})),
    diff_spans("spans with and without an environment", span(FULL), span({k: v for k, v in FULL.items() if k != "environment"})),
    diff_spans("spans with unknown fields", span(FULL) + message_field(99, b"x"), span(FULL)),
    diff_spans("a faulty span is refused on the left", b"\x0a", b""),
    diff_spans("a faulty span is refused on the right", b"", b"\x08\x01"),
    diff_requests("equal export requests", export(STRINGS, [span(FULL)]), export(STRINGS, [span(FULL)])),
    diff_requests("export requests with another version", export(STRINGS, []), export({**STRINGS, "sdk_version": "2"}, [])),
    diff_requests("export requests with a span more", export(STRINGS, [b""]), export(STRINGS, [b"", b""])),
    diff_requests("export requests with a changed span", export(STRINGS, [span(FULL), b""]), export(STRINGS, [span({**FULL, "kind": 3}), b""])),
    diff_requests("a faulty export request is refused", b"", b"\x28\x01"),
]  # fmt: skip
