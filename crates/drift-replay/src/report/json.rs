//! Our JSON form of results, `docs/comparing.md` has its table. A key is left
//! out when it says nothing.

use super::{RunResults, TestResult, utc_text};
use crate::compare::{Accepted, Deviation};
use crate::outbound::CallReport;
use serde_json::{Map, Value, json};

/// Of the form; it changes when a key changes its meaning or goes.
pub const RESULTS_VERSION: u32 = 1;

/// How much of a test is written.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of one value; what is cut says so at its end.
    value_bytes: usize,
    /// Deviations of the response, and accepted differences; the rest is counted.
    listed: usize,
}

impl Limits {
    const NONE: Limits = Limits {
        value_bytes: usize::MAX,
        listed: usize::MAX,
    };
    /// A page that shows a thousand tests has to load.
    pub(super) const PAGE: Limits = Limits {
        value_bytes: 16 * 1024,
        listed: 200,
    };

    fn pair(
        self,
        recorded: Option<&str>,
        actual: Option<&str>,
    ) -> (Option<String>, Option<String>) {
        super::cut_values(recorded, actual, self.value_bytes)
    }
}

/// The results as JSON. Redact them first.
pub fn to_json(results: &RunResults) -> Value {
    to_json_within(results, Limits::NONE)
}

pub(super) fn to_json_within(results: &RunResults, limits: Limits) -> Value {
    let totals = results.totals();
    let mut run = Map::new();
    run.insert("version".to_owned(), RESULTS_VERSION.into());
    run.insert(
        "tool".to_owned(),
        json!({"name": "drift", "version": results.tool_version}),
    );
    put_text(&mut run, "service", &results.service);
    put(&mut run, "sdk_version", results.sdk_version.clone());
    put(&mut run, "runtime", results.runtime.clone());
    run.insert(
        "started".to_owned(),
        utc_text(results.started_unix_nanos).into(),
    );
    run.insert("duration_ms".to_owned(), results.duration_ms.into());
    let (traces, spans) = results.loaded;
    run.insert(
        "recording".to_owned(),
        json!({"path": results.recording, "traces": traces, "spans": spans}),
    );
    run.insert(
        "totals".to_owned(),
        json!({
            "tests": totals.tests,
            "passed": totals.passed,
            "deviated": totals.deviated,
            "failed": totals.failed,
            "cancelled": totals.cancelled,
            "skipped": totals.skipped,
            "deviations": totals.deviations,
            "accepted": totals.accepted,
        }),
    );
    put_flag(&mut run, "interrupted", results.interrupted);
    put(
        &mut run,
        "service_lost",
        (results.losses > 0).then_some(results.losses),
    );
    put(
        &mut run,
        "sandbox_given_up",
        results.sandbox_given_up.clone(),
    );
    put_list(&mut run, "errors", &results.errors, |error| {
        error.as_str().into()
    });
    put_list(&mut run, "notices", &results.notices, |notice| {
        notice.as_str().into()
    });
    run.insert(
        "tests".to_owned(),
        results
            .tests
            .iter()
            .map(|test| test_json(test, limits))
            .collect(),
    );
    Value::Object(run)
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}

fn put_text(map: &mut Map<String, Value>, key: &str, value: &str) {
    put(map, key, (!value.is_empty()).then_some(value));
}

fn put_flag(map: &mut Map<String, Value>, key: &str, value: bool) {
    put(map, key, value.then_some(true));
}

fn put_list<T>(map: &mut Map<String, Value>, key: &str, items: &[T], one: impl Fn(&T) -> Value) {
    if !items.is_empty() {
        map.insert(key.to_owned(), items.iter().map(one).collect());
    }
}

fn test_json(test: &TestResult, limits: Limits) -> Value {
    let mut map = Map::new();
    map.insert("trace_id".to_owned(), test.trace_id.as_str().into());
    map.insert("name".to_owned(), test.name.as_str().into());
    map.insert("state".to_owned(), test.state.as_str().into());
    put_text(&mut map, "method", &test.method);
    put_text(&mut map, "target", &test.target);
    put_text(&mut map, "file", &test.file);
    put(&mut map, "environment", test.environment.clone());
    map.insert("duration_ms".to_owned(), test.duration_ms.into());
    put(&mut map, "recorded_duration_ms", test.recorded_duration_ms);
    put(&mut map, "recorded_status", test.recorded_status);
    put(&mut map, "actual_status", test.actual_status);
    let is_call = |deviation: &Deviation| deviation.call.is_some();
    let of_response = test.deviations.iter().filter(|one| !is_call(one));
    let left_out = of_response.clone().count().saturating_sub(limits.listed);
    let listed: Vec<&Deviation> = of_response
        .take(limits.listed)
        .chain(test.deviations.iter().filter(|one| is_call(one)))
        .collect();
    put_list(&mut map, "deviations", &listed, |one| {
        deviation_json(one, limits)
    });
    let more = test.more_deviations + left_out;
    put(&mut map, "more_deviations", (more > 0).then_some(more));
    let listed = test.accepted.get(..limits.listed).unwrap_or(&test.accepted);
    put_list(&mut map, "accepted", listed, |one| {
        accepted_json(one, limits)
    });
    let more = test.accepted.len() - listed.len();
    put(&mut map, "more_accepted", (more > 0).then_some(more));
    put_list(&mut map, "calls", &test.calls, call_json);
    put_list(&mut map, "notices", &test.notices, |notice| {
        notice.as_str().into()
    });
    put(&mut map, "error", test.error.clone());
    put(&mut map, "service_output", test.service_output.clone());
    put_flag(&mut map, "crashed_server", test.crashed_server);
    put_flag(&mut map, "retried_after_crash", test.retried_after_crash);
    Value::Object(map)
}

fn deviation_json(deviation: &Deviation, limits: Limits) -> Value {
    let mut map = Map::new();
    map.insert("code".to_owned(), deviation.code.as_str().into());
    map.insert("change".to_owned(), deviation.change.as_str().into());
    map.insert("part".to_owned(), deviation.part.as_str().into());
    put(&mut map, "path", deviation.path.clone());
    // Changed lines are shown as lines; the whole texts are for the full form.
    if deviation.lines.is_empty() || limits.value_bytes == usize::MAX {
        let (recorded, actual) =
            limits.pair(deviation.recorded.as_deref(), deviation.actual.as_deref());
        put(&mut map, "recorded", recorded);
        put(&mut map, "actual", actual);
    }
    map.insert(
        "description".to_owned(),
        deviation.description.as_str().into(),
    );
    put(&mut map, "call", deviation.call);
    let texts = super::cut_lines(&deviation.lines, limits.value_bytes);
    let lines: Vec<_> = deviation.lines.iter().zip(texts).collect();
    put_list(&mut map, "lines", &lines, |(line, text)| {
        let mut map = Map::new();
        map.insert("side".to_owned(), line.side.as_str().into());
        put(&mut map, "recorded", line.recorded);
        put(&mut map, "actual", line.actual);
        map.insert("text".to_owned(), text.as_str().into());
        Value::Object(map)
    });
    Value::Object(map)
}

fn accepted_json(accepted: &Accepted, limits: Limits) -> Value {
    let mut map = Map::new();
    map.insert("part".to_owned(), accepted.part.as_str().into());
    put(&mut map, "path", accepted.path.clone());
    let (recorded, actual) = limits.pair(accepted.recorded.as_deref(), accepted.actual.as_deref());
    put(&mut map, "recorded", recorded);
    put(&mut map, "actual", actual);
    map.insert("rule".to_owned(), accepted.reason.code.into());
    map.insert("detail".to_owned(), accepted.reason.detail.as_str().into());
    Value::Object(map)
}

fn call_json(call: &CallReport) -> Value {
    let mut map = Map::new();
    map.insert("state".to_owned(), call.state.as_str().into());
    map.insert("summary".to_owned(), call.summary.as_str().into());
    put_text(&mut map, "package", &call.package);
    put_text(&mut map, "submodule", &call.submodule);
    put(&mut map, "recorded_span_id", call.recorded_span_id.clone());
    if let Some(trace_id) = &call.other_trace_id {
        map.insert("other_trace_id".to_owned(), trace_id.as_str().into());
    }
    put(&mut map, "recorded_position", call.recorded_position);
    put(&mut map, "live_position", call.live_position);
    put(&mut map, "parent", call.parent.clone());
    put(&mut map, "match_type", call.match_type);
    put(&mut map, "match_scope", call.match_scope);
    put_text(&mut map, "why", &call.why);
    put(&mut map, "similarity", call.similarity);
    put_list(
        &mut map,
        "runners_up",
        &call.runners_up,
        |(id, score)| json!({"span_id": id, "score": score}),
    );
    put_list(
        &mut map,
        "input_differences",
        &call.input_differences,
        |difference| {
            let mut map = Map::new();
            map.insert("change".to_owned(), difference.change.as_str().into());
            map.insert("path".to_owned(), difference.path.as_str().into());
            put(&mut map, "recorded", difference.recorded.clone());
            put(&mut map, "actual", difference.actual.clone());
            put(&mut map, "accepted_by", difference.accepted_by);
            Value::Object(map)
        },
    );
    put_flag(&mut map, "out_of_order", call.out_of_order);
    put(
        &mut map,
        "recorded_duration_us",
        call.recorded_duration_nanos.map(|nanos| nanos / 1_000),
    );
    Value::Object(map)
}
