"""Every parity fixture as cases: its input, not its expected value.

parity-fixtures/README.md describes the files. A call that the published packages do
not have lends its texts and bytes to the calls that they do have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import builders
from model import Case

_EMPTY = {name: builders.default_of(what) for name, what in builders.SPAN.items()}
_JSON_ARGUMENTS = ("input_schema", "output_schema", "metadata", "input_value", "output_value")
_STRUCTS = ("input_value_proto_struct", "output_value_proto_struct")


class Broken(Exception):
    """The fixtures are not what their manifest says."""


def read(folder: Path) -> list[dict[str, Any]]:
    """All fixtures, held against the manifest."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="ascii"))
    found: list[dict[str, Any]] = []
    for name, about in manifest["files"].items():
        text = (folder / name).read_text(encoding="ascii")
        if hashlib.sha256(text.encode("ascii")).hexdigest() != about["sha256"]:
            raise Broken(f"{name} differs from the manifest")
        area = json.loads(text)
        if len(area) != about["count"]:
            raise Broken(f"{name} has {len(area)} fixtures, the manifest says {about['count']}")
        found.extend(area)
    if not found or len(found) != manifest["count"]:
        raise Broken(f"{len(found)} fixtures, the manifest says {manifest['count']}")
    return found


def _text_or_bytes(args: dict[str, Any], name: str) -> Any:
    return bytes.fromhex(args[name + "_hex"]) if name + "_hex" in args else args.get(name)


def _as_text(given: Any) -> str | None:
    if isinstance(given, bytes):
        try:
            return given.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return str(given) if given is not None else None


def _payload(name: str, given: Any, merges: Any = None) -> Iterator[Case]:
    text, merges_text = _as_text(given), _as_text(merges)
    if isinstance(given, bytes):
        yield from builders.bytes_cases(name, given)
    if text is not None and (merges is None or merges_text is not None):
        yield from builders.text_cases(name, text, merges_text)


def _span(name: str, args: dict[str, Any]) -> Iterator[Case]:
    node: dict[str, Any] = {**_EMPTY, "input_schema": "null", "output_schema": "null"}
    node = {key: builders.UNDEFINED if what is None else what for key, what in node.items()}
    native: dict[str, Any] = dict(_EMPTY)
    convertible = True
    for key, what in args.items():
        plain = key[:-4] if key.endswith("_hex") else key
        if plain in _STRUCTS:
            node[plain + "_bytes"] = native[plain + "_bytes"] = {"b": what}
        elif plain in _JSON_ARGUMENTS:
            given = _text_or_bytes(args, plain)
            if given is None:
                continue
            text = _as_text(given)
            node[plain] = {"b": given.hex()} if isinstance(given, bytes) and text is None else text
            native[plain] = builders.UNDEFINED if text is None else builders.as_native(text)
            convertible = convertible and native[plain] is not builders.UNDEFINED
        elif what is not None:
            node[plain] = native[plain] = what
    yield builders.node_span(name, **node)
    if convertible:
        yield builders.py_span(name, **native)


def _of(fixture: dict[str, Any]) -> Iterator[Case]:
    name, call, args = "fixture: " + fixture["name"], fixture["call"], fixture["args"]
    if call == "normalize":
        yield from _payload(name, _text_or_bytes(args, "input"))
    elif call == "payload":
        yield from _payload(name, _text_or_bytes(args, "input"), _text_or_bytes(args, "merges"))
    elif call == "span":
        yield from _span(name, args)
    elif call == "export":
        strings = [
            args.get(key) or ""
            for key in ("observable_service_id", "environment", "sdk_version", "sdk_instance_id")
        ]
        yield from builders.export_cases(
            name, [bytes.fromhex(encoded) for encoded in args["spans_hex"]], strings
        )
    elif call == "diff_json":
        for side in ("left", "right"):
            yield from _payload(name, _text_or_bytes(args, side))
    elif call == "read_struct":
        yield from builders.struct_cases(name, bytes.fromhex(args["hex"]))
    elif call == "read_span":
        yield from builders.export_cases(name, [bytes.fromhex(args["hex"])])
    elif call == "diff_spans":
        yield from builders.export_cases(
            name, [bytes.fromhex(args["left_hex"]), bytes.fromhex(args["right_hex"])]
        )
    elif call in ("process_span", "process_spans"):
        for span in args["spans"] if call == "process_spans" else [args]:
            if "encoded_hex" in span:
                yield from builders.export_cases(name, [bytes.fromhex(span["encoded_hex"])])
                continue
            for side in ("input", "output"):
                given = _text_or_bytes(span, side + "_json")
                if given is not None:
                    yield from _payload(name, given, _text_or_bytes(span, side + "_merges"))


def load(folder: Path) -> Iterator[Case]:
    """The cases of all fixtures; says how many lend nothing."""
    found = read(folder)
    unused = 0
    for fixture in found:
        mine = list(_of(fixture))
        unused += not mine
        yield from mine
    print(f"Fixtures: {len(found)} read, {unused} of them without a published counterpart")
