//! One module a command.

mod diff;
mod explain;
mod explain_json;
mod hash;
mod inspect;
mod last_run;
mod record;
mod replay;
mod serve;
mod span_tree;
mod traces;

use crate::Exit;
use crate::args::{Arguments, Command, PlaceArguments};
use crate::terminal::{self, Progress};
use anyhow::Context as _;
use drift_replay::Config;
use drift_replay::encoding::blank_byte_order_mark;
use drift_replay::load::{FindError, LoadError, LoadOptions, Problem, Recording, Trace};
use drift_replay::redact::Redactor;
use drift_replay::report::Place;
use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Problems of several files that are shown; their number is always said. Of one file
/// all are that are kept.
const MOST_PROBLEMS: usize = 10;

/// What an ambiguous id could have meant: so many are listed.
const MOST_CANDIDATES: usize = 10;
/// The columns of one of them.
const CANDIDATE_COLUMNS: usize = 100;

/// Runs what was asked for.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Record(arguments) => record::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Traces(arguments) => traces::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Hash(arguments) => hash::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
    }
}

/// The bytes of a file, or of standard input for `-`.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The same of JSON or another text, which may begin with a byte order mark.
fn read_text(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut text = read(path)?;
    blank_byte_order_mark(&mut text);
    Ok(text)
}

/// What a command that reads a recording works with.
struct Loaded {
    config: Arc<Config>,
    recording: Arc<Recording>,
    /// Where it was read from.
    path: PathBuf,
    /// How it was named.
    place: Place,
    /// What was said about the configuration and the files.
    notices: Vec<String>,
}

/// The configuration that was named, else the one of this folder or above it.
fn config(asked: Option<&Path>) -> anyhow::Result<Config> {
    let here = std::env::current_dir().context("the current folder cannot be found out")?;
    let variable = |name: &str| std::env::var(name).ok();
    let home = variable("HOME").map(PathBuf::from);
    Ok(match asked {
        Some(file) => Config::load(file, &here, &variable)?,
        None => Config::discover(&here, home.as_deref(), &variable)?,
    })
}

/// Loads the recording, with progress on a terminal; what is wrong with its
/// files is said, and the rest is used.
fn load(place: &PlaceArguments) -> anyhow::Result<Loaded> {
    let config = config(place.config.as_deref())?;
    let path = place
        .trace_dir
        .clone()
        .unwrap_or_else(|| config.traces_dir.clone());
    let progress = Progress::new("reading traces");
    let recording = Recording::load(&LoadOptions::new([path.clone()]), &|state| {
        progress.show(state.bytes_done, state.bytes);
    });
    progress.clear();
    let recording = recording.map_err(|error| match error {
        LoadError::NotFound { .. } | LoadError::NoTraceFiles { .. } | LoadError::NoSpans { .. } => {
            let next =
                "record with `drift record -- COMMAND`, or name a recording with --trace-dir";
            anyhow::anyhow!("{error}; {next}")
        }
        error => anyhow::Error::new(error),
    })?;
    let mut notices: Vec<String> = config
        .notices
        .iter()
        .map(|notice| notice.message.clone())
        .collect();
    notices.extend(say_problems(&recording));
    Ok(Loaded {
        config: Arc::new(config),
        recording: Arc::new(recording),
        path,
        place: named(place),
        notices,
    })
}

/// The recording and the configuration as the user named them.
fn named(place: &PlaceArguments) -> Place {
    Place {
        trace_dir: place.trace_dir.clone(),
        config: place.config.clone(),
        ..Place::default()
    }
}

/// Says what is wrong with the files of a recording, the rest of which is used.
fn say_problems(recording: &Recording) -> Vec<String> {
    let mut notices = Vec::new();
    let problems = recording.problems();
    let shown = most_telling(problems);
    for problem in &shown {
        terminal::note(format!(
            "{} {}",
            terminal::styled("notice:", terminal::CAUTION),
            terminal::clean(&problem.to_string())
        ));
        notices.push(problem.to_string());
    }
    let left_out = problems.len().saturating_sub(shown.len());
    if left_out > 0 {
        let more = format!(
            "and {} more in the trace files; `drift traces --trace-dir FILE` tells those of one",
            terminal::count(left_out, "problem")
        );
        terminal::note(&more);
        notices.push(more);
    }
    notices
}

/// The first problem of each file before the second ones: a file that is broken all
/// over does not hide the others. They stay in their order.
fn most_telling(problems: &[Problem]) -> Vec<&Problem> {
    let mut counts: HashMap<&Path, usize> = HashMap::new();
    let mut ranked: Vec<(usize, usize, &Problem)> = problems
        .iter()
        .enumerate()
        .map(|(place, problem)| {
            let count = counts.entry(problem.file.as_path()).or_default();
            *count += 1;
            (*count, place, problem)
        })
        .collect();
    if counts.len() > 1 {
        ranked.sort_by_key(|(count, place, _)| (*count, *place));
        ranked.truncate(MOST_PROBLEMS);
    }
    ranked.sort_by_key(|(_, place, _)| *place);
    ranked.into_iter().map(|(_, _, problem)| problem).collect()
}

/// The one trace whose id begins so; where there are several they are named with
/// their requests, for an id alone does not say which one was meant.
fn find_trace<'r>(
    recording: &'r Recording,
    id: &str,
    place: &Place,
    redactor: &Redactor,
) -> anyhow::Result<&'r Trace> {
    let error = match recording.find_trace(id) {
        Ok(trace) => return Ok(trace),
        Err(error) => error,
    };
    let FindError::Ambiguous { count, .. } = error else {
        return Err(match place.list() {
            Ok(command) => anyhow::anyhow!("{error}; `{command}` lists what is recorded"),
            Err(_) => anyhow::Error::new(error),
        });
    };
    let candidates = recording
        .traces()
        .iter()
        .filter(|trace| trace.trace_id.starts_with(id));
    let mut lines = Vec::new();
    for trace in candidates.take(MOST_CANDIDATES) {
        let request = match trace.root {
            Some(root) => redactor.text(&crate::describe::what(&recording.span(root)?)),
            None => "a trace without its request".to_owned(),
        };
        lines.push(format!("{} {request}", trace.trace_id));
    }
    Err(ambiguous("trace", id, count, &lines))
}

/// The error of an id whose beginning several things share; `candidates` are the
/// first of them, the id in front.
fn ambiguous(noun: &str, id: &str, all: usize, candidates: &[String]) -> anyhow::Error {
    let mut text = format!(
        "the ids of {} begin with {id:?}; give more of it",
        terminal::count(all, noun)
    );
    for candidate in candidates.iter().take(MOST_CANDIDATES) {
        text.push_str("\n  ");
        text.push_str(&terminal::cut(candidate, CANDIDATE_COLUMNS));
    }
    let more = all.saturating_sub(candidates.len().min(MOST_CANDIDATES));
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    anyhow::Error::msg(text)
}

/// What messages call a file.
fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}
