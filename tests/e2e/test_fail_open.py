"""The SDK still records when there is no binding, and when there is one that raises on every call."""

from __future__ import annotations

import json

import pytest
from conftest import Recordings, lost_spans
from support.shape import shapes

OTHERS = ["python without binding", "python with a raising binding"]

# Bodies the SDK's own code reads as something else than the core does, so that the schemas differ:
# NaN is no JSON, and beyond 127 levels a body stays text.
READ_DIFFERENTLY = {"relay not-a-number", "relay deep-150"}


def test_a_missing_binding_is_reported(recordings: Recordings) -> None:
    status = recordings.files["python without binding"].service.ready["binding"]
    assert status["binding_loaded"] is False
    assert status["binding_error"] == "ModuleNotFoundError: No module named 'drift_core'"


def test_a_raising_binding_is_asked_and_always_raises(recordings: Recordings) -> None:
    for recording in (recordings.files[OTHERS[1]], recordings.exports[OTHERS[1]]):
        assert recording.service.ready["binding"]["binding_loaded"] is True
        assert {call["error"] for call in recording.calls} == {"RuntimeError: this binding always raises"}
        asked = {call["call"] for call in recording.calls}
        assert {"process_export_payload_pyobject", "build_span_proto_bytes_pyobject"} <= asked


@pytest.mark.parametrize("other", OTHERS)
def test_recordings_have_the_same_shape_without_the_binding(recordings: Recordings, other: str) -> None:
    ours = shapes(recordings.files["python"].spans)
    theirs = shapes(recordings.files[other].spans)
    assert ours.keys() == theirs.keys()
    for case, spans in ours.items():
        if case in lost_spans(other):
            assert set(theirs[case]) < set(spans), case
        elif case in READ_DIFFERENTLY:
            assert _without_schemas(theirs[case]) == _without_schemas(spans), case
            assert theirs[case] != spans, case
        else:
            assert theirs[case] == spans, case


def _without_schemas(spans: list[str]) -> list[str]:
    documents = [json.loads(span) for span in spans]
    return sorted(
        json.dumps({key: item for key, item in document.items() if "Schema" not in key})
        for document in documents
    )
