"""The native half of drift_core; ``drift_core`` itself has the same names."""

from typing import Any, Literal, Optional, Union, final

from ._types import (
    BatchSpans,
    Difference,
    JsonText,
    MessageBytes,
    SchemaMerges,
    SpanFault,
    SpanInput,
)

__version__: str

__all__ = [
    "ProcessedBatch",
    "ProcessedSpan",
    "__version__",
    "_raise_internal_error",
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

_Profile = Literal["drift", "rfc8785"]
_Algorithm = Literal["sha256", "blake3"]

def normalize_json(payload_json: JsonText, *, profile: _Profile = "drift") -> str: ...
def deterministic_hash(
    payload_json: JsonText, *, profile: _Profile = "drift", algorithm: _Algorithm = "sha256"
) -> str: ...
def normalize_and_hash(
    payload_json: JsonText, *, profile: _Profile = "drift", algorithm: _Algorithm = "sha256"
) -> tuple[str, str]: ...
def object_to_protobuf_struct_bytes(payload_json: JsonText) -> bytes: ...
def object_to_protobuf_struct_field_count(payload_json: JsonText) -> int: ...
def process_export_payload(
    payload_json: JsonText, schema_merges_json: Optional[JsonText]
) -> tuple[str, str, str, str, str, bytes]: ...
def process_export_payload_pyobject(
    payload: Any, schema_merges: Optional[Union[SchemaMerges, dict[str, Any]]]
) -> tuple[Any, str, dict[str, Any], str, bytes]: ...
def build_span_proto_bytes_pyobject(
    trace_id: str,
    span_id: str,
    parent_span_id: str,
    name: str,
    package_name: str,
    instrumentation_name: str,
    submodule_name: str,
    package_type: int,
    environment: Optional[str],
    kind: int,
    input_schema: Any,
    output_schema: Any,
    input_schema_hash: str,
    output_schema_hash: str,
    input_value_hash: str,
    output_value_hash: str,
    status_code: int,
    status_message: str,
    is_pre_app_start: bool,
    is_root_span: bool,
    timestamp_seconds: int,
    timestamp_nanos: int,
    duration_seconds: int,
    duration_nanos: int,
    metadata: Any,
    input_value: Any,
    output_value: Any,
    input_value_proto_struct_bytes: Optional[bytes],
    output_value_proto_struct_bytes: Optional[bytes],
) -> bytes: ...
def build_export_spans_request_bytes_pyobject(
    observable_service_id: str,
    environment: str,
    sdk_version: str,
    sdk_instance_id: str,
    spans: list[bytes],
) -> bytes: ...

@final
class ProcessedSpan:
    @property
    def span_bytes(self) -> bytes: ...
    @property
    def input_value_hash(self) -> str: ...
    @property
    def output_value_hash(self) -> str: ...
    @property
    def input_schema_hash(self) -> str: ...
    @property
    def output_schema_hash(self) -> str: ...
    @property
    def input_schema_json(self) -> str: ...
    @property
    def output_schema_json(self) -> str: ...
    @property
    def input_normalized_json(self) -> str: ...
    @property
    def output_normalized_json(self) -> str: ...
    @property
    def message_depth(self) -> int: ...

@final
class ProcessedBatch:
    @property
    def request_bytes(self) -> bytes: ...
    @property
    def message_depths(self) -> list[Optional[int]]: ...
    @property
    def errors(self) -> list[SpanFault]: ...

def process_span(span: SpanInput) -> ProcessedSpan: ...
def process_spans(
    spans: BatchSpans,
    *,
    observable_service_id: str = "",
    environment: str = "",
    sdk_version: str = "",
    sdk_instance_id: str = "",
    max_message_depth: Optional[int] = None,
    strict: bool = False,
) -> ProcessedBatch: ...
def span_to_json(span_bytes: MessageBytes) -> str: ...
def export_request_to_json(request_bytes: MessageBytes) -> str: ...
def struct_to_json(struct_bytes: MessageBytes) -> str: ...
def diff_json(left: JsonText, right: JsonText) -> list[Difference]: ...
def diff_spans(left: MessageBytes, right: MessageBytes) -> list[Difference]: ...
def diff_export_requests(left: MessageBytes, right: MessageBytes) -> list[Difference]: ...
def _raise_internal_error() -> None: ...
