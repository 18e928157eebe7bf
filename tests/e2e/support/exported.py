"""Export requests decoded with the official generated types, brought to the form of a recording."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import betterproto
from tusk.drift.backend.v1 import ExportSpansRequest

from . import node
from .recording import Payload, Span


def count_spans(bodies: Iterable[bytes]) -> int:
    return sum(_count(body) for body in bodies)


@lru_cache(maxsize=64)
def _count(body: bytes) -> int:
    return len(ExportSpansRequest().parse(body).spans)


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def plain_value(value: Any) -> Any:
    """A betterproto Value as plain data."""
    kind: str
    content: Any
    kind, content = betterproto.which_one_of(value, "kind")
    if kind == "number_value":
        return _number(content)
    if kind == "struct_value":
        return plain_struct(content)
    if kind == "list_value":
        return [plain_value(item) for item in content.values]
    return None if kind == "null_value" else content


def plain_struct(struct: Any) -> dict[str, Any]:
    return {key: plain_value(value) for key, value in struct.fields.items()}


def plain_schema(schema: Any) -> dict[str, Any]:
    """A betterproto JsonSchema as the Python SDK writes it."""
    found: dict[str, Any] = {
        "type": int(schema.type),
        "properties": {key: plain_schema(item) for key, item in schema.properties.items()},
    }
    # A message field without presence cannot be told from an empty one except by its wire form.
    if schema.items is not None and schema.items._serialized_on_wire:
        found["items"] = plain_schema(schema.items)
    for name in ("encoding", "decoded_type"):
        if getattr(schema, name) is not None:
            found[name] = int(getattr(schema, name))
    if schema.match_importance is not None:
        found["match_importance"] = float(schema.match_importance)
    return found


def _snake_case(schema: dict[str, Any]) -> dict[str, Any]:
    """A protobuf-ts JsonSchema as the Python SDK writes it."""
    found: dict[str, Any] = {
        "type": schema["type"],
        "properties": {key: _snake_case(item) for key, item in schema["properties"].items()},
    }
    if "items" in schema:
        found["items"] = _snake_case(schema["items"])
    for theirs, name in (("encoding", "encoding"), ("decodedType", "decoded_type")):
        if theirs in schema:
            found[name] = schema[theirs]
    if "matchImportance" in schema:
        found["match_importance"] = float(schema["matchImportance"])
    return found


def by_python_types(body: bytes) -> list[dict[str, Any]]:
    """The spans as PyPI's tusk-drift-schemas reads them, without times: it keeps no nanoseconds."""
    return [
        {
            "traceId": span.trace_id,
            "spanId": span.span_id,
            "parentSpanId": span.parent_span_id,
            "name": span.name,
            "packageName": span.package_name,
            "instrumentationName": span.instrumentation_name,
            "submoduleName": span.submodule_name,
            "packageType": int(span.package_type),
            "environment": span.environment,
            "kind": int(span.kind),
            "status": {"code": int(span.status.code), "message": span.status.message},
            "isPreAppStart": span.is_pre_app_start,
            "isRootSpan": span.is_root_span,
            "inputValue": plain_struct(span.input_value),
            "outputValue": plain_struct(span.output_value),
            "inputSchema": plain_schema(span.input_schema),
            "outputSchema": plain_schema(span.output_schema),
            "inputSchemaHash": span.input_schema_hash,
            "outputSchemaHash": span.output_schema_hash,
            "inputValueHash": span.input_value_hash,
            "outputValueHash": span.output_value_hash,
        }
        for span in ExportSpansRequest().parse(body).spans
    ]


@lru_cache(maxsize=64)
def by_node_types(body: bytes) -> dict[str, Any]:
    """The request as npm's @use-tusk/drift-schemas reads it, its schemas spelled as Python does.

    A message that is absent is empty, as the Python types have it: the SDK's own Python code leaves
    empty ones out.
    """
    request = node.decode_export(body)
    for span in request["spans"]:
        for side in ("input", "output"):
            span[f"{side}Schema"] = _snake_case(span.get(f"{side}Schema", {"type": 0, "properties": {}}))
            span.setdefault(f"{side}Value", {})
        span.setdefault("status", {"code": 0, "message": ""})
        for name in ("timestamp", "duration"):
            span.setdefault(name, {"seconds": 0, "nanos": 0})
    return request


def spans_of(documents: Iterable[dict[str, Any]]) -> list[Span]:
    return [Span(json.dumps(document, ensure_ascii=False)) for document in documents]


def as_node_wrote(payload: Payload) -> Payload:
    """The payload with the schema spelled as the Node SDK hashes it."""
    schema = json.dumps(_camel_case(json.loads(payload.schema)), ensure_ascii=False)
    return Payload(
        payload.span_id,
        payload.span_name,
        payload.side,
        payload.value,
        schema,
        payload.value_hash,
        payload.schema_hash,
    )


def _camel_case(schema: dict[str, Any]) -> dict[str, Any]:
    found = {
        "type": schema["type"],
        "properties": {key: _camel_case(item) for key, item in schema["properties"].items()},
    }
    if "items" in schema:
        found["items"] = _camel_case(schema["items"])
    for name, theirs in (
        ("encoding", "encoding"),
        ("decoded_type", "decodedType"),
        ("match_importance", "matchImportance"),
    ):
        if name in schema:
            value = schema[name]
            found[theirs] = _number(value) if isinstance(value, float) else value
    return found
