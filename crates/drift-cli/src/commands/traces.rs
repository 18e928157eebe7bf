//! `drift traces`: what is recorded, as a table, or one trace as a tree.

use crate::Exit;
use crate::args::{ShowArguments, TracesArguments, TracesCommand};
use crate::describe::{self, what};
use crate::terminal::{
    ACCENT, Align, BAD, CAUTION, DIM, GOOD, clean, count, cut, duration, note, out, styled, table,
};
use drift_replay::filter::Filter;
use drift_replay::load::{Recording, SpanIndex, Trace};
use drift_replay::{Span, SpanKind};
use std::collections::HashMap;
use std::io::Write as _;

/// The columns of the bar that shows when a span ran.
const BAR_COLUMNS: usize = 30;
/// The columns of a span's description in the tree, its indentation counted in.
const TREE_COLUMNS: usize = 64;
/// The columns of a request in the table.
const REQUEST_COLUMNS: usize = 56;

pub(crate) fn run(arguments: &TracesArguments) -> anyhow::Result<Exit> {
    let recording = super::load(&arguments.place)?.recording;
    match &arguments.command {
        Some(TracesCommand::Show(show)) => self::show(&recording, show),
        None => list(&recording, arguments),
    }
}

/// A trace with a root, as the list has it.
struct Listed<'r> {
    trace: &'r Trace,
    root: Span,
    calls: usize,
}

fn list(recording: &Recording, arguments: &TracesArguments) -> anyhow::Result<Exit> {
    let filter = Filter::parse(arguments.filter.as_deref().unwrap_or_default())?;
    let mut listed = Vec::new();
    let mut without_root = 0;
    for trace in recording.traces() {
        let Some(root) = trace.root else {
            without_root += 1;
            continue;
        };
        let root = recording.span(root)?;
        if filter.matches(&root) {
            let calls = trace
                .spans()
                .filter(|span| recording.is_outbound(*span))
                .count();
            listed.push(Listed { trace, root, calls });
        }
    }
    // As they happened; files of one flush have names in the order of random ids.
    listed.sort_by_key(|listed| listed.root.start_unix_nanos);
    let mut out = out();
    if arguments.json {
        let tests: Vec<_> = listed.iter().map(as_json).collect();
        let value = serde_json::json!({ "count": tests.len(), "tests": tests });
        writeln!(out, "{value:#}")?;
        return Ok(Exit::Same);
    }
    let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
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
        _ => format!(
            "; {} without its request: calls at start-up, or a request that the SDK did not keep",
            count(without_root, "other")
        ),
    };
    note(styled(
        format!("{}{more}", count(listed.len(), "trace")),
        DIM,
    ));
    Ok(Exit::Same)
}

fn row(listed: &Listed<'_>) -> Vec<String> {
    let Listed { trace, root, calls } = listed;
    let status = describe::status(root);
    let colour = if status.is_some_and(|status| status >= 400) {
        BAD
    } else {
        GOOD
    };
    vec![
        styled(cut(&trace.trace_id, 8).trim_end_matches('…'), ACCENT),
        cut(&what(root), REQUEST_COLUMNS),
        styled(
            status.map_or_else(String::new, |status| status.to_string()),
            colour,
        ),
        root.duration_nanos.map(duration).unwrap_or_default(),
        calls.to_string(),
        root.start_unix_nanos
            .map(describe::time)
            .unwrap_or_default(),
        cut(trace.environment.as_deref().unwrap_or_default(), 24),
    ]
}

/// One test in the form of the published `list --json`, with the calls besides.
fn as_json(listed: &Listed<'_>) -> serde_json::Value {
    let Listed { trace, root, calls } = listed;
    let input = root.input_value.as_deref().unwrap_or("null");
    let input: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
    let file = trace
        .file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    serde_json::json!({
        "id": trace.trace_id,
        "name": root.name,
        "type": describe::package_type(root),
        "method": input.get("method"),
        "path": input.get("target").or_else(|| input.get("url")),
        "status": describe::status(root),
        "duration_ms": root.duration_nanos.map(|nanos| nanos / 1_000_000),
        "environment": trace.environment,
        "file_name": file,
        "calls": calls,
    })
}

fn show(recording: &Recording, arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let trace = recording.find_trace(&arguments.trace)?;
    let mut spans = Vec::new();
    for index in trace.spans() {
        spans.push((index, recording.span(index)?));
    }
    // In the order of their start; those without one come last, as they were written.
    spans.sort_by_key(|(index, span)| (span.start_unix_nanos.unwrap_or(i128::MAX), *index));
    let mut out = out();
    if arguments.json {
        for (_, span) in &spans {
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
    let tree = Tree::new(&spans);
    for (prefix, span) in tree.lines() {
        writeln!(out, "{}", tree.line(&prefix, span))?;
    }
    let calls = spans
        .iter()
        .filter(|(_, span)| span.kind == SpanKind::Client)
        .count();
    note(styled(
        format!("{}, {}", count(spans.len(), "span"), count(calls, "call")),
        DIM,
    ));
    Ok(Exit::Same)
}

/// Spans under their parents.
struct Tree<'s> {
    children: HashMap<&'s str, Vec<&'s Span>>,
    roots: Vec<&'s Span>,
    start: i128,
    nanos: i128,
}

impl<'s> Tree<'s> {
    fn new(spans: &'s [(SpanIndex, Span)]) -> Tree<'s> {
        let known: HashMap<&str, &Span> = spans
            .iter()
            .map(|(_, span)| (span.span_id.as_str(), span))
            .collect();
        let mut tree = Tree {
            children: HashMap::new(),
            roots: Vec::new(),
            start: 0,
            nanos: 0,
        };
        for (_, span) in spans {
            let parent = span.parent_span_id.as_str();
            if known.contains_key(parent) && parent != span.span_id {
                tree.children.entry(parent).or_default().push(span);
            } else {
                tree.roots.push(span);
            }
        }
        let started = spans.iter().filter_map(|(_, span)| span.start_unix_nanos);
        tree.start = started.clone().min().unwrap_or(0);
        let ended = spans.iter().filter_map(|(_, span)| end(span)).max();
        tree.nanos = (ended.unwrap_or(tree.start) - tree.start).max(1);
        tree
    }

    /// Every span after what stands before it; spans that are each other's
    /// parents, which no SDK writes, are left out.
    fn lines(&self) -> Vec<(String, &'s Span)> {
        let mut lines = Vec::new();
        // What is still to come, the next one last.
        let mut waiting: Vec<(String, String, &'s Span)> = Vec::new();
        for root in self.roots.iter().rev() {
            waiting.push((String::new(), String::new(), root));
        }
        while let Some((before, below, span)) = waiting.pop() {
            lines.push((before, span));
            let children = self.children.get(span.span_id.as_str());
            let children = children.map(Vec::as_slice).unwrap_or_default();
            for (at, child) in children.iter().enumerate().rev() {
                let is_last = at + 1 == children.len();
                let (before, under) = if is_last {
                    ("└─ ", "   ")
                } else {
                    ("├─ ", "│  ")
                };
                waiting.push((format!("{below}{before}"), format!("{below}{under}"), child));
            }
        }
        lines
    }

    fn line(&self, prefix: &str, span: &Span) -> String {
        let package = format!("{} ", clean(&span.package_name));
        let status =
            describe::status(span).map_or_else(String::new, |status| format!(" → {status}"));
        let room =
            TREE_COLUMNS.saturating_sub(prefix.chars().count() + package.len() + status.len());
        let text = cut(&what(span), room.max(12));
        let used = prefix.chars().count() + package.len() + text.chars().count() + status.len();
        let gap = " ".repeat(TREE_COLUMNS.saturating_sub(used));
        let failed = span.status_code == 2;
        let status = styled(status, if failed { BAD } else { GOOD });
        let took = span.duration_nanos.map(duration).unwrap_or_default();
        format!(
            "{prefix}{}{text}{status}{gap}  {took:>9}  {}  {}",
            styled(package, DIM),
            styled(self.bar(span), if failed { BAD } else { CAUTION }),
            styled(&span.span_id, DIM)
        )
    }

    fn bar(&self, span: &Span) -> String {
        let Some(start) = span.start_unix_nanos else {
            return " ".repeat(BAR_COLUMNS);
        };
        let end = end(span).unwrap_or(start);
        let column = |at: i128| {
            let columns = i128::try_from(BAR_COLUMNS).unwrap_or(i128::MAX);
            let column = (at - self.start).saturating_mul(columns) / self.nanos;
            usize::try_from(column).unwrap_or(0).min(BAR_COLUMNS)
        };
        let from = column(start).min(BAR_COLUMNS - 1);
        let to = column(end).max(from + 1);
        format!(
            "{}{}{}",
            "·".repeat(from),
            "━".repeat(to - from),
            "·".repeat(BAR_COLUMNS - to)
        )
    }
}

fn end(span: &Span) -> Option<i128> {
    Some(span.start_unix_nanos? + i128::from(span.duration_nanos.unwrap_or(0)))
}
