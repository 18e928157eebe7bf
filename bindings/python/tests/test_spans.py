"""Spans, batches, reading back and differences."""

import json
import threading
from typing import Any, Optional

import drift_core
import pytest
from support import SPAN_DEFAULTS


def build(**given: Any) -> bytes:
    return drift_core.build_span_proto_bytes_pyobject(**{**SPAN_DEFAULTS, **given})


def read(span: bytes) -> dict[str, Any]:
    value = json.loads(drift_core.span_to_json(span))
    assert isinstance(value, dict)
    return value


STRINGS = [name for name, value in SPAN_DEFAULTS.items() if value == ""]
INT32 = ["package_type", "kind", "status_code", "timestamp_nanos", "duration_nanos"]
INT64 = ["timestamp_seconds", "duration_seconds"]
BOOLS = ["is_pre_app_start", "is_root_span"]
VALUES = ["input_schema", "output_schema", "metadata", "input_value", "output_value"]
STRUCTS = ["input_value_proto_struct_bytes", "output_value_proto_struct_bytes"]


class Index:
    def __index__(self) -> int:
        return 1


class BadIndex:
    def __index__(self) -> int:
        raise RuntimeError("no index")


def test_an_empty_span_has_its_messages_and_nothing_else() -> None:
    assert build().hex(" ") == "4a 00 52 00 5a 00 62 00 92 01 00 a2 01 00 aa 01 00 ba 01 00"


def test_an_environment_is_written_when_given() -> None:
    assert build(environment="").hex(" ").endswith("c2 01 00")
    assert "environment" not in read(build())


@pytest.mark.parametrize("name", STRINGS)
def test_a_string_argument_is_a_string(name: str) -> None:
    for wrong in (1, b"x", None, [], object()):
        with pytest.raises(drift_core.DriftTypeError) as caught:
            build(**{name: wrong})
        assert (caught.value.code, caught.value.path) == ("invalid_argument", f"$.{name}")
    assert build(**{name: "a\ud800b"}) == build(**{name: "a\ufffdb"})


@pytest.mark.parametrize("name", INT32 + INT64)
def test_an_integer_argument_is_an_integer_that_fits(name: str) -> None:
    for wrong in (1.0, "1", None, [], 1j):
        with pytest.raises(drift_core.DriftTypeError) as caught:
            build(**{name: wrong})
        assert (caught.value.code, caught.value.path) == ("invalid_argument", f"$.{name}")
    bits = 31 if name in INT32 else 63
    for beyond in (2**bits, -(2**bits) - 1, 10**30):
        with pytest.raises(OverflowError):
            build(**{name: beyond})
        with pytest.raises(OverflowError):
            drift_core.process_span({name: beyond})
    assert build(**{name: Index()}) == build(**{name: True}) == build(**{name: 1})
    with pytest.raises(RuntimeError):
        build(**{name: BadIndex()})


@pytest.mark.parametrize("name", [*INT64, "timestamp_nanos", "duration_nanos"])
def test_times_are_not_checked(name: str) -> None:
    bits = 31 if name.endswith("nanos") else 63
    part, unit = name.split("_")
    for number in (-(2**bits), -1, 2**bits - 1):
        assert read(build(**{name: number}))[part][unit] == number


@pytest.mark.parametrize(
    ("name", "largest"), [("package_type", 11), ("kind", 5), ("status_code", 2)]
)
def test_an_enum_argument_is_in_its_range(name: str, largest: int) -> None:
    for number in (0, largest):
        build(**{name: number})
    for number in (-1, largest + 1):
        with pytest.raises(drift_core.DriftError) as caught:
            build(**{name: number})
        assert (caught.value.code, caught.value.path) == ("invalid_enum", f"$.{name}")
        assert str(number) in str(caught.value)


@pytest.mark.parametrize("name", BOOLS)
def test_a_boolean_argument_is_a_boolean(name: str) -> None:
    for wrong in (1, 0, None, "", []):
        with pytest.raises(drift_core.DriftTypeError) as caught:
            build(**{name: wrong})
        assert caught.value.path == f"$.{name}"


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_is_no_object_is_an_empty_message(name: str) -> None:
    for other in (None, 1, "x", [], [1], float("nan"), {}):
        assert build(**{name: other}) == build()


@pytest.mark.parametrize("name", VALUES)
def test_a_fault_in_a_value_names_the_argument_and_the_place(name: str) -> None:
    with pytest.raises(drift_core.DriftTypeError) as caught:
        build(**{name: {"a": [{1}]}})
    assert (caught.value.code, caught.value.path) == ("unsupported_type", f"$.{name}.a[0]")
    with pytest.raises(drift_core.DriftTypeError) as caught:
        build(**{name: {"a": {1: 2}}})
    assert (caught.value.code, caught.value.path) == ("invalid_key", f"$.{name}.a")


@pytest.mark.parametrize("name", STRUCTS)
def test_struct_bytes_win_over_the_value_which_must_be_valid(name: str) -> None:
    value = name[: -len("_proto_struct_bytes")]
    struct = drift_core.object_to_protobuf_struct_bytes('{"b":2}')
    assert build(**{name: struct, value: {"a": 1}}) == build(**{value: {"b": 2}})
    assert build(**{name: b"", value: {"a": 1}}) == build()
    with pytest.raises(drift_core.DriftTypeError):
        build(**{name: struct, value: {"a": {1}}})
    for wrong in (bytearray(struct), memoryview(struct), [], "x", 1):
        with pytest.raises(drift_core.DriftTypeError) as caught:
            build(**{name: wrong})
        assert caught.value.path == f"$.{name}"
    for broken in (b"\x07", b"\x0a\x05a", b"\x08\x01"):
        with pytest.raises(drift_core.DriftError) as value_caught:
            build(**{name: broken})
        assert value_caught.value.code == "invalid_protobuf"
        assert value_caught.value.path == f"$.{name}"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("levels", [33, 34, 62, 63, 64, 126, 127])
def test_whatever_our_calls_return_our_calls_take(levels: int) -> None:
    value, value_hash, schema, schema_hash, struct = drift_core.process_export_payload_pyobject(
        nested(levels), None
    )
    span = build(
        input_schema=schema,
        input_value=value,
        input_value_proto_struct_bytes=struct,
        input_value_hash=value_hash,
        input_schema_hash=schema_hash,
    )
    assert read(span)["inputValue"] == nested(levels)
    request = drift_core.build_export_spans_request_bytes_pyobject("", "", "", "", [span])
    assert json.loads(drift_core.export_request_to_json(request))["spans"][0] == read(span)
    processed = drift_core.process_span({"input_value": nested(levels)})
    assert processed.input_value_hash == value_hash
    assert processed.input_schema_hash == schema_hash
    assert processed.message_depth == max(1 + 3 * levels, 2 + 2 * levels)


def test_a_schema_may_have_258_levels() -> None:
    build(input_schema=nested(258))
    with pytest.raises(drift_core.DriftError) as caught:
        build(input_schema=nested(259))
    assert caught.value.code == "depth_exceeded"


def test_span_bytes_are_the_same_from_call_to_call() -> None:
    value = {f"key{i}": i for i in range(100)}
    schema = drift_core.process_export_payload_pyobject(value, None)[2]
    assert len({build(input_schema=schema, input_value=value) for _ in range(20)}) == 1


def test_spans_of_an_export_request_are_a_list_of_bytes() -> None:
    export = drift_core.build_export_spans_request_bytes_pyobject
    assert export("a", "b", "c", "d", [b"\x0a\x01x"]).hex() == "0a01611201621a01632201642a030a0178"
    assert export("", "", "", "\ud800", []) == b"\x22\x03\xef\xbf\xbd"

    class ListOverride(list):
        def __iter__(self) -> Any:
            raise AssertionError

    assert export("", "", "", "", ListOverride([b""])) == b"\x2a\x00"
    for wrong in ((), None, {}, b"", "", iter([b""]), {b""}):
        with pytest.raises(drift_core.DriftTypeError):
            export("", "", "", "", wrong)
    for item in (None, "x", [], bytearray(), memoryview(b"")):
        with pytest.raises(drift_core.DriftTypeError):
            export("", "", "", "", [b"", item])
    with pytest.raises(drift_core.DriftTypeError):
        export(None, "", "", "", [])


@pytest.mark.parametrize("length", [0, 3, 4, 5, 127, 128, 16_383, 16_384, 40_000])
def test_spans_of_any_length_lie_in_an_export_request_as_they_are(length: int) -> None:
    # An unknown field, again and again, at last with a varint of the length that is left.
    filler, left = b"\xf8\x06\x01", length % 3
    span = filler * (length // 3)
    if left:
        span = span[:-1] + b"\x80" * left + b"\x00"
    prefix, size = b"\x2a", length
    while size >= 0x80:
        prefix += bytes([size & 0x7F | 0x80])
        size >>= 7
    one = prefix + bytes([size]) + span
    export = drift_core.build_export_spans_request_bytes_pyobject
    assert len(span) == length
    assert (
        export("", "test", "", "", [span, b"", span]) == b"\x12\x04test" + one + b"\x2a\x00" + one
    )
    assert export("", "", "", "", [span]) == one
    assert export("", "", "", "", []) == b""


def test_the_first_bad_span_is_named_by_its_index() -> None:
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.build_export_spans_request_bytes_pyobject(
            "", "", "", "", [b"", b"\x07", b"\x07"]
        )
    assert (caught.value.code, caught.value.index) == ("invalid_protobuf", 1)


FULL: dict[str, Any] = {
    "trace_id": "t",
    "span_id": "s",
    "parent_span_id": "p",
    "name": "GET /",
    "package_name": "http",
    "instrumentation_name": "i",
    "submodule_name": "m",
    "package_type": 1,
    "environment": "test",
    "kind": 2,
    "status_code": 1,
    "status_message": "ok",
    "is_pre_app_start": True,
    "is_root_span": True,
    "timestamp_seconds": 1,
    "timestamp_nanos": 2,
    "duration_seconds": 3,
    "duration_nanos": 4,
}


@pytest.mark.parametrize("form", ["text", "bytes", "native"])
def test_one_call_for_a_span_is_the_three_calls(form: str) -> None:
    request, response = {"q": [1, "\u00e9"], "b": "eyJhIjoxfQ=="}, {"status": 200.5}
    merges = {"b": {"encoding": 1, "decoded_type": 1}}
    given: dict[str, Any] = dict(FULL)
    if form == "native":
        given.update(input_value=request, output_value=response, metadata={"m": 1})
        given.update(input_merges=merges, output_merges={})
    else:
        encode = (lambda text: text) if form == "text" else str.encode
        given.update(input_json=encode(json.dumps(request)), output_json=encode('{"status":200.5}'))
        given.update(metadata_json=encode('{"m":1}'), input_merges=encode(json.dumps(merges)))
    processed = drift_core.process_span(given)
    one = drift_core.process_export_payload(json.dumps(request), json.dumps(merges))
    two = drift_core.process_export_payload(json.dumps(response), None)
    assert processed.input_normalized_json == one[0]
    assert processed.input_value_hash == one[2]
    assert processed.input_schema_json == one[3]
    assert processed.input_schema_hash == one[4]
    assert processed.output_normalized_json == two[0]
    assert processed.output_value_hash == two[2]
    assert processed.output_schema_json == two[3]
    assert processed.output_schema_hash == two[4]
    assert processed.span_bytes == build(
        **FULL,
        input_schema=json.loads(one[3]),
        output_schema=json.loads(two[3]),
        input_schema_hash=one[4],
        output_schema_hash=two[4],
        input_value_hash=one[2],
        output_value_hash=two[2],
        metadata={"m": 1},
        input_value=request,
        output_value=response,
    )
    assert repr(processed).startswith("<ProcessedSpan")
    with pytest.raises(AttributeError):
        processed.span_bytes = b""


def test_none_is_absent_for_every_member_but_native_values() -> None:
    members = [*FULL, "input_json", "output_json", "metadata_json", "input_merges", "output_merges"]
    assert (
        drift_core.process_span(dict.fromkeys(members)).span_bytes
        == drift_core.process_span({}).span_bytes
    )
    assert drift_core.process_span({"input_value": None}).input_normalized_json == "null"
    assert drift_core.process_span({}).input_normalized_json == "{}"


WRONG_MEMBERS: dict[str, tuple[Any, type, str, Optional[str]]] = {
    "no dict": ([], TypeError, "invalid_argument", None),
    "an unknown member": ({"nome": 1}, TypeError, "invalid_argument", "$.nome"),
    "a member of the other language": ({"traceId": ""}, TypeError, "invalid_argument", "$.traceId"),
    "a name of another type": ({"name": 1}, TypeError, "invalid_argument", "$.name"),
    "a number of another type": ({"kind": "1"}, TypeError, "invalid_argument", "$.kind"),
    "a Boolean of another type": (
        {"is_root_span": 1},
        TypeError,
        "invalid_argument",
        "$.is_root_span",
    ),
    "a text of another type": ({"input_json": {}}, TypeError, "invalid_argument", "$.input_json"),
    "both forms": (
        {"output_json": "1", "output_value": 1},
        TypeError,
        "invalid_argument",
        "$.output_value",
    ),
    "an enum out of range": ({"kind": 6}, ValueError, "invalid_enum", "$.kind"),
    "text that is no JSON": ({"input_json": "{"}, ValueError, "invalid_json", "$.input_json"),
    "metadata that is no JSON": (
        {"metadata_json": b"\xff"},
        ValueError,
        "invalid_utf8",
        "$.metadata_json",
    ),
    "a value without a form": (
        {"input_value": {"a": {1}}},
        TypeError,
        "unsupported_type",
        "$.input_value.a",
    ),
    "merges that are none": ({"input_merges": []}, ValueError, "invalid_merges", "$.input_merges"),
    "merges with a fault": (
        {"output_merges": {"a": {"encoding": "x"}}},
        ValueError,
        "invalid_merges",
        "$.output_merges.a.encoding",
    ),
    "merges beyond JSON": (
        {"output_merges": {"a": {"encoding": {1}}}},
        TypeError,
        "invalid_merges",
        "$.output_merges.a.encoding",
    ),
}


@pytest.mark.parametrize("name", WRONG_MEMBERS)
def test_a_bad_span_is_refused_with_the_member_and_reported_in_a_batch(name: str) -> None:
    span, host, code, path = WRONG_MEMBERS[name]
    with pytest.raises((drift_core.DriftError, drift_core.DriftTypeError)) as caught:
        drift_core.process_span(span)
    assert isinstance(caught.value, host)
    assert caught.value.code == code
    if path is not None:
        assert caught.value.path == path

    batch = drift_core.process_spans([{"name": "good"}, span, b""])
    assert batch.message_depths == [2, None, 1]
    (fault,) = batch.errors
    assert (fault["index"], fault["code"]) == (1, code)
    if path is not None:
        assert fault["path"] == path
    assert fault["message"]
    good = drift_core.process_span({"name": "good"}).span_bytes
    assert batch.request_bytes == drift_core.build_export_spans_request_bytes_pyobject(
        "", "", "", "", [good, b""]
    )

    with pytest.raises((drift_core.DriftError, drift_core.DriftTypeError)) as caught:
        drift_core.process_spans([{"name": "good"}, span, b"\x07"], strict=True)
    assert isinstance(caught.value, host)
    assert (caught.value.code, caught.value.index) == (code, 1)


def test_an_integer_that_does_not_fit_is_reported_in_a_batch_and_raised_when_strict() -> None:
    span: Any = {"timestamp_seconds": 2**63}
    (fault,) = drift_core.process_spans([span]).errors
    assert (fault["code"], fault["path"]) == ("invalid_argument", "$.timestamp_seconds")
    with pytest.raises(OverflowError) as caught:
        drift_core.process_spans([{}, span], strict=True)
    assert caught.value.index == 1


def test_a_cause_reaches_the_caller_of_a_strict_batch() -> None:
    with pytest.raises(drift_core.DriftTypeError) as caught:
        drift_core.process_spans([{"input_value": BadIndex()}], strict=True)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_batch_leaves_out_spans_that_nest_too_many_messages() -> None:
    deep = {"input_value": nested(40)}
    depth = drift_core.process_span(deep).message_depth
    assert depth == 121
    spans: Any = [deep, drift_core.process_span(deep).span_bytes, {}]
    for limit, left_out in ((None, 0), (121, 0), (120, 2), (2, 2), (1, 3), (0, 3)):
        batch = drift_core.process_spans(spans, max_message_depth=limit)
        assert [fault["index"] for fault in batch.errors] == [0, 1, 2][:left_out]
        assert {fault["code"] for fault in batch.errors} <= {"depth_exceeded"}
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.process_spans(spans, max_message_depth=100, strict=True)
    assert (caught.value.code, caught.value.index) == ("depth_exceeded", 0)
    with pytest.raises(drift_core.DriftError):
        drift_core.process_spans([], max_message_depth=-1)
    for wrong in (1.5, "1"):
        with pytest.raises(drift_core.DriftTypeError):
            drift_core.process_spans([], max_message_depth=wrong)


def test_a_batch_takes_the_strings_of_the_request() -> None:
    batch = drift_core.process_spans(
        (),
        observable_service_id="a",
        environment="b",
        sdk_version="c",
        sdk_instance_id="d\ud800",
    )
    assert json.loads(drift_core.export_request_to_json(batch.request_bytes)) == {
        "observableServiceId": "a",
        "environment": "b",
        "sdkVersion": "c",
        "sdkInstanceId": "d\ufffd",
        "spans": [],
    }
    assert repr(batch) == "<ProcessedBatch of 15 bytes, 0 spans given, 0 left out>"
    for wrong in ({}, None, "", b"", iter([])):
        with pytest.raises(drift_core.DriftTypeError):
            drift_core.process_spans(wrong)
    with pytest.raises(drift_core.DriftTypeError):
        drift_core.process_spans([], environment=1)
    with pytest.raises(drift_core.DriftTypeError):
        drift_core.process_spans([], strict=1)


def large_span(place: int) -> dict[str, Any]:
    """Two hundred of them are shared out over the processors while they are read."""
    letters = ("a", "\u00e9", "\u65e5", "\U0001f600")[place % 4]
    text = json.dumps({"n": place, "text": letters * (1000 + place)}, ensure_ascii=False)
    return {
        "name": f"span {place}",
        "input_json": text if place % 2 else text.encode(),
        "output_value": {"place": place, "rows": [place] * 100},
    }


def test_a_large_batch_is_its_spans_one_by_one() -> None:
    spans: list[Any] = [large_span(place) for place in range(200)]
    alone = [drift_core.process_span(span) for span in spans]
    # Spans that are encoded already and bad ones stand between them.
    spans[50] = alone[50].span_bytes
    spans[51] = {"input_json": "[" * 200_000}
    spans[120] = bytearray(alone[120].span_bytes)
    spans[199] = 5
    good = [span.span_bytes for place, span in enumerate(alone) if place not in (51, 199)]
    expected = drift_core.build_export_spans_request_bytes_pyobject("", "", "", "", good)
    depths = [
        None if place in (51, 199) else span.message_depth for place, span in enumerate(alone)
    ]
    for _ in range(3):
        batch = drift_core.process_spans(spans)
        assert batch.request_bytes == expected
        assert batch.message_depths == depths
        assert [(each["index"], each["code"]) for each in batch.errors] == [
            (51, "depth_exceeded"),
            (199, "invalid_argument"),
        ]
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.process_spans(spans, strict=True)
    assert (caught.value.code, caught.value.index) == ("depth_exceeded", 51)


@pytest.mark.parametrize("place", [0, 1, 100, 199])
def test_an_interrupt_while_a_large_batch_is_read_leaves_it(place: int) -> None:
    class Interrupted:
        def __index__(self) -> int:
            raise KeyboardInterrupt

    spans = [large_span(place) for place in range(200)]
    spans[place]["output_value"] = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        drift_core.process_spans(spans)
    spans[place]["output_value"] = 1
    assert drift_core.process_spans(spans).errors == []


def test_a_list_that_changes_while_a_batch_is_read_is_taken_as_it_was() -> None:
    spans = [large_span(place) for place in range(200)]
    expected = drift_core.process_spans(
        [*spans, {"output_value": 7}, {"name": "last"}]
    ).request_bytes

    class Clears:
        def __index__(self) -> int:
            spans.clear()
            return 7

    spans += [{"output_value": Clears()}, {"name": "last"}]
    assert drift_core.process_spans(spans).request_bytes == expected
    assert spans == []


READING = [drift_core.span_to_json, drift_core.export_request_to_json, drift_core.struct_to_json]


@pytest.mark.parametrize("call", READING, ids=lambda call: call.__name__)
def test_reading_takes_bytes_of_any_kind_and_refuses_what_is_no_message(call: Any) -> None:
    assert call(b"") == call(bytearray()) == call(memoryview(b""))
    for wrong in ("", None, 1, []):
        with pytest.raises(drift_core.DriftTypeError) as type_caught:
            call(wrong)
        assert type_caught.value.code == "invalid_argument"
    with pytest.raises(drift_core.DriftError) as caught:
        call(b"\x0a\x05a")
    assert caught.value.code == "invalid_protobuf"
    assert caught.value.offset is not None


def test_differences_are_dicts_with_both_sides() -> None:
    found = drift_core.diff_json('{"a":1,"b":[1,2],"c d":0}', b'{"b":[1,3,4],"c d":0.0}')
    assert found == [
        {"kind": "removed", "path": "$.a", "left": "1", "right": None},
        {"kind": "changed", "path": "$.b[1]", "left": "2", "right": "3"},
        {"kind": "added", "path": "$.b[2]", "left": None, "right": "4"},
        {"kind": "changed", "path": '$["c d"]', "left": "0", "right": "0.0"},
    ]
    left, right = build(name="a", input_value={"x": 1, "y": 2}), build(input_value={"y": 2})
    assert [(one["kind"], one["path"]) for one in drift_core.diff_spans(left, right)] == [
        ("removed", "$.inputValue.x"),
        ("changed", "$.name"),
    ]
    requests = [
        drift_core.build_export_spans_request_bytes_pyobject("", "", "", "", spans)
        for spans in ([left], [left, right])
    ]
    (added,) = drift_core.diff_export_requests(*requests)
    assert (added["kind"], added["path"], added["left"]) == ("added", "$.spans[1]", None)
    assert added["right"] == drift_core.span_to_json(right)


def test_a_side_of_a_difference_that_is_bad_is_named() -> None:
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.diff_json("{}", "{")
    assert (caught.value.code, caught.value.offset) == ("invalid_json", 1)
    assert str(caught.value).startswith("right")
    with pytest.raises(drift_core.DriftError) as caught:
        drift_core.diff_spans(b"\x07", b"")
    assert caught.value.code == "invalid_protobuf"
    assert str(caught.value).startswith("left")


def test_the_deepest_schema_that_is_taken_reads_back_on_the_stack_of_a_small_thread() -> None:
    schema: dict[str, Any] = {"type": 1}
    for _ in range(256):
        schema = {"type": 7, "items": schema}
    found: list[str] = []
    before = threading.stack_size(128 * 1024)  # the default of musl
    try:
        span = build(input_schema=schema)
        thread = threading.Thread(target=lambda: found.append(drift_core.span_to_json(span)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found[0].count('"items"') == 256
