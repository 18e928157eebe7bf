"""Fixture calls: the arguments of a fixture in, its `expect` out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from .diff import as_expect, diff_export_requests, diff_json, diff_spans
from .errors import OracleError
from .json_text import parse
from .payload import payload
from .reading import export_request_to_json, span_to_json, struct_to_json
from .spans import EXPORT_STRINGS, export, process_span, process_spans, span
from .values import DRIFT, canonical_text, hash_text

Args = Mapping[str, Any]
Expect = dict[str, Any]


def text_argument(args: Args, name: str) -> str | bytes | None:
    """A text given as a string or, under `<name>_hex`, as bytes."""
    if f"{name}_hex" in args:
        return bytes.fromhex(args[f"{name}_hex"])
    text: str | None = args.get(name)
    return text


def _required(args: Args, name: str) -> str | bytes:
    text = text_argument(args, name)
    if text is None:
        raise KeyError(name)
    return text


def _without_hex(args: Args) -> dict[str, Any]:
    """Members whose name ends in `_hex` as bytes, under the name without it."""
    return {
        (name[:-4] if name.endswith("_hex") else name): (
            bytes.fromhex(value) if name.endswith("_hex") else value
        )
        for name, value in args.items()
    }


def normalize(args: Args) -> Expect:
    """Call `normalize`."""
    profile = args.get("profile", DRIFT)
    text = canonical_text(parse(_required(args, "input"), profile=profile), profile)
    return {"normalized": text, "sha256": hash_text(text), "blake3": hash_text(text, "blake3")}


def payload_call(args: Args) -> Expect:
    """Call `payload`."""
    result = payload(_required(args, "input"), text_argument(args, "merges"))
    return {
        "normalized": result.normalized,
        "decoded": result.decoded,
        "value_hash": result.value_hash,
        "schema": result.schema,
        "schema_hash": result.schema_hash,
        "struct_hex": result.struct.hex(),
        "field_count": result.field_count,
    }


def process_spans_call(args: Args) -> Expect:
    """Call `process_spans`: a span is `{"encoded_hex": ...}` or the members of a span input."""
    spans = [
        bytes.fromhex(given["encoded_hex"]) if "encoded_hex" in given else _without_hex(given)
        for given in args["spans"]
    ]
    batch = process_spans(spans, args, args.get("max_message_depth"), bool(args.get("strict")))
    return batch.as_expect()


CALLS: dict[str, Callable[[Args], Expect]] = {
    "normalize": normalize,
    "payload": payload_call,
    "span": lambda args: {"span_hex": span(_without_hex(args)).hex()},
    "export": lambda args: {
        "request_hex": export(args, [bytes.fromhex(encoded) for encoded in args["spans_hex"]]).hex()
    },
    "read_struct": lambda args: {"json": struct_to_json(bytes.fromhex(args["hex"]))},
    "read_span": lambda args: {"json": span_to_json(bytes.fromhex(args["hex"]))},
    "read_export": lambda args: {"json": export_request_to_json(bytes.fromhex(args["hex"]))},
    "diff_json": lambda args: as_expect(diff_json(_required(args, "left"), _required(args, "right"))),
    "diff_spans": lambda args: as_expect(
        diff_spans(bytes.fromhex(args["left_hex"]), bytes.fromhex(args["right_hex"]))
    ),
    "diff_export_requests": lambda args: as_expect(
        diff_export_requests(bytes.fromhex(args["left_hex"]), bytes.fromhex(args["right_hex"]))
    ),
    "process_span": lambda args: process_span(_without_hex(args)).as_expect(),
    "process_spans": process_spans_call,
}

_SPAN_NAMES = frozenset(
    "trace_id span_id parent_span_id name package_name instrumentation_name submodule_name package_type environment"
    " kind input_schema output_schema input_schema_hash output_schema_hash input_value_hash output_value_hash"
    " status_code status_message is_pre_app_start is_root_span timestamp_seconds timestamp_nanos duration_seconds"
    " duration_nanos metadata input_value output_value input_value_proto_struct output_value_proto_struct".split()
)

# The argument names of each call, without the suffix `_hex`; process_span judges its own.
ARGUMENTS: dict[str, frozenset[str]] = {
    "normalize": frozenset(["input", "profile"]),
    "payload": frozenset(["input", "merges"]),
    "span": _SPAN_NAMES,
    "export": frozenset([*EXPORT_STRINGS, "spans"]),
    "read_struct": frozenset(["hex"]),
    "read_span": frozenset(["hex"]),
    "read_export": frozenset(["hex"]),
    "diff_json": frozenset(["left", "right"]),
    "diff_spans": frozenset(["left", "right"]),
    "diff_export_requests": frozenset(["left", "right"]),
    "process_spans": frozenset([*EXPORT_STRINGS, "spans", "max_message_depth", "strict"]),
}


def evaluate(call: str, args: Args) -> Expect:
    """What a call gives: its results, or `{"error": ...}` with offset, path and index where they are known."""
    known = ARGUMENTS.get(call)
    if known is not None:
        names = {name[:-4] if name.endswith("_hex") else name for name in args}
        assert names <= known, f"{call} has no arguments {sorted(names - known)}"
    try:
        return CALLS[call](args)
    except OracleError as error:
        return error.as_expect()
