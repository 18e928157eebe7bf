"""Holds the oracle's protobuf bytes against the official `protobuf` package.

The generator runs this over every fixture. The official package agrees on what a
message means; it does not lay bytes out as the contract does in two places: it
writes an empty map key and an empty map value, and its deterministic order puts a
key after those that it is a prefix of (`bodySize`, `body`; an empty key last). So
bytes are compared after parsing, and besides byte for byte where neither occurs.
It refuses messages nested more than 100 deep: those are skipped and counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
)
from google.protobuf.message import DecodeError

from .json_text import MAX_SCHEMA_DEPTH, parse
from .reading import message_depth
from .values import Integer, canonical_text, to_double
from .wire import SchemaNode

# The official parser stops at 100 nested messages; the last levels are left alone.
DEPTH_LIMIT = 90

_TYPES = descriptor_pb2.FieldDescriptorProto

# Field numbers of the generated Rust of tusk-drift-schemas 0.1.36: name, number, type; `?` marks proto3 optional.
_JSON_SCHEMA = (
    "type:1:enum items:3:JsonSchema encoding:4:enum? decoded_type:5:enum? match_importance:6:double?"
)
_STATUS = "code:1:enum message:2:string"
_SPAN = (
    "trace_id:1:string span_id:2:string parent_span_id:3:string name:4:string package_name:5:string"
    " instrumentation_name:6:string submodule_name:7:string package_type:8:enum input_value:9:Struct"
    " output_value:10:Struct input_schema:11:JsonSchema output_schema:12:JsonSchema input_schema_hash:13:string"
    " output_schema_hash:14:string input_value_hash:15:string output_value_hash:16:string kind:17:enum"
    " status:18:SpanStatus is_pre_app_start:19:bool timestamp:20:Timestamp duration:21:Duration"
    " is_root_span:22:bool metadata:23:Struct environment:24:string? id:25:string?"
)
_EXPORT = "observable_service_id:1:string environment:2:string sdk_version:3:string sdk_instance_id:4:string spans:5:Span*"
_PACKAGE = ".tusk.drift.core.v1."
_MESSAGES = {
    "Struct": ".google.protobuf.Struct",
    "Timestamp": ".google.protobuf.Timestamp",
    "Duration": ".google.protobuf.Duration",
    "JsonSchema": _PACKAGE + "JsonSchema",
    "SpanStatus": _PACKAGE + "SpanStatus",
    "Span": _PACKAGE + "Span",
}


def _add_fields(message: Any, fields: str) -> None:
    for text in fields.split():
        name, number, kind = text.split(":")
        field = message.field.add(name=name, number=int(number), label=_TYPES.LABEL_OPTIONAL)
        if kind.endswith("*"):
            field.label = _TYPES.LABEL_REPEATED
        if kind.endswith("?"):
            field.proto3_optional = True
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{name}")
        kind = kind.rstrip("*?")
        if kind in _MESSAGES:
            field.type, field.type_name = _TYPES.TYPE_MESSAGE, _MESSAGES[kind]
        else:
            # An open enum reads and writes as int32; which numbers it names plays no part here.
            field.type = {
                "string": _TYPES.TYPE_STRING, "bool": _TYPES.TYPE_BOOL, "enum": _TYPES.TYPE_INT32,
                "double": _TYPES.TYPE_DOUBLE,
            }[kind]  # fmt: skip


def _build() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    for module in (struct_pb2, timestamp_pb2, duration_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="drift_oracle.proto",
        package=_PACKAGE.strip("."),
        syntax="proto3",
        dependency=[module.DESCRIPTOR.name for module in (struct_pb2, timestamp_pb2, duration_pb2)],
    )
    schema = file.message_type.add(name="JsonSchema")
    _add_fields(schema, _JSON_SCHEMA)
    entry = schema.nested_type.add(name="PropertiesEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_TYPES.TYPE_STRING, label=_TYPES.LABEL_OPTIONAL)
    entry.field.add(
        name="value", number=2, type=_TYPES.TYPE_MESSAGE, label=_TYPES.LABEL_OPTIONAL,
        type_name=_MESSAGES["JsonSchema"],
    )  # fmt: skip
    schema.field.add(
        name="properties", number=2, type=_TYPES.TYPE_MESSAGE, label=_TYPES.LABEL_REPEATED,
        type_name=_PACKAGE + "JsonSchema.PropertiesEntry",
    )  # fmt: skip
    for name, fields in (("SpanStatus", _STATUS), ("Span", _SPAN), ("ExportSpansRequest", _EXPORT)):
        _add_fields(file.message_type.add(name=name), fields)
    pool.Add(file)
    names = [_PACKAGE.strip(".") + "." + name for name in ("JsonSchema", "Span", "ExportSpansRequest")]
    names.append("google.protobuf.Struct")
    return {
        name.rpartition(".")[2]: message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
        for name in names
    }


CLASSES = _build()


def fill_struct(message: Any, value: Any) -> None:
    """Sets an official Struct from a value of the model; what is not an object leaves it empty."""
    if isinstance(value, dict):
        for key, member in value.items():
            _fill_value(message.fields[key], member)


def _fill_value(message: Any, value: Any) -> None:
    if value is None:
        message.null_value = 0
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, list):
        message.list_value.SetInParent()
        for item in value:
            _fill_value(message.list_value.values.add(), item)
    elif isinstance(value, dict):
        message.struct_value.SetInParent()
        fill_struct(message.struct_value, value)
    else:
        message.number_value = to_double(value)


def fill_schema(message: Any, node: SchemaNode) -> None:
    """Sets an official JsonSchema."""
    message.type = node.type
    for key, member in node.properties.items():
        message.properties[key].SetInParent()
        fill_schema(message.properties[key], member)
    if node.items is not None:
        message.items.SetInParent()
        fill_schema(message.items, node.items)
    for name in ("encoding", "decoded_type", "match_importance"):
        if getattr(node, name) is not None:
            setattr(message, name, getattr(node, name))


def _same(built: Any, data: bytes, byte_for_byte: bool) -> None:
    parsed = type(built).FromString(data)
    assert built.SerializeToString(deterministic=True) == parsed.SerializeToString(deterministic=True)
    if byte_for_byte:
        assert built.SerializeToString(deterministic=True) == data


def _laid_out_otherwise(value: Any) -> bool:
    """Whether some object has an empty key, or a key that is a prefix of another."""
    if isinstance(value, dict):
        keys = sorted(value)  # a prefix stands right before the keys that begin with it
        prefixed = any(after.startswith(before) for before, after in zip(keys, keys[1:]))
        return prefixed or "" in value or any(map(_laid_out_otherwise, value.values()))
    return isinstance(value, list) and any(map(_laid_out_otherwise, value))


def _levels(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_levels, value.values()), default=0)
    return 1 + max(map(_levels, value), default=0) if isinstance(value, list) else 0


def check_struct(value: Any, data: bytes) -> bool:
    """Whether the bytes of a Struct could be checked; raises AssertionError where the package disagrees."""
    if 3 * _levels(value) > DEPTH_LIMIT:
        return False
    built = CLASSES["Struct"]()
    fill_struct(built, value)
    _same(built, data, not _laid_out_otherwise(value))
    return True


def check_span(fields: Mapping[str, Any], data: bytes) -> bool:
    """The same for a span, built from the arguments of the `span` call (five texts, Struct bytes)."""
    if message_depth(data) > DEPTH_LIMIT:
        return False
    built = CLASSES["Span"]()
    strings = (
        "trace_id span_id parent_span_id name package_name instrumentation_name submodule_name input_schema_hash"
        " output_schema_hash input_value_hash output_value_hash"
    )
    for name in strings.split():
        setattr(built, name, fields.get(name) or "")
    for name in ("package_type", "kind"):
        setattr(built, name, int(fields.get(name) or 0))
    for name in ("is_pre_app_start", "is_root_span"):
        setattr(built, name, bool(fields.get(name)))
    exact = True
    for name in ("input_value", "output_value", "metadata"):
        message = getattr(built, name)
        message.SetInParent()
        given = fields.get(f"{name}_proto_struct")
        if given is not None:
            try:
                message.MergeFromString(given)
            except DecodeError:
                return False  # laid in unread: what is nested in it may be nonsense
            exact = False
        elif fields.get(name) is not None:
            value = parse(fields[name])
            fill_struct(message, value)
            exact = exact and not _laid_out_otherwise(value)
    for name in ("input_schema", "output_schema"):
        message = getattr(built, name)
        message.SetInParent()
        if fields.get(name) is not None:
            fill_schema(message, SchemaNode(parse(fields[name], MAX_SCHEMA_DEPTH)))
            exact = False  # an empty schema in a map entry is written by the official package
    built.status.code = int(fields.get("status_code") or 0)
    built.status.message = fields.get("status_message") or ""
    built.status.SetInParent()
    for name in ("timestamp", "duration"):
        message = getattr(built, name)
        message.SetInParent()
        message.seconds = int(fields.get(f"{name}_seconds") or 0)
        message.nanos = int(fields.get(f"{name}_nanos") or 0)
    if fields.get("environment") is not None:
        built.environment = fields["environment"]
    _same(built, data, exact)
    return True


# --- reading back through the official package -------------------------------


def _number(number: float) -> Any:
    if number == math.floor(number) and abs(number) <= 2**53 and repr(number) != "-0.0":
        return Integer(f"{number:.0f}")
    return number


def _value(message: Any) -> Any:
    kind: str | None = message.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    if kind == "struct_value":
        return _struct(message.struct_value)
    if kind == "list_value":
        return [_value(item) for item in message.list_value.values]
    found = getattr(message, str(kind))
    return _number(found) if kind == "number_value" else found


def _struct(message: Any) -> dict[str, Any]:
    return {key: _value(member) for key, member in message.fields.items()}


def _schema(message: Any) -> dict[str, Any]:
    out: dict[str, Any] = {
        "type": message.type,
        "properties": {key: _schema(member) for key, member in message.properties.items()},
    }
    if message.HasField("items"):
        out["items"] = _schema(message.items)
    for name in ("encoding", "decoded_type", "match_importance"):
        if message.HasField(name):
            out[name] = getattr(message, name)
    return out


def _span(message: Any) -> dict[str, Any]:
    out = {
        "traceId": message.trace_id, "spanId": message.span_id, "parentSpanId": message.parent_span_id,
        "name": message.name, "packageName": message.package_name,
        "instrumentationName": message.instrumentation_name, "submoduleName": message.submodule_name,
        "packageType": message.package_type, "kind": message.kind,
        "status": {"code": message.status.code, "message": message.status.message},
        "timestamp": {"seconds": message.timestamp.seconds, "nanos": message.timestamp.nanos},
        "duration": {"seconds": message.duration.seconds, "nanos": message.duration.nanos},
        "isPreAppStart": message.is_pre_app_start, "isRootSpan": message.is_root_span,
        "inputValue": _struct(message.input_value), "outputValue": _struct(message.output_value),
        "inputSchema": _schema(message.input_schema), "outputSchema": _schema(message.output_schema),
        "inputSchemaHash": message.input_schema_hash, "outputSchemaHash": message.output_schema_hash,
        "inputValueHash": message.input_value_hash, "outputValueHash": message.output_value_hash,
    }  # fmt: skip
    if message.HasField("metadata"):
        out["metadata"] = _struct(message.metadata)
    for name in ("environment", "id"):
        if message.HasField(name):
            out[name] = getattr(message, name)
    return out


def _export(message: Any) -> dict[str, Any]:
    return {
        "observableServiceId": message.observable_service_id, "environment": message.environment,
        "sdkVersion": message.sdk_version, "sdkInstanceId": message.sdk_instance_id,
        "spans": [_span(span) for span in message.spans],
    }  # fmt: skip


_READERS = {
    "read_struct": ("Struct", _struct),
    "read_span": ("Span", _span),
    "read_export": ("ExportSpansRequest", _export),
}


def check_read(call: str, data: bytes, text: str) -> bool:
    """The same for a reading call's text."""
    name, reader = _READERS[call]
    try:
        message = CLASSES[name].FromString(data)
    except DecodeError:
        # The package has its own limit on depth; anything else that it refuses is a disagreement.
        assert _levels(parse(text, 2000)) * 3 > DEPTH_LIMIT, "the official package refuses these bytes"
        return False
    if canonical_text(reader(message)) == text:
        return True
    # The C implementation of the package puts a map entry that has an unknown field wholly aside.
    assert _unknown(message)
    return False


def check_fixture(call: str, args: Mapping[str, Any], expect: Mapping[str, Any]) -> bool | None:
    """None where there is nothing to check, False where the official package cannot, True where it agrees."""
    if "error" in expect:
        return None
    if call == "payload":
        data = args["input"] if "input" in args else bytes.fromhex(args["input_hex"])
        return check_struct(parse(data), bytes.fromhex(expect["struct_hex"]))
    if call == "span":
        fields: dict[str, Any] = {}
        for name, value in args.items():
            fields[name[:-4] if name.endswith("_hex") else name] = (
                bytes.fromhex(value) if name.endswith("_hex") else value
            )
        return check_span(fields, bytes.fromhex(expect["span_hex"]))
    if call in _READERS:
        return check_read(call, bytes.fromhex(args["hex"]), expect["json"])
    if call in ("process_span", "process_spans"):
        return _check_processed(call, args, expect)
    return None


def _check_processed(call: str, args: Mapping[str, Any], expect: Mapping[str, Any]) -> bool | None:
    if call == "process_span":
        span = bytes.fromhex(expect["span_hex"])
        if message_depth(span) > DEPTH_LIMIT:
            return False
        message = CLASSES["Span"].FromString(span)
        assert not _unknown(message)
        assert message.input_value_hash == expect["input_value_hash"]
        assert message.output_schema_hash == expect["output_schema_hash"]
        return True
    depths: list[int] = [depth for depth in expect["message_depths"] if depth is not None]
    if max(depths, default=0) > DEPTH_LIMIT:
        return False
    try:
        request = CLASSES["ExportSpansRequest"].FromString(bytes.fromhex(expect["request_hex"]))
    except DecodeError:
        assert any("encoded_hex" in given for given in args["spans"])
        return False  # encoded spans are laid in unread
    assert len(request.spans) + len(expect["errors"]) == len(args["spans"])
    return True


def _unknown(message: Any) -> bool:
    before = message.SerializeToString(deterministic=True)
    message.DiscardUnknownFields()
    return bool(before != message.SerializeToString(deterministic=True))
