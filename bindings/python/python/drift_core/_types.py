"""The types of dicts that calls take and return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, TypedDict, Union

#: One JSON text: a string, or its UTF-8 bytes.
JsonText = Union[str, bytes, bytearray, memoryview]
#: An encoded message.
MessageBytes = Union[bytes, bytearray, memoryview]


class SchemaMerge(TypedDict, total=False):
    """What is said about one top-level member of a payload."""

    encoding: Optional[int]
    decoded_type: Optional[int]
    match_importance: Optional[float]


#: What is said about a payload, by top-level member.
SchemaMerges = dict[str, SchemaMerge]


class Difference(TypedDict):
    """One difference between two documents, seen from left to right."""

    #: ``added``, ``removed`` or ``changed``.
    kind: str
    #: ``$``, ``.name``, ``["any key"]``, ``[3]``.
    path: str
    #: Canonical JSON; None when it was added.
    left: Optional[str]
    #: Canonical JSON; None when it was removed.
    right: Optional[str]


class SpanInput(TypedDict, total=False):
    """A span to be, for ``process_span`` and ``process_spans``."""

    trace_id: Optional[str]
    span_id: Optional[str]
    parent_span_id: Optional[str]
    name: Optional[str]
    package_name: Optional[str]
    instrumentation_name: Optional[str]
    submodule_name: Optional[str]
    package_type: Optional[int]
    environment: Optional[str]
    kind: Optional[int]
    status_code: Optional[int]
    status_message: Optional[str]
    is_pre_app_start: Optional[bool]
    is_root_span: Optional[bool]
    timestamp_seconds: Optional[int]
    timestamp_nanos: Optional[int]
    duration_seconds: Optional[int]
    duration_nanos: Optional[int]
    input_json: Optional[JsonText]
    output_json: Optional[JsonText]
    metadata_json: Optional[JsonText]
    input_value: Any
    output_value: Any
    metadata: Any
    input_merges: Union[SchemaMerges, JsonText, None]
    output_merges: Union[SchemaMerges, JsonText, None]


class SpanFault(TypedDict):
    """Why a span of a batch was left out."""

    index: int
    code: str
    path: Optional[str]
    offset: Optional[int]
    message: str


#: A span of a batch: its members, or its bytes.
BatchSpans = Sequence[Union[SpanInput, MessageBytes]]
