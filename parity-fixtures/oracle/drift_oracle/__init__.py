"""An independent, slow and obvious implementation of the canonical form.

It shares no code with the core and needs nothing but the standard library; only
`drift_oracle.official`, which holds it against the official protobuf package,
imports that. `python -m drift_oracle` answers fixture calls line by line.
"""

from .calls import CALLS, evaluate
from .diff import Difference, diff_export_requests, diff_json, diff_spans, differences
from .errors import OracleError
from .json_text import MAX_DEPTH, MAX_SCHEMA_DEPTH, parse
from .native import native_value
from .payload import Payload, base64_bytes, payload, payload_native, schema_of
from .reading import (
    export_request_to_json,
    message_depth,
    read_export,
    read_span,
    span_to_json,
    struct_to_json,
)
from .spans import ProcessedBatch, ProcessedSpan, export, process_span, process_spans, span
from .values import DRIFT, RFC8785, Integer, canonical_text, hash_text
from .wire import struct_bytes


def normalize(text: "str | bytes", profile: str = DRIFT) -> str:
    """The canonical form of a JSON text."""
    return canonical_text(parse(text, profile=profile), profile)


def deterministic_hash(text: "str | bytes", profile: str = DRIFT, algorithm: str = "sha256") -> str:
    """The hash of the canonical form of a JSON text."""
    return hash_text(normalize(text, profile), algorithm)


__all__ = [
    "CALLS",
    "DRIFT",
    "MAX_DEPTH",
    "MAX_SCHEMA_DEPTH",
    "RFC8785",
    "Difference",
    "Integer",
    "OracleError",
    "Payload",
    "ProcessedBatch",
    "ProcessedSpan",
    "base64_bytes",
    "canonical_text",
    "deterministic_hash",
    "diff_export_requests",
    "diff_json",
    "diff_spans",
    "differences",
    "evaluate",
    "export",
    "export_request_to_json",
    "hash_text",
    "message_depth",
    "native_value",
    "normalize",
    "parse",
    "payload",
    "payload_native",
    "process_span",
    "process_spans",
    "read_export",
    "read_span",
    "schema_of",
    "span",
    "span_to_json",
    "struct_bytes",
    "struct_to_json",
]  # fmt: skip
