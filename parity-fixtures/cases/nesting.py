"""Depth: 127 levels pass, the 128th is refused; decoded values and schemas go deeper."""

from __future__ import annotations

import base64
import json

from .table import Case, arrays, normalize, objects, payload


def mixed(levels: int) -> str:
    """Alternating objects and arrays."""
    opened = "".join('{"a":' if i % 2 == 0 else "[" for i in range(levels))
    closed = "".join("}" if i % 2 == 0 else "]" for i in reversed(range(levels)))
    return opened + "null" + closed


def schema_text(levels: int) -> str:
    """The schema of so many object levels: 2n + 2 levels of JSON."""
    return '{"properties":{"a":' * levels + '{"properties":{},"type":1}' + '},"type":6}' * levels


def member(text: str) -> str:
    """A payload that holds a text as its member b."""
    return json.dumps({"b": text})


def encoded(text: str) -> str:
    """The same in base64."""
    return member(base64.b64encode(text.encode()).decode())


JSON_MERGE = '{"b":{"decoded_type":1}}'
BASE64_JSON_MERGE = '{"b":{"encoding":1,"decoded_type":1}}'


def read_depth(name: str, call: str, text_levels: int) -> Case:
    """A read_struct case on Struct bytes of so many object levels."""
    value = b"\x08\x00"
    struct = b""
    for _ in range(text_levels):
        entry = b"\x0a\x01a\x12" + _length(value) + value
        struct = b"\x0a" + _length(entry) + entry
        value = b"\x2a" + _length(struct) + struct
    return name, call, {"hex": struct.hex()}


def _length(data: bytes) -> bytes:
    out, number = bytearray(), len(data)
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


CASES: list[Case] = [
    normalize("arrays of 127 levels pass", arrays(127)),
    normalize("arrays of 128 levels are refused at the last bracket", arrays(128)),
    normalize("objects of 127 levels pass", objects(127)),
    normalize("objects of 128 levels are refused at the last brace", objects(128)),
    normalize("mixed containers of 127 levels pass", mixed(127)),
    normalize("mixed containers of 128 levels are refused", mixed(128)),
    normalize("a scalar in the 127th level adds none", arrays(127, "1")),
    normalize("an empty object in the 127th level passes", objects(126, "{}")),
    normalize("an empty array in the 128th level is refused", objects(127, "[]")),
    normalize("two arrays of 126 levels side by side pass", f"[{arrays(126)},{arrays(126)}]"),
    normalize("the second of two arrays is the one too deep", f"[{arrays(126)},{arrays(127)}]"),
    normalize("a thousand opening brackets alone are too deep and not merely open", "[" * 1000),
    normalize("ten thousand levels are refused", arrays(10_000)),
    normalize("127 opening brackets alone are open", "[" * 127),
    normalize("a fault before the 128th level comes first", "[" * 100 + "x" + "[" * 50),
    normalize("a fault after the 128th level comes too late", "[" * 128 + "x"),
    normalize("white space does not count in levels but in the offset", " [" * 128),
    normalize("the offset of the depth counts bytes and not characters", '{"\u00e9\U0001f600":' * 128),
    normalize("depth counts through an overwritten member", '{"a":' + arrays(127) + ',"a":1}'),
    normalize("arrays of 127 levels pass in rfc8785", arrays(127), "rfc8785"),
    normalize("arrays of 128 levels are refused in rfc8785", arrays(128), "rfc8785"),
    payload("a payload of 127 object levels has a schema of 256", objects(127)),
    payload("a payload of 128 object levels is refused", objects(128)),
    payload("a payload of 34 object levels", objects(34)),
    payload("a payload of 33 object levels", objects(33)),
    payload("a payload of 127 array levels", arrays(127)),
    payload("a payload of an object around 126 array levels", '{"a":' + arrays(126) + "}"),
    payload("decoded JSON of 127 object levels below the payload is decoded", member(objects(127)), JSON_MERGE),
    payload("decoded JSON of 128 object levels stays text", member(objects(128)), JSON_MERGE),
    payload("decoded base64 JSON of 127 array levels is decoded", encoded(arrays(127)), BASE64_JSON_MERGE),
    payload("decoded base64 JSON of 128 array levels stays its text", encoded(arrays(128)), BASE64_JSON_MERGE),
    payload("merges of 127 levels in an unknown member are skipped", "{}", '{"b":{"x":' + arrays(125) + "}}"),
    payload("merges of 128 levels in an unknown member are refused", "{}", '{"b":{"x":' + arrays(126) + "}}"),
    ("a schema argument of 258 levels is taken", "span", {"input_schema": schema_text(128)}),
    ("a schema argument of 259 levels is refused", "span", {"input_schema": '{"items":' + schema_text(128) + "}"}),
    ("a schema argument of 256 levels, the deepest of a plain payload, is taken", "span", {"output_schema": schema_text(127)}),
    ("a schema argument of 258 items is taken", "span", {"input_schema": objects(258, "1", "items")}),
    ("a schema argument of 259 items is refused", "span", {"input_schema": objects(259, "1", "items")}),
    ("an input value of 127 levels is taken", "span", {"input_value": objects(127)}),
    ("an input value of 128 levels is refused", "span", {"input_value": objects(128)}),
    ("an output value of 128 levels is refused", "span", {"output_value": objects(128)}),
    ("metadata of 127 levels is taken", "span", {"metadata": objects(127)}),
    ("metadata of 128 levels is refused", "span", {"metadata": objects(128)}),
    ("a value of 128 levels is refused beside Struct bytes too", "span", {"input_value": objects(128), "input_value_proto_struct_hex": ""}),
    read_depth("Struct bytes of 33 levels are read", "read_struct", 33),
    read_depth("Struct bytes of 34 levels are read", "read_struct", 34),
    read_depth("Struct bytes of 127 levels are read", "read_struct", 127),
    read_depth("Struct bytes of 128 levels are read", "read_struct", 128),
    read_depth("Struct bytes of 400 levels are read", "read_struct", 400),
]  # fmt: skip
