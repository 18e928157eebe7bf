//! Spans in a few words.

use crate::terminal::{DIM, count, cut, duration, styled};
use drift_replay::compare::request_name;
use drift_replay::outbound::summary;
use drift_replay::{Span, SpanKind};
use serde_json::value::RawValue;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// The columns of a request's target on a line.
const TARGET_COLUMNS: usize = 60;

/// `GET /orders?open=1 → 200  12.3 ms  2 calls  trace 9af0…`.
pub(crate) fn request_line(root: &Span, calls: usize) -> String {
    let took = root.duration_nanos.map(duration).unwrap_or_default();
    let status = status(root).map_or_else(String::new, |status| format!(" → {status}"));
    let id: String = root.trace_id.chars().take(8).collect();
    format!(
        "{}{status}  {}",
        cut(&what(root), TARGET_COLUMNS),
        styled(format!("{took}  {}  trace {id}", count(calls, "call")), DIM)
    )
}

/// What a span asks for, for people: the method and target of a request, the
/// text of a query, a command, else its name.
pub(crate) fn what(span: &Span) -> String {
    if span.kind == SpanKind::Server || span.is_root_span {
        return request_name(span);
    }
    let summary = summary(span);
    let package = format!("{} ", span.package_name);
    match summary.strip_prefix(&package) {
        Some(rest) => rest.to_owned(),
        None => summary,
    }
}

/// The HTTP status that a span's output says.
pub(crate) fn status(span: &Span) -> Option<u64> {
    let output: serde_json::Value = serde_json::from_str(span.output_value.as_deref()?).ok()?;
    let status = output.get("statusCode").or_else(|| output.get("status"))?;
    status.as_u64()
}

/// `2026-11-25T21:56:56.123456Z`.
pub(crate) fn time(unix_nanos: i128) -> String {
    drift_replay::load::format_rfc3339_micros(unix_nanos).unwrap_or_default()
}

/// The name of the package type in the contract, without its prefix.
pub(crate) fn package_type(span: &Span) -> String {
    match span.package_type {
        1 => "HTTP".to_owned(),
        2 => "GRAPHQL".to_owned(),
        3 => "GRPC".to_owned(),
        _ => span.package_name.to_uppercase(),
    }
}

/// A span as a JSON object, in the spelling of trace files; values are copied
/// as they are, so that no digit is lost.
pub(crate) fn as_json(span: &Span) -> anyhow::Result<String> {
    let value = |text: &Option<String>| -> serde_json::Result<Option<Box<RawValue>>> {
        text.clone().map(RawValue::from_string).transpose()
    };
    let spelled = SpanAsJson {
        trace_id: &span.trace_id,
        span_id: &span.span_id,
        parent_span_id: &span.parent_span_id,
        name: &span.name,
        package_name: &span.package_name,
        submodule_name: &span.submodule_name,
        kind: span.kind.number(),
        status_code: span.status_code,
        start: span.start_unix_nanos.map(time),
        duration_nanos: span.duration_nanos,
        is_pre_app_start: span.is_pre_app_start,
        is_root_span: span.is_root_span,
        environment: span.environment.as_deref(),
        input_value: value(&span.input_value)?,
        output_value: value(&span.output_value)?,
    };
    Ok(serde_json::to_string(&spelled)?)
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanAsJson<'s> {
    trace_id: &'s str,
    span_id: &'s str,
    parent_span_id: &'s str,
    name: &'s str,
    package_name: &'s str,
    submodule_name: &'s str,
    kind: i32,
    status_code: i32,
    start: Option<String>,
    duration_nanos: Option<u64>,
    is_pre_app_start: bool,
    is_root_span: bool,
    environment: Option<&'s str>,
    input_value: Option<Box<RawValue>>,
    output_value: Option<Box<RawValue>>,
}

/// What a shell would give for it.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let signal = status.signal().map(|signal| signal.saturating_add(128));
    let code = status.code().or(signal).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// `20261125-215644`, UTC, for names of files.
pub(crate) fn file_time(at: std::time::SystemTime) -> String {
    let since = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let text = time(i128::try_from(since.as_nanos()).unwrap_or_default());
    let digits: String = text
        .chars()
        .take(19)
        .filter(|c| *c != '-' && *c != ':')
        .collect();
    digits.replace('T', "-")
}
