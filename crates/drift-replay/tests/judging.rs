//! What a user relies on when a test is judged: recording, response and calls
//! come together.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use drift_replay::drive::{HttpResponse, PlannedTest, SendError, TestError, TestOutcome};
use drift_replay::replay::{Judge, matcher};
use drift_replay::report::{TestResult, TestState};
use drift_replay::server::{MockEvent, TestRecord};
use drift_replay::{Config, LoadOptions, Matcher, MockRequest, Recording};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tusk_drift_schemas::tusk::drift::core::v1::{
    GetMockRequest, GetMockResponse, Span as WireSpan, SpanKind,
};

const TEST: &str = "0000000000000000000000000000000a";
const OTHER: &str = "0000000000000000000000000000000b";

/// The recording: a test with two calls, and another trace with one.
fn recording(directory: &Path) -> Recording {
    // `{"total":7}` is eyJ0b3RhbCI6N30=
    let root = |trace: &str| {
        format!(
            r#"{{"traceId":"{trace}","spanId":"00000000000000f0","parentSpanId":"","name":"GET /orders","packageName":"flask","packageType":1,"kind":2,"isRootSpan":true,"timestamp":{{"seconds":10,"nanos":0}},"duration":{{"seconds":1,"nanos":0}},"inputValue":{{"method":"GET","target":"/orders","headers":{{}}}},"outputValue":{{"statusCode":200,"headers":{{"Content-Type":"application/json"}},"body":"eyJ0b3RhbCI6N30="}},"outputSchema":{{"type":6,"properties":{{"body":{{"type":2,"properties":{{}},"encoding":1,"decoded_type":1}}}}}}}}"#
        )
    };
    let call = |trace: &str, id: &str, path: &str, seconds: u32| {
        format!(
            r#"{{"traceId":"{trace}","spanId":"{id}","parentSpanId":"00000000000000f0","name":"GET {path}","packageName":"http","submoduleName":"GET","packageType":1,"kind":3,"isRootSpan":false,"timestamp":{{"seconds":{seconds},"nanos":5000}},"duration":{{"seconds":0,"nanos":1000}},"inputValue":{{"method":"GET","url":"http://up{path}","headers":{{}}}},"outputValue":{{"statusCode":200}}}}"#
        )
    };
    let lines = [
        call(TEST, "0000000000000001", "/a", 11),
        call(TEST, "0000000000000002", "/b", 12),
        root(TEST),
    ];
    fs::write(
        directory.join(format!("1_trace_{TEST}.jsonl")),
        lines.join("\n") + "\n",
    )
    .unwrap();
    let lines = [call(OTHER, "0000000000000003", "/c", 11), root(OTHER)];
    fs::write(
        directory.join(format!("2_trace_{OTHER}.jsonl")),
        lines.join("\n") + "\n",
    )
    .unwrap();
    Recording::load(&LoadOptions::new([directory]), &|_| ()).unwrap()
}

/// A live call to a path, as the SDK asks for it.
fn request(path: &str) -> GetMockRequest {
    let text = |text: &str| Value {
        kind: Some(Kind::StringValue(text.to_owned())),
    };
    let headers = Value {
        kind: Some(Kind::StructValue(Struct::default())),
    };
    let input = Struct {
        fields: [
            ("method".to_owned(), text("GET")),
            ("url".to_owned(), text(&format!("http://up{path}"))),
            ("headers".to_owned(), headers),
        ]
        .into(),
    };
    GetMockRequest {
        test_id: TEST.to_owned(),
        outbound_span: Some(WireSpan {
            name: format!("GET {path}"),
            package_name: "http".to_owned(),
            package_type: 1,
            submodule_name: "GET".to_owned(),
            kind: SpanKind::Client as i32,
            input_value: Some(input),
            ..WireSpan::default()
        }),
        ..GetMockRequest::default()
    }
}

/// The call, answered from the recording.
fn mock(matcher: &Matcher, path: &str) -> Arc<MockEvent> {
    let request = request(path);
    let answer = matcher.answer(&MockRequest::from_message(&request).unwrap());
    let found = answer.found.as_ref();
    let span = found.map(|found| matcher.recording().span(found.span).unwrap());
    Arc::new(MockEvent {
        connection: 1,
        request,
        answer: GetMockResponse {
            found: found.is_some(),
            matched_span_id: span.map(|span| span.span_id).unwrap_or_default(),
            error: found.map_or("no recorded call fits".to_owned(), |_| String::new()),
            match_level: found.map(|found| found.level.clone()),
            ..GetMockResponse::default()
        },
        matched: Some(Box::new(answer)),
        took: Duration::ZERO,
    })
}

fn judge(body: Result<&'static [u8], TestError>, paths: &[&str]) -> TestResult {
    let directory = tempfile::tempdir().unwrap();
    let recording = Arc::new(recording(directory.path()));
    let matcher = matcher(&recording);
    matcher.begin_test(TEST);
    let mocks = paths.iter().map(|path| mock(&matcher, path)).collect();
    let outcome = TestOutcome {
        test: PlannedTest {
            trace_id: TEST.to_owned(),
            file: Arc::new(PathBuf::from("traces/1.jsonl")),
            environment: None,
        },
        request: None,
        response: body.map(|body| HttpResponse {
            status: 200,
            reason: "OK".to_owned(),
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            raw_body: body.into(),
            body: body.into(),
            encoding_problem: None,
            duration: Duration::from_millis(3),
        }),
        record: TestRecord {
            mocks,
            ..TestRecord::default()
        },
        late: TestRecord::default(),
        coverage: None,
        crashed: false,
        retried: false,
        duration: Duration::from_millis(5),
    };
    Judge {
        config: Arc::new(Config::defaults(directory.path(), &|_| None)),
        recording,
    }
    .test(&outcome)
}

fn codes(result: &TestResult) -> Vec<&'static str> {
    result
        .deviations
        .iter()
        .map(|one| one.code.as_str())
        .collect()
}

#[test]
fn a_test_as_recorded_passes() {
    let result = judge(Ok(br#"{"total":7}"#), &["/a", "/b"]);
    assert_eq!((result.state, codes(&result)), (TestState::Passed, vec![]));
    assert_eq!(
        (result.method.as_str(), result.target.as_str()),
        ("GET", "/orders")
    );
    assert_eq!(
        (result.recorded_status, result.actual_status),
        (Some(200), Some(200))
    );
    assert_eq!(result.match_events.len(), 2);
}

#[test]
fn a_changed_body_and_a_missing_call_are_both_named() {
    let result = judge(Ok(br#"{"total":8}"#), &["/a"]);
    assert_eq!(result.state, TestState::Deviated);
    assert_eq!(codes(&result), ["BODY_CHANGED", "CALL_MISSING"]);
    assert_eq!(
        result.calls[result.deviations[1].call.unwrap()].summary,
        "GET http://up/b"
    );
}

#[test]
fn a_call_that_nothing_answers_says_why() {
    let result = judge(Ok(br#"{"total":7}"#), &["/a", "/x", "/b"]);
    assert_eq!(codes(&result), ["CALL_NEW"]);
    assert_eq!(result.calls[1].why, "no recorded call fits");
    assert!(result.has_unanswered_call());
}

#[test]
fn a_call_that_only_another_test_has_is_new_here() {
    let result = judge(Ok(br#"{"total":7}"#), &["/a", "/b", "/c"]);
    assert_eq!(codes(&result), ["CALL_NEW"]);
}

#[test]
fn a_call_made_again_is_answered_and_named() {
    let result = judge(Ok(br#"{"total":7}"#), &["/a", "/b", "/b"]);
    assert_eq!(codes(&result), ["CALL_MORE_OFTEN"]);
}

#[test]
fn calls_in_another_order_are_named_once() {
    let result = judge(Ok(br#"{"total":7}"#), &["/b", "/a"]);
    assert_eq!(codes(&result), ["CALL_ORDER"]);
}

#[test]
fn a_test_without_a_response_has_failed_and_its_calls_are_not_missing() {
    let timeout = Duration::from_secs(30);
    let result = judge(
        Err(TestError::Send(SendError::Timeout { timeout })),
        &["/a"],
    );
    assert_eq!(
        (result.state, codes(&result)),
        (TestState::Failed, vec!["NO_RESPONSE"])
    );
    assert_eq!(
        result.error.as_deref(),
        Some("no complete response came within 30 s")
    );
}

#[test]
fn a_start_command_that_runs_docker_is_told_that_no_sandbox_holds_containers() {
    use drift_replay::config::SandboxMode;
    use drift_replay::replay::{ReplayOptions, plan};
    let folder = tempfile::tempdir().unwrap();
    let recording = Arc::new(recording(folder.path()));
    let text = "service: {start: {command: docker compose up}}";
    let file = Path::new("/p/.tusk/config.yaml");
    let config = Config::parse(text, file, Path::new("/p"), &|_| None).unwrap();
    let planned = plan(&config, &recording, &ReplayOptions::default()).unwrap();
    assert_eq!(planned.sandbox.mode, SandboxMode::Off);
    assert!(planned.sandbox.notices[0].contains("containers"));
    let off = ReplayOptions {
        sandbox_mode: Some(SandboxMode::Off),
        ..ReplayOptions::default()
    };
    let planned = plan(&config, &recording, &off).unwrap();
    assert_eq!(planned.sandbox.notices, Vec::<String>::new());
}
