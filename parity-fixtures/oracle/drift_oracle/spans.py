"""Spans, export requests and the two calls that make them whole (contract, sections 7 to 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Union

from .errors import OracleError
from .json_text import MAX_SCHEMA_DEPTH, parse
from .native import native_value
from .payload import Payload, payload, payload_native, process
from .reading import EXPORT_FIELDS, SPAN_FIELDS, STRUCT_FIELDS, check_top_level, message_depth
from .values import replace_surrogates
from .wire import BYTES, SchemaNode, integer_field, message_field, string_field, struct_bytes, tag, varint

Text = Union[str, bytes]

# The largest known code of each enum; all start at 0.
ENUMS = {"package_type": 11, "kind": 5, "status_code": 2}

EXPORT_STRINGS = ("observable_service_id", "environment", "sdk_version", "sdk_instance_id")


def _string(fields: Mapping[str, Any], name: str) -> str:
    return replace_surrogates(fields.get(name) or "")


def _integer(fields: Mapping[str, Any], name: str) -> int:
    return int(fields.get(name) or 0)


def check_enums(fields: Mapping[str, Any]) -> None:
    """Codes outside the contract's ranges are refused."""
    for name, largest in ENUMS.items():
        if not 0 <= _integer(fields, name) <= largest:
            raise OracleError("invalid_enum", path=f"$.{name}")


def check_struct(data: bytes) -> bytes:
    """Struct bytes that a caller hands over: top-level fields only are looked at."""
    check_top_level(data, STRUCT_FIELDS)
    return data


def _laid_out(
    fields: Mapping[str, Any],
    input_struct: bytes,
    output_struct: bytes,
    input_schema: Any,
    output_schema: Any,
    metadata: Any,
    hashes: Sequence[str],
) -> bytes:
    """The span's bytes, fields in ascending number."""
    out = b""
    strings = (
        "trace_id", "span_id", "parent_span_id", "name", "package_name", "instrumentation_name", "submodule_name",
    )  # fmt: skip
    for number, name in enumerate(strings, start=1):
        out += string_field(number, _string(fields, name))
    out += integer_field(8, _integer(fields, "package_type"))
    out += message_field(9, input_struct)
    out += message_field(10, output_struct)
    out += message_field(11, SchemaNode(input_schema).encode())
    out += message_field(12, SchemaNode(output_schema).encode())
    for number, digest in enumerate(hashes, start=13):
        out += string_field(number, digest)
    out += integer_field(17, _integer(fields, "kind"))
    status = integer_field(1, _integer(fields, "status_code")) + string_field(
        2, _string(fields, "status_message")
    )
    out += message_field(18, status)
    out += integer_field(19, 1 if fields.get("is_pre_app_start") else 0)
    for number, name in ((20, "timestamp"), (21, "duration")):
        seconds, nanos = _integer(fields, f"{name}_seconds"), _integer(fields, f"{name}_nanos")
        out += message_field(number, integer_field(1, seconds) + integer_field(2, nanos))
    out += integer_field(22, 1 if fields.get("is_root_span") else 0)
    out += message_field(23, struct_bytes(metadata))
    if fields.get("environment") is not None:
        out += message_field(24, replace_surrogates(fields["environment"]).encode("utf-8"))
    return out


def located(error: OracleError, member: str) -> OracleError:
    """The same refusal with the span's member in front of its path."""
    path = f"$.{member}{(error.path or '$')[1:]}"
    return OracleError(error.code, error.offset, path, error.index)


def span(fields: Mapping[str, Any], native: bool = False) -> bytes:
    """The published `build_span`: its fields by their published names.

    The five values are JSON text (str or bytes); with `native` they are Python values. Struct bytes are
    `input_value_proto_struct` and `output_value_proto_struct`.
    """
    check_enums(fields)
    values: dict[str, Any] = {}
    for name in ("input_schema", "output_schema", "metadata", "input_value", "output_value"):
        given = fields.get(name)
        limit = MAX_SCHEMA_DEPTH if name.endswith("_schema") else 127
        try:
            if given is None:
                values[name] = None
            else:
                values[name] = native_value(given, limit) if native else parse(given, limit)
        except OracleError as error:
            raise located(error, name) from None
    structs = []
    for name in ("input_value", "output_value"):
        given_struct = fields.get(f"{name}_proto_struct")
        try:
            structs.append(struct_bytes(values[name]) if given_struct is None else check_struct(given_struct))
        except OracleError as error:
            raise located(error, f"{name}_proto_struct_bytes") from None
    hashes = [
        _string(fields, name)
        for name in ("input_schema_hash", "output_schema_hash", "input_value_hash", "output_value_hash")
    ]
    return _laid_out(
        fields, structs[0], structs[1], values["input_schema"], values["output_schema"], values["metadata"], hashes
    )  # fmt: skip


def export(strings: Mapping[str, Any], spans: Sequence[bytes]) -> bytes:
    """The published `build_export_spans_request`: raises at the first bad span, naming its index."""
    for index, encoded in enumerate(spans):
        try:
            check_top_level(encoded, SPAN_FIELDS)
        except OracleError as error:
            raise OracleError(error.code, error.offset, index=index) from None
    return _request(strings, spans)


def _request(strings: Mapping[str, Any], spans: Sequence[bytes]) -> bytes:
    assert [EXPORT_FIELDS[number] for number in range(1, 6)] == [BYTES] * 5
    out = b"".join(
        string_field(number, _string(strings, name)) for number, name in enumerate(EXPORT_STRINGS, 1)
    )
    return out + b"".join(tag(5, BYTES) + varint(len(encoded)) + encoded for encoded in spans)


class ProcessedSpan(NamedTuple):
    """What the one call for a span gives."""

    span: bytes
    input: Payload
    output: Payload
    message_depth: int

    def as_expect(self) -> dict[str, Any]:
        """The form of a fixture's `expect`."""
        expect: dict[str, Any] = {"span_hex": self.span.hex(), "message_depth": self.message_depth}
        for side, result in (("input", self.input), ("output", self.output)):
            expect[f"{side}_value_hash"] = result.value_hash
            expect[f"{side}_schema_hash"] = result.schema_hash
            expect[f"{side}_schema_json"] = result.schema
            expect[f"{side}_normalized_json"] = result.normalized
        return expect


SPAN_INPUT_MEMBERS = frozenset(
    "trace_id span_id parent_span_id name package_name instrumentation_name submodule_name package_type environment"
    " kind status_code status_message is_pre_app_start is_root_span timestamp_seconds timestamp_nanos"
    " duration_seconds duration_nanos input_json output_json metadata_json input_value output_value metadata"
    " input_merges output_merges".split()
)


def _processed_payload(fields: Mapping[str, Any], side: str) -> Payload:
    text, value_name, merges = fields.get(f"{side}_json"), f"{side}_value", fields.get(f"{side}_merges")
    if text is not None and fields.get(value_name) is not None:
        raise OracleError("invalid_argument")
    try:
        if value_name in fields:
            return payload_native(fields[value_name], merges)
        return payload("{}" if text is None else text, merges)
    except OracleError as error:
        value_member = value_name if value_name in fields else f"{side}_json"
        raise located(error, f"{side}_merges" if error.code == "invalid_merges" else value_member) from None


def process_span(fields: Mapping[str, Any]) -> ProcessedSpan:
    """Raw payloads, merges and fields in; span, hashes, schemas and normalised values out.

    `input_json`, `output_json` and `metadata_json` are text, `input_value`, `output_value` and `metadata`
    Python values; an absent payload is an empty object.
    """
    if not set(fields) <= SPAN_INPUT_MEMBERS:
        raise OracleError("invalid_argument")
    check_enums(fields)
    input_payload = _processed_payload(fields, "input")
    output_payload = _processed_payload(fields, "output")
    metadata = None
    if fields.get("metadata_json") is not None:
        if fields.get("metadata") is not None:
            raise OracleError("invalid_argument")
        try:
            metadata = parse(fields["metadata_json"])
        except OracleError as error:
            raise located(error, "metadata_json") from None
    elif fields.get("metadata") is not None:
        try:
            metadata = native_value(fields["metadata"])
        except OracleError as error:
            raise located(error, "metadata") from None
    encoded = _laid_out(
        fields, input_payload.struct, output_payload.struct, input_payload.schema_value,
        output_payload.schema_value, metadata,
        [
            input_payload.schema_hash, output_payload.schema_hash,
            input_payload.value_hash, output_payload.value_hash,
        ],
    )  # fmt: skip
    return ProcessedSpan(encoded, input_payload, output_payload, message_depth(encoded))


class ProcessedBatch(NamedTuple):
    """What the one call for a batch gives; `depths` is None where a span was refused for another reason."""

    request: bytes
    depths: list[int | None]
    errors: list[OracleError]

    def as_expect(self) -> dict[str, Any]:
        """The form of a fixture's `expect`."""
        return {
            "request_hex": self.request.hex(),
            "message_depths": self.depths,
            "errors": [error.as_expect() for error in self.errors],
        }


def process_spans(
    spans: Sequence[Mapping[str, Any] | bytes],
    strings: Mapping[str, Any],
    max_message_depth: int | None = None,
    strict: bool = False,
) -> ProcessedBatch:
    """Many spans in, one request out; a bad span is reported and left out, or raised when strict."""
    good: list[bytes] = []
    depths: list[int | None] = []
    errors: list[OracleError] = []
    for index, given in enumerate(spans):
        depth: int | None = None
        try:
            if isinstance(given, bytes):
                check_top_level(given, SPAN_FIELDS)
                encoded, depth = given, message_depth(given)
            else:
                encoded, depth = process_span(given)[0], None
                depth = message_depth(encoded)
            if max_message_depth is not None and depth > max_message_depth:
                raise OracleError("depth_exceeded")
            good.append(encoded)
        except OracleError as error:
            named = OracleError(error.code, error.offset, error.path, index)
            if strict:
                raise named from None
            errors.append(named)
        depths.append(depth)
    return ProcessedBatch(_request(strings, good), depths, errors)


__all__ = [
    "ProcessedBatch", "ProcessedSpan", "export", "process", "process_span", "process_spans", "span",
]  # fmt: skip
