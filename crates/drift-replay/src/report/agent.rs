//! The results as Markdown for a coding agent: a page for each test that is not
//! as recorded, and an index of them. What comes from a recording or the service
//! stands in code, so that nothing of it is markup.

use super::{RunResults, SentRequest, TestResult, TestState, utc_text};
use crate::compare::{Change, Deviation};
use crate::outbound::{CallReport, CallState};
use std::collections::HashSet;
use std::fmt::Write as _;

/// Bytes of one value, body or output that a page shows; what is cut says so.
const SHOWN_BYTES: usize = 4 * 1024;

/// Deviations that a page lists, and changed lines of one text; the rest is counted.
const LISTED: usize = 200;

/// Codes that the index names for one test.
const INDEXED: usize = 3;

/// The files, by their names: `index.md`, and a `deviation-<trace id>.md` for each
/// test that deviated or failed. Redact the results first.
pub fn to_agent_files(results: &RunResults) -> Vec<(String, String)> {
    let mut names = HashSet::new();
    let pages: Vec<(String, &TestResult)> = results
        .tests
        .iter()
        .filter(|test| is_told(test))
        .map(|test| (page_name(&test.trace_id, &mut names), test))
        .collect();
    let mut files = vec![("index.md".to_owned(), index(results, &pages))];
    files.extend(
        pages
            .into_iter()
            .map(|(name, test)| (name, page(results, test))),
    );
    files
}

fn is_told(test: &TestResult) -> bool {
    matches!(test.state, TestState::Deviated | TestState::Failed)
}

/// An id may be anything that a file says it is; a name is letters and digits.
fn page_name(trace_id: &str, names: &mut HashSet<String>) -> String {
    let id: String = trace_id
        .chars()
        .take(64)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let first = format!("deviation-{id}.md");
    let numbered = (2_u32..).map(|number| format!("deviation-{id}-{number}.md"));
    let free = std::iter::once(first)
        .chain(numbered)
        .find(|name| !names.contains(name))
        .unwrap_or_default();
    names.insert(free.clone());
    free
}

fn index(results: &RunResults, pages: &[(String, &TestResult)]) -> String {
    let totals = results.totals();
    let mut text = format!("# Replay of {}\n\n", code(&results.service));
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "{} tests: {} passed, {} deviated, {} failed, {} not run, {} skipped.",
        totals.tests,
        totals.passed,
        totals.deviated,
        totals.failed,
        totals.cancelled,
        totals.skipped
    );
    let _ = write!(
        text,
        "Recording {}, replayed {} by drift {}",
        code(&results.recording),
        utc_text(results.started_unix_nanos),
        results.tool_version
    );
    if let Some(version) = &results.sdk_version {
        let runtime = results.runtime.as_deref().unwrap_or_default();
        let _ = write!(
            text,
            ", SDK {}",
            code(format!("{runtime} {version}").trim())
        );
    }
    text.push_str(".\n");
    if results.interrupted {
        text.push_str("The run was stopped before its end.\n");
    }
    for error in &results.errors {
        let _ = writeln!(text, "\nNot all could be run: {}", code(error));
    }
    if pages.is_empty() {
        text.push_str("\nNothing deviates.\n");
    } else {
        text.push_str("\n## Not as recorded\n\n");
    }
    for (name, test) in pages {
        let mut codes: Vec<String> = test
            .deviations
            .iter()
            .map(|deviation| match &deviation.path {
                Some(path) => format!("{} {}", deviation.code.as_str(), code(path)),
                None => deviation.code.as_str().to_owned(),
            })
            .take(INDEXED)
            .collect();
        let more = (test.deviations.len() + test.more_deviations).saturating_sub(codes.len());
        if more > 0 {
            codes.push(format!("{more} more"));
        }
        let _ = writeln!(
            text,
            "- [{}]({name}) {}: {}",
            code(&test.name),
            test.state.as_str(),
            codes.join(", ")
        );
    }
    if !pages.is_empty() {
        text.push_str(WHAT_TO_DO);
    }
    list(&mut text, "Notices", &results.notices);
    text
}

const WHAT_TO_DO: &str = "
## What to do

A difference that is not meant: mend the service, then run the command under
\"Again\" of its page, where the replay ran, until it exits with 0. One that is meant: record again with
`drift record`, or let it differ by a rule under `comparison.rules` or
`outbound` of `.tusk/config.yaml`. Outbound calls of a replay are answered from
the recording; a call that nothing recorded answers fails in the service, so a
changed response may follow from it: look at new calls first.
";

fn page(results: &RunResults, test: &TestResult) -> String {
    let mut text = format!("# {}\n\n", code(&test.name));
    let _ = writeln!(
        text,
        "- Test {} of {}",
        code(&test.trace_id),
        code(&test.file)
    );
    if let Some(environment) = &test.environment {
        let _ = writeln!(text, "- Environment {}", code(environment));
    }
    let status = |status: Option<i64>| status.map_or("none".to_owned(), |s| s.to_string());
    let _ = writeln!(
        text,
        "- It {}: status {} recorded, {} now",
        test.state.as_str(),
        status(test.recorded_status),
        status(test.actual_status)
    );
    if let Some(error) = &test.error {
        let _ = writeln!(text, "- No verdict: {}", code(error));
    }
    if test.crashed_server {
        text.push_str("- The service ended during this test, which was alone then\n");
    }
    if test.retried_after_crash {
        text.push_str(
            "- It ran again, after the service had ended during it or a test beside it\n",
        );
    }
    again(&mut text, results, test);
    request(&mut text, test);
    deviations(&mut text, test);
    calls(&mut text, results, test);
    accepted(&mut text, test);
    list(&mut text, "Notices", &test.notices);
    if let Some(output) = &test.service_output {
        fenced(
            &mut text,
            "What the service printed last",
            "text",
            end_of(output),
        );
    }
    let _ = write!(
        text,
        "\nAll of the run is in [index.md](index.md); drift {}.\n",
        results.tool_version
    );
    text
}

fn again(text: &mut String, results: &RunResults, test: &TestResult) {
    let (place, id) = (&results.place, &test.trace_id);
    match (place.replay(id), place.show(id)) {
        (Ok(replay), Ok(show)) => fenced(text, "Again", "sh", &format!("{replay}\n{show}")),
        (Err(why), _) | (_, Err(why)) => {
            let _ = write!(text, "\n## Again\n\nHere {why}.\n");
        }
    }
}

fn request(text: &mut String, test: &TestResult) {
    let Some(SentRequest {
        method,
        target,
        headers,
        body,
    }) = &test.request
    else {
        text.push_str("\n## The request\n\nNone was sent.\n");
        return;
    };
    let mut http = format!("{method} {target}\n");
    for (name, value) in headers {
        let _ = writeln!(http, "{name}: {value}");
    }
    if let Some(body) = body {
        let _ = write!(http, "\n{}", cut(body));
    }
    fenced(text, "The request as it was sent", "http", &http);
}

fn deviations(text: &mut String, test: &TestResult) {
    if test.deviations.is_empty() {
        return;
    }
    text.push_str("\n## Deviations\n\n");
    for deviation in test.deviations.iter().take(LISTED) {
        deviation_item(text, deviation);
    }
    let more = test.deviations.len().saturating_sub(LISTED) + test.more_deviations;
    if more > 0 {
        let _ = writeln!(text, "- and {more} more");
    }
}

fn deviation_item(text: &mut String, deviation: &Deviation) {
    let name = deviation.code.as_str();
    match &deviation.path {
        Some(path) => {
            let _ = writeln!(text, "- **{name}** {} {}", deviation.part, code(path));
        }
        None => {
            let _ = writeln!(text, "- **{name}** {}", code(&cut(&deviation.description)));
        }
    }
    if deviation.lines.is_empty() {
        let sides = (deviation.recorded.as_deref(), deviation.actual.as_deref());
        let (recorded, now) = super::cut_values(sides.0, sides.1, SHOWN_BYTES);
        for (side, value) in [("recorded", recorded), ("now", now)] {
            if let Some(value) = value {
                let _ = writeln!(text, "  - {side}: {}", code(&value));
            }
        }
        return;
    }
    let mut diff = String::new();
    let texts = super::cut_lines(&deviation.lines, SHOWN_BYTES);
    for (line, text) in deviation.lines.iter().zip(texts).take(LISTED) {
        let sign = match (line.recorded.is_some(), line.actual.is_some()) {
            (true, false) => '-',
            (false, true) => '+',
            _ => ' ',
        };
        let _ = writeln!(diff, "{sign}{text}");
    }
    let more = deviation.lines.len().saturating_sub(LISTED);
    if more > 0 {
        let _ = writeln!(diff, "… {more} more lines");
    }
    block(text, "diff", &diff);
}

fn calls(text: &mut String, results: &RunResults, test: &TestResult) {
    let told = |call: &&CallReport| call.state != CallState::NotAsked;
    if test.calls.iter().filter(told).count() == 0 {
        return;
    }
    text.push_str("\n## Outbound calls\n\n");
    for call in test.calls.iter().filter(told) {
        call_item(text, call, results, test);
    }
}

fn call_item(text: &mut String, call: &CallReport, results: &RunResults, test: &TestResult) {
    let what = match call.state {
        CallState::Matched => "as recorded",
        CallState::MatchedLoosely => "made with another input",
        CallState::Missing => "**recorded, and not made**",
        CallState::New => "**new: made, and not in the recording of this test**",
        CallState::MoreOften => "**made more often than recorded**",
        CallState::NotAsked => "not asked for in a replay",
        CallState::Ignored => "ignored by the configuration",
    };
    let _ = write!(text, "- {} {what}", code(&cut(&call.summary)));
    if !call.package.is_empty() {
        let _ = write!(text, ", package {}", code(&call.package));
    }
    if let Some(how) = call.match_type {
        let _ = write!(text, ", answered by {how}");
    }
    if call.out_of_order {
        text.push_str(", **at another place in the order**");
    }
    text.push('\n');
    if call.state == CallState::Matched && !call.out_of_order {
        return;
    }
    if let (Some(recorded), Some(live)) = (call.recorded_position, call.live_position)
        && call.out_of_order
    {
        let _ = writeln!(text, "  - call {recorded} when recorded, call {live} now");
    }
    if !call.why.is_empty() {
        let _ = writeln!(text, "  - why: {}", code(&cut(&call.why)));
    }
    for difference in &call.input_differences {
        let sides = (difference.recorded.as_deref(), difference.actual.as_deref());
        let (recorded, now) = super::cut_values(sides.0, sides.1, SHOWN_BYTES);
        let side =
            |value: Option<String>| value.map_or_else(|| "absent".to_owned(), |value| code(&value));
        let change = match difference.change {
            Change::Added | Change::Removed | Change::Changed => difference.change.as_str(),
        };
        let _ = writeln!(
            text,
            "  - {} {change}: recorded {}, now {}",
            code(&difference.path),
            side(recorded),
            side(now)
        );
    }
    let span_id = test
        .live_span_id(call)
        .or_else(|| call.recorded_span_id.clone());
    if let Some(span_id) = span_id {
        let _ = match results.place.explain(&test.trace_id, &span_id) {
            Ok(command) => writeln!(text, "  - explain: {}", code(&command)),
            Err(why) => writeln!(text, "  - explain: {why}"),
        };
    }
    let stack = test.live_event(call).map(|event| event.stack_trace.trim());
    if let Some(stack) = stack.filter(|stack| !stack.is_empty()) {
        text.push_str("  - called from:\n");
        block(text, "text", &cut(stack));
    }
}

fn accepted(text: &mut String, test: &TestResult) {
    if test.accepted.is_empty() {
        return;
    }
    text.push_str("\n## Differs, and may\n\n");
    for accepted in test.accepted.iter().take(LISTED) {
        let place = accepted.path.as_deref().unwrap_or(&accepted.part);
        let rule = format!("{} {}", accepted.reason.code, accepted.reason.detail);
        let _ = writeln!(text, "- {} by {}", code(place), code(rule.trim_end()));
    }
    let more = test.accepted.len().saturating_sub(LISTED);
    if more > 0 {
        let _ = writeln!(text, "- and {more} more");
    }
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "\n## {title}\n\n");
    for line in lines {
        let _ = writeln!(text, "- {}", code(&cut(line)));
    }
}

fn fenced(text: &mut String, title: &str, language: &str, content: &str) {
    let _ = writeln!(text, "\n## {title}");
    block(text, language, content);
}

/// A block of code behind a fence that its content cannot close.
fn block(text: &mut String, language: &str, content: &str) {
    let fence = "`".repeat((longest_run(content) + 1).max(3));
    let content = content.trim_end_matches(['\n', '\r']);
    let _ = write!(text, "\n{fence}{language}\n{content}\n{fence}\n");
}

/// A text within a line, as code that it cannot end; line breaks are spaces.
fn code(content: &str) -> String {
    let line = content.replace(['\n', '\r'], " ");
    let marks = "`".repeat(longest_run(&line) + 1);
    if line.is_empty() || line.starts_with(['`', ' ']) || line.ends_with(['`', ' ']) {
        format!("{marks} {line} {marks}")
    } else {
        format!("{marks}{line}{marks}")
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// The beginning of a text that is too long.
fn cut(text: &str) -> String {
    super::cut(text, SHOWN_BYTES)
}

/// The last of what was printed, from the beginning of a line where there is one.
fn end_of(text: &str) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(SHOWN_BYTES));
    let end = text.get(from..).unwrap_or_default();
    match (from, end.split_once('\n')) {
        (0, _) | (_, None) => end,
        (_, Some((_, whole))) => whole,
    }
}
