"""How a case is made: one function for each kind of input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import spec as specs
from model import Case, Part
from number_model import overflows
from scan import Scan

PY_TEXT = (
    "normalize_json",
    "deterministic_hash",
    "normalize_and_hash",
    "object_to_protobuf_struct_bytes",
    "object_to_protobuf_struct_field_count",
)
NODE_TEXT = (
    "normalizeJson",
    "deterministicHash",
    "normalizeAndHash",
    "objectToProtobufStructBytes",
    "objectToProtobufStructFieldCount",
)
UNDEFINED = {"u": 1}

SPAN: dict[str, Any] = {
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331",
    "parent_span_id": "",
    "name": "GET /orders",
    "package_name": "http",
    "instrumentation_name": "FlaskInstrumentation",
    "submodule_name": "GET",
    "package_type": 1,
    "environment": "test",
    "kind": 2,
    "input_schema": {"d": [["type", 6]]},
    "output_schema": {"d": [["type", 6]]},
    "input_schema_hash": "a1",
    "output_schema_hash": "b2",
    "input_value_hash": "c3",
    "output_value_hash": "d4",
    "status_code": 1,
    "status_message": "OK",
    "is_pre_app_start": False,
    "is_root_span": True,
    "timestamp_seconds": 1700000000,
    "timestamp_nanos": 123456789,
    "duration_seconds": 0,
    "duration_nanos": 1500000,
    "metadata": None,
    "input_value": {"d": [["a", {"i": "1"}]]},
    "output_value": {"d": [["b", {"f": "0x1.8p+0"}]]},
    "input_value_proto_struct_bytes": None,
    "output_value_proto_struct_bytes": None,
}
INTEGERS = (
    "package_type",
    "kind",
    "status_code",
    "timestamp_seconds",
    "timestamp_nanos",
    "duration_seconds",
    "duration_nanos",
)


def default_of(usual: Any) -> Any:
    """The protobuf default of a member of SPAN, None for what is not a scalar."""
    return type(usual)() if isinstance(usual, (str, bool, int)) else None


SCHEMA_MEMBERS = ("input_schema", "output_schema")
VALUE_MEMBERS = ("metadata", "input_value", "output_value")
BYTES_MEMBERS = ("input_value_proto_struct_bytes", "output_value_proto_struct_bytes")


def integer(value: int) -> Any:
    return {"i": f"{value:x}"}


def number(value: Any) -> Any:
    return {"n": str(value)}


def int_specs(tree: Any) -> Any:
    """Plain ints in a literal become specifications."""
    if isinstance(tree, bool) or tree is None or isinstance(tree, str):
        return tree
    if isinstance(tree, int):
        return integer(tree)
    if isinstance(tree, list):
        return [int_specs(item) for item in tree]
    if isinstance(tree, dict):
        # Only in the places that hold values.
        return {
            tag: int_specs(what)
            if tag in ("d", "l", "t", "o")
            else [*what[:2], int_specs(what[2])]
            if tag == "nest"
            else what
            for tag, what in tree.items()
        }
    raise TypeError(tree)


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _node_name(name: str) -> str:
    return camel(name) + ("Json" if name in SCHEMA_MEMBERS + VALUE_MEMBERS else "")


def merges_part(merges: Any) -> list[Part]:
    if merges is None:
        return []
    return [Part("merges", "text", merges)] if isinstance(merges, str) else [Part("merges", "native", merges)]


def text_cases(name: str, text: str, merges: str | None = None) -> Iterator[Case]:
    """One JSON text through every entry point that takes one, and as a native value."""
    sent = specs.text_spec(text)
    sent_merges = None if merges is None else specs.text_spec(merges)
    payload = Part("payload", "text", text)
    both = [payload, *merges_part(merges)]
    for function in PY_TEXT:
        yield Case(name, "py." + function, [sent], parts=[payload])
    for function in NODE_TEXT:
        yield Case(name, "node." + function, [sent], parts=[payload])
    yield Case(name, "py.process_export_payload", [sent, sent_merges], parts=both)
    node_merges = [] if merges is None else [sent_merges]
    yield Case(name, "node.processExportPayload", [sent, *node_merges], parts=both)
    native, native_merges = as_native(text), None
    if merges is not None:
        native_merges = as_native(merges)
    if native is not UNDEFINED and native_merges is not UNDEFINED:
        yield native_case(name, native, native_merges)


def as_native(text: str) -> Any:
    """What a Python caller with this text would hold; UNDEFINED where there is nothing to send.

    A text with a number beyond the range of a double has no native form, and one
    that is thousands of levels deep does not fit into a message.
    """
    scan = Scan(text)
    if not scan.valid or scan.depth > 1000 or any(map(overflows, scan.numbers)):
        return UNDEFINED
    return specs.safe(scan.tree)


def bytes_cases(name: str, data: bytes, kind: str = "bytes") -> Iterator[Case]:
    """The same text as bytes; published refuses every one."""
    payload = Part("payload", "bytes", data)
    py = {"b": data.hex()} if kind == "bytes" else {"buf": [kind, data.hex()]}
    node = {"b": data.hex()} if kind == "bytes" else {"buf": ["Uint8Array", data.hex()]}
    for function in PY_TEXT:
        yield Case(name, "py." + function, [py], parts=[payload])
    for function in NODE_TEXT:
        yield Case(name, "node." + function, [node], parts=[payload])
    yield Case(name, "py.process_export_payload", [py, None], parts=[payload])
    yield Case(name, "node.processExportPayload", [node], parts=[payload])


def native_case(name: str, value: Any, merges: Any = None, alone: bool = False) -> Case:
    parts = [Part("payload", "native", value), *merges_part(merges)]
    return Case(name, "py.process_export_payload_pyobject", [value, merges], parts=parts, alone=alone)


def _span_part(name: str, given: Any, language: str) -> Part:
    if name in BYTES_MEMBERS:
        if isinstance(given, dict) and "b" in given:
            return Part("struct", "raw", bytes.fromhex(given["b"]))
        if isinstance(given, dict) and given.get("buf", [""])[0] in ("Uint8Array", "Subarray"):
            return Part("struct", "raw", bytes.fromhex(given["buf"][1]))
    elif name in SCHEMA_MEMBERS + VALUE_MEMBERS:
        role = "schema" if name in SCHEMA_MEMBERS else "value"
        if language == "py":
            return Part(role, "native", given)
        if isinstance(given, str):
            return Part(role, "text", given)
        if isinstance(given, dict) and "s" in given:
            return Part(role, "text", "".join(map(chr, given["s"])))
        if isinstance(given, dict) and "b" in given:
            return Part(role, "bytes", bytes.fromhex(given["b"]))
    elif name in INTEGERS:
        return Part("integer", "other", (_node_name(name), given))
    elif isinstance(given, str):
        return Part("string", "other", given)
    elif isinstance(given, dict) and "s" in given:
        return Part("string", "other", "".join(map(chr, given["s"])))
    return Part("other", "other", "null member" if given is None else given)


def py_span(label: str, /, alone: Any = False, without: Any = "", **given: Any) -> Case:
    arguments = {**SPAN, **given}
    arguments.pop(without, None)
    kwargs = {
        key: integer(what) if isinstance(what, int) and not isinstance(what, bool) else int_specs(what)
        for key, what in arguments.items()
    }
    parts = [_span_part(key, what, "py") for key, what in kwargs.items()]
    return Case(label, "py.build_span_proto_bytes_pyobject", [], kwargs, parts, alone, given)


def node_span(label: str, /, without: Any = "", wrapper: Any = "", **given: Any) -> Case:
    """`given` names members as Python does; values are JSON text where Node wants text."""
    arguments: dict[str, Any] = {}
    for key, what in SPAN.items():
        if key in SCHEMA_MEMBERS:
            what = '{"type":6}'
        elif key in ("input_value", "output_value"):
            what = '{"a":1}'
        elif what is None:
            what = UNDEFINED
        arguments[key] = what
    arguments.update(given)
    arguments.pop(without, None)
    pairs: list[Any] = []
    parts: list[Part] = []
    for key, what in arguments.items():
        if isinstance(what, int) and not isinstance(what, bool):
            what = number(what)
        elif isinstance(what, str):
            what = specs.text_spec(what)
        pairs.append([_node_name(key), what])
        parts.append(_span_part(key, what, "node"))
    argument: Any = {"d": pairs}
    if wrapper:
        argument = {"o": [wrapper, argument]}
    return Case(label, "node.buildSpanProtoBytes", [argument], {}, parts, peculiar=given)


def export_cases(
    name: str, spans: list[bytes], strings: Any = ("svc", "env", "1.0", "inst")
) -> Iterator[Case]:
    parts = [Part("span", "raw", data) for data in spans]
    parts += [Part("string", "other", text) for text in strings]
    sent = [specs.text_spec(text) for text in strings] + [{"l": [{"b": data.hex()} for data in spans]}]
    yield Case(name, "py.build_export_spans_request_bytes_pyobject", sent, {}, parts)
    yield Case(name, "node.buildExportSpansRequestBytes", sent, {}, parts)


def struct_cases(name: str, data: bytes) -> Iterator[Case]:
    given = {"b": data.hex()}
    yield py_span(name, input_value_proto_struct_bytes=given)
    yield node_span(name, input_value_proto_struct_bytes=given)


def each(*values: Any) -> tuple[Any, ...]:
    """A tuple of values of any kind."""
    return values
