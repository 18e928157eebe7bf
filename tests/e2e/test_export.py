"""The export path: what arrives at the service's end, read with the official generated types."""

from __future__ import annotations

import json
from typing import Any

import drift_core
import pytest
from conftest import Recordings, expected_spans, lost_spans
from support import exported, rules, traffic
from support.harness import API_KEY, SERVICE_ID
from support.pairs import paired
from support.recording import case_names
from support.shape import shapes
from test_fail_open import OTHERS, READ_DIFFERENTLY, _without_schemas

PATH = "/api/drift/tusk.drift.backend.v1.SpanExportService/ExportSpans"
VERSIONS = {"python": "0.1.29", "node": "0.1.27"}


def _spans(recordings: Recordings, recorder: str) -> list[dict[str, Any]]:
    return [
        span for body in recordings.exports[recorder].bodies for span in exported.by_node_types(body)["spans"]
    ]


def test_requests_are_addressed_and_labelled(recordings: Recordings, recorder: str) -> None:
    requests = recordings.exports[recorder].requests
    assert requests
    for request in requests:
        assert (request.path, request.content_type, request.api_key) == (
            PATH,
            "application/protobuf",
            API_KEY,
        )
        document = exported.by_node_types(request.body)
        assert document["observableServiceId"] == SERVICE_ID
        assert document["environment"] == "development"
        assert document["sdkVersion"] == VERSIONS[recorder.split()[0]]
        assert document["sdkInstanceId"]


def test_every_span_arrives_once(recordings: Recordings, recorder: str) -> None:
    spans = _spans(recordings, recorder)
    assert len(spans) == expected_spans(recorder)
    assert len({span["spanId"] for span in spans}) == len(spans)
    assert not list(recordings.exports[recorder].service.traces.glob("*"))
    names = case_names(exported.spans_of(spans))
    for case in traffic.CASES:
        found = [span for span in spans if names.get(span["traceId"]) == case.name]
        expected = (1 + case.outbound - lost_spans(recorder).count(case.name)) if case.recorded else 0
        assert len(found) == expected, case.name
        root = {span["spanId"] for span in found if span["isRootSpan"]}
        assert {span["parentSpanId"] for span in found if not span["isRootSpan"]} <= root, case.name
        for span in found:
            assert len(span["traceId"]) == 32 and len(span["spanId"]) == 16
            assert span["timestamp"]["seconds"] > 0 and 0 <= span["timestamp"]["nanos"] < 10**9


def test_python_and_node_types_read_the_same(recordings: Recordings, recorder: str) -> None:
    for body in recordings.exports[recorder].bodies:
        python = exported.by_python_types(body)
        node = exported.by_node_types(body)["spans"]
        assert [{key: span[key] for key in python[0]} for span in node] == python


def test_our_reader_reads_what_the_official_types_read(recordings: Recordings, recorder: str) -> None:
    for body in recordings.exports[recorder].bodies:
        ours = drift_core.export_request_to_json(body)
        assert ours == rules.canonical(rules.parse(ours))
        document = json.loads(ours)
        theirs = exported.by_node_types(body)
        labels = ("environment", "observableServiceId", "sdkInstanceId", "sdkVersion")
        assert {key: document[key] for key in labels} == {key: theirs[key] for key in labels}
        assert len(document["spans"]) == len(theirs["spans"])
        for span, expected in paired(document["spans"], theirs["spans"]):
            assert span == expected
        assert drift_core.diff_export_requests(body, body) == []


def _without_empty_metadata(span: dict[str, Any]) -> dict[str, Any]:
    """The binding always writes metadata; the SDK's own code leaves empty metadata out."""
    return {key: item for key, item in span.items() if key != "metadata" or item}


@pytest.mark.parametrize("other", OTHERS)
def test_exports_have_the_same_shape_without_the_binding(recordings: Recordings, other: str) -> None:
    ours, theirs = (
        shapes(exported.spans_of(_without_empty_metadata(span) for span in _spans(recordings, recorder)))
        for recorder in ("python", other)
    )
    assert ours.keys() == theirs.keys()
    for case, spans in ours.items():
        if case in lost_spans(other):
            assert set(theirs[case]) < set(spans), case
        elif case in READ_DIFFERENTLY:
            assert _without_schemas(theirs[case]) == _without_schemas(spans), case
        else:
            assert theirs[case] == spans, case


def test_exported_values_are_the_recorded_ones(recordings: Recordings, recorder: str) -> None:
    """The same requests, once written to files and once exported, have the same bodies."""

    def bodies(spans: list[dict[str, Any]]) -> list[tuple[object, ...]]:
        names = case_names(exported.spans_of(spans))
        return sorted(
            (names.get(span["traceId"], ""), span["name"].split("?")[0].rsplit("/", 1)[-1], side, str(value))
            for span in spans
            for side in ("input", "output")
            for value in [span[f"{side}Value"].get("body")]
        )

    written = [json.loads(line) for line in recordings.files[recorder].lines]
    assert bodies(written) == bodies(_spans(recordings, recorder))
