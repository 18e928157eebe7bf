"""Reading Struct, span and export-request bytes back to JSON."""

from __future__ import annotations

import pathlib
import struct
import sys

from .spans import FULL
from .table import Case, objects

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))

from drift_oracle import export, span
from drift_oracle.wire import message_field, string_field, tag, varint


def read_struct(name: str, data: bytes) -> Case:
    """A `read_struct` case."""
    return name, "read_struct", {"hex": data.hex()}


def read_span(name: str, data: bytes) -> Case:
    """A `read_span` case."""
    return name, "read_span", {"hex": data.hex()}


def entry(key: bytes | str, value: bytes) -> bytes:
    """One entry of Struct.fields with both members written."""
    raw = key.encode() if isinstance(key, str) else key
    return message_field(1, message_field(1, raw) + message_field(2, value))


def double(number: float) -> bytes:
    """A Value of a number."""
    return b"\x11" + struct.pack("<d", number)


NULL, TRUE = b"\x08\x00", b"\x20\x01"
DOUBLES = {
    "zero": 0.0, "minus zero": -0.0, "one": 1.0, "minus three": -3.0, "a half": 0.5, "2^53": 2.0**53, "2^53 + 2": 2.0**53 + 2,
    "minus 2^53": -(2.0**53), "minus 2^53 - 2": -(2.0**53) - 2, "1e15": 1e15, "1e16": 1e16, "1e300": 1e300, "the smallest subnormal": 5e-324,
    "1e-5": 1e-5, "1e-6": 1e-6, "the largest double": 1.7976931348623157e308, "2^53 - 1": 2.0**53 - 1,
}  # fmt: skip

CASES: list[Case] = [
    read_struct(f"reading the number {name}", entry("n", double(number))) for name, number in DOUBLES.items()
]  # fmt: skip
CASES += [
    read_struct("reading an empty Struct", b""),
    read_struct("reading NaN is refused", entry("n", double(float("nan")))),
    read_struct("reading infinity is refused", entry("n", double(float("inf")))),
    read_struct("reading minus infinity is refused", entry("n", double(float("-inf")))),
    read_struct("reading null", entry("k", NULL)),
    read_struct("reading null with another code", entry("k", b"\x08\x05")),
    read_struct("reading a value without a kind is null", entry("k", b"")),
    read_struct("reading an entry without a value is null", message_field(1, b"\x0a\x01k")),
    read_struct("reading an entry without a key has the empty one", message_field(1, b"\x12\x02\x08\x00")),
    read_struct("reading an empty entry", b"\x0a\x00"),
    read_struct("reading Booleans", entry("t", TRUE) + entry("f", b"\x20\x00") + entry("g", b"\x20\x80\x01")),
    read_struct("reading strings", entry("s", b"\x1a\x00") + entry("t", message_field(3, "\u00e9\U0001f600\"\\\n".encode()))),
    read_struct("reading lists", entry("l", b"\x32\x00") + entry("m", message_field(6, message_field(1, NULL) + message_field(1, b"") + message_field(1, double(1.0))))),
    read_struct("reading objects inside", entry("o", b"\x2a\x00") + entry("p", message_field(5, entry("b", TRUE) + entry("a", NULL)))),
    read_struct("reading sorts the members", entry("b", NULL) + entry("a", TRUE) + entry("\U00010000", NULL) + entry("\uffff", NULL) + entry("", NULL)),
    read_struct("reading repeated map keys: the last wins", entry("a", TRUE) + entry("b", NULL) + entry("a", double(2.0))),
    read_struct("reading repeated map keys of objects: the last replaces", entry("a", message_field(5, entry("x", NULL))) + entry("a", message_field(5, entry("y", NULL)))),
    read_struct("reading a value of two kinds: the last wins", entry("a", TRUE + message_field(3, b"x") + double(1.0))),
    read_struct("reading a value of two kinds: a string last", entry("a", double(1.0) + message_field(3, b"x"))),
    read_struct("reading a value of two kinds: null last", entry("a", TRUE + NULL)),
    read_struct("reading a value with its object in two parts merges them", entry("a", message_field(5, entry("x", NULL)) + message_field(5, entry("y", TRUE)))),
    read_struct("reading a value with its list in two parts joins them", entry("a", message_field(6, message_field(1, NULL)) + message_field(6, message_field(1, TRUE)))),
    read_struct("reading an object, a string and an object again forgets the first", entry("a", message_field(5, entry("x", NULL)) + message_field(3, b"s") + message_field(5, entry("y", TRUE)))),
    read_struct("reading an entry whose value comes in two parts merges them", message_field(1, b"\x0a\x01k" + message_field(2, message_field(5, entry("x", NULL))) + message_field(2, message_field(5, entry("y", TRUE))))),
    read_struct("reading an entry whose key comes twice: the last wins", message_field(1, b"\x0a\x01k\x0a\x01l" + message_field(2, TRUE))),
    read_struct("reading an entry with its value before its key", message_field(1, message_field(2, TRUE) + b"\x0a\x01k")),
    read_struct("reading skips unknown fields everywhere", b"\x10\x01" + message_field(1, b"\x0a\x01k" + message_field(2, TRUE + message_field(9, b"zz")) + b"\x18\x05") + message_field(7, b"\xff\xff")),
    read_struct("reading overlong varints", b"\x8a\x00\x87\x00" + b"\x0a\x01k\x12\x02\x20\x01"),
    read_struct("reading a key that is not UTF-8 is refused", entry(b"\xff", NULL)),
    read_struct("reading a string that is not UTF-8 is refused", entry("k", message_field(3, b"\xed\xa0\x80"))),
    read_struct("reading a Struct cut short is refused", entry("k", NULL)[:-1]),
    read_struct("reading an entry cut short is refused", message_field(1, b"\x0a\x05k")),
    read_struct("reading a value cut short is refused", entry("k", b"\x11\x00")),
    read_struct("reading a number as a varint is refused", entry("k", b"\x10\x01")),
    read_struct("reading a string as fixed 64 is refused", entry("k", b"\x19" + b"\0" * 8)),
    read_struct("reading a map key as a varint is refused", message_field(1, b"\x08\x01")),
    read_struct("reading field 0 inside is refused", entry("k", b"\x00\x00")),
    read_struct("reading a group of a known field is refused", b"\x0b\x0c"),
    read_struct("reading wire type 7 is refused", b"\x17\x01"),
    read_struct("reading two halves of a message is refused", entry("k", message_field(5, b"\x0a") + message_field(5, b"\x00"))),
    read_struct("reading a malformed object that a string replaces is refused", entry("k", message_field(5, b"\xff") + message_field(3, b"x"))),
    read_struct("reading a malformed list that an object replaces is refused", entry("k", message_field(6, b"\x0a\x05") + message_field(5, b""))),
    read_struct("reading NaN that a string replaces is refused", entry("k", double(float("nan")) + message_field(3, b"x"))),
    read_struct("reading a string that is not UTF-8 and that a Boolean replaces is refused", entry("k", message_field(3, b"\xff") + TRUE)),
    read_struct("reading a malformed entry that another of its key replaces is refused", entry("k", b"\xff") + entry("k", NULL)),
    read_struct("reading a string that ends in the middle of a character is refused there", entry("k", message_field(3, b"ab\xe2\x82"))),
    read_struct("reading garbage is refused", b"garbage"),
    read_span("reading an empty span", b""),
    read_span("reading a span without anything", span({})),
    read_span("reading a span with everything", span(FULL)),
    read_span("reading a span with an id", span(FULL) + message_field(25, b"id-1")),
    read_span("reading a span with an empty id and environment", message_field(24, b"") + message_field(25, b"")),
    read_span("reading a span without metadata on the wire", b"\x0a\x01a"),
    read_span("reading a span with empty metadata on the wire", message_field(23, b"")),
    read_span("reading a span with metadata in two parts merges them", message_field(23, entry("b", NULL)) + message_field(23, entry("a", TRUE))),
    read_span("reading a span with its input in two parts merges them", message_field(9, entry("b", NULL) + entry("a", NULL)) + message_field(9, entry("a", TRUE))),
    read_span("reading a span with its status in two parts merges them", message_field(18, b"\x08\x02") + message_field(18, b"\x12\x01x")),
    read_span("reading a span with repeated scalars: the last wins", string_field(4, "a") + string_field(4, "b") + b"\x40\x01\x40\x07" + b"\x98\x01\x01\x98\x01\x00"),
    read_span("reading a repeated string that is empty at last", string_field(4, "a") + message_field(4, b"")),
    read_span("reading unknown enum codes", b"\x40\x63\x88\x01\x63" + message_field(18, b"\x08\x63")),
    read_span("reading a negative enum code", tag(8, 0) + varint(-1) + tag(17, 0) + varint(-(2**31))),
    read_span("reading an enum code beyond 32 bits keeps the lower ones", tag(8, 0) + varint(2**32 + 5)),
    read_span("reading a Boolean of two is true", b"\x98\x01\x02\xb0\x01\x80\x02"),
    read_span("reading times at their largest", span({"timestamp_seconds": 2**63 - 1, "timestamp_nanos": 2**31 - 1, "duration_seconds": 2**63 - 1, "duration_nanos": 2**31 - 1})),
    read_span("reading times at their lowest", span({"timestamp_seconds": -(2**63), "timestamp_nanos": -(2**31), "duration_seconds": -1, "duration_nanos": -1})),
    read_span("reading a schema of everything", span({"input_schema": '{"type":7,"properties":{"b":{"type":1,"encoding":0},"a":{}},"items":{"type":2,"match_importance":1},"encoding":1,"decoded_type":24,"match_importance":0.5}'})),
    read_span("reading a schema with merges of zero", span({"output_schema": '{"encoding":0,"decoded_type":0,"match_importance":0}'})),
    read_span("reading a schema with an unknown type", span({"output_schema": '{"type":-7,"items":null}'})),
    read_span("reading a schema with a huge match importance", span({"output_schema": '{"match_importance":1e300}'})),
    read_span("reading a schema with an empty key", span({"output_schema": '{"properties":{"":{},"a":{"properties":{"":{"type":1}}}}}'})),
    read_span("reading a schema with its items in two parts merges them", message_field(11, message_field(3, b"\x08\x01") + message_field(3, b"\x20\x01"))),
    read_span("reading a schema with a repeated property: the last wins", message_field(11, message_field(2, b"\x0a\x01a" + message_field(2, b"\x08\x01\x20\x01")) + message_field(2, b"\x0a\x01a" + message_field(2, b"\x08\x02")))),
    read_span("reading a span skips unknown fields", message_field(99, b"\xff") + b"\x0a\x01a" + b"\xd0\x01\x05"),
    read_span("reading a span of 34 object levels", span({"input_value": objects(34)})),
    read_span("reading a span of 127 object levels with its schema", span({"input_value": objects(127), "input_schema": '{"properties":{"a":' * 127 + '{"properties":{},"type":1}' + '},"type":6}' * 127})),
    read_span("reading a span with the deepest schema of a decoded value", span({"input_schema": '{"properties":{"a":' * 128 + '{"properties":{},"type":1}' + '},"type":6}' * 128})),
    read_span("reading a span with 258 items", span({"input_schema": objects(258, "1", "items")})),
    read_span("reading a span with a name that is not UTF-8 is refused", message_field(4, b"\xff")),
    read_span("reading a span with nonsense in its input is refused", message_field(9, b"\xff\xff")),
    read_span("reading a span with nonsense in its schema is refused", message_field(11, b"\x12\x05")),
    read_span("reading a span with nonsense in its timestamp is refused", message_field(20, b"\x08")),
    read_span("reading a span cut short is refused", span(FULL)[:-1]),
    read_span("reading a span with a string as a varint is refused", b"\x08\x01"),
    read_span("reading a span with a status code as bytes is refused", message_field(18, b"\x0a\x01a")),
    read_span("reading a span with a schema type as bytes is refused", message_field(11, b"\x0a\x01a")),
    ("reading an empty export request", "read_export", {"hex": ""}),
    ("reading an export request with everything", "read_export", {"hex": export({"observable_service_id": "svc", "environment": "test", "sdk_version": "1", "sdk_instance_id": "i"}, [span(FULL), b"", span({"name": "x"})]).hex()}),
    ("reading an export request with repeated strings: the last wins", "read_export", {"hex": (string_field(1, "a") + string_field(1, "b")).hex()}),
    ("reading an export request with unknown fields", "read_export", {"hex": (message_field(6, b"x") + b"\x38\x01").hex()}),
    ("reading an export request with a faulty span is refused", "read_export", {"hex": message_field(5, b"\x0a\x05").hex()}),
    ("reading an export request with nonsense in a span is refused", "read_export", {"hex": message_field(5, message_field(9, b"\xff")).hex()}),
    ("reading an export request with spans as a varint is refused", "read_export", {"hex": "2801"}),
    ("reading an export request with a string that is not UTF-8 is refused", "read_export", {"hex": "0a01ff"}),
]  # fmt: skip
