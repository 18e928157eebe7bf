"""Two answers to one case, reduced to their differences.

An answer is taken apart by entry point into named pieces: a JSON text becomes its
tree with the number tokens as they are printed, Struct bytes a message, a hash
stays a hash. What is left of two answers is a list of differences, each with a
path, and every single one must be explained by a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import spec as specs
import wire
from model import Case

_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")
_PIECES: dict[str, tuple[str, ...]] = {
    "normalize_json": ("normalized:text",),
    "deterministic_hash": ("value_hash:hash",),
    "normalize_and_hash": ("normalized:text", "value_hash:hash"),
    "object_to_protobuf_struct_bytes": ("struct:Struct",),
    "object_to_protobuf_struct_field_count": ("count:plain",),
    "process_export_payload": (
        "normalized:text",
        "decoded:text",
        "value_hash:hash",
        "schema:text",
        "schema_hash:hash",
        "struct:Struct",
    ),
    "process_export_payload_pyobject": (
        "normalized:native",
        "value_hash:hash",
        "schema:native",
        "schema_hash:hash",
        "struct:Struct",
    ),
    "build_span_proto_bytes_pyobject": ("span:Span",),
    "build_export_spans_request_bytes_pyobject": ("request:ExportSpansRequest",),
}
NODE_NAMES = {
    "normalizeJson": "normalize_json",
    "deterministicHash": "deterministic_hash",
    "normalizeAndHash": "normalize_and_hash",
    "objectToProtobufStructBytes": "object_to_protobuf_struct_bytes",
    "objectToProtobufStructFieldCount": "object_to_protobuf_struct_field_count",
    "processExportPayload": "process_export_payload",
    "buildSpanProtoBytes": "build_span_proto_bytes_pyobject",
    "buildExportSpansRequestBytes": "build_export_spans_request_bytes_pyobject",
}
_NODE_MEMBERS = {
    "normalize_and_hash": ["normalizedJson", "deterministicHash"],
    "process_export_payload": [
        "normalizedJson",
        "decodedJson",
        "decodedValueHash",
        "decodedSchemaJson",
        "decodedSchemaHash",
        "protobufStructBytes",
    ],
}


class Unexpected(Exception):
    """An answer of another shape than the published one."""


@dataclass
class Difference:
    """`kind`: value, accepts (only ours does), refuses (only ours does), class, died."""

    kind: str
    path: tuple[Any, ...]
    published: Any
    ours: Any

    @property
    def piece(self) -> str:
        return str(self.path[0]) if self.path else ""


def _text_tree(text: str) -> Any:
    """Canonical JSON text as a tree whose numbers are {"#": token}."""
    at = 0

    def string() -> str:
        nonlocal at
        end = at + 1
        while text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        raw = text[at + 1 : end]
        at = end + 1
        return raw

    def parse() -> Any:
        nonlocal at
        first = text[at]
        if first == '"':
            return string()
        if first == "{":
            pairs: list[Any] = []
            at += 1
            while text[at] != "}":
                key = string()
                at += 1
                pairs.append([key, parse()])
                if text[at] == ",":
                    at += 1
            at += 1
            return {"object": pairs}
        if first == "[":
            items: list[Any] = []
            at += 1
            while text[at] != "]":
                items.append(parse())
                if text[at] == ",":
                    at += 1
            at += 1
            return items
        match = _NUMBER.match(text, at)
        if match is not None:
            at = match.end()
            return {"#": match.group()}
        for word in ("null", "true", "false"):
            if text.startswith(word, at):
                at += len(word)
                return {"word": word}
        raise Unexpected(f"not canonical JSON at {at}: {text[at : at + 20]!r}")

    try:
        tree = parse()
    except IndexError as error:
        raise Unexpected("not canonical JSON: it ends early") from error
    if at != len(text):
        raise Unexpected("not canonical JSON: something follows")
    return tree


def _native_tree(node: Any) -> Any:
    if node is None or isinstance(node, bool):
        return {"word": repr(node)}
    if isinstance(node, str):
        return node
    if "i" in node:
        return {"#": specs.number_print(node), "kind": "int"}
    if "f" in node:
        return {"#": specs.number_print(node), "kind": "float"}
    if "l" in node:
        return [_native_tree(item) for item in node["l"]]
    if "d" in node:
        return {"object": [[_native_tree(key), _native_tree(member)] for key, member in node["d"]]}
    raise Unexpected(f"a {node} in the answer")


def _pieces(case: Case, answer: Any) -> dict[str, Any]:
    """The answer by name; raw strings and bytes, not yet taken apart."""
    function = NODE_NAMES.get(case.function, case.function)
    names = [piece.partition(":")[0] for piece in _PIECES[function]]
    if case.language == "node" and function in _NODE_MEMBERS:
        if (
            not isinstance(answer, dict)
            or [pair[0] for pair in answer.get("d", [])] != _NODE_MEMBERS[function]
        ):
            raise Unexpected(f"other members: {answer}")
        return dict(zip(names, [pair[1] for pair in answer["d"]]))
    if len(names) == 1:
        return {names[0]: answer}
    if not isinstance(answer, dict) or len(answer.get("t", [])) != len(names):
        raise Unexpected(f"not a tuple of {len(names)}")
    return dict(zip(names, answer["t"]))


def _taken_apart(kind: str, raw: Any) -> Any:
    if kind in ("text", "hash"):
        if not isinstance(raw, str):
            raise Unexpected(f"not a string: {raw}")
        return _text_tree(raw) if kind == "text" else raw
    if kind == "native":
        return _native_tree(raw)
    if kind == "plain":
        return raw
    if not isinstance(raw, dict) or "b" not in raw:
        raise Unexpected(f"not bytes: {raw}")
    return wire.decode(kind, bytes.fromhex(raw["b"]))


def _other_kind(published: dict[str, Any], ours: dict[str, Any]) -> bool:
    """Two Struct values of different kinds: one difference, not two."""
    kinds = {name for name, _ in wire.MESSAGES["Value"].values()}
    return len(published) == len(ours) == 1 and set(published) != set(ours) and {*published, *ours} <= kinds


def _walk(path: tuple[Any, ...], published: Any, ours: Any) -> Iterator[Difference]:
    if isinstance(published, dict) and isinstance(ours, dict):
        if "object" in published and "object" in ours:
            keys = [pair[0] for pair in published["object"]]
            if keys == [pair[0] for pair in ours["object"]]:
                for (key, left), (_, right) in zip(published["object"], ours["object"]):
                    yield from _walk((*path, key), left, right)
                return
        elif not {"#", "word", "double", "object"} & (set(published) | set(ours)) and not _other_kind(
            published, ours
        ):
            for key in sorted(set(published) | set(ours)):
                yield from _walk((*path, key), published.get(key), ours.get(key))
            return
    if isinstance(published, list) and isinstance(ours, list) and len(published) == len(ours):
        for index, (left, right) in enumerate(zip(published, ours)):
            yield from _walk((*path, index), left, right)
        return
    if published != ours:
        yield Difference("value", path, published, ours)


def _values(case: Case, published: Any, ours: Any) -> list[Difference]:
    try:
        left, right = _pieces(case, published), _pieces(case, ours)
    except Unexpected as error:
        return [Difference("value", ("shape",), str(error), ours)]
    function = NODE_NAMES.get(case.function, case.function)
    found: list[Difference] = []
    for piece in _PIECES[function]:
        name, _, kind = piece.partition(":")
        if left[name] == right[name]:
            continue
        try:
            apart = list(_walk((name,), _taken_apart(kind, left[name]), _taken_apart(kind, right[name])))
        except (Unexpected, wire.WireError) as error:
            apart = [Difference("value", (name, "unreadable"), str(error), right[name])]
        # Span and export bytes are compared as messages, everything else to the byte.
        if not apart and kind not in ("Span", "ExportSpansRequest"):
            apart = [Difference("value", (name, "bytes"), left[name], right[name])]
        found.extend(apart)
    return found


def differences(case: Case, published: Any, ours: Any) -> list[Difference]:
    """Everything that the two answers do not share; messages and codes are not compared."""
    if "died" in ours or "died" in published:
        if "died" in ours:
            return [Difference("value", ("our process died",), published, ours)]
        return [Difference("died", (), published, ours)]
    if "ok" in published and "ok" in ours:
        return _values(case, published["ok"], ours["ok"])
    if "ok" in ours:
        return [Difference("accepts", (), published["error"], ours["ok"])]
    if "ok" in published:
        return [Difference("refuses", (), published["ok"], ours["error"])]
    if published["error"]["class"] in ours["error"]["mro"]:
        return []
    return [Difference("class", (), published["error"], ours["error"])]
