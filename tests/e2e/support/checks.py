"""Judges every recorded hash and counts the verdicts.

Each check compares a recorded hash with one computed another way. The two may differ only for a
named reason, and must differ where the reason holds: a reason that is too wide fails as surely as
a difference without one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import drift_core

from . import node, rules
from .pairs import paired
from .recording import Payload

Reason = Callable[[], bool]


@dataclass
class Row:
    equal: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.equal + sum(self.reasons.values()) + len(self.faults)


class Table:
    """Verdicts by recorder and check, in the order in which they came up."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}

    def judge(
        self,
        recorder: str,
        check: str,
        payload: Payload,
        equal: bool,
        reasons: dict[str, Reason] | None = None,
    ) -> None:
        row = self.rows.setdefault((recorder, check), Row())
        holding = [name for name, holds in (reasons or {}).items() if holds()]
        if equal and not holding:
            row.equal += 1
        elif not equal and holding:
            row.reasons[holding[0]] += 1
        elif equal:
            row.faults.append(f"{payload.label}: equal, although {holding[0]}")
        else:
            row.faults.append(f"{payload.label}: differs without a reason: {payload.value[:300]}")

    def faults(self, recorder: str) -> list[str]:
        return [
            f"{check}: {fault}"
            for (name, check), row in self.rows.items()
            if name == recorder
            for fault in row.faults
        ]

    def checks(self, recorder: str) -> dict[str, Row]:
        return {check: row for (name, check), row in self.rows.items() if name == recorder}

    def lines(self) -> list[str]:
        if not self.rows:
            return []
        wide = max(len(check) for _, check in self.rows)
        out: list[str] = []
        recorder = None
        for (name, check), row in self.rows.items():
            if name != recorder:
                recorder = name
                out.append(f"{name}")
            out.append(f"  {check:<{wide}}  {row.equal:4d} of {row.total:4d} equal")
            for reason, count in row.reasons.most_common():
                out.append(f"  {'':<{wide}}  {count:4d} differ: {reason}")
            if row.faults:
                out.append(f"  {'':<{wide}}  {len(row.faults):4d} WRONG")
        return out


# The checks' names, as printed.
SCHEMA = "schema hash: deterministic_hash of the recorded schema"
VALUE = "value hash: deterministic_hash of the decoded value"
VALUE_DIGITS = "value hash: the same with every digit of the body kept"
PAYLOAD_VALUE = "value hash: process_export_payload alone"
PAYLOAD_SCHEMA = "schema hash: process_export_payload alone"
PAYLOAD_TEXTS = "normalised, decoded and schema texts: process_export_payload alone"
NATIVE = "all results: process_export_payload_pyobject"
CANONICAL = "both hashes: the canonical form written with Python's standard library"
NODE = "both hashes, all results: the Node binding"
SDK_RULE = "both hashes: the SDK's own rule, written once more"

# The reasons, as printed.
INTEGER_KEYS = "JavaScript lists integer-like keys first, in numeric order"
UTF16 = "JavaScript orders keys by UTF-16 units"
POINT_FORM = "JavaScript prints 1e-6 without an exponent"
JS_NUMBERS = "JavaScript makes 1 of 1.0, or rounds an integer beyond 2^53"
SURROGATE = "JavaScript keeps a lone surrogate"
STAYS_BASE64 = "the Node SDK leaves a JSON body that does not parse as base64"
NODE_PARSES = "the Node SDK parses JSON of unknown type, the call does not"
CAMEL_CASE = "the Node SDK hashes camelCase schema keys"
EXPONENT = "Python prints an exponent its own way"
NAN = "Python takes NaN for JSON"
NOT_UTF8 = "Python drops bytes that are not UTF-8"
DEEP = "the body is nested deeper than 127 levels and stays text"
TOO_DEEP = "deterministic_hash takes 127 levels, this one has more"


def _hash(text: str) -> str | None:
    """None where the text is refused."""
    try:
        return str(drift_core.deterministic_hash(text))
    except ValueError:
        return None


def _body_texts(payload: Payload, declared: int | None) -> list[str]:
    return [
        data.decode("utf-8", errors="replace")
        for key, data in rules.encoded_fields(payload).items()
        if payload.merges[key].decoded_type == declared
    ]


def _parses(text: str) -> bool:
    try:
        rules.parse(text)
    except ValueError:
        return False
    return True


def _does_not_parse(text: str) -> bool:
    """An empty text is the same in base64."""
    return bool(text) and not _parses(text)


def _any(holds: Callable[[str], bool], texts: list[str]) -> bool:
    return any(map(holds, texts))


def _is_deep(text: str) -> bool:
    return _parses(text) and rules.depth(rules.parse(text)) > rules.MAX_DEPTH


def _too_deep(text: str) -> dict[str, Reason]:
    return {TOO_DEEP: partial(_is_deep, text)}


def _has_constant(text: str) -> bool:
    """Whether it is JSON but for NaN or an infinity, which Python's parser takes."""
    if _parses(text):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def judge_with_binding(table: Table, recorder: str, payloads: Sequence[Payload]) -> None:
    """Recordings of the Python SDK with a binding: everything is equal."""
    for payload in payloads:
        decoded = rules.decoded_by_contract(payload)
        schema_equal = _hash(payload.schema) == payload.schema_hash
        table.judge(recorder, SCHEMA, payload, schema_equal, _too_deep(payload.schema))
        table.judge(recorder, VALUE, payload, _hash(decoded) == payload.value_hash, _too_deep(decoded))
        independent = (rules.canonical_hash(decoded), rules.canonical_hash(payload.schema))
        table.judge(recorder, CANONICAL, payload, independent == (payload.value_hash, payload.schema_hash))
        result = drift_core.process_export_payload(payload.value, payload.merges_text)
        normalized, decoded_text, value_hash, schema, schema_hash, struct = result
        table.judge(recorder, PAYLOAD_VALUE, payload, value_hash == payload.value_hash)
        table.judge(recorder, PAYLOAD_SCHEMA, payload, schema_hash == payload.schema_hash)
        texts = tuple(rules.canonical(rules.parse(text)) for text in (payload.value, decoded, payload.schema))
        table.judge(recorder, PAYLOAD_TEXTS, payload, (normalized, decoded_text, schema) == texts)
        native = drift_core.process_export_payload_pyobject(
            json.loads(payload.value), json.loads(payload.merges_text)
        )
        expected = (json.loads(normalized), value_hash, json.loads(schema), schema_hash, struct)
        table.judge(recorder, NATIVE, payload, tuple(native) == expected)
    _judge_node_binding(table, recorder, payloads, rules.decoded_by_contract)


def _judge_node_binding(
    table: Table, recorder: str, payloads: Sequence[Payload], decode: Callable[[Payload], str]
) -> None:
    calls: list[list[object]] = []
    for payload in payloads:
        calls.append(["deterministicHash", payload.schema])
        calls.append(["deterministicHash", decode(payload)])
        calls.append(["processExportPayload", payload.value, payload.merges_text])
    results = node.call_binding(calls)
    for at, payload in enumerate(payloads):
        schema_hash, value_hash, processed = results[3 * at : 3 * at + 3]
        ours = drift_core.process_export_payload(payload.value, payload.merges_text)
        equal = (schema_hash, value_hash) == (_hash(payload.schema), _hash(decode(payload)))
        table.judge(recorder, NODE, payload, equal and _same_processing(processed, ours))


def _same_processing(from_node: dict[str, Any], from_python: tuple[Any, ...]) -> bool:
    names = (
        "normalizedJson",
        "decodedJson",
        "decodedValueHash",
        "decodedSchemaJson",
        "decodedSchemaHash",
        "protobufStructBytes",
    )
    python = [item.hex() if isinstance(item, bytes) else item for item in from_python]
    found = [from_node[name]["hex"] if name == "protobufStructBytes" else from_node[name] for name in names]
    return found == python


def judge_without_binding(table: Table, recorder: str, payloads: Sequence[Payload]) -> None:
    """Recordings of the Python SDK's own code, which prints and decodes in Python's way."""
    for payload in payloads:
        value = rules.decoded_by_python(payload)
        text = rules.python_text(value)
        own = (rules.sha256(text), rules.sha256(rules.python_text(json.loads(payload.schema))))
        table.judge(recorder, SDK_RULE, payload, own == (payload.value_hash, payload.schema_hash))
        declared = _body_texts(payload, rules.JSON_TYPE)
        not_a_number: dict[str, Reason] = {NAN: partial(_any, _has_constant, declared)}
        exponent: dict[str, Reason] = {EXPONENT: partial(_python_prints, text)}
        deep: dict[str, Reason] = {DEEP: partial(_any, _is_deep, declared)}
        not_utf8: dict[str, Reason] = {NOT_UTF8: partial(_is_not_utf8, payload)}
        schema_equal = _hash(payload.schema) == payload.schema_hash
        table.judge(recorder, SCHEMA, payload, schema_equal, _too_deep(payload.schema))
        value_reasons = {**not_a_number, **exponent, **_too_deep(text)}
        table.judge(recorder, VALUE, payload, _hash(text) == payload.value_hash, value_reasons)
        result = drift_core.process_export_payload(payload.value, payload.merges_text)
        reasons = {**not_a_number, **deep, **not_utf8, **exponent}
        table.judge(recorder, PAYLOAD_VALUE, payload, result[2] == payload.value_hash, reasons)
        table.judge(
            recorder, PAYLOAD_SCHEMA, payload, result[4] == payload.schema_hash, {**not_a_number, **deep}
        )


def _python_prints(text: str) -> bool:
    return _parses(text) and rules.python_prints_exponents(rules.parse(text))


def _is_not_utf8(payload: Payload) -> bool:
    for data in rules.encoded_fields(payload).values():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return True
    return False


def judge_node(table: Table, recorder: str, payloads: Sequence[Payload]) -> None:
    """Recordings of the Node SDK, which computes in JavaScript."""
    own = node.sdk_rule(payloads)
    for payload, rule in paired(payloads, own):
        table.judge(
            recorder,
            SDK_RULE,
            payload,
            (rule["valueHash"], rule["schemaHash"]) == (payload.value_hash, payload.schema_hash),
        )
        schema = rules.parse(payload.schema)
        keys: dict[str, Reason] = {
            INTEGER_KEYS: partial(rules.javascript_moves_integer_keys, schema),
            UTF16: partial(rules.javascript_orders_by_utf16, schema),
        }
        schema_equal = _hash(payload.schema) == payload.schema_hash
        table.judge(recorder, SCHEMA, payload, schema_equal, {**_too_deep(payload.schema), **keys})

        # What the SDK hashes, as JavaScript wrote it down.
        written = rules.parse(rule["decoded"])
        written_reasons = {**_too_deep(rule["decoded"]), **_javascript_order(written)}
        table.judge(recorder, VALUE, payload, _hash(rule["decoded"]) == payload.value_hash, written_reasons)

        # The same with every digit of the recorded body.
        exact_text = rules.decoded_by_contract(payload, assume_json=True)
        exact = rules.parse(exact_text)
        unparsed: dict[str, Reason] = {
            STAYS_BASE64: partial(_any, _does_not_parse, _body_texts(payload, rules.JSON_TYPE)),
            JS_NUMBERS: partial(rules.javascript_changes_numbers, exact),
        }
        bodies = _body_texts(payload, rules.JSON_TYPE) + _body_texts(payload, None)
        deep: dict[str, Reason] = {DEEP: partial(_any, _is_deep, bodies)}
        exact_reasons = {**deep, **unparsed, **_javascript_order(exact)}
        table.judge(
            recorder,
            VALUE_DIGITS,
            payload,
            _hash(exact_text) == payload.value_hash,
            {**_too_deep(exact_text), **exact_reasons},
        )

        untyped: dict[str, Reason] = {NODE_PARSES: partial(_any, _parses, _body_texts(payload, None))}
        result = drift_core.process_export_payload(payload.value, payload.merges_text)
        alone = {**untyped, **exact_reasons}
        table.judge(recorder, PAYLOAD_VALUE, payload, result[2] == payload.value_hash, alone)
        camel: dict[str, Reason] = {CAMEL_CASE: partial(_has_camel_case, payload)}
        schema_reasons = {**camel, **untyped, **deep, **keys}
        table.judge(recorder, PAYLOAD_SCHEMA, payload, result[4] == payload.schema_hash, schema_reasons)
    _judge_node_binding(table, recorder, payloads, lambda p: rules.decoded_by_contract(p, assume_json=True))


def _javascript_order(value: Any) -> dict[str, Reason]:
    return {
        INTEGER_KEYS: partial(rules.javascript_moves_integer_keys, value),
        UTF16: partial(rules.javascript_orders_by_utf16, value),
        POINT_FORM: partial(rules.javascript_prints_point_form, value),
        SURROGATE: partial(rules.has_lone_surrogate, value),
    }


def _has_camel_case(payload: Payload) -> bool:
    return any(
        merge.decoded_type is not None or merge.match_importance is not None
        for merge in payload.merges.values()
    )


def payloads_of(spans: Iterable[Any]) -> list[Payload]:
    return [payload for span in spans for payload in span.payloads()]
