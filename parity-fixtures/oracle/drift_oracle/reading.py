"""Reading protobuf back: spans, export requests and Structs to values of the model.

Field by field as the protobuf specification says: repeated occurrences of a
singular message are merged, of a scalar the last wins, unknown fields are
skipped. A known field of another wire type, a group, a field 0, an incomplete
field and a string that is not UTF-8 are `invalid_protobuf`, with the offset of
the tag, the length or the value at fault. There is no limit on depth here: what
was written is read.

Of two faults the first in the order of reading is reported: fields as they come,
each whole before its wire type is judged. What is nested in a request, a span, a
schema or a value is read after the own fields of these, entries of a Struct and
items of a list as they come.
"""

from __future__ import annotations

import math
import struct as _struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from .errors import OracleError
from .values import Integer, canonical_text
from .wire import BYTES, FIXED32, FIXED64, VARINT

STRUCT_FIELDS = {1: BYTES}
VALUE_FIELDS = {1: VARINT, 2: FIXED64, 3: BYTES, 4: VARINT, 5: BYTES, 6: BYTES}
LIST_FIELDS = {1: BYTES}
ENTRY_FIELDS = {1: BYTES, 2: BYTES}
SCHEMA_FIELDS = {1: VARINT, 2: BYTES, 3: BYTES, 4: VARINT, 5: VARINT, 6: FIXED64}
STATUS_FIELDS = {1: VARINT, 2: BYTES}
TIME_FIELDS = {1: VARINT, 2: VARINT}
SPAN_FIELDS = dict.fromkeys(range(1, 26), BYTES)
SPAN_FIELDS.update({8: VARINT, 17: VARINT, 19: VARINT, 22: VARINT})
EXPORT_FIELDS = dict.fromkeys(range(1, 6), BYTES)


# A message as the pieces it came in, each with its offset: repeated occurrences of a singular message are one
# message (the protobuf specification defines merging so), but each is well-formed for itself.
Pieces = list[tuple[int, bytes]]


class Field(NamedTuple):
    """One field of a message: the payload is an int for varints, bytes for the rest; with both offsets."""

    number: int
    wire_type: int
    payload: int | bytes
    tag_at: int
    payload_at: int


def _invalid(offset: int) -> OracleError:
    """The offset is that of the tag, the length or the value at fault."""
    return OracleError("invalid_protobuf", offset=offset)


def _varint(data: bytes, pos: int, base: int) -> tuple[int, int]:
    """At most ten bytes and 64 bits; overlong forms are read."""
    number = 0
    for i in range(10):
        if pos + i >= len(data):
            break
        byte = data[pos + i]
        number |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if number >= 2**64:
                break
            return number, pos + i + 1
    raise _invalid(base + pos)


def _fields(base: int, data: bytes, known: dict[int, int]) -> Iterator[Field]:
    pos = 0
    while pos < len(data):
        tag_at = pos
        key, pos = _varint(data, pos, base)
        number, wire_type = key >> 3, key & 7
        if number == 0 or key >= 2**32:
            raise _invalid(base + tag_at)
        payload_at = pos
        payload: int | bytes
        if wire_type == VARINT:
            payload, pos = _varint(data, pos, base)
        else:
            length_at = pos
            if wire_type == BYTES:
                length, pos = _varint(data, pos, base)
            elif wire_type == FIXED64:
                length = 8
            elif wire_type == FIXED32:
                length = 4
            else:  # groups, and what is no wire type
                raise _invalid(base + tag_at)
            if pos + length > len(data):
                raise _invalid(base + length_at)
            payload_at = pos
            payload = data[pos : pos + length]
            pos += length
        if known.get(number, wire_type) != wire_type:
            raise _invalid(base + tag_at)
        yield Field(number, wire_type, payload, base + tag_at, base + payload_at)


def fields_of(pieces: Pieces, known: dict[int, int]) -> Iterator[Field]:
    """The fields of a message as they come, unknown ones included."""
    for base, data in pieces:
        yield from _fields(base, data, known)


def whole(data: bytes) -> Pieces:
    """A message that is all of the bytes."""
    return [(0, data)]


def check_top_level(data: bytes, known: dict[int, int]) -> None:
    """Section 8: top-level fields only."""
    for _ in _fields(0, data, known):
        pass


def _text(field: Field) -> str:
    try:
        return _bytes(field.payload).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(field.payload_at + error.start) from None


def _bytes(payload: int | bytes) -> bytes:
    assert isinstance(payload, bytes)
    return payload


def _signed(field: Field, bits: int) -> int:
    assert isinstance(field.payload, int)
    number: int = field.payload & (2**bits - 1)
    return number - 2**bits if number >= 2 ** (bits - 1) else number


def _finite(field: Field) -> float:
    number: float = _struct.unpack("<d", _bytes(field.payload))[0]
    if not math.isfinite(number):
        raise _invalid(field.tag_at)
    return number


def _body(field: Field) -> Pieces:
    return [(field.payload_at, _bytes(field.payload))]


def read_struct(pieces: Pieces) -> dict[str, Any]:
    """A Struct."""
    members: dict[str, Any] = {}
    for field in fields_of(pieces, STRUCT_FIELDS):
        if field.number == 1:
            key, value = _entry(_body(field))
            members[key] = read_value(value)
    return members


def _entry(pieces: Pieces) -> tuple[str, Pieces]:
    """A map entry: its key (the last one) and its value's pieces."""
    value: Pieces
    key, value = "", []
    for field in fields_of(pieces, ENTRY_FIELDS):
        if field.number == 1:
            key = _text(field)
        elif field.number == 2:
            value += _body(field)
    return key, value


def read_value(pieces: Pieces) -> Any:
    """A Value; the last kind wins, a message kind repeated in a row is merged."""
    runs: list[tuple[int, Any]] = []  # kinds in their order; for the message kinds the pieces of one message
    for field in fields_of(pieces, VALUE_FIELDS):
        if field.number == 1:
            runs.append((1, None))
        elif field.number == 2:
            runs.append((2, _number(_finite(field))))
        elif field.number == 3:
            runs.append((3, _text(field)))
        elif field.number == 4:
            runs.append((4, field.payload != 0))
        elif field.number in (5, 6):
            before = runs.pop()[1] if runs and runs[-1][0] == field.number else []
            runs.append((field.number, before + _body(field)))
    result: Any = None
    for kind, value in runs:
        # What is replaced later is read all the same: malformed bytes are refused wherever they are.
        result = read_struct(value) if kind == 5 else _list(value) if kind == 6 else value
    return result


def _list(pieces: Pieces) -> list[Any]:
    return [read_value(_body(field)) for field in fields_of(pieces, LIST_FIELDS) if field.number == 1]


def _number(number: float) -> Any:
    """An integral double up to 2^53 in magnitude is an integer; -0.0 is not."""
    if number == int(number) and abs(number) <= 2**53 and (number != 0 or math.copysign(1.0, number) > 0):
        return Integer(str(int(number)))
    return number


def read_schema(pieces: Pieces) -> dict[str, Any]:
    """A JsonSchema."""
    schema: dict[str, Any] = {"type": 0, "properties": {}}
    importance: Field | None = None
    items: Pieces | None = None
    entries: list[Pieces] = []
    for field in fields_of(pieces, SCHEMA_FIELDS):
        if field.number == 1:
            schema["type"] = _signed(field, 32)
        elif field.number == 2:
            entries.append(_body(field))
        elif field.number == 3:
            items = (items or []) + _body(field)
        elif field.number == 4:
            schema["encoding"] = _signed(field, 32)
        elif field.number == 5:
            schema["decoded_type"] = _signed(field, 32)
        elif field.number == 6:
            importance = field
    if importance is not None:
        schema["match_importance"] = _finite(importance)
    for entry in entries:
        key, value = _entry(entry)
        schema["properties"][key] = read_schema(value)
    if items is not None:
        schema["items"] = read_schema(items)
    return schema


_SPAN_STRINGS = {
    1: "traceId", 2: "spanId", 3: "parentSpanId", 4: "name", 5: "packageName", 6: "instrumentationName",
    7: "submoduleName", 13: "inputSchemaHash", 14: "outputSchemaHash", 15: "inputValueHash", 16: "outputValueHash",
    24: "environment", 25: "id",
}  # fmt: skip


def read_span(data: bytes) -> dict[str, Any]:
    """A span as the object of a trace line."""
    return _read_span(whole(data))


def _read_span(pieces: Pieces) -> dict[str, Any]:
    messages: dict[int, Pieces] = {}
    out: dict[str, Any] = {name: "" for number, name in _SPAN_STRINGS.items() if number < 24}
    out.update(packageType=0, kind=0, isPreAppStart=False, isRootSpan=False)
    for field in fields_of(pieces, SPAN_FIELDS):
        if field.number in _SPAN_STRINGS:
            out[_SPAN_STRINGS[field.number]] = _text(field)
        elif field.number in (8, 17):
            out["packageType" if field.number == 8 else "kind"] = _signed(field, 32)
        elif field.number in (19, 22):
            out["isPreAppStart" if field.number == 19 else "isRootSpan"] = field.payload != 0
        elif field.number in SPAN_FIELDS:
            messages[field.number] = messages.get(field.number, []) + _body(field)
    out["status"] = {"code": 0, "message": ""}
    for field in fields_of(messages.get(18, []), STATUS_FIELDS):
        if field.number == 1:
            out["status"]["code"] = _signed(field, 32)
        elif field.number == 2:
            out["status"]["message"] = _text(field)
    for number, name in ((20, "timestamp"), (21, "duration")):
        out[name] = {"seconds": 0, "nanos": 0}
        for field in fields_of(messages.get(number, []), TIME_FIELDS):
            if field.number == 1:
                out[name]["seconds"] = _signed(field, 64)
            elif field.number == 2:
                out[name]["nanos"] = _signed(field, 32)
    for number, name in ((9, "inputValue"), (10, "outputValue")):
        out[name] = read_struct(messages.get(number, []))
    for number, name in ((11, "inputSchema"), (12, "outputSchema")):
        out[name] = read_schema(messages.get(number, []))
    if 23 in messages:
        out["metadata"] = read_struct(messages[23])
    return out


_EXPORT_STRINGS = {1: "observableServiceId", 2: "environment", 3: "sdkVersion", 4: "sdkInstanceId"}


def read_export(data: bytes) -> dict[str, Any]:
    """An export request with its spans."""
    out: dict[str, Any] = dict.fromkeys(_EXPORT_STRINGS.values(), "")
    spans: list[Pieces] = []
    for field in fields_of(whole(data), EXPORT_FIELDS):
        if field.number in _EXPORT_STRINGS:
            out[_EXPORT_STRINGS[field.number]] = _text(field)
        elif field.number == 5:
            spans.append(_body(field))
    out["spans"] = [_read_span(pieces) for pieces in spans]
    return out


def struct_to_json(data: bytes) -> str:
    """Canonical text of a Struct."""
    return canonical_text(read_struct(whole(data)))


def span_to_json(data: bytes) -> str:
    """Canonical text of a span."""
    return canonical_text(read_span(data))


def export_request_to_json(data: bytes) -> str:
    """Canonical text of an export request."""
    return canonical_text(read_export(data))


# --- message depth -----------------------------------------------------------

# The messages inside a message, by field number.
_STRUCT: dict[int, Any] = {}
_VALUE: dict[int, Any] = {}
_VALUE.update({5: _STRUCT, 6: {1: _VALUE}})
_STRUCT.update({1: {2: _VALUE}})
_SCHEMA: dict[int, Any] = {}
_SCHEMA.update({2: {2: _SCHEMA}, 3: _SCHEMA})
_SPAN: dict[int, Any] = {
    9: _STRUCT,
    10: _STRUCT,
    11: _SCHEMA,
    12: _SCHEMA,
    18: {},
    20: {},
    21: {},
    23: _STRUCT,
}


def message_depth(span: bytes) -> int:
    """Nested messages from the span (1) to its innermost; map entries are messages too.

    This does not judge nested bytes: where they are malformed, the fields before that count.
    """
    return _depth(span, _SPAN)


def _depth(data: bytes, inside: dict[int, Any]) -> int:
    deepest = 0
    try:
        for field in _fields(0, data, {}):
            if field.number in inside and field.wire_type == BYTES:
                deepest = max(deepest, _depth(_bytes(field.payload), inside[field.number]))
    except OracleError:
        pass
    return 1 + deepest
