//! `drift diff`: what differs between two JSON files, or two traces.

use super::{name, read};
use crate::Exit;
use crate::args::{DiffArguments, PlaceArguments};
use crate::describe::what;
use crate::terminal::{ACCENT, BAD, CAUTION, DIM, GOOD, clean, count, cut, note, out, styled};
use anyhow::{Context as _, bail};
use drift_replay::compare::Change;
use drift_replay::load::{LoadOptions, Recording};
use drift_replay::outbound::InputDifference;
use drift_replay::trace_diff::{SpanPair, diff_traces};
use drift_replay::{Config, Span};
use drift_rust_core::{Difference, DifferenceKind, diff_json};
use std::io::Write as _;
use std::path::Path;

/// The columns of a value on a line of the result.
const VALUE_COLUMNS: usize = 60;

pub(crate) fn run(arguments: &DiffArguments) -> anyhow::Result<Exit> {
    let sides = (arguments.left.as_path(), arguments.right.as_path());
    match (is_trace(sides.0), is_trace(sides.1)) {
        (true, true) => traces(arguments),
        (false, false) => values(arguments),
        _ => bail!(
            "{} and {} cannot be compared: one is a trace, the other a JSON file",
            name(sides.0),
            name(sides.1)
        ),
    }
}

/// Trace files end so; what is no file can only be a trace's id.
fn is_trace(path: &Path) -> bool {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    [".jsonl", ".jsonl.gz", ".jsonl.zst"]
        .iter()
        .any(|ending| file.ends_with(ending))
        || (path != Path::new("-") && !path.exists() && is_id(&path.to_string_lossy()))
}

fn is_id(text: &str) -> bool {
    (4..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn values(arguments: &DiffArguments) -> anyhow::Result<Exit> {
    let sides = (arguments.left.as_path(), arguments.right.as_path());
    if sides.0 == Path::new("-") && sides.1 == Path::new("-") {
        bail!("standard input can be one side only");
    }
    let (left, right) = (read(sides.0)?, read(sides.1)?);
    let differences = diff_json(left.as_slice(), right.as_slice()).map_err(|error| {
        let names = format!("{} and {}", name(sides.0), name(sides.1));
        anyhow::Error::new(error).context(format!("cannot compare {names}"))
    })?;
    let mut out = out();
    if arguments.json {
        writeln!(out, "{:#}", as_json(&differences))?;
    } else {
        for difference in &differences {
            writeln!(out, "{}", line(difference))?;
        }
    }
    Ok(end(differences.len(), arguments.json))
}

fn end(differing: usize, is_quiet: bool) -> Exit {
    if !is_quiet {
        match differing {
            0 => note(styled("equal", GOOD)),
            _ => note(styled(count(differing, "difference"), BAD)),
        }
    }
    if differing == 0 {
        Exit::Same
    } else {
        Exit::Different
    }
}

fn line(difference: &Difference) -> String {
    let change = match difference.kind {
        DifferenceKind::Added => Change::Added,
        DifferenceKind::Removed => Change::Removed,
        DifferenceKind::Changed => Change::Changed,
    };
    changed(
        change,
        &difference.path,
        difference.left.as_deref(),
        difference.right.as_deref(),
    )
}

fn changed(change: Change, path: &str, left: Option<&str>, right: Option<&str>) -> String {
    let value = |side: Option<&str>| cut(side.unwrap_or_default(), VALUE_COLUMNS);
    match change {
        Change::Added => styled(format!("+ {path}  {}", value(right)), GOOD),
        Change::Removed => styled(format!("- {path}  {}", value(left)), BAD),
        _ => format!(
            "{} {path}  {} → {}",
            styled("~", CAUTION),
            styled(value(left), BAD),
            styled(value(right), GOOD)
        ),
    }
}

fn as_json(differences: &[Difference]) -> serde_json::Value {
    // The sides are canonical JSON texts, kept as texts: a JSON number would
    // lose its digits in most readers.
    let entries = differences.iter().map(|difference| {
        serde_json::json!({
            "kind": difference.kind.as_str(),
            "path": difference.path,
            "left": difference.left,
            "right": difference.right,
        })
    });
    entries.collect()
}

fn traces(arguments: &DiffArguments) -> anyhow::Result<Exit> {
    let config = super::config(arguments.place.config.as_deref())?;
    let left = spans(&arguments.left, &arguments.place, &config)?;
    let right = spans(&arguments.right, &arguments.place, &config)?;
    let pairs = diff_traces(&left, &right, &config.comparison);
    let mut out = out();
    if arguments.json {
        let value: serde_json::Value = pairs.iter().map(pair_json).collect();
        writeln!(out, "{value:#}")?;
    } else {
        for pair in &pairs {
            write!(out, "{}", pair_lines(pair))?;
        }
    }
    let differing = pairs.iter().map(differences_of).sum();
    Ok(end(differing, arguments.json))
}

/// The spans of a trace file, or of a recorded trace.
fn spans(path: &Path, place: &PlaceArguments, config: &Config) -> anyhow::Result<Vec<Span>> {
    let is_file = path.exists();
    let from = if is_file {
        path.to_owned()
    } else {
        place
            .trace_dir
            .clone()
            .unwrap_or_else(|| config.traces_dir.clone())
    };
    let recording = Recording::load(&LoadOptions::new([from]), &|_| {})
        .with_context(|| format!("cannot read {}", name(path)))?;
    let trace = if is_file {
        match recording.traces() {
            [trace] => trace,
            traces => bail!(
                "{} holds {}; name two traces by their ids with --trace-dir {}",
                name(path),
                count(traces.len(), "trace"),
                name(path)
            ),
        }
    } else {
        recording.find_trace(&path.to_string_lossy())?
    };
    let mut spans = Vec::new();
    for index in trace.spans() {
        spans.push(recording.span(index)?);
    }
    Ok(spans)
}

/// What no rule accepts; a call that one side lacks counts as one.
fn differences_of(pair: &SpanPair) -> usize {
    if pair.left.is_none() || pair.right.is_none() {
        return 1;
    }
    let open = pair.input.iter().chain(&pair.output);
    open.filter(|difference| difference.accepted_by.is_none())
        .count()
}

fn pair_lines(pair: &SpanPair) -> String {
    let title = |span: &Span| format!("{} {}", clean(&span.package_name), cut(&what(span), 90));
    let mut lines = match (&pair.left, &pair.right) {
        (Some(left), None) => vec![styled(format!("- {}", title(left)), BAD)],
        (None, Some(right)) => vec![styled(format!("+ {}", title(right)), GOOD)],
        (Some(left), Some(_)) if pair.is_equal() => vec![styled(format!("= {}", title(left)), DIM)],
        (Some(left), Some(_)) => vec![format!(
            "{} {}",
            styled("~", CAUTION),
            styled(title(left), ACCENT)
        )],
        (None, None) => Vec::new(),
    };
    for (side, differences) in [("input", &pair.input), ("output", &pair.output)] {
        for difference in differences {
            let (recorded, actual) = (difference.recorded.as_deref(), difference.actual.as_deref());
            let text = changed(difference.change, &difference.path, recorded, actual);
            lines.push(match difference.accepted_by {
                None => format!("    {side} {text}"),
                Some(rule) => {
                    let plain = anstream::adapter::strip_str(&text).to_string();
                    styled(format!("    {side} {plain}, accepted by {rule}"), DIM)
                }
            });
        }
    }
    lines.join("\n") + "\n"
}

fn pair_json(pair: &SpanPair) -> serde_json::Value {
    let id = |span: &Option<Span>| span.as_ref().map(|span| span.span_id.clone());
    let list = |found: &[InputDifference]| -> serde_json::Value {
        let entries = found.iter().map(|difference| {
            serde_json::json!({
                "kind": difference.change.as_str(),
                "path": difference.path,
                "left": difference.recorded,
                "right": difference.actual,
                "accepted_by": difference.accepted_by,
            })
        });
        entries.collect()
    };
    let named = pair.left.as_ref().or(pair.right.as_ref());
    serde_json::json!({
        "call": named.map(what),
        "left_span_id": id(&pair.left),
        "right_span_id": id(&pair.right),
        "input": list(&pair.input),
        "output": list(&pair.output),
    })
}
