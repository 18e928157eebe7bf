"""The rules by which ours may differ from the published packages.

Each has a section of the same name in docs/compatibility.md. `applies` decides from
the input alone; `kinds` says what sort of difference it may explain (see
compare.Difference); `accepts` looks at one difference of two values, so that a rule
about numbers explains nothing but the number it predicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import spec as specs
import wire
from compare import Difference
from model import (
    I64_MAX,
    I64_MIN,
    PAYLOAD_LEVELS,
    SCHEMA_LEVELS,
    Case,
    Number,
    inner_texts,
    members,
    native_surrogate,
    natives,
    numbers,
    objects,
    scans,
    surrogate_in,
    tree_of,
    whole,
)
from number_model import MAX_DOUBLE, int_to_double, print_double

JSON_ROLES = ("payload", "merges", "value", "schema")
NATIVE_SPAN = "py.build_span_proto_bytes_pyobject"
PYOBJECT = "py.process_export_payload_pyobject"
# The published packages read messages nested 100 deep; one more is an error.
PUBLISHED_MESSAGES = 100
MERGE_MEMBERS = {"encoding", "decoded_type", "match_importance"}
SCHEMA_INTEGERS = {"type", "encoding", "decoded_type"}


@dataclass(frozen=True)
class Rule:
    id: str
    title: str
    kinds: frozenset[str]
    applies: Callable[[Case], bool]
    accepts: Callable[[Case, Difference], bool]


RULES: list[Rule] = []


def rule(
    name: str,
    title: str,
    kinds: str,
    accepts: Callable[[Case, Difference], bool] | None = None,
) -> Callable[[Callable[[Case], bool]], Callable[[Case], bool]]:
    """Register the decorated predicate as a rule."""

    def register(applies: Callable[[Case], bool]) -> Callable[[Case], bool]:
        RULES.append(
            Rule(name, title, frozenset(kinds.split()), applies, accepts or (lambda case, difference: True))
        )
        return applies

    return register


# --- numbers ---------------------------------------------------------------


def _integers(case: Case) -> list[Number]:
    return [n for n in numbers(case) if n.integer and n.differs]


def _floats(case: Case) -> list[Number]:
    return [n for n in numbers(case) if not n.integer and n.published is not None and n.differs]


def _top(case: Case) -> list[Number]:
    return [n for n in numbers(case) if not n.integer and n.published is None]


def _number_accepts(candidates: Callable[[Case], list[Number]]) -> Callable[[Case, Difference], bool]:
    """The difference is one number, and both sides of it are what the model predicts."""

    def accepts(case: Case, difference: Difference) -> bool:
        if difference.kind == "accepts":
            return any(n.published is None and not n.inner for n in candidates(case))
        if difference.piece in ("decoded", "schema") and _stays_text(case, difference, candidates):
            return True
        left, right = difference.published, difference.ours
        if not isinstance(left, dict) or not isinstance(right, dict):
            return False
        if "#" in left and "#" in right:
            tokens = (left["#"], right["#"])
            if difference.path[-1] == "match_importance":
                # An integer too is a double there.
                return any(
                    n.published_double is not None
                    and (print_double(n.published_double), print_double(n.ours_double)) == tokens
                    for n in candidates(case)
                )
            return any((n.published, n.ours) == tokens for n in candidates(case))
        if "double" in left and "double" in right:
            pair = (left["double"], right["double"])
            return any(
                n.published_double is not None and (repr(n.published_double), repr(n.ours_double)) == pair
                for n in candidates(case)
            )
        return False

    return accepts


def _stays_text(case: Case, difference: Difference, candidates: Callable[[Case], list[Number]]) -> bool:
    """A decoded text that published does not take as JSON, for a number in it."""
    keys = {inner.key for inner in inner_texts(case)}
    return bool(keys & set(difference.path)) and any(
        n.inner and n.published is None for n in candidates(case)
    )


@rule(
    "R01-exact-integers",
    "integers keep their digits at any size",
    "value accepts",
    _number_accepts(_integers),
)
def _r01(case: Case) -> bool:
    return bool(_integers(case))


@rule(
    "R02-nearest-double",
    "a number with point or exponent is the nearest double",
    "value",
    _number_accepts(_floats),
)
def _r02(case: Case) -> bool:
    return bool(_floats(case))


@rule(
    "R03-top-of-the-range",
    "a number that rounds to the largest double is taken",
    "value accepts",
    _number_accepts(_top),
)
def _r03(case: Case) -> bool:
    return bool(_top(case))


# --- text ------------------------------------------------------------------


def _r04_accepts(case: Case, difference: Difference) -> bool:
    if difference.kind == "accepts":
        return True
    if difference.kind == "class":
        # Both refuse; published for the surrogate, ours for something else.
        return difference.published["class"] in ("UnicodeEncodeError", "TypeError")
    keys = {inner.key for inner in inner_texts(case) if inner.scan.surrogate}
    return difference.piece in ("decoded", "schema") and bool(keys & set(difference.path))


@rule(
    "R04-unpaired-surrogates",
    "an unpaired surrogate becomes one U+FFFD",
    "value accepts class",
    _r04_accepts,
)
def _r04(case: Case) -> bool:
    return (
        any(scan.surrogate for _, scan in scans(case, *JSON_ROLES))
        or any(part.form == "text" and surrogate_in(part.data) for part in case.of(*JSON_ROLES))
        or any(native_surrogate(part.data) for part in natives(case, *JSON_ROLES))
        or any(isinstance(part.data, str) and surrogate_in(part.data) for part in case.of("string"))
        or any(inner.scan.surrogate for inner in inner_texts(case))
    )


@rule("R05-text-as-bytes", "JSON text may be given as UTF-8 bytes", "accepts class")
def _r05(case: Case) -> bool:
    return any(part.form == "bytes" for part in case.of(*JSON_ROLES))


# --- depth -----------------------------------------------------------------


@rule("R06-depth-of-native-arguments", "native span arguments have the depth limits too", "refuses")
def _r06(case: Case) -> bool:
    return case.entry == NATIVE_SPAN and (
        any(specs.depth(part.data) > PAYLOAD_LEVELS for part in natives(case, "value"))
        or any(specs.depth(part.data) > SCHEMA_LEVELS for part in natives(case, "schema"))
    )


@rule("R07-depth-of-merges", "merges text has the depth limit, in members nobody reads too", "refuses")
def _r07(case: Case) -> bool:
    return any(scan.depth > PAYLOAD_LEVELS for _, scan in scans(case, "merges"))


@rule("R08-no-crash", "a cycle or great depth is an error, not the end of the process", "died")
def _r08(case: Case) -> bool:
    for part in natives(case, *JSON_ROLES):
        for kind, what, depth in specs.walk(part.data):
            if kind == "object" and what in ("cycle_dict", "cycle_list"):
                return True
            if kind == "nest" and depth >= 20000:
                return True
    return False


@rule("R09-deep-schemas", "the schema of every payload is taken", "accepts")
def _r09(case: Case) -> bool:
    return case.language == "node" and any(
        PAYLOAD_LEVELS < scan.depth <= SCHEMA_LEVELS for _, scan in scans(case, "schema")
    )


# --- bytes that come back --------------------------------------------------


def _messages(case: Case) -> list[tuple[str, bytes]]:
    named = {"struct": "Struct", "span": "Span"}
    return [(named[part.role], part.data) for part in case.of("struct", "span") if part.form == "raw"]


@rule("R10-deep-bytes", "Struct and span bytes are taken at any depth", "accepts")
def _r10(case: Case) -> bool:
    return any(
        wire.is_valid(message, data) and wire.messages_deep(message, data) > PUBLISHED_MESSAGES
        for message, data in _messages(case)
    )


@rule("R11-nested-bytes-not-read", "bytes are checked at their top level only", "accepts")
def _r11(case: Case) -> bool:
    return any(
        wire.top_level_is_valid(message, data) and not wire.is_valid(message, data)
        for message, data in _messages(case)
    )


def _r12_accepts(case: Case, difference: Difference) -> bool:
    return difference.published is None and str(difference.path[-1]).startswith("?")


@rule(
    "R12-unknown-fields-kept", "bytes are laid in unchanged, unknown fields with them", "value", _r12_accepts
)
def _r12(case: Case) -> bool:
    return any(
        wire.is_valid(message, data) and wire.has_unknown_field(wire.decode(message, data))
        for message, data in _messages(case)
    )


@rule("R13-no-groups", "a group at the top level of given bytes is refused", "refuses")
def _r13(case: Case) -> bool:
    return any(wire.has_top_level_group(data) for _, data in _messages(case))


# --- schemas and merges ----------------------------------------------------


def _schema_nodes(tree: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    work = [tree]
    while work:
        node = members(work.pop())
        if node:
            found.append(node)
            work.extend(members(node.get("properties")).values())
            work.append(node.get("items"))
    return found


def _wide_schema_integers(case: Case) -> bool:
    for part in case.of("schema"):
        for node in _schema_nodes(tree_of(case, part)):
            for name in SCHEMA_INTEGERS:
                value = whole(node.get(name))
                if value is not None and I64_MIN <= value <= I64_MAX and not -(1 << 31) <= value < 1 << 31:
                    return True
    return False


def _r14_accepts(case: Case, difference: Difference) -> bool:
    return difference.ours is None and difference.path[-1] in SCHEMA_INTEGERS


@rule("R14-schema-integers", "a schema integer outside 32 bits counts as absent", "value", _r14_accepts)
def _r14(case: Case) -> bool:
    return _wide_schema_integers(case)


_UNSUPPORTED = {"bytes", "buf", "badkey"}
_UNSUPPORTED_OBJECTS = {"set", "object", "datetime", "IndexRaises", "generator"}


def _unsupported(tree: Any) -> bool:
    return any(
        kind in _UNSUPPORTED or (kind == "object" and what in _UNSUPPORTED_OBJECTS)
        for kind, what, _ in specs.walk(tree)
    )


def _strange_unknown_members(tree: Any) -> bool:
    """Something no JSON can say, and only in members that are not read."""
    if not isinstance(tree, dict) or "d" not in tree:
        return False
    read = {"d": [[key, member] for key, member in tree["d"] if key in MERGE_MEMBERS]}
    return _unsupported(tree) and not _unsupported(read)


@rule("R15-unread-members", "unknown members of merges are skipped unread", "accepts")
def _r15(case: Case) -> bool:
    entries = [entry for part in natives(case, "merges") for entry in members(part.data).values()]
    return any(_strange_unknown_members(entry) for entry in entries)


# --- Python objects --------------------------------------------------------


_NUMBER_BY_METHOD = ("3", "3.0", "0.5")
_TYPE_NUMBER = {"#": "1", "kind": "int"}
_SCHEMA_OF_NUMBER = {"object": [["properties", {"object": []}], ["type", _TYPE_NUMBER]]}


def _overridden_accepts(case: Case, difference: Difference) -> bool:
    """Published has the number that the method gives where ours has the value itself."""
    left = difference.published
    if difference.piece == "schema":
        return left is None or left == {"object": []} or left in (_TYPE_NUMBER, _SCHEMA_OF_NUMBER)
    if isinstance(left, dict):
        left = left.get("number_value", left)
        return left.get("#", left.get("double")) in _NUMBER_BY_METHOD
    # The payload itself is a number: an empty Struct.
    return left is None and difference.path[-1] == "fields"


@rule(
    "R16-overridden-methods", "a subclass is read as what it is a subclass of", "value", _overridden_accepts
)
def _r16(case: Case) -> bool:
    return bool(
        objects(case, *JSON_ROLES) & {"DictIndex", "ListIndex", "StrIndex", "FloatIndex", "IntWithFloat"}
    )


@rule("R17-interrupts", "an interrupt during a conversion passes through", "class")
def _r17(case: Case) -> bool:
    return "IndexInterrupted" in objects(case, *JSON_ROLES)


@rule("R18-merges-integers", "an integer too large for a merges code is a ValueError at any size", "class")
def _r18(case: Case) -> bool:
    for part in natives(case, "merges"):
        for entry in members(part.data).values():
            codes = [whole(members(entry).get(name)) for name in ("encoding", "decoded_type")]
            if any(code is not None and abs(int_to_double(code)) == MAX_DOUBLE for code in codes):
                return True
    return False


# --- Node ------------------------------------------------------------------


def _node_number(part: Any) -> float | None:
    if isinstance(part, dict) and "n" in part:
        return float(part["n"].replace("Infinity", "inf"))
    return None


_SECONDS = ("timestampSeconds", "durationSeconds")
_INT32 = {"packageType", "kind", "statusCode", "timestampNanos", "durationNanos"}


@rule("R19-node-numbers", "a number that does not fit its field is refused", "refuses")
def _r19(case: Case) -> bool:
    for part in case.of("integer"):
        name, given = part.data
        value = _node_number(given)
        if case.language != "node" or value is None:
            continue
        if value != value or abs(value) == float("inf"):
            return True
        bits = 31 if name in _INT32 else 63
        if not -(2**bits) <= int(value) < 2**bits:
            return True
    return False


@rule("R20-node-null", "null is undefined for an optional member", "accepts")
def _r20(case: Case) -> bool:
    return case.language == "node" and any(part.data == "null member" for part in case.of("other"))


@rule("R21-node-bigint", "seconds may be a bigint", "accepts")
def _r21(case: Case) -> bool:
    return case.language == "node" and any(
        part.data == (name, {"o": ["BigInt"]}) for part in case.of("integer") for name in _SECONDS
    )
