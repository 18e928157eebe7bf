"""A small protobuf wire decoder for the messages that the bindings write.

It shares no code with the core or the oracle: it exists so that span and export
bytes of two implementations can be compared as messages. What it keeps: unknown
fields, the order of repeated fields, the presence of fields that have one. What it
leaves out, as any protobuf reader does: the order of fields and of map entries, a
plain scalar at its default, all but the last of repeated scalars.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

# kind: a scalar, a message name, "*" + message for repeated, "@" + message for a
# map from string. "?" marks a scalar with presence: optional, or in a oneof.
MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    "Struct": {1: ("fields", "@Value")},
    "Value": {
        1: ("null_value", "?int32"),
        2: ("number_value", "?double"),
        3: ("string_value", "?string"),
        4: ("bool_value", "?bool"),
        5: ("struct_value", "Struct"),
        6: ("list_value", "ListValue"),
    },
    "ListValue": {1: ("values", "*Value")},
    "JsonSchema": {
        1: ("type", "int32"),
        2: ("properties", "@JsonSchema"),
        3: ("items", "JsonSchema"),
        4: ("encoding", "?int32"),
        5: ("decoded_type", "?int32"),
        6: ("match_importance", "?double"),
    },
    "SpanStatus": {1: ("code", "int32"), 2: ("message", "string")},
    "Time": {1: ("seconds", "int64"), 2: ("nanos", "int32")},
    "Span": {
        1: ("trace_id", "string"),
        2: ("span_id", "string"),
        3: ("parent_span_id", "string"),
        4: ("name", "string"),
        5: ("package_name", "string"),
        6: ("instrumentation_name", "string"),
        7: ("submodule_name", "string"),
        8: ("package_type", "int32"),
        9: ("input_value", "Struct"),
        10: ("output_value", "Struct"),
        11: ("input_schema", "JsonSchema"),
        12: ("output_schema", "JsonSchema"),
        13: ("input_schema_hash", "string"),
        14: ("output_schema_hash", "string"),
        15: ("input_value_hash", "string"),
        16: ("output_value_hash", "string"),
        17: ("kind", "int32"),
        18: ("status", "SpanStatus"),
        19: ("is_pre_app_start", "bool"),
        20: ("timestamp", "Time"),
        21: ("duration", "Time"),
        22: ("is_root_span", "bool"),
        23: ("metadata", "Struct"),
        24: ("environment", "?string"),
        25: ("id", "?string"),
    },
    "ExportSpansRequest": {
        1: ("observable_service_id", "string"),
        2: ("environment", "string"),
        3: ("sdk_version", "string"),
        4: ("sdk_instance_id", "string"),
        5: ("spans", "*Span"),
    },
}
# The members of Value are one oneof: the last on the wire is the one that counts.
_ONEOF = "Value"
_DEFAULTS = {"string": "", "int32": 0, "int64": 0, "bool": False, "double": 0.0}


class WireError(ValueError):
    """The bytes are not a message of the wanted type."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    shift = 0
    while True:
        if at >= len(data):
            raise WireError("truncated varint")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > 0xFFFFFFFFFFFFFFFF:
                raise WireError("varint beyond 64 bits")
            return value, at
        shift += 7
        if shift > 63:
            raise WireError("varint longer than ten bytes")


def fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """The fields of one message in order: number, wire type, raw value."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0 or tag > 0xFFFFFFFF:
            raise WireError(f"field number {number}")
        value: Any
        if wire == 0:
            value, at = _varint(data, at)
        elif wire in (1, 2, 5):
            size = 8 if wire == 1 else 4
            if wire == 2:
                size, at = _varint(data, at)
            if at + size > len(data):
                raise WireError("truncated field")
            value, at = data[at : at + size], at + size
        else:
            raise WireError(f"wire type {wire}")
        yield number, wire, value


def _scalar(kind: str, wire: int, raw: Any) -> Any:
    if wire != {"string": 2, "double": 1}.get(kind, 0):
        raise WireError(f"wire type {wire} for {kind}")
    if kind == "string":
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WireError("not UTF-8") from error
    if kind == "double":
        return struct.unpack("<d", raw)[0]
    if kind == "bool":
        return raw != 0
    bits = 32 if kind == "int32" else 64
    raw &= (1 << bits) - 1
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def _message(wire: int, raw: Any) -> bytes:
    if wire != 2:
        raise WireError(f"wire type {wire} for a message")
    assert isinstance(raw, bytes)
    return raw


def decode(message: str, data: bytes) -> dict[str, Any]:
    """The message as nested dicts; a double is {"double": repr}, an unknown field "?number"."""
    table = MESSAGES[message]
    # A singular message field that comes more than once is merged: the bytes are joined.
    joined: dict[str, tuple[str, bytes]] = {}
    result: dict[str, Any] = {}
    for number, wire, raw in fields(data):
        if number not in table:
            known = result.setdefault(f"?{number}", [])
            known.append([wire, raw.hex() if isinstance(raw, bytes) else raw])
            continue
        name, kind = table[number]
        if message == _ONEOF:
            for other, _ in table.values():
                if other != name:
                    result.pop(other, None)
                    if other in joined:
                        # Dropped, but it must have been a message.
                        decode(*joined.pop(other))
        if kind[0] == "@":
            key, inner = "", b""
            for entry_number, entry_wire, entry_raw in fields(_message(wire, raw)):
                if entry_number == 1:
                    key = _scalar("string", entry_wire, entry_raw)
                elif entry_number == 2:
                    inner += _message(entry_wire, entry_raw)
            result.setdefault(name, {})[key] = decode(kind[1:], inner)
        elif kind[0] == "*":
            result.setdefault(name, []).append(decode(kind[1:], _message(wire, raw)))
        elif kind in MESSAGES:
            before = joined[name][1] if name in joined else b""
            if before:
                # Each part is a message by itself, not only all of them together.
                decode(kind, before)
                decode(kind, _message(wire, raw))
            joined[name] = (kind, before + _message(wire, raw))
        else:
            scalar = kind.lstrip("?")
            value = _scalar(scalar, wire, raw)
            if kind == scalar and value == _DEFAULTS[scalar]:
                result.pop(name, None)
            else:
                # repr tells 0.0 from -0.0, and a NaN equals itself as text.
                result[name] = {"double": repr(value)} if scalar == "double" else value
    for name, (kind, inner) in joined.items():
        result[name] = decode(kind, inner)
    return result


def is_valid(message: str, data: bytes) -> bool:
    """Is it a message of this type at every level, strings included?"""
    try:
        decode(message, data)
    except WireError:
        return False
    return True


def top_level_is_valid(message: str, data: bytes) -> bool:
    """Is it one as far as its own tags, lengths and wire types go?"""
    try:
        for number, wire, _ in fields(data):
            kind = MESSAGES[message].get(number, ("", ""))[1].lstrip("?")
            if kind and wire != {"double": 1, "int32": 0, "int64": 0, "bool": 0}.get(kind, 2):
                return False
    except WireError:
        return False
    return True


def has_unknown_field(tree: Any) -> bool:
    """Is there a field anywhere that the contract does not know?"""
    if isinstance(tree, dict):
        return any(key.startswith("?") or has_unknown_field(member) for key, member in tree.items())
    if isinstance(tree, list):
        return any(has_unknown_field(item) for item in tree)
    return False


def messages_deep(message: str, data: bytes) -> int:
    """Nested messages below this one; map entries count, as receivers count them."""
    deepest = 0
    work: list[tuple[str, bytes, int]] = [(message, data, 0)]
    while work:
        name, content, depth = work.pop()
        deepest = max(deepest, depth)
        for number, wire, raw in fields(content):
            kind = MESSAGES[name].get(number, ("", ""))[1]
            if kind[:1] == "@":
                for entry_number, _, entry_raw in fields(_message(wire, raw)):
                    if entry_number == 2 and isinstance(entry_raw, bytes):
                        work.append((kind[1:], entry_raw, depth + 2))
                deepest = max(deepest, depth + 1)
            elif kind.lstrip("*") in MESSAGES:
                work.append((kind.lstrip("*"), _message(wire, raw), depth + 1))
    return deepest


def has_top_level_group(data: bytes) -> bool:
    """Do the complete fields before the first fault end at a group?"""
    at = 0
    try:
        while at < len(data):
            tag, after = _varint(data, at)
            if tag & 7 in (3, 4):
                return True
            at = after
            if tag & 7 == 0:
                _, at = _varint(data, at)
            elif tag & 7 == 2:
                size, at = _varint(data, at)
                at += size
            else:
                at += 8 if tag & 7 == 1 else 4
    except WireError:
        pass
    return False
