"""A case, and what can be said about its input.

A case is one call of one entry point. Its parts say what its arguments are, so
that a rule can ask about the input without knowing the entry point's arguments.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import spec as specs
from number_model import (
    big_str,
    exact_double,
    int_to_double,
    is_integer_token,
    overflows,
    print_double,
    print_token,
    published_form,
)
from scan import Scan

I64_MIN, I64_MAX = -(1 << 63), (1 << 63) - 1
PAYLOAD_LEVELS = 127
SCHEMA_LEVELS = 258


@dataclass(frozen=True)
class Part:
    """One argument. Roles: payload, merges, value (of a span), schema, string, struct,
    span, integer, other. Forms: text, bytes (text given as bytes), native, raw."""

    role: str
    form: str
    data: Any


@dataclass
class Case:
    name: str
    entry: str
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    # May take the process down: sent by itself.
    alone: bool = False
    # For spans: the members that are not the usual ones.
    peculiar: Any = None
    cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def language(self) -> str:
        return self.entry.split(".")[0]

    @property
    def function(self) -> str:
        return self.entry.split(".")[1]

    def told(self) -> Any:
        """The input for a reader: what is peculiar to it."""
        return self.peculiar or self.args or self.kwargs

    def of(self, *roles: str) -> Iterator[Part]:
        return (part for part in self.parts if part.role in roles)


@lru_cache(maxsize=4096)
def _scan(text: str, pairs_join: bool) -> Scan:
    return Scan(text, pairs_join)


def scan_of(case: Case, part: Part) -> Scan | None:
    """The scan of a part that is JSON text, in whichever form; None for invalid UTF-8."""
    if part.form == "text":
        return _scan(part.data, case.language == "node")
    if part.form == "bytes":
        try:
            return _scan(part.data.decode("utf-8"), False)
        except UnicodeDecodeError:
            return None
    return None


def scans(case: Case, *roles: str) -> Iterator[tuple[Part, Scan]]:
    for part in case.of(*roles):
        scan = scan_of(case, part)
        if scan is not None and scan.valid:
            yield part, scan


def natives(case: Case, *roles: str) -> Iterator[Part]:
    return (part for part in case.of(*roles) if part.form == "native")


def tree_of(case: Case, part: Part) -> Any:
    if part.form == "native":
        return part.data
    scan = scan_of(case, part)
    return scan.tree if scan is not None and scan.valid else None


def members(tree: Any) -> dict[str, Any]:
    """The members of an object specification, the last of equal keys; {} for all else."""
    if isinstance(tree, dict) and "o" in tree and len(tree["o"]) > 1:
        tree = tree["o"][1]
    if not isinstance(tree, dict) or "d" not in tree:
        return {}
    found = {}
    for key, member in tree["d"]:
        if isinstance(key, dict) and "s" in key:
            key = "".join(map(chr, key["s"]))
        if isinstance(key, str):
            found[key] = member
    return found


def whole(node: Any) -> int | None:
    return int(node["i"], 16) if isinstance(node, dict) and "i" in node else None


def decode_base64(text: str) -> str | None:
    """RFC 4648 section 4, padded, canonical; None for anything else."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.b64encode(data).decode() != text:
        return None
    return data.decode("utf-8", "replace")


@dataclass
class Inner:
    """A top-level string that the merges say is JSON: its key and the scan of its text."""

    key: str
    scan: Scan


def inner_texts(case: Case) -> list[Inner]:
    """The strings of the payload that ours reads as JSON."""
    if "inner" in case.cache:
        return list(case.cache["inner"])
    found: list[Inner] = []
    payloads = list(case.of("payload"))
    merges = list(case.of("merges"))
    if payloads and merges:
        payload = members(tree_of(case, payloads[0]))
        for key, entry in members(tree_of(case, merges[0])).items():
            text = payload.get(key)
            if not isinstance(text, str):
                continue
            if isinstance(entry, dict) and ("l" in entry or "t" in entry):
                items: list[Any] = entry["l"] if "l" in entry else entry["t"]
                codes = [*map(whole, items[:2]), None, None]
            else:
                by_name = members(entry)
                codes = [whole(by_name.get("encoding")), whole(by_name.get("decoded_type"))]
            if codes[1] != 1:
                continue
            decoded = decode_base64(text) if codes[0] == 1 else None
            scan = _scan(decoded if decoded is not None else text, False)
            if scan.valid and scan.depth <= PAYLOAD_LEVELS and not any(map(overflows, scan.numbers)):
                found.append(Inner(key, scan))
    case.cache["inner"] = found
    return found


@dataclass
class Number:
    """A number of the input: what ours prints and takes as a double, and the same of published.

    `published` is None where published refuses it (or, inside a decoded text,
    leaves the text as it is).
    """

    integer: bool
    ours: str
    ours_double: float
    published: str | None
    published_double: float | None
    inner: bool = False

    @property
    def differs(self) -> bool:
        return self.ours != self.published or self.ours_double != self.published_double


def _from_token(token: str, parses: int, inner: bool = False) -> Number:
    printed = published_form(token, parses)
    return Number(
        is_integer_token(token),
        print_token(token),
        exact_double(token),
        printed,
        None if printed is None else exact_double(printed),
        inner,
    )


def _from_int(value: int, parses: int) -> Number:
    ours = big_str(value)
    printed: str | None = ours
    if not I64_MIN <= value <= I64_MAX:
        try:
            printed = print_double(float(value))
        except OverflowError:
            printed = None
        else:
            printed = published_form(printed, parses)
    double = None if printed is None else exact_double(printed)
    return Number(True, ours, int_to_double(value), printed, double)


def _from_float(value: float, parses: int) -> Number:
    ours = print_double(value)
    printed = published_form(ours, parses)
    return Number(False, ours, value, printed, None if printed is None else exact_double(printed))


def _parses(case: Case, part: Part) -> int:
    """How often published parses a number of this part; measured, see docs/compatibility.md."""
    if part.form == "native":
        return 1 if case.function == "process_export_payload_pyobject" else 0
    return 2 if part.role == "payload" else 1


def numbers(case: Case) -> list[Number]:
    """Every number of the input as the two sides see it, but those both refuse."""
    if "numbers" in case.cache:
        return list(case.cache["numbers"])
    found: list[Number] = []
    roles = ("payload", "merges", "value", "schema")
    for part, scan in scans(case, *roles):
        parses = _parses(case, part)
        found.extend(_from_token(t, parses) for t in scan.numbers if not overflows(t))
    for part in natives(case, *roles):
        parses = _parses(case, part)
        for kind, what, _ in specs.walk(part.data):
            if kind == "int":
                found.append(_from_int(what, parses))
            elif kind == "float" and what == what and abs(what) != float("inf"):
                found.append(_from_float(what, parses))
    for inner in inner_texts(case):
        found.extend(_from_token(t, 1, inner=True) for t in inner.scan.numbers)
    case.cache["numbers"] = found
    return found


def surrogate_in(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def native_surrogate(tree: Any) -> bool:
    return any(kind in ("str", "key") and surrogate_in(what) for kind, what, _ in specs.walk(tree))


def objects(case: Case, *roles: str) -> set[str]:
    """The names of the special objects in native parts."""
    return {
        what for part in natives(case, *roles) for kind, what, _ in specs.walk(part.data) if kind == "object"
    }
