"""Times calls of the `drift_core` that this interpreter has, on request.

Reads one JSON request a line, `{"call", "payload", "calls", "parts"}`, answers
with nanoseconds a call, one number for each part. Every timed call gets a
string object that was not seen before: CPython keeps the UTF-8 of a string it
has encoded. Results are dropped inside the timed loop, arguments after it.

Parts: `call`, the call itself; `join`, `b"".join` of an export request's
spans; `host`, the conversions that a binding cannot avoid, each by all ways.
Those of a Python value are in the library of `benches/host`, the second argument.
Runs in the environment of the published package too, without it.
"""

from __future__ import annotations

import codecs
import ctypes
import gc
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import drift_core

FOLDER = Path(sys.argv[1])
BATCH = 512
FIELDS = {
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "span_id": "00f067aa0ba902b7",
    "parent_span_id": "",
    "name": "GET /api/v1/orders",
    "package_name": "http",
    "instrumentation_name": "requests",
    "submodule_name": "GET",
    "package_type": 1,
    "environment": "production",
    "kind": 2,
    "status_code": 1,
    "status_message": "",
    "is_pre_app_start": False,
    "is_root_span": True,
    "timestamp_seconds": 1_790_000_000,
    "timestamp_nanos": 123_456_789,
    "duration_seconds": 0,
    "duration_nanos": 5_000_000,
}
HEADER = ("service", "production", "0.2.0", "instance")


class Corpus:
    """The documents of a payload, as bytes, and its merges."""

    def __init__(self, name: str) -> None:
        files = (FOLDER / f"{name}.{place}.json" for place in itertools.count())
        self.documents = [file.read_bytes() for file in itertools.takewhile(Path.exists, files)]
        merges = FOLDER / f"{name}.merges.json"
        self.merges: str | None = merges.read_text() if merges.exists() else None
        self.next = itertools.cycle(self.documents)

    def take(self, count: int) -> list[bytes]:
        return list(itertools.islice(self.next, count))


corpora: dict[str, Corpus] = {}


def corpus(name: str) -> Corpus:
    if name not in corpora:
        # One at a time: the large ones would fill the caches of the others.
        for old in [old for old in corpora if not old.startswith("request-")]:
            del corpora[old]
        corpora[name] = Corpus(name)
    return corpora[name]


def timed(function: Callable[..., Any], arguments: list[Any], *others: Any) -> float:
    """Nanoseconds a call; the first argument warms up, since another process ran meanwhile."""
    gc.collect()
    gc.freeze()
    function(arguments[0], *others)
    rest = itertools.islice(arguments, 1, None)
    if others:
        (other,) = others
        start = time.perf_counter_ns()
        for argument in rest:
            function(argument, other)
        end = time.perf_counter_ns()
    else:
        start = time.perf_counter_ns()
        for argument in rest:
            function(argument)
        end = time.perf_counter_ns()
    gc.unfreeze()
    return (end - start) / (len(arguments) - 1)


def plain_call(call: str, way: str, payload: str, calls: int) -> float:
    documents = corpus(payload)
    taken = documents.take(calls + 1)
    function = getattr(drift_core, call)
    if call == "process_export_payload_pyobject":
        merges = json.loads(documents.merges) if documents.merges else None
        return timed(function, [json.loads(text) for text in taken], merges)
    arguments = (
        [bytes(bytearray(text)) for text in taken] if way == "bytes" else [text.decode() for text in taken]
    )
    if call == "process_export_payload":
        return timed(function, arguments, documents.merges)
    return timed(function, arguments)


def published_span_of_text(texts: tuple[str, str]) -> Any:
    request = drift_core.process_export_payload(texts[0], None)
    response = drift_core.process_export_payload(texts[1], None)
    return drift_core.build_span_proto_bytes_pyobject(
        **FIELDS,
        input_schema=json.loads(request[3]),
        output_schema=json.loads(response[3]),
        input_schema_hash=request[4],
        output_schema_hash=response[4],
        input_value_hash=request[2],
        output_value_hash=response[2],
        metadata=None,
        input_value=None,
        output_value=None,
        input_value_proto_struct_bytes=request[5],
        output_value_proto_struct_bytes=response[5],
    )


def published_span_of_objects(values: tuple[Any, Any]) -> Any:
    request = drift_core.process_export_payload_pyobject(values[0], None)
    response = drift_core.process_export_payload_pyobject(values[1], None)
    return drift_core.build_span_proto_bytes_pyobject(
        **FIELDS,
        input_schema=request[2],
        output_schema=response[2],
        input_schema_hash=request[3],
        output_schema_hash=response[3],
        input_value_hash=request[1],
        output_value_hash=response[1],
        metadata=None,
        input_value=request[0],
        output_value=response[0],
        input_value_proto_struct_bytes=request[4],
        output_value_proto_struct_bytes=response[4],
    )


def ours_span(span: Any) -> Any:
    made = drift_core.process_span(span)
    # What an SDK reads of it.
    return (
        made.span_bytes,
        made.input_value_hash,
        made.output_value_hash,
        made.input_schema_hash,
        made.output_schema_hash,
    )


def whole_span(way: str, payload: str, calls: int) -> float:
    requests = corpus(f"request-341B-{payload.rsplit('-', 1)[1]}").take(calls + 1)
    responses = corpus(payload).take(calls + 1)
    read: Callable[[bytes], Any] = json.loads if way == "object" else bytes.decode
    pairs = [(read(request), read(response)) for request, response in zip(requests, responses)]
    if not hasattr(drift_core, "process_span"):
        return timed(published_span_of_objects if way == "object" else published_span_of_text, pairs)
    names = ("input_value", "output_value") if way == "object" else ("input_json", "output_json")
    return timed(ours_span, [{**FIELDS, **dict(zip(names, pair))} for pair in pairs])


def batch(payload: str, calls: int) -> float:
    def spans() -> list[dict[str, Any]]:
        return [{**FIELDS, "output_json": text.decode()} for text in corpus(payload).take(BATCH)]

    return timed(drift_core.process_spans, [spans() for _ in range(calls + 1)])


def encoded_spans() -> list[bytes]:
    """The spans that `run.py` wrote, each in memory of its own."""
    lengths = json.loads((FOLDER / "spans.json").read_text())
    with (FOLDER / "spans.bin").open("rb") as file:
        return [file.read(length) for length in lengths]


def export(part: str, calls: int) -> float:
    lists = [encoded_spans()] * (calls + 1)
    if part == "join":
        return timed(b"".join, lists)
    build = drift_core.build_export_spans_request_bytes_pyobject
    return timed(lambda spans: build(*HEADER, spans), lists)


def ways_to_encode(texts: list[str]) -> dict[str, float]:
    return {
        "utf-8": timed(codecs.utf_8_encode, fresh(texts)),
        "utf-16-le": timed(codecs.utf_16_le_encode, fresh(texts)),
    }


def fresh(texts: list[str]) -> list[str]:
    """The same texts as objects not seen before."""
    return [text.encode().decode() for text in texts]


def ways_to_decode(texts: list[str]) -> dict[str, float]:
    ways = {
        "utf-8": timed(codecs.utf_8_decode, [text.encode() for text in texts]),
        "utf-16-le": timed(codecs.utf_16_le_decode, [text.encode("utf-16-le") for text in texts]),
    }
    if all(text.isascii() for text in texts):
        ways["ascii"] = timed(codecs.ascii_decode, [text.encode() for text in texts])
    return ways


def ways_of_outputs(outputs: Iterator[Any]) -> dict[str, dict[str, float]]:
    """Each output of a call, by position, made in every way."""
    ways = {}
    for place, column in enumerate(outputs):
        if isinstance(column[0], str):
            ways[f"output {place}"] = ways_to_decode(list(column))
        else:
            ways[f"output {place}"] = {
                "copy": timed(memoryview.tobytes, [memoryview(each) for each in column])
            }
    return ways


# The ways to fetch the leaves of a value, as `benches/host` counts them.
NOT_AT_ALL = 0
LEAVES = {"utf-8": 1, "ucs-4": 2, "long ones ucs-4": 3}


def timed_host(values: list[Any], way: int) -> float:
    """Nanoseconds for each value but the first: its leaves fetched and new containers made."""
    measure = ctypes.PyDLL(sys.argv[2]).drift_host_nanoseconds
    measure.argtypes, measure.restype = [ctypes.py_object, ctypes.c_int], ctypes.c_double
    gc.collect()
    gc.disable()
    nanoseconds: float = measure(values, way)
    gc.enable()
    if nanoseconds < 0:
        raise SystemExit("the interpreter refused what the limit asks of it")
    return nanoseconds


def host_of_objects(payload: str, calls: int) -> dict[str, dict[str, float]]:
    documents = corpus(payload)
    texts = documents.take(calls + 1)
    merges = json.loads(documents.merges) if documents.merges else None
    made = [drift_core.process_export_payload_pyobject(json.loads(text), merges) for text in texts]
    _, hashes, schemas, schema_hashes, structs = zip(*made)
    leaves = LEAVES
    if all(text.decode().isascii() for text in texts):
        # Nothing is cheaper than bytes in place.
        leaves = {"utf-8": LEAVES["utf-8"]}
    return {
        # Each way gets values not seen before.
        "value": {
            name: timed_host([json.loads(text) for text in texts], way) for name, way in leaves.items()
        },
        "schema": {"copy": timed_host(list(schemas), NOT_AT_ALL)},
        **ways_of_outputs(iter([hashes, schema_hashes, structs])),
    }


def host(call: str, way: str, payload: str, calls: int) -> dict[str, dict[str, float]]:
    if call == "process_export_payload_pyobject":
        return host_of_objects(payload, calls)
    documents = corpus(payload)
    texts = [text.decode() for text in documents.take(calls + 1)]
    ways: dict[str, dict[str, float]] = {}
    # The bytes of an ASCII string are its UTF-8: read in place, like bytes.
    if way == "text" and not all(text.isascii() for text in texts):
        ways["argument"] = ways_to_encode(texts)
    if call == "process_export_payload":
        results = [drift_core.process_export_payload(text, documents.merges) for text in texts]
        if documents.merges is None:
            # Both texts are equal: one string.
            results = [result[:1] + result[2:] for result in results]
    elif call == "normalize_and_hash":
        results = [drift_core.normalize_and_hash(text) for text in texts]
    else:
        results = [(drift_core.deterministic_hash(text),) for text in texts]
    return {**ways, **ways_of_outputs(zip(*results))}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    call, calls = request["call"], request["calls"]
    payload, way = request.get("payload", ""), request.get("way", "text")
    made: dict[str, Any] = {}
    for part in request["parts"]:
        if part == "host":
            made[part] = host(call, way, payload, calls)
        elif call == "export_request":
            made[part] = export(part, calls)
        elif call == "process_span":
            made[part] = whole_span(way, payload, calls)
        elif call == "process_spans":
            made[part] = batch(payload, calls)
        else:
            made[part] = plain_call(call, way, payload, calls)
    return made


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


main()
