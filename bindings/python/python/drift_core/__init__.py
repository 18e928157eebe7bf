"""Canonical JSON, deterministic hashes, schemas, protobuf spans and semantic diff.

What a recording and its replay are compared by: equal values give equal bytes
and hashes, in Python, Node and Rust.
"""

from ._errors import DriftError, DriftMergesTypeError, DriftTypeError
from ._types import (
    Difference,
    SchemaMerge,
    SchemaMerges,
    SpanFault,
    SpanInput,
)
from .drift_core import (
    ProcessedBatch,
    ProcessedSpan,
    __version__,
    build_export_spans_request_bytes_pyobject,
    build_span_proto_bytes_pyobject,
    deterministic_hash,
    diff_export_requests,
    diff_json,
    diff_spans,
    export_request_to_json,
    normalize_and_hash,
    normalize_json,
    object_to_protobuf_struct_bytes,
    object_to_protobuf_struct_field_count,
    process_export_payload,
    process_export_payload_pyobject,
    process_span,
    process_spans,
    span_to_json,
    struct_to_json,
)

# Where they are found, whatever file they are written in.
for _class in (DriftError, DriftTypeError, DriftMergesTypeError):
    _class.__module__ = __name__
del _class

__all__ = [
    "Difference",
    "DriftError",
    "DriftMergesTypeError",
    "DriftTypeError",
    "ProcessedBatch",
    "ProcessedSpan",
    "SchemaMerge",
    "SchemaMerges",
    "SpanFault",
    "SpanInput",
    "__version__",
    "build_export_spans_request_bytes_pyobject",
    "build_span_proto_bytes_pyobject",
    "deterministic_hash",
    "diff_export_requests",
    "diff_json",
    "diff_spans",
    "export_request_to_json",
    "normalize_and_hash",
    "normalize_json",
    "object_to_protobuf_struct_bytes",
    "object_to_protobuf_struct_field_count",
    "process_export_payload",
    "process_export_payload_pyobject",
    "process_span",
    "process_spans",
    "span_to_json",
    "struct_to_json",
]
