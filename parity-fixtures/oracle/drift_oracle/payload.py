"""Payloads (contract, section 5): normalised value, decoded value, hashes, schema, Struct bytes."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .errors import OracleError
from .json_text import parse
from .merges import Merge, merges_from_native, merges_from_text
from .native import native_value
from .values import canonical_text, hash_text
from .wire import struct_bytes

NUMBER, STRING, BOOLEAN, NULL, OBJECT, ORDERED_LIST = 1, 2, 3, 4, 6, 7

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Payload(NamedTuple):
    """Everything that `process_export_payload` gives, as text, and the decoded values behind it."""

    normalized: str
    decoded: str
    value_hash: str
    schema: str
    schema_hash: str
    struct: bytes
    field_count: int
    value: Any
    schema_value: dict[str, Any]


def base64_bytes(text: str) -> bytes | None:
    """RFC 4648 section 4, padded, no white space, no non-zero trailing bits; None for anything else."""
    if len(text) % 4 or not re.fullmatch("[A-Za-z0-9+/]*={0,2}", text):
        return None
    symbols = text.rstrip("=")
    bits = "".join(format(_ALPHABET.index(symbol), "06b") for symbol in symbols)
    whole = len(bits) // 8 * 8
    if len(bits) - whole >= 6 or "1" in bits[whole:]:
        return None
    return bytes(int(bits[i : i + 8], 2) for i in range(0, whole, 8))


def utf8_lossy(data: bytes) -> str:
    """UTF-8 with one U+FFFD for each maximal invalid subpart (Unicode, table 3-7 and section 3.9)."""
    out = []
    i = 0
    while i < len(data):
        first = data[i]
        if first < 0x80:
            out.append(chr(first))
            i += 1
            continue
        low, high, more = 0x80, 0xBF, 0
        if 0xC2 <= first <= 0xDF:
            more = 1
        elif 0xE0 <= first <= 0xEF:
            more = 2
            low, high = (0xA0 if first == 0xE0 else 0x80), (0x9F if first == 0xED else 0xBF)
        elif 0xF0 <= first <= 0xF4:
            more = 3
            low, high = (0x90 if first == 0xF0 else 0x80), (0x8F if first == 0xF4 else 0xBF)
        end = i + 1
        while end - i <= more and end < len(data) and low <= data[end] <= high:
            low, high = 0x80, 0xBF
            end += 1
        if more and end - i == more + 1:
            out.append(data[i:end].decode("utf-8"))
        else:
            out.append("\ufffd")
        i = end
    return "".join(out)


def schema_of(value: Any) -> dict[str, Any]:
    """The schema of a value, without merges."""
    if value is None:
        return {"type": NULL, "properties": {}}
    if isinstance(value, bool):
        return {"type": BOOLEAN, "properties": {}}
    if isinstance(value, str):
        return {"type": STRING, "properties": {}}
    if isinstance(value, list):
        schema: dict[str, Any] = {"type": ORDERED_LIST, "properties": {}}
        if value:
            schema["items"] = schema_of(value[0])
        return schema
    if isinstance(value, dict):
        return {"type": OBJECT, "properties": {key: schema_of(member) for key, member in value.items()}}
    return {"type": NUMBER, "properties": {}}


def decode_member(value: Any, merge: Merge) -> Any:
    """One top-level member after base64 and JSON decoding."""
    if not isinstance(value, str):
        return value
    if merge.encoding == 1:
        data = base64_bytes(value)
        if data is not None:
            value = utf8_lossy(data)
    if merge.decoded_type == 1:
        try:
            return parse(value)
        except OracleError:
            return value
    return value


def process(value: Any, merges: dict[str, Merge]) -> Payload:
    """The payload of a value of the model."""
    decoded = value
    if isinstance(value, dict):
        decoded = {
            key: decode_member(member, merges[key]) if key in merges else member
            for key, member in value.items()
        }
    schema = schema_of(decoded)
    if isinstance(value, dict):
        for key, merge in merges.items():
            if key in value:
                known = {name: code for name, code in merge._asdict().items() if code is not None}
                schema["properties"][key].update(known)
    decoded_text, schema_text = canonical_text(decoded), canonical_text(schema)
    return Payload(
        normalized=canonical_text(value),
        decoded=decoded_text,
        value_hash=hash_text(decoded_text),
        schema=schema_text,
        schema_hash=hash_text(schema_text),
        struct=struct_bytes(value),
        field_count=len(value) if isinstance(value, dict) else 0,
        value=value,
        schema_value=schema,
    )


def payload(text: str | bytes, merges: str | bytes | None = None) -> Payload:
    """A payload given as JSON text; its own faults come before those of the merges."""
    value = parse(text)
    return process(value, merges_from_text(merges))


def payload_native(value: Any, merges: Any = None) -> Payload:
    """A payload given as a Python value with merges as a dict."""
    converted = native_value(value)
    return process(converted, merges_from_native(merges))
