"""The SDK's bridge to the binding, called directly: it falls back neither on recorded values nor on odd ones.

Recording uses two of its calls and export a third; replay uses the rest, so they are called here.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from conftest import Recordings
from drift.core import rust_core_binding as bridge
from drift.core.types import PackageType, SpanKind, StatusCode
from support import rules
from tusk.drift.core.v1 import Span as ProtoSpan

ODD_VALUES: dict[str, Any] = {
    "empty": {},
    "beyond u64": {"n": 2**70, "m": -(2**64)},
    "floats": {"a": 1e-7, "b": 123456789.12345679, "c": -0.0, "d": 1e22},
    "lone surrogate": {"half \ud83d": "\udc00", "list": ["\ud800\udc00"]},
    "deep": json.loads('{"n":' * 126 + "{}" + "}" * 126),
    "empty key": {"": {"": None}},
    "bare list": [1, [2, {"three": True}]],
    "bare text": "text",
}


def _canonical(value: Any) -> str:
    return rules.canonical(rules.parse(json.dumps(value)))


def _parse(data: bytes) -> ProtoSpan:
    # The generated types recurse several frames deep for each level.
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return ProtoSpan().parse(data)
    finally:
        sys.setrecursionlimit(limit)


def _check(value: Any) -> None:
    canonical = _canonical(value)
    assert bridge.normalize_json_jsonable(value) == json.loads(canonical)
    assert bridge.deterministic_hash_jsonable(value) == rules.sha256(canonical)
    assert bridge.normalize_and_hash_jsonable(value) == (json.loads(canonical), rules.sha256(canonical))
    processed = bridge.process_export_payload_jsonable(value)
    assert processed is not None
    assert processed["normalized_value"] == json.loads(canonical)
    assert processed["decoded_value_hash"] == rules.sha256(canonical)


def test_recorded_values_never_fall_back(recordings: Recordings) -> None:
    for span in recordings.files["python"].spans:
        for payload in span.payloads():
            _check(json.loads(payload.value))


@pytest.mark.parametrize("name", list(ODD_VALUES))
def test_odd_values_never_fall_back(name: str) -> None:
    if name == "lone surrogate":
        # A Python string has no pairs: each half is replaced on its own.
        value = {"half \ufffd": "\ufffd", "list": ["\ufffd\ufffd"]}
        assert bridge.normalize_json_jsonable(ODD_VALUES[name]) == value
        assert bridge.deterministic_hash_jsonable(ODD_VALUES[name]) == rules.sha256(_canonical(value))
    else:
        _check(ODD_VALUES[name])


@pytest.mark.parametrize("name", list(ODD_VALUES))
def test_odd_spans_are_built_and_read_by_the_official_types(name: str) -> None:
    processed = bridge.process_export_payload_jsonable(ODD_VALUES[name], {"body": {"encoding": 1}})
    assert processed is not None
    data = bridge.build_span_proto_bytes(
        trace_id="0" * 31 + "1",
        span_id="0" * 15 + "2",
        parent_span_id="",
        name=name,
        package_name="http",
        instrumentation_name="",
        submodule_name="",
        package_type=PackageType.HTTP,
        environment=None,
        kind=SpanKind.CLIENT,
        input_schema=processed["decoded_schema"],
        output_schema=processed["decoded_schema"],
        input_schema_hash=processed["decoded_schema_hash"],
        output_schema_hash=processed["decoded_schema_hash"],
        input_value_hash=processed["decoded_value_hash"],
        output_value_hash=processed["decoded_value_hash"],
        status_code=StatusCode.OK,
        status_message="",
        is_pre_app_start=False,
        is_root_span=False,
        timestamp_seconds=1,
        timestamp_nanos=2,
        duration_seconds=0,
        duration_nanos=3,
        metadata=None,
        input_value=processed["normalized_value"],
        output_value=ODD_VALUES[name],
        input_value_proto_struct_bytes=processed["protobuf_struct_bytes"],
        output_value_proto_struct_bytes=None,
    )
    assert data is not None
    span = _parse(data)
    assert (span.name, span.input_value_hash) == (name, processed["decoded_value_hash"])
    request = bridge.build_export_spans_request_bytes(
        observable_service_id="s",
        environment="e",
        sdk_version="v",
        sdk_instance_id="i",
        span_proto_bytes_list=[data],
    )
    assert request is not None
    assert data in request
