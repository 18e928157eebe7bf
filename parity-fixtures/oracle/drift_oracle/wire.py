"""Writing protobuf: a plain encoder for Struct, JsonSchema, Span and ExportSpansRequest.

Field numbers are those of `tusk-drift-schemas` 0.1.36 and of the well-known types.
`official.py` holds the results against the official protobuf package.
"""

from __future__ import annotations

import struct as _struct
from typing import Any

from .values import small_integer, sorted_members, to_double

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(number: int) -> bytes:
    """Base-128, little end first; a negative number as its 64-bit two's complement."""
    number &= 2**64 - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(field: int, wire_type: int) -> bytes:
    """A field's key."""
    return varint(field << 3 | wire_type)


def message_field(field: int, body: bytes) -> bytes:
    """A length-delimited field, written even when empty."""
    return tag(field, BYTES) + varint(len(body)) + body


def string_field(field: int, text: str) -> bytes:
    """A string field; nothing at its default."""
    return message_field(field, text.encode("utf-8")) if text else b""


def integer_field(field: int, number: int) -> bytes:
    """An int32, int64, enum or bool field; nothing at its default."""
    return tag(field, VARINT) + varint(number) if number else b""


def double_field(field: int, number: float) -> bytes:
    """A double field, written whatever its value."""
    return tag(field, FIXED64) + _struct.pack("<d", number)


def map_entry(field: int, key: str, value: bytes) -> bytes:
    """One entry of a map<string, message>: an empty key or an empty value message is left out."""
    body = (message_field(1, key.encode("utf-8")) if key else b"") + (
        message_field(2, value) if value else b""
    )
    return message_field(field, body)


def struct_bytes(value: Any) -> bytes:
    """google.protobuf.Struct; a value that is not an object is an empty one."""
    if not isinstance(value, dict):
        return b""
    return b"".join(map_entry(1, key, value_bytes(member)) for key, member in sorted_members(value))


def value_bytes(value: Any) -> bytes:
    """google.protobuf.Value: null 1, number 2, string 3, bool 4, struct 5, list 6."""
    if value is None:
        return tag(1, VARINT) + varint(0)
    if isinstance(value, bool):
        return tag(4, VARINT) + varint(int(value))
    if isinstance(value, str):
        return message_field(3, value.encode("utf-8"))
    if isinstance(value, list):
        return message_field(6, b"".join(message_field(1, value_bytes(item)) for item in value))
    if isinstance(value, dict):
        return message_field(5, struct_bytes(value))
    return double_field(2, to_double(value))


class SchemaNode:
    """A JsonSchema message: what counts as absent is None."""

    def __init__(self, value: Any) -> None:
        members: dict[str, Any] = value if isinstance(value, dict) else {}
        self.type: int = small_integer(members.get("type")) or 0
        properties = members.get("properties")
        self.properties: dict[str, SchemaNode] = {}
        if isinstance(properties, dict):
            self.properties = {key: SchemaNode(member) for key, member in properties.items()}
        self.items: SchemaNode | None = SchemaNode(members["items"]) if "items" in members else None
        self.encoding = small_integer(members.get("encoding"))
        self.decoded_type = small_integer(members.get("decoded_type"))
        importance = members.get("match_importance")
        is_number = importance is not None and not isinstance(importance, (bool, str, list, dict))
        self.match_importance: float | None = to_double(importance) if is_number else None

    def encode(self) -> bytes:
        """The message's bytes, fields in ascending number."""
        out = integer_field(1, self.type)
        for key, node in sorted_members(self.properties):
            out += map_entry(2, key, node.encode())
        if self.items is not None:
            out += message_field(3, self.items.encode())
        if self.encoding is not None:
            out += tag(4, VARINT) + varint(self.encoding)
        if self.decoded_type is not None:
            out += tag(5, VARINT) + varint(self.decoded_type)
        if self.match_importance is not None:
            out += double_field(6, self.match_importance)
        return out
