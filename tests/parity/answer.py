"""Answers fixtures line by line through every Python entry point.

One JSON object with `call` and `args` in; out comes an object with one answer
an entry point, which must all be equal. Runs in an environment that has our
wheel; the answers have the form of a fixture's `expect`.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
from typing import Any, Callable

import drift_core

Answer = dict[str, Any]

SPAN_STRINGS = (
    "trace_id span_id parent_span_id name package_name instrumentation_name submodule_name status_message"
).split()
SPAN_HASHES = "input_schema_hash output_schema_hash input_value_hash output_value_hash".split()
SPAN_INTEGERS = (
    "package_type kind status_code timestamp_seconds timestamp_nanos duration_seconds duration_nanos"
).split()
SPAN_FLAGS = ["is_pre_app_start", "is_root_span"]


def refusal(error: Any) -> Answer:
    answer = {"error": error.code, "offset": error.offset, "path": error.path}
    answer["index"] = getattr(error, "index", None)
    return {name: value for name, value in answer.items() if value is not None}


def attempt(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except (drift_core.DriftError, drift_core.DriftTypeError) as error:
        return refusal(error)


def argument(args: dict[str, Any], name: str) -> bytes | None:
    if f"{name}_hex" in args:
        return bytes.fromhex(args[f"{name}_hex"])
    text = args.get(name)
    return None if text is None else text.encode()


def text_forms(data: bytes) -> dict[str, Any]:
    """One text in every form in which it can be passed."""
    forms: dict[str, Any] = {"bytes": data, "bytearray": bytearray(data), "memoryview": memoryview(data)}
    with contextlib.suppress(UnicodeDecodeError):
        forms["str"] = data.decode()
    return forms


def normalize(args: dict[str, Any]) -> dict[str, Answer]:
    data = argument(args, "input")
    assert data is not None
    profile = args.get("profile", "drift")

    def one(text: Any) -> Answer:
        normalized, sha256 = drift_core.normalize_and_hash(text, profile=profile)
        assert drift_core.normalize_json(text, profile=profile) == normalized
        assert drift_core.deterministic_hash(text, profile=profile) == sha256
        blake3 = drift_core.deterministic_hash(text, profile=profile, algorithm="blake3")
        return {"normalized": normalized, "sha256": sha256, "blake3": blake3}

    return {name: attempt(lambda text=text: one(text)) for name, text in text_forms(data).items()}


def native(text: bytes) -> Any:
    """The Python value of a JSON text; ValueError where Python reads it otherwise than the contract."""

    def integer(token: str) -> Any:
        if token == "-0":
            return -0.0
        if len(token) > 4000:
            raise ValueError("beyond Python's limit on digits")
        return int(token)

    def finite(token: str) -> float:
        value = float(token)
        if math.isinf(value):
            raise ValueError("an infinity, which a text refuses and a Python float is null for")
        return value

    def no_constant(token: str) -> Any:
        raise ValueError(token)

    return json.loads(text.decode(), parse_int=integer, parse_float=finite, parse_constant=no_constant)


def payload(args: dict[str, Any]) -> dict[str, Answer]:
    data, merges = argument(args, "input"), argument(args, "merges")
    assert data is not None

    def one(text: Any, merges_text: Any) -> Answer:
        normalized, decoded, value_hash, schema, schema_hash, struct = drift_core.process_export_payload(
            text, merges_text
        )
        assert drift_core.object_to_protobuf_struct_bytes(text) == struct
        count = drift_core.object_to_protobuf_struct_field_count(text)
        return {
            "normalized": normalized, "decoded": decoded, "value_hash": value_hash, "schema": schema,
            "schema_hash": schema_hash, "struct_hex": struct.hex(), "field_count": count,
        }  # fmt: skip

    merges_forms = text_forms(merges) if merges is not None else {}
    answers = {
        name: attempt(lambda text=text, name=name: one(text, merges_forms.get(name, merges)))
        for name, text in text_forms(data).items()
    }
    expected = answers["bytes"]
    if "error" not in expected:
        try:
            value = native(data)
            native_merges = None if merges is None else native(merges)
        except (ValueError, RecursionError):
            return answers
        answers["pyobject"] = attempt(lambda: native_payload(value, native_merges, expected))
    return answers


def native_payload(value: Any, merges: Any, expected: Answer) -> Answer:
    """The native call; its values are brought to text again by our own normalize_json."""
    normalized, value_hash, schema, schema_hash, struct = drift_core.process_export_payload_pyobject(
        value, merges
    )
    return {
        **expected,
        "normalized": drift_core.normalize_json(json.dumps(normalized, ensure_ascii=False)),
        "value_hash": value_hash,
        "schema": drift_core.normalize_json(json.dumps(schema, ensure_ascii=False)),
        "schema_hash": schema_hash,
        "struct_hex": struct.hex(),
    }


def span(args: dict[str, Any]) -> dict[str, Answer]:
    names = ["input_schema", "output_schema", "metadata", "input_value", "output_value"]
    texts = {name: argument(args, name) for name in names}
    try:
        values = {name: None if text is None else native(text) for name, text in texts.items()}
    except (ValueError, RecursionError):
        return {}
    fields: dict[str, Any] = {name: args.get(name) or "" for name in SPAN_STRINGS + SPAN_HASHES}
    fields.update({name: int(args.get(name) or 0) for name in SPAN_INTEGERS})
    fields.update({name: bool(args.get(name)) for name in SPAN_FLAGS})
    for name in ("input_value_proto_struct", "output_value_proto_struct"):
        fields[f"{name}_bytes"] = argument(args, name)
    fields["environment"] = args.get("environment")

    def one() -> Answer:
        return {"span_hex": drift_core.build_span_proto_bytes_pyobject(**fields, **values).hex()}

    return {"pyobject": attempt(one)}


def export(args: dict[str, Any]) -> dict[str, Answer]:
    spans = [bytes.fromhex(span) for span in args["spans_hex"]]
    header = [
        args.get(name) or ""
        for name in ("observable_service_id", "environment", "sdk_version", "sdk_instance_id")
    ]
    return {
        "bytes": attempt(
            lambda: {
                "request_hex": drift_core.build_export_spans_request_bytes_pyobject(*header, spans).hex()
            }
        )
    }


def read(function: Callable[[bytes], str]) -> Callable[[dict[str, Any]], dict[str, Answer]]:
    return lambda args: {"bytes": attempt(lambda: {"json": function(bytes.fromhex(args["hex"]))})}


def difference(
    function: Callable[..., Any], from_text: bool
) -> Callable[[dict[str, Any]], dict[str, Answer]]:
    def run(args: dict[str, Any]) -> dict[str, Answer]:
        left, right = argument(args, "left"), argument(args, "right")
        answers = {"bytes": attempt(lambda: shown(function(left, right)))}
        if from_text and left is not None and right is not None:
            with contextlib.suppress(UnicodeDecodeError):
                answers["str"] = attempt(lambda: shown(function(left.decode(), right.decode())))
        return answers

    def shown(differences: list[Any]) -> Answer:
        return {
            "differences": [
                {name: difference[name] for name in ("kind", "path", "left", "right")}
                for difference in differences
            ]
        }

    return run


def span_input(args: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in args.items():
        if name.endswith("_hex"):
            members[name[:-4]] = bytes.fromhex(value)
        elif name in SPAN_INTEGERS:
            members[name] = int(value)
        else:
            members[name] = value
    return members


def process_span(args: dict[str, Any]) -> dict[str, Answer]:
    def one() -> Answer:
        result = drift_core.process_span(span_input(args.get("span", args)))
        answer = {
            name: getattr(result, name)
            for name in (
                "input_value_hash output_value_hash input_schema_hash output_schema_hash input_schema_json"
                " output_schema_json input_normalized_json output_normalized_json message_depth"
            ).split()
        }
        answer["span_hex"] = result.span_bytes.hex()
        return answer

    return {"dict": attempt(one)}


def process_spans(args: dict[str, Any]) -> dict[str, Answer]:
    spans = [
        bytes.fromhex(span["encoded_hex"]) if "encoded_hex" in span else span_input(span)
        for span in args["spans"]
    ]
    names = (
        "observable_service_id",
        "environment",
        "sdk_version",
        "sdk_instance_id",
        "max_message_depth",
        "strict",
    )
    options = {name: args[name] for name in names if args.get(name) is not None}

    def one() -> Answer:
        batch = drift_core.process_spans(spans, **options)
        errors = [
            {
                key: value
                for key, value in {
                    "error": error["code"], "offset": error["offset"], "path": error["path"], "index": error["index"],
                }.items()
                if value is not None
            }
            for error in batch.errors
        ]  # fmt: skip
        return {
            "request_hex": batch.request_bytes.hex(), "message_depths": batch.message_depths, "errors": errors,
        }  # fmt: skip

    return {"list": attempt(one)}


CALLS: dict[str, Callable[[dict[str, Any]], dict[str, Answer]]] = {
    "normalize": normalize,
    "payload": payload,
    "span": span,
    "export": export,
    "read_span": read(drift_core.span_to_json),
    "read_export": read(drift_core.export_request_to_json),
    "read_struct": read(drift_core.struct_to_json),
    "diff_json": difference(drift_core.diff_json, True),
    "diff_spans": difference(drift_core.diff_spans, False),
    "diff_export_requests": difference(drift_core.diff_export_requests, False),
    "process_span": process_span,
    "process_spans": process_spans,
}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(CALLS[request["call"]](request["args"])), flush=True)


if __name__ == "__main__":
    main()
