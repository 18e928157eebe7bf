//! JUnit XML, as continuous integration systems read it: one suite for the
//! run, a case for each test, deviations as a failure, what could not be
//! judged or run as an error.

use super::{RunResults, TestResult, TestState, utc_text};
use crate::compare::Deviation;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::fmt::Write as _;
use std::io;

/// The results as JUnit XML. Redact them first.
///
/// Characters that XML 1.0 cannot hold, escaped or not, become U+FFFD.
///
/// # Errors
/// None in practice: the writer writes to memory; its error type is kept.
pub fn to_junit(results: &RunResults) -> io::Result<String> {
    let totals = results.totals();
    // A run that could not go on must not look like one that left tests out.
    let could_not_run = results.tests.iter().filter(|test| test.could_not_run());
    let could_not_run = could_not_run.count();
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let seconds = seconds(results.duration_ms);
    let count = |number: usize| number.to_string();
    let mut suites = BytesStart::new("testsuites");
    let name = if results.service.is_empty() {
        "drift replay"
    } else {
        &results.service
    };
    attribute(&mut suites, "name", "drift replay");
    attribute(&mut suites, "tests", &count(totals.tests));
    attribute(&mut suites, "failures", &count(totals.deviated));
    attribute(&mut suites, "errors", &count(totals.failed + could_not_run));
    attribute(&mut suites, "time", &seconds);
    writer.write_event(Event::Start(suites))?;
    let mut suite = BytesStart::new("testsuite");
    attribute(&mut suite, "name", name);
    attribute(&mut suite, "tests", &count(totals.tests));
    attribute(&mut suite, "failures", &count(totals.deviated));
    attribute(&mut suite, "errors", &count(totals.failed + could_not_run));
    attribute(
        &mut suite,
        "skipped",
        &count(totals.cancelled + totals.skipped - could_not_run),
    );
    attribute(&mut suite, "time", &seconds);
    let started = utc_text(results.started_unix_nanos);
    // The schema of the common form has no zone.
    attribute(&mut suite, "timestamp", started.trim_end_matches('Z'));
    writer.write_event(Event::Start(suite))?;
    for test in &results.tests {
        case(&mut writer, name, test)?;
    }
    if !results.errors.is_empty() {
        text_element(&mut writer, "system-err", &results.errors.join("\n"))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

fn attribute(element: &mut BytesStart<'_>, name: &str, value: &str) {
    element.push_attribute((name, legal(value).as_str()));
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000)
}

fn case(writer: &mut Writer<Vec<u8>>, suite: &str, test: &TestResult) -> io::Result<()> {
    let mut element = BytesStart::new("testcase");
    // Names repeat, ids do not; systems that compare runs want both.
    attribute(
        &mut element,
        "name",
        &format!("{} [{}]", test.name, test.trace_id),
    );
    attribute(&mut element, "classname", suite);
    attribute(&mut element, "time", &seconds(test.duration_ms));
    if !test.file.is_empty() {
        attribute(&mut element, "file", &test.file);
    }
    writer.write_event(Event::Start(element))?;
    let (tag, message, body) = match test.state {
        TestState::Passed => ("", String::new(), String::new()),
        TestState::Deviated => {
            let more = test.deviations.len() + test.more_deviations;
            let first = test.deviations.first();
            let first = first.map_or("", |deviation| deviation.description.as_str());
            let message = if more > 1 {
                format!("{first} (and {} more)", more - 1)
            } else {
                first.to_owned()
            };
            ("failure", message, details(&test.deviations))
        }
        TestState::Failed => (
            "error",
            test.error
                .clone()
                .unwrap_or_else(|| "could not be judged".to_owned()),
            details(&test.deviations),
        ),
        TestState::Cancelled if test.could_not_run() => {
            let why = test.error.as_deref().unwrap_or_default();
            ("error", format!("not run: {why}"), String::new())
        }
        TestState::Cancelled => (
            "skipped",
            "the run ended before it".to_owned(),
            String::new(),
        ),
        TestState::Skipped => ("skipped", test.notices.join("; "), String::new()),
    };
    if !tag.is_empty() {
        let mut element = BytesStart::new(tag);
        attribute(&mut element, "message", &message);
        if let Some(first) = test.deviations.first().filter(|_| tag == "failure") {
            attribute(&mut element, "type", first.code.as_str());
        }
        if body.is_empty() {
            writer.write_event(Event::Empty(element))?;
        } else {
            writer.write_event(Event::Start(element))?;
            writer.write_event(Event::Text(BytesText::new(&legal(&body))))?;
            writer.write_event(Event::End(BytesEnd::new(tag)))?;
        }
    }
    if let Some(output) = &test.service_output {
        text_element(writer, "system-out", output)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

fn text_element(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> io::Result<()> {
    writer.write_event(Event::Start(BytesStart::new(name)))?;
    writer.write_event(Event::Text(BytesText::new(&legal(text))))?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}

fn details(deviations: &[Deviation]) -> String {
    let mut text = String::new();
    for deviation in deviations {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}: {}",
            deviation.code.as_str(),
            deviation.description
        );
        if let Some(path) = &deviation.path {
            let _ = writeln!(text, "  at {path}");
        }
        for (name, value) in [
            ("recorded", &deviation.recorded),
            ("actual", &deviation.actual),
        ] {
            if let Some(value) = value {
                let _ = writeln!(text, "  {name}: {}", crate::outbound::shorten(value, 2_000));
            }
        }
    }
    text
}

/// Only what XML 1.0 allows: tab, line feed, carriage return, and from U+0020
/// on all but U+FFFE and U+FFFF. Escapes of others are not well-formed either.
fn legal(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => c,
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => '\u{fffd}',
            c => c,
        })
        .collect()
}
