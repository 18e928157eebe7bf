"""A quick proof that an installed drift_core works: the nine published functions, and their errors.

Needs nothing but Python 3.9 and the package, so that scripts/check-wheel.sh and the release
workflow can run it wherever a wheel was installed. What the functions do in full is the business of
the other tests. Every expected value is a literal: the hashes are sha256sum of the canonical text,
the bytes were read field by field.

    python bindings/python/tests/smoke.py [EXPECTED_VERSION]
"""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import Any, Callable

import drift_core

TEXT = '{"b":[1.50,"é"],"a":{"n":null,"t":true}}'
NORMALIZED = '{"a":{"n":null,"t":true},"b":[1.5,"é"]}'
HASH = "3cb5d0d2c48278b0a92893891db79f812602dd5d86c2a158cce8ee58f2951bc8"
STRUCT = (
    "0a190a016112142a120a070a016e120208000a070a01741202200"
    "10a180a0162121332110a0911000000000000f83f0a041a02c3a9"
)

PAYLOAD = {"body": "eyJrIjoxfQ==", "id": 7}
MERGES = {"body": {"encoding": 1, "decoded_type": 1, "match_importance": 0.5}}
PAYLOAD_TEXT = '{"body":"eyJrIjoxfQ==","id":7}'
MERGES_TEXT = '{"body":{"encoding":1,"decoded_type":1,"match_importance":0.5}}'
DECODED = '{"body":{"k":1},"id":7}'
DECODED_HASH = "e7eacec1b0d69f347a597bfbe4e53b71eda84ed4ad53958fb3f0c1c3cc16cf4b"
SCHEMA_TEXT = (
    '{"properties":{"body":{"decoded_type":1,"encoding":1,"match_importance":0.5,'
    '"properties":{"k":{"properties":{},"type":1}},"type":6},"id":{"properties":{},"type":1}},"type":6}'
)
SCHEMA = {
    "properties": {
        "body": {
            "decoded_type": 1,
            "encoding": 1,
            "match_importance": 0.5,
            "properties": {"k": {"properties": {}, "type": 1}},
            "type": 6,
        },
        "id": {"properties": {}, "type": 1},
    },
    "type": 6,
}
SCHEMA_HASH = "99ea5a9fd3d1abfe28553733987d75768607c22f8e5ab7aa064155f327aa691e"
PAYLOAD_STRUCT = (
    "0a160a04626f6479120e1a0c65794a72496a6f7866513d3d0a0f0a0269641209110000000000001c40"
)

EMPTY_SCHEMA: dict[str, Any] = {"type": 6, "properties": {}}
SPAN: dict[str, Any] = {
    "trace_id": "t1",
    "span_id": "s1",
    "parent_span_id": "",
    "name": "GET /",
    "package_name": "http",
    "instrumentation_name": "flask",
    "submodule_name": "",
    "package_type": 1,
    "environment": None,
    "kind": 1,
    "input_schema": EMPTY_SCHEMA,
    "output_schema": EMPTY_SCHEMA,
    "input_schema_hash": "ih",
    "output_schema_hash": "oh",
    "input_value_hash": "iv",
    "output_value_hash": "ov",
    "status_code": 0,
    "status_message": "",
    "is_pre_app_start": False,
    "is_root_span": True,
    "timestamp_seconds": 1700000000,
    "timestamp_nanos": 5,
    "duration_seconds": 1,
    "duration_nanos": 2,
    "metadata": None,
    "input_value": {"a": 1},
    "output_value": {},
    "input_value_proto_struct_bytes": None,
    "output_value_proto_struct_bytes": None,
}
SPAN_BYTES = (
    "0a027431120273312205474554202f2a04687474703205666c61736b40014a100a0e0a0161120911000000000000f03f"
    "52005a020806620208066a02696872026f687a0269768201026f76880101920100a201080880e2cfaa061005aa0104080110"
    "02b00101ba0100"
)
EXPORT_BYTES = "0a037376631204746573741a05302e322e302204696e73742a69" + "0a" + SPAN_BYTES[2:]


def equal(name: str, actual: object, expected: object) -> None:
    """Fails with both values where they differ, in type too."""
    if type(actual) is not type(expected) or actual != expected:
        raise AssertionError(f"{name}: expected {expected!r}, got {actual!r}")
    print(f"  ok  {name}")


def raises(name: str, host: type[Exception], code: str, call: Callable[[], object]) -> None:
    """Fails unless the call raises that host class with that code."""
    try:
        answer = call()
    except host as error:
        equal(name, getattr(error, "code", None), code)
        return
    raise AssertionError(f"{name}: expected {host.__name__} with code {code}, got {answer!r}")


def nested(depth: int) -> list[Any]:
    """Lists in lists, `depth` of them."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def main() -> None:
    """Runs every check; the first failure ends it with a traceback."""
    version = metadata.version("drift-core-python")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"drift-core-python {version} on {python}, {platform.platform()}")
    if len(sys.argv) > 1:
        equal("version", version, sys.argv[1])

    equal("normalize_json", drift_core.normalize_json(TEXT), NORMALIZED)
    equal("normalize_json of bytes", drift_core.normalize_json(TEXT.encode()), NORMALIZED)
    equal("deterministic_hash", drift_core.deterministic_hash(TEXT), HASH)
    equal("normalize_and_hash", drift_core.normalize_and_hash(TEXT), (NORMALIZED, HASH))
    equal(
        "object_to_protobuf_struct_bytes",
        drift_core.object_to_protobuf_struct_bytes(TEXT),
        bytes.fromhex(STRUCT),
    )
    equal(
        "object_to_protobuf_struct_field_count",
        drift_core.object_to_protobuf_struct_field_count(TEXT),
        2,
    )
    equal(
        "process_export_payload",
        drift_core.process_export_payload(PAYLOAD_TEXT, MERGES_TEXT),
        (
            PAYLOAD_TEXT,
            DECODED,
            DECODED_HASH,
            SCHEMA_TEXT,
            SCHEMA_HASH,
            bytes.fromhex(PAYLOAD_STRUCT),
        ),
    )
    equal(
        "process_export_payload_pyobject",
        drift_core.process_export_payload_pyobject(PAYLOAD, MERGES),
        (PAYLOAD, DECODED_HASH, SCHEMA, SCHEMA_HASH, bytes.fromhex(PAYLOAD_STRUCT)),
    )
    # By position: the published argument order is part of what is promised.
    span = drift_core.build_span_proto_bytes_pyobject(*SPAN.values())
    equal("build_span_proto_bytes_pyobject", span, bytes.fromhex(SPAN_BYTES))
    equal("the same by name", drift_core.build_span_proto_bytes_pyobject(**SPAN), span)
    equal(
        "build_export_spans_request_bytes_pyobject",
        drift_core.build_export_spans_request_bytes_pyobject(
            "svc", "test", "0.2.0", "inst", [span]
        ),
        bytes.fromhex(EXPORT_BYTES),
    )

    anything: Any = drift_core
    text = anything.normalize_json
    pyobject = anything.process_export_payload_pyobject
    build_span = anything.build_span_proto_bytes_pyobject
    build_request = anything.build_export_spans_request_bytes_pyobject
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    levels = "[" * 127 + "]" * 127
    bad_kind = {**SPAN, "kind": 6}
    raises("text that is not JSON", ValueError, "invalid_json", lambda: text("[1,]"))
    raises("bytes that are not UTF-8", ValueError, "invalid_utf8", lambda: text(b'"\xff"'))
    raises("a number too large", ValueError, "number_out_of_range", lambda: text("1e400"))
    equal("127 levels", text(levels), levels)
    raises("128 levels", ValueError, "depth_exceeded", lambda: text(f"[{levels}]"))
    raises("100,000 lists", ValueError, "depth_exceeded", lambda: pyobject(nested(100_000), None))
    raises("a list inside itself", ValueError, "cycle", lambda: pyobject(cyclic, None))
    raises("a set in a payload", TypeError, "unsupported_type", lambda: pyobject({"a": {1}}, None))
    raises("a key that is no string", TypeError, "invalid_key", lambda: pyobject({1: 2}, None))
    raises("merges", ValueError, "invalid_merges", lambda: pyobject({}, {"b": None}))
    raises("an enum out of range", ValueError, "invalid_enum", lambda: build_span(**bad_kind))
    try:
        build_request("", "", "", "", ["text"])
    except TypeError as error:
        print(f"  ok  a span that is not bytes: {error}")
    else:
        raise AssertionError("a span that is not bytes was taken")
    try:
        text("[1,]")
    except ValueError as error:
        place = (getattr(error, "path", ""), getattr(error, "offset", ""))
        equal("where an error is", place, (None, 3))
    print("smoke test passed")


if __name__ == "__main__":
    main()
