"""The one call for a span and the one call for a batch."""

from __future__ import annotations

from typing import Any

from .table import Case, arrays, objects

FIELDS: dict[str, Any] = {
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331",
    "name": "POST /orders",
    "package_name": "http",
    "instrumentation_name": "HttpInstrumentation",
    "submodule_name": "POST",
    "package_type": 1,
    "environment": "test",
    "kind": 3,
    "status_code": 1,
    "is_root_span": True,
    "timestamp_seconds": "1700000000",
    "timestamp_nanos": 5,
    "duration_nanos": 123,
    "input_json": '{"method":"POST","body":"eyJhIjoxfQ==","headers":{"b":"1","a":"2"}}',
    "output_json": '{"statusCode":200}',
    "metadata_json": '{"k":1}',
    "input_merges": '{"body":{"encoding":1,"decoded_type":1},"headers":{"match_importance":0}}',
    "output_merges": "{}",
}


def process(title: str, **args: Any) -> Case:
    """A `process_span` case."""
    return title, "process_span", args


def batch(name: str, spans: list[dict[str, Any]], **args: Any) -> Case:
    """A `process_spans` case."""
    return name, "process_spans", {"spans": spans, **args}


EMPTY = {"encoded_hex": "4a0052005a006200920100a20100aa0100ba0100"}

CASES: list[Case] = [
    process("a processed span without anything"),
    process("a processed span with everything", **FIELDS),
    process("a processed span with an input alone", input_json='{"a":1}'),
    process("a processed span with an output alone", output_json='{"a":1}'),
    process("a processed span with an input that is no object", input_json="[1,2]", output_json='"x"'),
    process("a processed span with metadata that are no object", metadata_json="[1]"),
    process("a processed span with payloads as bytes", input_json_hex='{"é":1}'.encode().hex(), metadata_json_hex=b"{}".hex(), output_merges_hex=b"{}".hex()),
    process("a processed span with an empty environment", environment=""),
    process("a processed span with a huge integer", input_json='{"a":' + "9" * 400 + "}"),
    process("a processed span with replaced surrogates", input_json='{"\\ud800":"\\udc00"}', input_merges='{"\\udfff":{"match_importance":1}}'),
    process("a processed span with merges for an absent payload", input_merges='{"b":{"encoding":1}}'),
    process("a processed span with a decoded body of 127 levels", input_json='{"b":"' + arrays(127) + '"}', input_merges='{"b":{"decoded_type":1}}'),
    process("a processed span with a faulty input", input_json='{"a":'),
    process("a processed span with a faulty output", output_json="[1e400]"),
    process("a processed span with faulty metadata", metadata_json="nope"),
    process("a processed span with invalid UTF-8", input_json_hex="22ff22"),
    process("a processed span with faulty input merges", input_json="{}", input_merges='{"b":1}'),
    process("a processed span with faulty output merges", output_merges='{"b":{"encoding":1.5}}'),
    process("a processed span with a faulty input before its faulty merges", input_json="x", input_merges='{"b":1}'),
    process("a processed span with an unknown enum code", package_type=12),
    process("a processed span with an unknown kind", kind=6),
    process("a processed span with an unknown status code", status_code=3),
    process("a processed span with an input too deep", input_json=arrays(128)),
    process("the message depth of an empty object", input_json="{}"),
    process("the message depth of one member", input_json='{"a":1}'),
    process("the message depth of an empty object in an object", input_json='{"a":{}}'),
    process("the message depth of two objects", input_json='{"a":{"a":1}}'),
    process("the message depth of an empty list in an object", input_json='{"a":[]}'),
    process("the message depth of a list in an object", input_json='{"a":[1]}'),
    process("the message depth of a list in a list in an object", input_json='{"a":[[1]]}'),
    process("the message depth of an object in a list in an object", input_json='{"a":[{"b":1}]}'),
    process("the message depth of an output", output_json=objects(5)),
    process("the message depth of metadata", metadata_json=objects(7)),
    process("the message depth of a deep decoded schema", input_json='{"b":"' + arrays(40) + '"}', input_merges='{"b":{"decoded_type":1}}'),
    process("the message depth of a decoded schema of objects", output_json='{"b":"' + objects(9).replace('"', '\\"') + '"}', output_merges='{"b":{"decoded_type":1}}'),
    process("the message depth of the 33rd object level", input_json=objects(33)),
    process("the message depth of the 127th object level", input_json=objects(127)),
    batch("a batch of nothing", []),
    batch("a batch of nothing with its strings", [], observable_service_id="s", environment="e", sdk_version="v", sdk_instance_id="i"),
    batch("a batch of one empty span", [{}]),
    batch("a batch of two spans in their order", [FIELDS, {"name": "second"}], observable_service_id="s"),
    batch("a batch of an encoded span", [EMPTY]),
    batch("a batch of an encoded span between two others", [{"name": "a"}, EMPTY, {"name": "c"}]),
    batch("a batch of an encoded span of no bytes", [{"encoded_hex": ""}]),
    batch("a batch leaves a faulty span out and names it", [{"name": "a"}, {"input_json": "[1,]"}, {"name": "c"}]),
    batch("a batch leaves out all its faulty spans", [{"input_json": "x"}, {"kind": 9}, {"encoded_hex": "0801"}, {"input_merges": '{"b":1}'}, {"input_json": "{}", "name": "good"}]),
    batch("a batch of faulty spans alone", [{"input_json": ""}, {"encoded_hex": "ff"}]),
    batch("a batch with a maximal depth takes a span at it", [{"input_json": objects(3)}], max_message_depth=10),
    batch("a batch with a maximal depth leaves a span beyond it out", [{"input_json": objects(3)}, {"input_json": '{"a":1}'}], max_message_depth=9),
    batch("a batch without a maximal depth takes 127 levels", [{"input_json": objects(127)}]),
    batch("a batch with the usual receiver's limit leaves 34 levels out", [{"input_json": objects(34)}, {"input_json": objects(33)}, {"input_json": objects(32)}], max_message_depth=99),
    batch("a batch measures encoded spans too", [{"encoded_hex": "4a120a100a0161120b2a090a070a016212020800"}, EMPTY], max_message_depth=5),
    batch("a batch measures an encoded span up to where its nested bytes are malformed", [{"encoded_hex": "4a130a100a0161120b2a090a070a016212022001ff"}]),
    batch("a batch measures nested bytes that are no message as one", [{"encoded_hex": "4a02ffff"}]),
    batch("a batch does not count what is in unknown fields", [{"encoded_hex": "9a060b4a090a070a016112022001"}]),
    batch("a batch measures a schema of items", [{"encoded_hex": "5a061a041a021a00"}]),
    batch("a batch with a maximal depth of one takes only a span without messages", [{"encoded_hex": "0a0161"}, {"name": "x"}], max_message_depth=1),
    batch("a strict batch of good spans", [{"name": "a"}, EMPTY], strict=True),
    batch("a strict batch raises the first fault with its index", [{"name": "a"}, {"input_json": "[1,]"}, {"kind": 9}], strict=True),
    batch("a strict batch raises the first span beyond the maximal depth", [{}, {"input_json": objects(3)}], strict=True, max_message_depth=3),
]  # fmt: skip
