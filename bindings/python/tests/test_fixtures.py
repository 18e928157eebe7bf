"""Every parity fixture through every Python entry point that can take it."""

import hashlib
import json
import pathlib
from collections.abc import Iterator
from typing import Any, Callable, Optional

import drift_core
import pytest
from support import SPAN_DEFAULTS, holds_infinity, load, same

FIXTURES = pathlib.Path(__file__).resolve().parents[3] / "parity-fixtures"
MANIFEST = json.loads((FIXTURES / "manifest.json").read_text(encoding="ascii"))

Args = dict[str, Any]
#: Calls an entry point; the second part says whether it reads text, so that
#: errors have the offsets and paths of text.
Way = tuple[str, Callable[[], Any], bool]


def read_area(name: str) -> list[dict[str, Any]]:
    fixtures = json.loads((FIXTURES / name).read_text(encoding="ascii"))
    assert isinstance(fixtures, list)
    return fixtures


def text_forms(args: Args, name: str) -> list[Any]:
    """An argument as str, bytes, bytearray and memoryview, as far as it can be these."""
    if f"{name}_hex" in args:
        raw = bytes.fromhex(args[f"{name}_hex"])
    elif name in args:
        raw = args[name].encode("utf-8")
    else:
        return [None]
    forms: list[Any] = [raw, bytearray(raw), memoryview(raw)]
    try:
        forms.append(raw.decode("utf-8"))
    except UnicodeDecodeError:
        assert f"{name}_hex" in args
    return forms


def native_form(text: Any) -> Optional[Any]:
    """The Python value of a text in a one-item list; None where it has none of the same meaning."""
    if isinstance(text, (bytes, bytearray, memoryview)):
        try:
            text = bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            return None
    try:
        value = load(text)
    except (ValueError, RecursionError):
        return None
    return None if holds_infinity(value) else [value]


def has_repeated_members(text: str) -> bool:
    repeated = False

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        repeated |= len({key for key, _ in pairs}) < len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=check)
    return repeated


def normalize_ways(args: Args) -> Iterator[Way]:
    options = {"profile": args["profile"]} if "profile" in args else {}
    for text in text_forms(args, "input"):

        def run(text: Any = text) -> Any:
            normalized, sha256 = drift_core.normalize_and_hash(text, **options)
            assert drift_core.normalize_json(text, **options) == normalized
            assert drift_core.deterministic_hash(text, **options) == sha256
            blake3 = drift_core.deterministic_hash(text, algorithm="blake3", **options)
            assert drift_core.normalize_and_hash(text, algorithm="blake3", **options) == (
                normalized,
                blake3,
            )
            return {"normalized": normalized, "sha256": sha256, "blake3": blake3}

        yield type(text).__name__, run, True


def payload_ways(args: Args) -> Iterator[Way]:
    for text in text_forms(args, "input"):
        for merges in text_forms(args, "merges"):

            def run(text: Any = text, merges: Any = merges) -> Any:
                result = drift_core.process_export_payload(text, merges)
                struct_bytes = drift_core.object_to_protobuf_struct_bytes(text)
                assert struct_bytes == result[5]
                assert drift_core.normalize_json(text) == result[0]
                return {
                    "normalized": result[0],
                    "decoded": result[1],
                    "value_hash": result[2],
                    "schema": result[3],
                    "schema_hash": result[4],
                    "struct_hex": result[5].hex(),
                    "field_count": drift_core.object_to_protobuf_struct_field_count(text),
                }

            yield f"{type(text).__name__}, {type(merges).__name__}", run, True

    payload = native_form(text_forms(args, "input")[0])
    merges_text = text_forms(args, "merges")[-1]
    if payload is None or isinstance(merges_text, memoryview):
        return
    if merges_text is None:
        native_merges: Optional[Any] = [None]
    else:
        native_merges = native_form(merges_text)
        if native_merges is None or has_repeated_members(merges_text):
            return
        if native_merges == [None]:
            # The text null is a fault; natively None is the absence of merges.
            return

    def run_native() -> Any:
        result = drift_core.process_export_payload_pyobject(payload[0], native_merges[0])
        return {
            "native": result[0],
            "value_hash": result[1],
            "native_schema": result[2],
            "schema_hash": result[3],
            "struct_hex": result[4].hex(),
        }

    yield "native", run_native, False


SPAN_VALUES = ("input_schema", "output_schema", "metadata", "input_value", "output_value")


def span_ways(args: Args) -> Iterator[Way]:
    given: Args = dict(SPAN_DEFAULTS)
    for name, value in args.items():
        plain = name[:-4] if name.endswith("_hex") else name
        if plain in SPAN_VALUES:
            native = native_form(text_forms(args, plain)[0])
            if native is None:
                return
            given[plain] = native[0]
        elif name.endswith("_hex"):
            given[f"{plain}_bytes"] = bytes.fromhex(value)
        elif name in TIMES:
            given[name] = int(value)
        elif value is not None:
            given[name] = value

    def run() -> Any:
        encoded = drift_core.build_span_proto_bytes_pyobject(**given)
        assert drift_core.build_span_proto_bytes_pyobject(*given.values()) == encoded
        return {"span_hex": encoded.hex()}

    yield "native", run, False


EXPORT_STRINGS = ("observable_service_id", "environment", "sdk_version", "sdk_instance_id")


def export_ways(args: Args) -> Iterator[Way]:
    strings = [args.get(name, "") for name in EXPORT_STRINGS]
    spans = [bytes.fromhex(span) for span in args["spans_hex"]]

    def run() -> Any:
        request = drift_core.build_export_spans_request_bytes_pyobject(*strings, spans)
        return {"request_hex": request.hex()}

    yield "bytes", run, True


def reading_ways(call: Callable[[Any], str]) -> Callable[[Args], Iterator[Way]]:
    def ways(args: Args) -> Iterator[Way]:
        raw = bytes.fromhex(args["hex"])
        for form in (raw, bytearray(raw), memoryview(raw)):
            yield type(form).__name__, lambda form=form: {"json": call(form)}, True

    return ways


def diff_ways(call: Callable[[Any, Any], Any]) -> Callable[[Args], Iterator[Way]]:
    def ways(args: Args) -> Iterator[Way]:
        for left, right in zip(text_forms(args, "left"), text_forms(args, "right")):
            if call is not drift_core.diff_json and isinstance(left, str):
                continue
            if isinstance(left, str) != isinstance(right, str):
                continue
            yield (
                type(left).__name__,
                lambda left=left, right=right: {"differences": call(left, right)},
                True,
            )

    return ways


def span_members(args: Args) -> Args:
    """The members as fixtures write them: bytes under a name that ends in `_hex`."""
    members: Args = {}
    for name, value in args.items():
        if name.endswith("_hex"):
            members[name[:-4]] = bytes.fromhex(value)
        else:
            members[name] = int(value) if name in TIMES and value is not None else value
    return members


def native_members(members: Args) -> Optional[Args]:
    """The same span with Python values instead of texts."""
    native: Args = {}
    for name, value in members.items():
        if name in ("input_json", "output_json", "metadata_json") and value is not None:
            form = native_form(value)
            if form is None:
                return None
            native["metadata" if name == "metadata_json" else f"{name[:-5]}_value"] = form[0]
        elif name in ("input_merges", "output_merges") and isinstance(value, (str, bytes)):
            form = native_form(value)
            if form is None or not isinstance(form[0], dict):
                return None
            if has_repeated_members(value if isinstance(value, str) else value.decode()):
                return None
            native[name] = form[0]
        elif name in native:
            return None
        else:
            native[name] = value
    return native


def as_expect(span: drift_core.ProcessedSpan) -> Any:
    return {
        "span_hex": span.span_bytes.hex(),
        "message_depth": span.message_depth,
        "input_value_hash": span.input_value_hash,
        "input_schema_hash": span.input_schema_hash,
        "input_schema_json": span.input_schema_json,
        "input_normalized_json": span.input_normalized_json,
        "output_value_hash": span.output_value_hash,
        "output_schema_hash": span.output_schema_hash,
        "output_schema_json": span.output_schema_json,
        "output_normalized_json": span.output_normalized_json,
    }


def as_bytes(members: Args) -> Args:
    """The same span with its texts as UTF-8."""
    return {
        name: value.encode("utf-8")
        if isinstance(value, str) and name.endswith(("_json", "_merges"))
        else value
        for name, value in members.items()
    }


def process_span_ways(args: Args) -> Iterator[Way]:
    members = span_members(args)
    native = native_members(members)
    yield "text", lambda: as_expect(drift_core.process_span(members)), True
    yield "bytes", lambda: as_expect(drift_core.process_span(as_bytes(members))), True
    if native is not None:
        yield "native", lambda: as_expect(drift_core.process_span(native)), False


def process_spans_ways(args: Args) -> Iterator[Way]:
    options = {name: value for name, value in args.items() if name != "spans"}
    spans = [
        bytes.fromhex(span["encoded_hex"]) if "encoded_hex" in span else span_members(span)
        for span in args["spans"]
    ]
    natives = [span if isinstance(span, bytes) else native_members(span) for span in spans]

    def run(spans: Any) -> Any:
        batch = drift_core.process_spans(spans, **options)
        return {
            "request_hex": batch.request_bytes.hex(),
            "message_depths": batch.message_depths,
            "errors": [
                {"error": fault["code"]}
                | {name: fault[name] for name in ("offset", "path", "index")}
                for fault in batch.errors
            ],
        }

    yield "text", lambda: run(spans), True
    yield (
        "bytes",
        lambda: run([span if isinstance(span, bytes) else as_bytes(span) for span in spans]),
        True,
    )
    if all(span is not None for span in natives):
        yield "native", lambda: run(tuple(natives)), False


WAYS: dict[str, Callable[[Args], Iterator[Way]]] = {
    "normalize": normalize_ways,
    "payload": payload_ways,
    "span": span_ways,
    "export": export_ways,
    "read_struct": reading_ways(drift_core.struct_to_json),
    "read_span": reading_ways(drift_core.span_to_json),
    "read_export": reading_ways(drift_core.export_request_to_json),
    "diff_json": diff_ways(drift_core.diff_json),
    "diff_spans": diff_ways(drift_core.diff_spans),
    "diff_export_requests": diff_ways(drift_core.diff_export_requests),
    "process_span": process_span_ways,
    "process_spans": process_spans_ways,
}


#: Times are strings in the fixtures, because JavaScript's JSON would round them.
TIMES = ("timestamp_seconds", "timestamp_nanos", "duration_seconds", "duration_nanos")


def check_error(expect: Args, found: Args, is_text: bool) -> None:
    """A fixture names what it knows; offsets and paths are those of text."""
    assert found["error"] == expect["error"]
    if "index" in expect:
        assert found["index"] == expect["index"]
    if is_text:
        for name in ("offset", "path"):
            if name in expect:
                assert found[name] == expect[name], name


def check(expect: Args, run: Callable[[], Any], is_text: bool) -> None:
    try:
        found = run()
    except (drift_core.DriftError, drift_core.DriftTypeError) as error:
        assert "error" in expect, f"unexpected: {error!r}"
        details = {"error": error.code, "offset": error.offset, "path": error.path}
        check_error(expect, {**details, "index": error.index}, is_text)
        return
    assert "error" not in expect, f"no error, but {found!r}"
    for name, value in found.items():
        if name == "native":
            assert same(value, load(expect["normalized"]))
        elif name == "native_schema":
            assert same(value, load(expect["schema"]))
        elif name == "errors":
            assert len(value) == len(expect["errors"])
            for fault, expected in zip(value, expect["errors"]):
                check_error(expected, fault, is_text)
        else:
            assert value == expect[name], name


@pytest.mark.parametrize("area", sorted(MANIFEST["files"]))
def test_every_fixture_of_an_area_holds_through_every_entry_point(area: str) -> None:
    fixtures = read_area(area)
    assert len(fixtures) == MANIFEST["files"][area]["count"]
    checked = 0
    for fixture in fixtures:
        name, args, expect = fixture["name"], fixture["args"], fixture["expect"]
        ways = list(WAYS[fixture["call"]](args))
        for way, run, is_text in ways:
            if expect.get("error") == "invalid_merges" and "offset" in expect and not is_text:
                # The merges' text is at fault, not what it says.
                continue
            try:
                check(expect, run, is_text)
            except AssertionError as error:
                raise AssertionError(f"{area}: {name} ({way}): {error}") from error
        # A text that is no JSON has no native form, and spans take native forms only.
        assert ways or (fixture["call"] == "span" and "error" in expect), name
        checked += 1
    assert checked == MANIFEST["files"][area]["count"]


def test_the_fixture_files_are_those_of_the_manifest() -> None:
    files = {path.name for path in FIXTURES.glob("*.json")} - {"manifest.json"}
    assert files == set(MANIFEST["files"])
    assert sum(area["count"] for area in MANIFEST["files"].values()) == MANIFEST["count"] >= 200
    for name, area in MANIFEST["files"].items():
        assert hashlib.sha256((FIXTURES / name).read_bytes()).hexdigest() == area["sha256"], name
