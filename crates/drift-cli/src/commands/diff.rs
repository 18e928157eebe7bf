//! `drift diff`: what differs between two JSON files, or two traces.

use super::{name, read_text};
use crate::Exit;
use crate::args::DiffArguments;
use crate::describe::what;
use crate::terminal::{
    ACCENT, BAD, CAUTION, DIM, GOOD, clean, count, cut, cut_pair, note, out, styled,
};
use anyhow::{Context as _, anyhow, bail};
use drift_replay::Span;
use drift_replay::compare::{Change, diff_json};
use drift_replay::load::{LoadOptions, Recording, Trace, parse_line};
use drift_replay::outbound::{InputDifference, redact_differences};
use drift_replay::redact::Redactor;
use drift_replay::report::Place;
use drift_replay::trace_diff::{SpanPair, TraceSide, diff_recorded_traces};
use drift_rust_core::{DiffError, Difference, JsonError, Side};
use serde_json::value::RawValue;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The columns of a value on a line of the result.
const VALUE_COLUMNS: usize = 60;

pub(crate) fn run(arguments: &DiffArguments) -> anyhow::Result<Exit> {
    let sides = (arguments.left.as_path(), arguments.right.as_path());
    match (kind(sides.0)?, kind(sides.1)?) {
        (Kind::Trace, Kind::Trace) => traces(arguments),
        (Kind::Values, Kind::Values) => values(arguments),
        (left, right) => bail!(
            "{} is {} and {} is {}; two of one kind can be compared",
            name(sides.0),
            left.in_words(),
            name(sides.1),
            right.in_words()
        ),
    }
}

/// What a side is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Trace,
    Values,
}

impl Kind {
    fn in_words(self) -> &'static str {
        match self {
            Kind::Trace => "a trace",
            Kind::Values => "a JSON file",
        }
    }
}

/// Trace files have the endings of the SDKs; what is no file can only be a trace's id.
fn kind(path: &Path) -> anyhow::Result<Kind> {
    if path == Path::new("-") {
        return Ok(Kind::Values);
    }
    if path.is_dir() {
        bail!(
            "{} is a folder; name a file in it, or two of its traces by their ids with --trace-dir {}",
            name(path),
            name(path)
        );
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let is_trace_file = TRACE_ENDINGS.iter().any(|ending| file.ends_with(ending));
    if is_trace_file || (!path.exists() && is_id(&path.to_string_lossy())) {
        return Ok(Kind::Trace);
    }
    if !path.exists() {
        bail!(
            "there is no file {}, and it is not the beginning of a trace's id either (up to 32 \
             hexadecimal digits)",
            name(path)
        );
    }
    Ok(Kind::Values)
}

const TRACE_ENDINGS: [&str; 3] = [".jsonl", ".jsonl.gz", ".jsonl.zst"];

fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn values(arguments: &DiffArguments) -> anyhow::Result<Exit> {
    let sides = (arguments.left.as_path(), arguments.right.as_path());
    if sides.0 == Path::new("-") && sides.1 == Path::new("-") {
        bail!("standard input can be one side only");
    }
    let (left, right) = (read_text(sides.0)?, read_text(sides.1)?);
    let differences = diff_json(&left, &right).map_err(|error| match error {
        DiffError::Json { side, source } => match side {
            Side::Left => not_json(sides.0, &left, source),
            Side::Right => not_json(sides.1, &right, source),
        },
        other => anyhow::Error::new(other),
    })?;
    let mut out = out();
    if arguments.json {
        let list: Vec<DifferenceAsJson<'_>> = differences
            .iter()
            .map(DifferenceAsJson::of_values)
            .collect::<Result<_, _>>()?;
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
    } else {
        for difference in &differences {
            writeln!(out, "{}", line(difference))?;
        }
    }
    Ok(end(differences.len(), arguments.json))
}

/// Why a side cannot be read, and what can be done about it.
fn not_json(path: &Path, bytes: &[u8], error: JsonError) -> anyhow::Error {
    let name = name(path);
    let first = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if parse_line(first).is_ok() {
        let [ending, ..] = TRACE_ENDINGS;
        return anyhow!("{name} is a trace file, but for its name: end it in {ending}");
    }
    let endings = TRACE_ENDINGS.map(|ending| format!("*{ending}")).join(", ");
    anyhow!(
        "{name} is not JSON: {error}; two JSON files can be compared, or two traces, each a file \
         ({endings}) or an id"
    )
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
    changed(
        difference.kind,
        &difference.path,
        difference.left.as_deref(),
        difference.right.as_deref(),
    )
}

fn changed(change: Change, path: &str, left: Option<&str>, right: Option<&str>) -> String {
    let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
    let (old, new) = cut_pair(left, right, VALUE_COLUMNS);
    match change {
        Change::Added => styled(format!("+ {path}  {new}"), GOOD),
        Change::Removed => styled(format!("- {path}  {old}"), BAD),
        Change::Changed => format!(
            "{} {path}  {} → {}",
            styled("~", CAUTION),
            styled(old, BAD),
            styled(new, GOOD)
        ),
    }
}

/// One difference for programs. The sides are JSON as it is compared, every digit kept.
#[derive(serde::Serialize)]
struct DifferenceAsJson<'d> {
    kind: &'static str,
    path: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_by: Option<&'static str>,
}

impl<'d> DifferenceAsJson<'d> {
    fn of_values(difference: &'d Difference) -> serde_json::Result<DifferenceAsJson<'d>> {
        Ok(DifferenceAsJson {
            kind: difference.kind.as_str(),
            path: &difference.path,
            left: raw(&difference.left)?,
            right: raw(&difference.right)?,
            accepted_by: None,
        })
    }

    fn of_call(difference: &'d InputDifference) -> serde_json::Result<DifferenceAsJson<'d>> {
        Ok(DifferenceAsJson {
            kind: difference.change.as_str(),
            path: &difference.path,
            left: raw(&difference.recorded)?,
            right: raw(&difference.actual)?,
            accepted_by: difference.accepted_by,
        })
    }
}

fn raw(json: &Option<String>) -> serde_json::Result<Option<Box<RawValue>>> {
    json.clone().map(RawValue::from_string).transpose()
}

fn traces(arguments: &DiffArguments) -> anyhow::Result<Exit> {
    let config = super::config(arguments.place.config.as_deref())?;
    let redactor = Redactor::new(config.redaction.clone());
    let asked = arguments.place.trace_dir.clone();
    let mut traces = Traces {
        folder: asked.unwrap_or_else(|| config.traces_dir.clone()),
        place: super::named(&arguments.place),
        redactor: &redactor,
        recorded: None,
    };
    let left = traces.find(&arguments.left)?;
    let right = traces.find(&arguments.right)?;
    let (left, right) = (traces.side(&left), traces.side(&right));
    let mut pairs = diff_recorded_traces(left, right, &config.comparison);
    for pair in &mut pairs {
        redact(pair, &redactor);
    }
    let mut out = out();
    if arguments.json {
        let calls: Vec<PairAsJson<'_>> =
            pairs.iter().map(PairAsJson::of).collect::<Result<_, _>>()?;
        writeln!(out, "{}", serde_json::to_string_pretty(&calls)?)?;
    } else {
        for pair in &pairs {
            write!(out, "{}", pair_lines(pair))?;
        }
    }
    let differing = pairs.iter().map(differences_of).sum();
    Ok(end(differing, arguments.json))
}

/// Takes the secrets out of what is shown of a pair; compared it was with them.
fn redact(pair: &mut SpanPair, redactor: &Redactor) {
    for span in [&mut pair.left, &mut pair.right].into_iter().flatten() {
        *span = redactor.span(span);
    }
    redact_differences(&mut pair.input, redactor);
    redact_differences(&mut pair.output, redactor);
}

/// Where the traces of the two sides come from.
struct Traces<'a> {
    folder: PathBuf,
    /// As it was named.
    place: Place,
    redactor: &'a Redactor,
    /// Read when the first side is an id, and used for the second too.
    recorded: Option<Recording>,
}

/// A trace.
struct Found {
    spans: Vec<Span>,
    /// Whether it is one of [`Traces::recorded`]; a file may hold less.
    is_of_recording: bool,
}

impl Traces<'_> {
    fn side<'f>(&'f self, found: &'f Found) -> TraceSide<'f> {
        TraceSide {
            spans: &found.spans,
            recording: self.recorded.as_ref().filter(|_| found.is_of_recording),
        }
    }

    /// A trace file, or a recorded trace.
    fn find(&mut self, path: &Path) -> anyhow::Result<Found> {
        if path.exists() {
            let recording = load(path).with_context(|| format!("cannot read {}", name(path)))?;
            let [trace] = recording.traces() else {
                bail!(
                    "{} holds {}; name two traces by their ids with --trace-dir {}",
                    name(path),
                    count(recording.traces().len(), "trace"),
                    name(path)
                );
            };
            return Ok(Found {
                spans: spans_of(&recording, trace)?,
                is_of_recording: false,
            });
        }
        let recording = match self.recorded.take() {
            Some(recording) => recording,
            None => load(&self.folder).with_context(|| {
                format!(
                    "trace {} is looked for in a recording, and there is none; name its folder \
                     with --trace-dir",
                    name(path)
                )
            })?,
        };
        let recording = self.recorded.insert(recording);
        let trace = super::find_trace(
            recording,
            &path.to_string_lossy(),
            &self.place,
            self.redactor,
        )?;
        Ok(Found {
            spans: spans_of(recording, trace)?,
            is_of_recording: true,
        })
    }
}

fn load(path: &Path) -> anyhow::Result<Recording> {
    let recording = Recording::load(&LoadOptions::new([path]), &|_| {})?;
    super::say_problems(&recording);
    Ok(recording)
}

fn spans_of(recording: &Recording, trace: &Trace) -> anyhow::Result<Vec<Span>> {
    let spans = trace.spans().map(|index| recording.span(index));
    Ok(spans.collect::<Result<_, _>>()?)
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

/// A pair of calls for programs.
#[derive(serde::Serialize)]
struct PairAsJson<'p> {
    call: Option<String>,
    left_span_id: Option<&'p str>,
    right_span_id: Option<&'p str>,
    input: Vec<DifferenceAsJson<'p>>,
    output: Vec<DifferenceAsJson<'p>>,
}

impl<'p> PairAsJson<'p> {
    fn of(pair: &'p SpanPair) -> serde_json::Result<PairAsJson<'p>> {
        let list = |found: &'p [InputDifference]| -> serde_json::Result<Vec<_>> {
            found.iter().map(DifferenceAsJson::of_call).collect()
        };
        let id = |span: &'p Option<Span>| span.as_ref().map(|span| span.span_id.as_str());
        Ok(PairAsJson {
            call: pair.left.as_ref().or(pair.right.as_ref()).map(what),
            left_span_id: id(&pair.left),
            right_span_id: id(&pair.right),
            input: list(&pair.input)?,
            output: list(&pair.output)?,
        })
    }
}
