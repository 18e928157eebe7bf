"""What the published SDKs record, and that the Python one does it through our binding."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import os
from collections import Counter, defaultdict

import pytest
from conftest import Recording, Recordings, expected_spans, lost_spans
from support import traffic
from support.harness import MODULES
from support.recording import Span, case_names

CASES = {case.name: case for case in traffic.CASES}


def test_python_sdk_loads_the_binding_unchanged(recordings: Recordings) -> None:
    ready = recordings.files["python"].service.ready
    assert ready["binding"] == {
        "enabled": True,
        "reason": "default_on",
        "raw_env": None,
        "binding_loaded": True,
        "binding_error": None,
    }
    assert not ready["binding_file"].startswith(str(MODULES))
    if "DRIFT_BINDING_WHEEL" not in os.environ:
        assert importlib.metadata.version("drift-core-python") == "0.2.0"


@pytest.mark.parametrize("way", ["files", "exports"])
def test_python_sdk_uses_the_binding_and_it_never_raises(recordings: Recordings, way: str) -> None:
    recording: Recording = getattr(recordings, way)["python"]
    assert [call for call in recording.calls if call["error"] is not None] == []
    counts = Counter(call["call"] for call in recording.calls)
    # The two spans that are not recorded are converted before the SDK turns them down.
    converted = traffic.EXPECTED_SPANS + sum(not case.recorded for case in traffic.CASES)
    expected = {
        "process_export_payload_pyobject": 2 * converted,
        "build_span_proto_bytes_pyobject": converted,
    }
    if way == "exports":
        expected["build_export_spans_request_bytes_pyobject"] = len(recording.requests)
    assert dict(counts) == expected


def _by_case(spans: list[Span]) -> dict[str, list[Span]]:
    names = case_names(spans)
    found: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        found[names.get(span.trace_id, "")].append(span)
    return found


def test_every_request_is_recorded_with_its_calls(recordings: Recordings, recorder: str) -> None:
    recording = recordings.files[recorder]
    assert len(recording.spans) == expected_spans(recorder)
    assert len({span.span_id for span in recording.spans}) == len(recording.spans)
    found = _by_case(recording.spans)
    for case in traffic.CASES:
        spans = found[case.name]
        roots = [span for span in spans if span.is_root]
        children = [span for span in spans if not span.is_root]
        if not case.recorded:
            assert spans == [], case.name
            continue
        assert len(roots) == 1, case.name
        assert len(children) == case.outbound - lost_spans(recorder).count(case.name), case.name
        assert {span.get("parentSpanId") for span in children} <= {roots[0].span_id}, case.name
        assert {span.get("isPreAppStart") for span in spans} == {False}, case.name


def test_recorded_bodies_are_what_was_sent_and_received(recordings: Recordings, recorder: str) -> None:
    recording = recordings.files[recorder]
    for name, spans in _by_case(recording.spans).items():
        if name not in CASES:
            continue
        root = next(span for span in spans if span.is_root)
        received = root.get("outputValue").get("body", "")
        assert base64.b64decode(received) == recording.replies[name].body, name
        sent = root.get("inputValue").get("body", "")
        assert base64.b64decode(sent) == (CASES[name].body or b""), name


def test_calls_before_the_service_is_ready_have_traces_of_their_own(
    recordings: Recordings, recorder: str
) -> None:
    alone = _by_case(recordings.files[recorder].spans)[""]
    assert len(alone) == len({span.trace_id for span in alone}) == traffic.ALONE
    assert all(span.get("isPreAppStart") and not span.is_root for span in alone)
    snapshot = next(span for span in alone if span.get("name") == "ENV_VARS_SNAPSHOT")
    assert snapshot.fields["inputValue"] == "{}"
    assert snapshot.get("outputValue")["ENV_VARS"]["TUSK_DRIFT_MODE"] == "RECORD"


def test_lines_have_the_documented_members(recordings: Recordings, recorder: str) -> None:
    always = {
        "traceId", "spanId", "parentSpanId", "name", "packageName", "instrumentationName", "submoduleName",
        "inputValue", "outputValue", "inputSchema", "outputSchema", "inputSchemaHash", "outputSchemaHash",
        "inputValueHash", "outputValueHash", "kind", "status", "isPreAppStart", "timestamp", "duration",
        "isRootSpan", "environment",
    }  # fmt: skip
    sometimes = {"packageType", "metadata", "transformMetadata"}
    if recorder != "node":
        always |= {"isUsed", "stackTrace"}
    for span in recordings.files[recorder].spans:
        assert always <= set(span.fields) <= always | sometimes
        assert json.loads(span.line)["environment"] == "development"
