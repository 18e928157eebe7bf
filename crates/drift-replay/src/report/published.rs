//! The results as the published program writes them: `results.json`, and the
//! objects of `--print --output-format json`.

use super::{MatchEvent, RunResults, TestResult, TestState};
use crate::compare::Deviation;
use serde_json::{Map, Value, json};
use tusk_drift_schemas::tusk::drift::core::v1::MatchLevel;

/// `TestFailureReason` of the published results.
const MOCK_NOT_FOUND: i32 = 1;
const RESPONSE_MISMATCH: i32 = 2;
const NO_RESPONSE: i32 = 3;

/// The contents of `results.json`. Redact the results first.
///
/// Keys and numbers as published; `deviations` hold ours by path, so there can
/// be several of one `field`.
pub fn to_published_results(results: &RunResults) -> Value {
    json!({
        "cli_version": results.tool_version,
        "sdk_version": results.sdk_version.clone().unwrap_or_default(),
        "trace_test_results": results.tests.iter().map(test_result).collect::<Vec<_>>(),
    })
}

/// Whether it counts as a success there: what was left out is none.
fn success(test: &TestResult) -> bool {
    test.state == TestState::Passed
}

fn failure(test: &TestResult) -> Option<(i32, String)> {
    let sentences = || {
        test.deviations
            .iter()
            .map(|deviation| deviation.description.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    };
    match test.state {
        TestState::Passed => None,
        _ if test.has_unanswered_call() => Some((MOCK_NOT_FOUND, sentences())),
        TestState::Deviated => Some((RESPONSE_MISMATCH, sentences())),
        TestState::Failed => Some((NO_RESPONSE, test.error.clone().unwrap_or_default())),
        TestState::Cancelled => Some((NO_RESPONSE, "cancelled".to_owned())),
        TestState::Skipped => Some((NO_RESPONSE, "skipped".to_owned())),
    }
}

fn test_result(test: &TestResult) -> Value {
    let mut map = Map::new();
    map.insert("trace_test_id".to_owned(), test.trace_id.as_str().into());
    map.insert("test_success".to_owned(), success(test).into());
    if let Some((reason, message)) = failure(test) {
        map.insert("test_failure_reason".to_owned(), reason.into());
        map.insert("test_failure_message".to_owned(), message.into());
    }
    let mut spans: Vec<Value> = test.match_events.iter().map(span_result).collect();
    let deviations: Vec<Value> = test
        .deviations
        .iter()
        .map(|deviation| {
            json!({
                "field": deviation.code.published_field(),
                "description": deviation.description,
            })
        })
        .collect();
    if !deviations.is_empty() {
        // The published program hangs the response's deviations on a span result.
        spans.push(json!({"deviations": deviations}));
    }
    map.insert("span_results".to_owned(), spans.into());
    Value::Object(map)
}

fn span_result(event: &MatchEvent) -> Value {
    let mut map = Map::new();
    if let Ok(span @ Value::Object(_)) = serde_json::from_str(&event.replay_span_json) {
        map.insert("replay_span".to_owned(), span);
    }
    if let Some(id) = &event.matched_span_id {
        map.insert("matched_span_recording_id".to_owned(), id.as_str().into());
    }
    if let Some(level) = &event.match_level {
        map.insert("match_level".to_owned(), match_level(level));
    }
    if !event.stack_trace.is_empty() {
        map.insert("stack_trace".to_owned(), event.stack_trace.as_str().into());
    }
    Value::Object(map)
}

fn match_level(level: &MatchLevel) -> Value {
    let mut map = Map::new();
    map.insert("match_type".to_owned(), level.match_type.into());
    map.insert("match_scope".to_owned(), level.match_scope.into());
    map.insert(
        "match_description".to_owned(),
        level.match_description.as_str().into(),
    );
    if let Some(score) = level.similarity_score {
        map.insert("similarity_score".to_owned(), score.into());
    }
    if !level.top_candidates.is_empty() {
        map.insert(
            "top_candidates".to_owned(),
            level
                .top_candidates
                .iter()
                .map(|one| json!({"span_id": one.span_id, "score": one.score}))
                .collect(),
        );
    }
    Value::Object(map)
}

/// One object of the published standard output; it prints them one after the
/// other, indented, and `[]` when there are no tests.
pub fn to_published_stdout(test: &TestResult) -> Value {
    let mut map = Map::new();
    map.insert("test_id".to_owned(), test.trace_id.as_str().into());
    map.insert("passed".to_owned(), success(test).into());
    map.insert(
        "cancelled".to_owned(),
        (test.state == TestState::Cancelled).into(),
    );
    if test.crashed_server {
        map.insert("crashed_server".to_owned(), true.into());
    }
    if test.retried_after_crash {
        map.insert("retried_after_crash".to_owned(), true.into());
    }
    map.insert("duration".to_owned(), test.duration_ms.into());
    if !test.deviations.is_empty() {
        map.insert(
            "deviations".to_owned(),
            test.deviations.iter().map(deviation).collect(),
        );
    }
    if let Some(error) = &test.error {
        map.insert("error".to_owned(), error.as_str().into());
    }
    Value::Object(map)
}

/// Expected and actual are JSON values there: numbers for a status.
fn deviation(deviation: &Deviation) -> Value {
    let is_text = deviation.path.is_none() && deviation.part != "status";
    let value = |text: &Option<String>| match text {
        None => Value::Null,
        Some(text) if is_text => Value::String(text.clone()),
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
    };
    json!({
        "field": deviation.code.published_field(),
        "expected": value(&deviation.recorded),
        "actual": value(&deviation.actual),
        "description": deviation.description,
    })
}
