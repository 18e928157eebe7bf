"""Spans from their fields."""

from __future__ import annotations

from typing import Any

from .table import Case, objects

VALUE = '{"b":1,"a":"x"}'

FULL: dict[str, Any] = {
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331",
    "parent_span_id": "00f067aa0ba902b7",
    "name": "GET /up/1",
    "package_name": "flask",
    "instrumentation_name": "FlaskInstrumentation",
    "submodule_name": "GET",
    "package_type": 1,
    "environment": "production",
    "kind": 2,
    "input_schema": '{"properties":{"a":{"properties":{},"type":2},"b":{"properties":{},"type":1}},"type":6}',
    "output_schema": '{"properties":{"rows":{"items":{"properties":{},"type":4},"properties":{},"type":7}},"type":6}',
    "input_schema_hash": "1" * 64,
    "output_schema_hash": "2" * 64,
    "input_value_hash": "3" * 64,
    "output_value_hash": "4" * 64,
    "status_code": 1,
    "status_message": "fine",
    "is_pre_app_start": True,
    "is_root_span": True,
    "timestamp_seconds": "1700000000",
    "timestamp_nanos": "999999999",
    "duration_seconds": "0",
    "duration_nanos": "1500",
    "metadata": '{"z":null,"k":[1,2]}',
    "input_value": VALUE,
    "output_value": '{"rows":[null]}',
}


def span(title: str, **args: Any) -> Case:
    """A `span` case; the title goes by position, since `name` is a field."""
    return title, "span", args


CASES: list[Case] = [
    span("a span without anything"),
    span("a span with everything", **FULL),
    span("a span with everything but its environment", **{k: v for k, v in FULL.items() if k != "environment"}),
    span("an empty environment is written", environment=""),
    span("an environment beyond ASCII", environment="prod\u00e9\U0001f600"),
    span("every string at its default is left out", **dict.fromkeys(("trace_id", "span_id", "parent_span_id", "name", "package_name", "instrumentation_name", "submodule_name", "input_schema_hash", "output_schema_hash", "input_value_hash", "output_value_hash", "status_message"), "")),
    span("false Booleans are left out", is_pre_app_start=False, is_root_span=False),
    span("zero numbers are left out", package_type=0, kind=0, status_code=0, timestamp_seconds="0", timestamp_nanos="0", duration_seconds="0", duration_nanos="0"),
    span("a root span", is_root_span=True),
    span("a span before the start of the app", is_pre_app_start=True),
    span("a name of 200 bytes", name="n" * 200),
    span("a name with control characters and quotes", name='a\u0000\u001f"\\b'),
    span("hashes are not checked", input_value_hash="not a hash", output_schema_hash="\u00e9"),
    span("an absent input and an empty input are the same", input_value="{}"),
    span("an input that is an array is an empty Struct", input_value='[{"a":1}]'),
    span("an input that is null is an empty Struct", input_value="null"),
    span("an output that is a string is an empty Struct", output_value='"x"'),
    span("metadata that is a number is an empty Struct", metadata="1"),
    span("metadata that is an array is an empty Struct", metadata="[1]"),
    span("metadata with members", metadata='{"b":{"c":[]},"a":"\\ud800"}'),
    span("an input of every kind", input_value='{"n":null,"t":true,"f":false,"i":1,"d":1.5,"s":"x","a":[1],"e":[],"o":{"x":1},"p":{},"":0}'),
    span("an output with an empty key", output_value='{"":null,"a":{"":{}}}'),
    span("an input with repeated keys", input_value='{"a":1,"a":2}'),
    span("an input with a huge integer", input_value='{"a":' + "9" * 400 + "}"),
    span("an input of 34 object levels", input_value=objects(34)),
    span("Struct bytes win over the value", input_value=VALUE, input_value_proto_struct_hex="0a0e0a0162120911000000000000f03f"),
    span("Struct bytes alone", output_value_proto_struct_hex="0a0e0a0162120911000000000000f03f"),
    span("empty Struct bytes win over the value", input_value=VALUE, input_value_proto_struct_hex=""),
    span("Struct bytes with a key out of order are laid in unchanged", input_value_proto_struct_hex="0a070a016212020800" "0a070a016112020800"),
    span("Struct bytes with an overlong length are laid in unchanged", input_value_proto_struct_hex="0a8700" "0a016212020800"),
    span("Struct bytes with an unknown field are laid in unchanged", input_value_proto_struct_hex="1001" "1a0161"),
    span("Struct bytes with nonsense in an entry are laid in unchanged", input_value_proto_struct_hex="0a02ffff"),
    span("Struct bytes with field 1 as a varint are refused", input_value=VALUE, input_value_proto_struct_hex="0801"),
    span("Struct bytes cut short are refused", input_value_proto_struct_hex="0a05"),
    span("Struct bytes with field 0 are refused", output_value_proto_struct_hex="0200"),
    span("Struct bytes with a group are refused", output_value_proto_struct_hex="1314"),
    span("a faulty value beside Struct bytes is refused", input_value='{"a":', input_value_proto_struct_hex=""),
    span("a faulty input is refused", input_value='{"a":1,}'),
    span("a faulty output is refused", output_value="[1e400]"),
    span("faulty metadata are refused", metadata='"\\x"'),
    span("a faulty schema is refused", output_schema="{"),
    ("an input that is invalid UTF-8 is refused", "span", {"input_value_hex": b'{"a":"\xff"}'.hex()}),
    ("an input given as bytes", "span", {"input_value_hex": '{"é":1}'.encode().hex(), "metadata_hex": b"{}".hex()}),
    span("all timestamps at their largest", timestamp_seconds="9223372036854775807", timestamp_nanos="2147483647", duration_seconds="9223372036854775807", duration_nanos="2147483647"),
    span("all timestamps at their lowest", timestamp_seconds="-9223372036854775808", timestamp_nanos="-2147483648", duration_seconds="-9223372036854775808", duration_nanos="-2147483648"),
    span("timestamps of minus one", timestamp_seconds="-1", timestamp_nanos="-1", duration_seconds="-1", duration_nanos="-1"),
    span("seconds beyond 2^53", timestamp_seconds="9007199254740993", duration_seconds="-9007199254740993"),
    span("nanos of more than a second are not checked", timestamp_nanos="1000000000", duration_nanos="1999999999"),
    span("nanos alone", timestamp_nanos="5", duration_nanos="7"),
    span("package type 12 is refused", package_type=12),
    span("package type -1 is refused", package_type=-1),
    span("kind 6 is refused", kind=6),
    span("kind -1 is refused", kind=-1),
    span("status code 3 is refused", status_code=3),
    span("status code -1 is refused", status_code=-1),
    span("a status message without a code", status_message="why"),
    span("a status of error", status_code=2, status_message="boom\n"),
    span("schemas with properties in the order of their bytes", input_schema='{"type":6,"properties":{"c":{"type":1},"b":{"type":2},"a":{"type":3},"\U00010000":{"type":1},"\uffff":{"type":1}}}'),
]  # fmt: skip
CASES += [span(f"package type {code} is known", package_type=code) for code in range(1, 12)]
CASES += [span(f"kind {code} is known", kind=code) for code in range(1, 6)]
CASES += [span(f"status code {code} is known", status_code=code) for code in range(1, 3)]
