//! What one run found, and the forms it is handed on in: our JSON, the
//! published results, JUnit XML, one HTML page, Markdown pages. All forms show
//! the same results; secrets leave them here ([`RunResults::redact`]).

mod agent;
mod command;
mod html;
mod json;
mod junit;
mod published;

pub use agent::to_agent_files;
pub use command::{NoCommand, Place, ReplayFlags};
pub use html::to_html;
pub use json::{RESULTS_VERSION, to_json};
pub use junit::to_junit;
pub use published::{to_published_results, to_published_stdout};

use crate::compare::{Accepted, Deviation, DiffLine, header_sentence, partners};
use crate::outbound::{CallReport, CallState, redact_differences, sentence};
use crate::redact::Redactor;
use crate::wording::shown_from;
use tusk_drift_schemas::tusk::drift::core::v1::MatchLevel;

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TestState {
    /// As recorded, or differing only where it may.
    Passed,
    /// It answered, and something is not as recorded.
    Deviated,
    /// It could not be judged: no response, a crash, a time limit.
    Failed,
    /// The run ended before it; its error says why, unless the user stopped the run.
    Cancelled,
    /// It was left out; a notice says why.
    Skipped,
}

impl TestState {
    /// Every state, in the order of reports.
    pub const ALL: &'static [TestState] = &[
        TestState::Failed,
        TestState::Deviated,
        TestState::Passed,
        TestState::Skipped,
        TestState::Cancelled,
    ];

    /// The permanent name.
    pub const fn as_str(self) -> &'static str {
        match self {
            TestState::Passed => "passed",
            TestState::Deviated => "deviated",
            TestState::Failed => "failed",
            TestState::Cancelled => "cancelled",
            TestState::Skipped => "skipped",
        }
    }
}

/// One outbound call as the published results want it: spans, not sentences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchEvent {
    /// The live request span, as JSON of a trace line; empty when not kept.
    pub replay_span_json: String,
    /// The recorded span that answered.
    pub matched_span_id: Option<String>,
    /// How.
    pub match_level: Option<MatchLevel>,
    /// Where in the service, when its SDK says so.
    pub stack_trace: String,
}

/// The request that a test sent, as who mends the service wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentRequest {
    /// As it stood in the request line.
    pub method: String,
    /// The same: path and query, percent-encoded where the recorded one could not be sent.
    pub target: String,
    /// Without those of the connection; what is not UTF-8 replaced.
    pub headers: Vec<(String, String)>,
    /// `None` when there was none; of another than a text its size.
    pub body: Option<String>,
}

/// The result of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    /// 32 hex digits; the test's id.
    pub trace_id: String,
    /// `GET /orders`.
    pub name: String,
    /// Of the request.
    pub method: String,
    /// Path and query of the request, as they were recorded.
    pub target: String,
    /// The trace file, as its user names it.
    pub file: String,
    /// The recorded environment.
    pub environment: Option<String>,
    /// How it ended.
    pub state: TestState,
    /// From the request to the response; 0 when there was none.
    pub duration_ms: u64,
    /// How long the recorded request took.
    pub recorded_duration_ms: Option<u64>,
    /// The recorded status.
    pub recorded_status: Option<i64>,
    /// The status now.
    pub actual_status: Option<i64>,
    /// What is not as recorded: response first, then outbound calls.
    pub deviations: Vec<Deviation>,
    /// Deviations that were only counted.
    pub more_deviations: usize,
    /// What differs and may.
    pub accepted: Vec<Accepted>,
    /// The outbound calls, recorded and live.
    pub calls: Vec<CallReport>,
    /// The same for the published results.
    pub match_events: Vec<MatchEvent>,
    /// What was sent; kept of tests that are not as recorded.
    pub request: Option<SentRequest>,
    /// What the reader should know.
    pub notices: Vec<String>,
    /// Why it could not be judged, or was not run.
    pub error: Option<String>,
    /// What the service printed meanwhile, its end; when it helps.
    pub service_output: Option<String>,
    /// Whether the service ended during this test.
    pub crashed_server: bool,
    /// Whether it was run again after a crash.
    pub retried_after_crash: bool,
}

impl Default for TestResult {
    fn default() -> Self {
        TestResult {
            trace_id: String::new(),
            name: String::new(),
            method: String::new(),
            target: String::new(),
            file: String::new(),
            environment: None,
            state: TestState::Passed,
            duration_ms: 0,
            recorded_duration_ms: None,
            recorded_status: None,
            actual_status: None,
            deviations: Vec::new(),
            more_deviations: 0,
            accepted: Vec::new(),
            calls: Vec::new(),
            match_events: Vec::new(),
            request: None,
            notices: Vec::new(),
            error: None,
            service_output: None,
            crashed_server: false,
            retried_after_crash: false,
        }
    }
}

impl TestResult {
    /// Whether it should have run and could not, for a reason that is known.
    pub fn could_not_run(&self) -> bool {
        self.state == TestState::Cancelled && self.error.is_some()
    }

    /// Calls that nothing recorded answered.
    pub fn has_unanswered_call(&self) -> bool {
        self.calls
            .iter()
            .any(|call| call.state == CallState::New && call.recorded_span_id.is_none())
    }

    /// The event of a call that the service made; positions count from 1.
    fn live_event(&self, call: &CallReport) -> Option<&MatchEvent> {
        self.match_events.get(call.live_position?.checked_sub(1)?)
    }

    /// The span id that a call had now, by which `drift explain` knows it.
    pub fn live_span_id(&self, call: &CallReport) -> Option<String> {
        let event = self.live_event(call)?;
        let span: serde_json::Value = serde_json::from_str(&event.replay_span_json).ok()?;
        Some(span.get("spanId")?.as_str()?.to_owned())
    }
}

/// The result of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunResults {
    /// The version of this program.
    pub tool_version: String,
    /// `service.name`, else its id, else the start command.
    pub service: String,
    /// The SDK's version, of the first that connected.
    pub sdk_version: Option<String>,
    /// `node` or `python`.
    pub runtime: Option<String>,
    /// When the run began.
    pub started_unix_nanos: i128,
    /// How long it took.
    pub duration_ms: u64,
    /// The trace directory, as its user names it.
    pub recording: String,
    /// Where recording and configuration were found, for the commands of reports.
    pub place: Place,
    /// Traces and spans that were loaded.
    pub loaded: (usize, usize),
    /// The tests, in the order they were to run.
    pub tests: Vec<TestResult>,
    /// Of the run: broken trace lines, configuration, alerts of the SDK.
    pub notices: Vec<String>,
    /// Why tests of an environment could not be run, with the output of the service.
    pub errors: Vec<String>,
    /// How often the service was lost and its tests run again, or not.
    pub losses: usize,
    /// How the service failed in its sandbox, where it ran on without.
    pub sandbox_given_up: Option<String>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All.
    pub tests: usize,
    /// As recorded.
    pub passed: usize,
    /// Not as recorded.
    pub deviated: usize,
    /// Not to be judged.
    pub failed: usize,
    /// Not run.
    pub cancelled: usize,
    /// Left out.
    pub skipped: usize,
    /// All deviations.
    pub deviations: usize,
    /// All accepted differences.
    pub accepted: usize,
}

impl RunResults {
    /// The counts.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals {
            tests: self.tests.len(),
            ..Totals::default()
        };
        for test in &self.tests {
            let slot = match test.state {
                TestState::Passed => &mut totals.passed,
                TestState::Deviated => &mut totals.deviated,
                TestState::Failed => &mut totals.failed,
                TestState::Cancelled => &mut totals.cancelled,
                TestState::Skipped => &mut totals.skipped,
            };
            *slot += 1;
            totals.deviations += test.deviations.len() + test.more_deviations;
            totals.accepted += test.accepted.len();
        }
        totals
    }

    /// The same results without secrets; every report is made of these.
    ///
    /// Equal secrets have equal placeholders throughout the run. Match events
    /// lose their spans' values under secret names too.
    #[must_use]
    pub fn redact(&self, redactor: &Redactor) -> RunResults {
        let mut results = self.clone();
        // Without a name the service is its start command, which may set variables.
        results.service = redactor.text(&results.service);
        for test in &mut results.tests {
            redact_test(test, redactor);
        }
        for text in results.notices.iter_mut().chain(&mut results.errors) {
            *text = redactor.text(text);
        }
        results
    }
}

fn redact_test(test: &mut TestResult, redactor: &Redactor) {
    let text = |value: &mut String| *value = redactor.text(value);
    test.name = redactor.text(&test.name);
    test.target = redactor.text(&test.target);
    for accepted in &mut test.accepted {
        let (part, path) = (accepted.part.clone(), accepted.path.clone());
        let at = (path.as_deref(), accepted.named.as_deref());
        for value in [&mut accepted.recorded, &mut accepted.actual] {
            *value = value
                .take()
                .map(|value| redact_value(&part, at, &value, redactor));
        }
    }
    for call in &mut test.calls {
        call.summary = redactor.summary(&call.package, &call.summary);
        call.parent.iter_mut().for_each(text);
        text(&mut call.why);
        redact_differences(&mut call.input_differences, redactor);
    }
    for deviation in &mut test.deviations {
        redact_deviation(deviation, &test.calls, redactor);
    }
    if let Some(request) = &mut test.request {
        text(&mut request.target);
        for (name, value) in &mut request.headers {
            *value = redactor.header(name, value);
        }
        request.body.iter_mut().for_each(text);
    }
    for event in &mut test.match_events {
        text(&mut event.replay_span_json);
        if let Some(level) = &mut event.match_level {
            level.match_description = redactor.text(&level.match_description);
        }
    }
    test.notices.iter_mut().for_each(text);
    test.error.iter_mut().for_each(text);
    test.service_output.iter_mut().for_each(text);
}

/// Takes the secrets out of a deviation; those of the calls are out already.
fn redact_deviation(deviation: &mut Deviation, calls: &[CallReport], redactor: &Redactor) {
    // Within a sentence nobody knows where a secret ends, so it is made again.
    if let Some(index) = deviation.call
        && let Some(call) = calls.get(index)
        && let Some(description) = sentence(deviation.code, index, calls)
    {
        let sides = [&mut deviation.recorded, &mut deviation.actual];
        for summary in sides.into_iter().flatten() {
            summary.clone_from(&call.summary);
        }
        deviation.description = description;
        return;
    }
    let (part, path) = (deviation.part.clone(), deviation.path.clone());
    let at = (path.as_deref(), deviation.named.as_deref());
    for value in [&mut deviation.recorded, &mut deviation.actual] {
        *value = value
            .take()
            .map(|value| redact_value(&part, at, &value, redactor));
    }
    for line in &mut deviation.lines {
        line.text = redactor.text(&line.text);
    }
    deviation.description = match part.strip_prefix("headers.") {
        // Header descriptions quote the values.
        Some(name) => header_sentence(
            name,
            deviation.recorded.as_deref(),
            deviation.actual.as_deref(),
        ),
        None => redactor.text(&deviation.description),
    };
}

/// `at` is the path of a value, and the name that stands beside it.
fn redact_value(
    part: &str,
    at: (Option<&str>, Option<&str>),
    value: &str,
    redactor: &Redactor,
) -> String {
    match (part.strip_prefix("headers."), at.0) {
        (Some(name), _) => redactor.header(name, value),
        (None, Some(path)) if path.starts_with('$') => redactor.at_path_named(path, at.1, value),
        _ => redactor.text(value),
    }
}

/// A text, or as much of its beginning as may be shown, which says what is missing.
fn cut(text: &str, shown_bytes: usize) -> String {
    if text.len() <= shown_bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(shown_bytes);
    let shown = text.get(..end).unwrap_or_default();
    format!("{shown} … ({} bytes more)", text.len() - end)
}

/// Two values that differ, or as much of both around their first difference as may be
/// shown.
fn cut_pair(left: &str, right: &str, shown_bytes: usize) -> (String, String) {
    let from = shown_from(left, right, shown_bytes);
    let side = |text: &str| {
        let shown = cut(text.get(from..).unwrap_or_default(), shown_bytes);
        match from {
            0 => shown,
            _ => format!("({from} bytes before) … {shown}"),
        }
    };
    (side(left), side(right))
}

/// The recorded and the actual value, cut around their first difference.
fn cut_values(
    recorded: Option<&str>,
    actual: Option<&str>,
    shown_bytes: usize,
) -> (Option<String>, Option<String>) {
    let alone = |value: Option<&str>| value.map(|value| cut(value, shown_bytes));
    match (recorded, actual) {
        (Some(recorded), Some(actual)) => {
            let (recorded, actual) = cut_pair(recorded, actual, shown_bytes);
            (Some(recorded), Some(actual))
        }
        _ => (alone(recorded), alone(actual)),
    }
}

/// The texts of changed lines, each cut around its difference from its partner.
fn cut_lines(lines: &[DiffLine], shown_bytes: usize) -> Vec<String> {
    let partners = partners(lines).into_iter();
    lines
        .iter()
        .zip(partners)
        .map(|(line, partner)| {
            let partner = partner.and_then(|at| lines.get(at));
            let partner = partner.map_or("", |partner| partner.text.as_str());
            cut_pair(&line.text, partner, shown_bytes).0
        })
        .collect()
}

/// `2026-11-25T21:44:50Z`, for reports; no time zone but UTC.
pub(crate) fn utc_text(unix_nanos: i128) -> String {
    // None is a year beyond four digits, which no clock of ours says.
    let text = crate::load::format_rfc3339_micros(unix_nanos).unwrap_or_default();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

#[cfg(test)]
mod tests;
