"""Semantic difference of two values (contract, section 9)."""

from __future__ import annotations

from typing import Any, NamedTuple

from .json_text import parse
from .reading import read_export, read_span
from .values import canonical_text, path_item, path_member, sort_key


class Difference(NamedTuple):
    """One difference; the sides are canonical text, None where absent."""

    kind: str
    path: str
    left: str | None
    right: str | None


_ABSENT = object()


def differences(left: Any, right: Any, path: str = "$") -> list[Difference]:
    """Depth first in canonical key order, arrays by index."""
    if left is _ABSENT:
        return [Difference("added", path, None, canonical_text(right))]
    if right is _ABSENT:
        return [Difference("removed", path, canonical_text(left), None)]
    found: list[Difference] = []
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(set(left) | set(right), key=sort_key):
            sides = left.get(key, _ABSENT), right.get(key, _ABSENT)
            found += differences(*sides, path_member(path, key))
        return found
    if isinstance(left, list) and isinstance(right, list):
        for index in range(max(len(left), len(right))):
            sides = (
                left[index] if index < len(left) else _ABSENT,
                right[index] if index < len(right) else _ABSENT,
            )
            found += differences(*sides, path_item(path, index))
        return found
    left_text, right_text = canonical_text(left), canonical_text(right)
    if left_text != right_text:
        found.append(Difference("changed", path, left_text, right_text))
    return found


def diff_json(left: str | bytes, right: str | bytes) -> list[Difference]:
    """Of two JSON texts."""
    left_value = parse(left)
    return differences(left_value, parse(right))


def diff_spans(left: bytes, right: bytes) -> list[Difference]:
    """Of two encoded spans."""
    left_value = read_span(left)
    return differences(left_value, read_span(right))


def diff_export_requests(left: bytes, right: bytes) -> list[Difference]:
    """Of two encoded export requests."""
    left_value = read_export(left)
    return differences(left_value, read_export(right))


def as_expect(found: list[Difference]) -> dict[str, Any]:
    """The form of a fixture's `expect`."""
    return {"differences": [difference._asdict() for difference in found]}
