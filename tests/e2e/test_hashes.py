"""Every recorded hash, computed again: by both bindings, by the standard library, by the SDK's own rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Recordings
from support import checks, exported
from support.checks import Table
from support.recording import Payload

Judge = Callable[[Table, str, list[Payload]], None]

JUDGES: dict[str, Judge] = {
    "python": checks.judge_with_binding,
    "python without binding": checks.judge_without_binding,
    "python with a raising binding": checks.judge_without_binding,
    "node": checks.judge_node,
}

# The traffic holds a value for each reason to differ; a reason nothing met would prove nothing.
REASONS = {
    "python": {checks.TOO_DEEP},
    "python without binding": {checks.TOO_DEEP, checks.DEEP, checks.EXPONENT, checks.NAN, checks.NOT_UTF8},
    "node": {
        checks.INTEGER_KEYS,
        checks.UTF16,
        checks.POINT_FORM,
        checks.JS_NUMBERS,
        checks.SURROGATE,
        checks.STAYS_BASE64,
        checks.NODE_PARSES,
        checks.CAMEL_CASE,
        checks.DEEP,
        checks.TOO_DEEP,
    },
}


def _check(table: Table, name: str, recorder: str, payloads: list[Payload]) -> None:
    JUDGES[recorder](table, name, payloads)
    assert table.faults(name) == []
    assert {row.total for row in table.checks(name).values()} == {len(payloads)}
    met = {reason for row in table.checks(name).values() for reason in row.reasons}
    assert met == REASONS["python without binding" if recorder.startswith("python with") else recorder]


def test_recorded_hashes(recordings: Recordings, table: Table, recorder: str) -> None:
    _check(table, recorder, recorder, checks.payloads_of(recordings.files[recorder].spans))


@pytest.mark.parametrize("recorder", list(JUDGES))
def test_exported_hashes(recordings: Recordings, table: Table, recorder: str) -> None:
    documents = [
        span for body in recordings.exports[recorder].bodies for span in exported.by_node_types(body)["spans"]
    ]
    payloads = checks.payloads_of(exported.spans_of(documents))
    if recorder == "node":
        payloads = [exported.as_node_wrote(payload) for payload in payloads]
    _check(table, f"{recorder}, exported", recorder, payloads)
