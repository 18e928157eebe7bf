"""What a user writes, for the type checker alone: it is checked, never run."""

from typing import Any, Optional

import drift_core


def published(payload: dict[str, Any]) -> tuple[str, bytes]:
    text: str = drift_core.normalize_json('{"a":1}')
    digest: str = drift_core.deterministic_hash(text.encode(), profile="rfc8785")
    pair: tuple[str, str] = drift_core.normalize_and_hash(bytearray(b"1"), algorithm="blake3")
    count: int = drift_core.object_to_protobuf_struct_field_count(memoryview(b"{}"))
    struct: bytes = drift_core.object_to_protobuf_struct_bytes(text)
    parts: tuple[str, str, str, str, str, bytes] = drift_core.process_export_payload(text, None)
    merges: drift_core.SchemaMerges = {"body": {"encoding": 1, "match_importance": 0.5}}
    value, value_hash, schema, schema_hash, struct = drift_core.process_export_payload_pyobject(
        payload, merges
    )
    kind: Any = schema["type"]
    print(digest, pair, count, parts, value, value_hash, schema_hash, kind)
    request: bytes = drift_core.build_export_spans_request_bytes_pyobject("", "", "", "", [struct])
    return text, request


def added(span: drift_core.SpanInput) -> Optional[int]:
    members: drift_core.SpanInput = {"name": "GET /", "input_json": b"{}", "input_merges": None}
    one: drift_core.ProcessedSpan = drift_core.process_span(members)
    batch: drift_core.ProcessedBatch = drift_core.process_spans(
        [span, members, one.span_bytes], environment="test", max_message_depth=100, strict=False
    )
    fault: drift_core.SpanFault = batch.errors[0]
    difference: drift_core.Difference = drift_core.diff_spans(one.span_bytes, b"")[0]
    left: Optional[str] = difference["left"]
    print(fault["code"], left, drift_core.span_to_json(bytearray(one.span_bytes)))
    return batch.message_depths[0]


def refused(text: str) -> Optional[int]:
    try:
        drift_core.diff_json(text, text)
    except drift_core.DriftMergesTypeError as error:
        both: ValueError = error
        print(both, error.path)
    except drift_core.DriftTypeError as error:
        print(error.code, error.index)
    except drift_core.DriftError as error:
        return error.offset
    return None
