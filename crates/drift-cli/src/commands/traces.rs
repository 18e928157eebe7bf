//! `drift traces`: what is recorded, as a table, or one trace as a tree.

use super::Loaded;
use super::span_tree::Tree;
use crate::Exit;
use crate::args::{ShowArguments, TracesArguments, TracesCommand};
use crate::describe::{self, what};
use crate::terminal::{
    ACCENT, Align, BAD, DIM, GOOD, clean, count, cut, duration, note, out, styled, table,
};
use anyhow::bail;
use drift_replay::compare::{request_target, span_name};
use drift_replay::filter::Filter;
use drift_replay::load::{Recording, Trace};
use drift_replay::redact::Redactor;
use drift_replay::{Span, SpanKind};
use std::io::Write as _;

/// The columns of a request in the table.
const REQUEST_COLUMNS: usize = 56;

pub(crate) fn run(arguments: &TracesArguments) -> anyhow::Result<Exit> {
    let loaded = super::load(&arguments.place)?;
    let redactor = Redactor::new(loaded.config.redaction.clone());
    match &arguments.command {
        Some(TracesCommand::Show(_)) if arguments.filter.is_some() => bail!(
            "--filter chooses among the traces of the list; `drift traces show` draws the one \
             whose id it is given"
        ),
        Some(TracesCommand::Show(show)) => self::show(&loaded, show, arguments.json, &redactor),
        None => list(&loaded.recording, arguments, &redactor),
    }
}

/// A trace as the list has it.
struct Listed<'r> {
    trace: &'r Trace,
    /// Its request; of a trace without one, its first call.
    first: Span,
    calls: usize,
}

fn list(
    recording: &Recording,
    arguments: &TracesArguments,
    redactor: &Redactor,
) -> anyhow::Result<Exit> {
    let filter = Filter::parse(arguments.filter.as_deref().unwrap_or_default())?;
    let mut listed = Vec::new();
    let mut without_root = 0;
    for trace in recording.traces() {
        let first = match (trace.root, trace.spans().next()) {
            (Some(root), _) => root,
            (None, Some(first)) if arguments.all => first,
            (None, _) => {
                without_root += 1;
                continue;
            }
        };
        let first = recording.span(first)?;
        if filter.matches(&first) {
            let calls = trace
                .spans()
                .filter(|span| recording.is_outbound(*span))
                .count();
            listed.push(Listed {
                trace,
                first,
                calls,
            });
        }
    }
    // As they happened; files of one flush have names in the order of random ids.
    listed.sort_by_key(|listed| listed.first.start_unix_nanos);
    let mut out = out();
    if arguments.json {
        let tests: Vec<_> = listed.iter().map(|one| as_json(one, redactor)).collect();
        let value = serde_json::json!({ "count": tests.len(), "tests": tests });
        writeln!(out, "{value:#}")?;
        return Ok(Exit::Same);
    }
    let rows: Vec<Vec<String>> = listed.iter().map(|one| row(one, redactor)).collect();
    let heads = [
        ("trace", Align::Left),
        ("request", Align::Left),
        ("status", Align::Right),
        ("took", Align::Right),
        ("calls", Align::Right),
        ("recorded", Align::Left),
        ("environment", Align::Left),
    ];
    if !rows.is_empty() {
        write!(out, "{}", table(&heads, &rows))?;
    }
    let more = match without_root {
        0 => String::new(),
        _ => format!("; {without_root} more without a request, shown with --all"),
    };
    note(styled(
        format!("{}{more}", count(listed.len(), "trace")),
        DIM,
    ));
    Ok(Exit::Same)
}

fn row(listed: &Listed<'_>, redactor: &Redactor) -> Vec<String> {
    let Listed {
        trace,
        first,
        calls,
    } = listed;
    let status = describe::status(first);
    let colour = if status.is_some_and(|status| status >= 400) {
        BAD
    } else {
        GOOD
    };
    let request = match trace.root {
        Some(_) => redactor.text(&what(first)),
        None => {
            let call = what(&redactor.span(first));
            format!("no request: {} {call}", first.package_name)
        }
    };
    vec![
        styled(cut(&trace.trace_id, 8).trim_end_matches('…'), ACCENT),
        cut(&request, REQUEST_COLUMNS),
        styled(
            status.map_or_else(String::new, |status| status.to_string()),
            colour,
        ),
        first.duration_nanos.map(duration).unwrap_or_default(),
        calls.to_string(),
        first
            .start_unix_nanos
            .map(describe::time)
            .unwrap_or_default(),
        cut(trace.environment.as_deref().unwrap_or_default(), 24),
    ]
}

/// One test in the form of the published `list --json`, with the calls besides.
fn as_json(listed: &Listed<'_>, redactor: &Redactor) -> serde_json::Value {
    let Listed {
        trace,
        first,
        calls,
    } = listed;
    let input = first.input_value.as_deref().unwrap_or("null");
    let input: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
    let path = request_target(first);
    let file = trace
        .file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    serde_json::json!({
        "id": trace.trace_id,
        "name": redactor.text(&span_name(first)),
        "type": describe::package_type(first),
        "method": input.get("method"),
        "path": path.map(|path| redactor.text(&path)),
        "status": describe::status(first),
        "duration_ms": first.duration_nanos.map(|nanos| nanos / 1_000_000),
        "environment": trace.environment,
        "file_name": file,
        "calls": calls,
    })
}

fn show(
    loaded: &Loaded,
    arguments: &ShowArguments,
    as_json: bool,
    redactor: &Redactor,
) -> anyhow::Result<Exit> {
    let recording = &loaded.recording;
    let trace = super::find_trace(recording, &arguments.trace, &loaded.place, redactor)?;
    let mut spans = Vec::new();
    for index in trace.spans() {
        spans.push(redactor.span(&recording.span(index)?));
    }
    // In the order of their start; those without one come last, as they were written.
    spans.sort_by_key(|span| span.start_unix_nanos.unwrap_or(i128::MAX));
    let mut out = out();
    if as_json {
        for span in &spans {
            writeln!(out, "{}", describe::as_json(span)?)?;
        }
        return Ok(Exit::Same);
    }
    writeln!(
        out,
        "{} {}",
        styled(format!("trace {}", clean(&trace.trace_id)), ACCENT),
        styled(trace.file.display(), DIM)
    )?;
    for line in Tree::new(&spans).lines() {
        writeln!(out, "{line}")?;
    }
    let calls = spans
        .iter()
        .filter(|span| span.kind == SpanKind::Client)
        .count();
    note(styled(
        format!("{}, {}", count(spans.len(), "span"), count(calls, "call")),
        DIM,
    ));
    Ok(Exit::Same)
}
