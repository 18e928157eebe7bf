"""Schema merges (contract, section 5): text, or native dicts; every fault is `invalid_merges`.

Faults are looked for in the order of the text (of the dict, for native merges).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from .errors import OracleError
from .json_text import Pairs, parse
from .native import Unsupported, dict_items, native_scalar, sequence_items
from .values import Integer, integer_to_double, path_item, path_member, replace_surrogates, small_integer

MEMBERS = ("encoding", "decoded_type", "match_importance")


class Merge(NamedTuple):
    """What is known of one top-level key; None is absent."""

    encoding: int | None = None
    decoded_type: int | None = None
    match_importance: float | None = None


def _fault(path: str) -> OracleError:
    return OracleError("invalid_merges", path=path)


def _read(name: str, value: Any, path: str) -> int | float | None:
    """One member of an entry; null is absent."""
    if value is None:
        return None
    if name == "match_importance":
        if isinstance(value, Integer):
            return integer_to_double(value)
        if isinstance(value, float) and not math.isinf(value):
            return value
        raise _fault(path)
    number = small_integer(value)
    if number is None:
        raise _fault(path)
    return number


def _from_members(members: Iterable[tuple[str, Any]], path: str, native: bool) -> Merge:
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for key, value in members:
        if key not in MEMBERS:
            continue  # skipped unread
        place = path_member(path, key)
        if key in seen:
            raise _fault(place)
        seen.add(key)
        found[key] = _read(key, _scalar(value, place) if native else value, place)
    return Merge(**found)


def _from_items(items: list[Any], path: str, native: bool) -> Merge:
    found: dict[str, Any] = {}
    for index, value in enumerate(items):
        place = path_item(path, index)
        if index >= len(MEMBERS):
            raise _fault(place)
        name = MEMBERS[index]
        found[name] = _read(name, _scalar(value, place) if native else value, place)
    return Merge(**found)


def _scalar(value: Any, place: str) -> Any:
    try:
        return native_scalar(value)
    except Unsupported:
        raise _fault(place) from None


def merges_from_text(text: str | bytes | None) -> dict[str, Merge]:
    """Merges given as JSON text; None is none."""
    if text is None:
        return {}
    try:
        document = parse(text, pairs=True, overflow_is_error=False)
    except OracleError as error:
        raise OracleError("invalid_merges", path="$", offset=error.offset) from None
    if not isinstance(document, Pairs):
        raise _fault("$")
    merges: dict[str, Merge] = {}
    for key, entry in document:
        path = path_member("$", key)
        if isinstance(entry, Pairs):
            merges[key] = _from_members(entry, path, native=False)
        elif isinstance(entry, list):
            merges[key] = _from_items(entry, path, native=False)
        else:
            raise _fault(path)
    return merges


def merges_from_native(value: Any) -> dict[str, Merge]:
    """Merges given as a dict of dicts (or lists, tuples by position); None is none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _fault("$")
    merges: dict[str, Merge] = {}
    for raw_key, entry in dict_items(value):
        if not isinstance(raw_key, str):
            raise _fault("$")
        key = replace_surrogates(str.__str__(raw_key))
        path = path_member("$", key)
        if isinstance(entry, dict):
            members = dict_items(entry)
            if not all(isinstance(name, str) for name, _ in members):
                raise _fault(path)
            named = [(replace_surrogates(str.__str__(name)), member) for name, member in members]
            merges[key] = _from_members(named, path, native=True)
        elif isinstance(entry, (list, tuple)):
            merges[key] = _from_items(sequence_items(entry), path, native=True)
        else:
            raise _fault(path)
    return merges
