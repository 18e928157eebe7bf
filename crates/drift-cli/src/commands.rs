//! One module a command.

mod diff;
mod explain;
mod hash;
mod inspect;
mod last_run;
mod record;
mod replay;
mod serve;
mod traces;

use crate::Exit;
use crate::args::{Arguments, Command, PlaceArguments};
use crate::terminal::{self, Progress};
use anyhow::Context as _;
use drift_replay::Config;
use drift_replay::load::{LoadOptions, Recording};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Broken lines that are shown; their number is always said.
const MOST_PROBLEMS: usize = 10;

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

/// What a command that reads a recording works with.
struct Loaded {
    config: Arc<Config>,
    recording: Arc<Recording>,
    /// Where it was read from.
    path: PathBuf,
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
    let recording = recording.map_err(|error| {
        let next = "record one with `drift record -- COMMAND`, or name it with --trace-dir";
        anyhow::Error::new(error).context(format!("there is no recording to read; {next}"))
    })?;
    let mut notices: Vec<String> = config
        .notices
        .iter()
        .map(|notice| notice.message.clone())
        .collect();
    for problem in recording.problems().iter().take(MOST_PROBLEMS) {
        terminal::note(format!(
            "{} {}",
            terminal::styled("notice:", terminal::CAUTION),
            terminal::clean(&problem.to_string())
        ));
        notices.push(problem.to_string());
    }
    let left_out = recording.problems().len().saturating_sub(MOST_PROBLEMS);
    if left_out > 0 {
        let more = format!(
            "and {} more in the trace files",
            terminal::count(left_out, "problem")
        );
        terminal::note(&more);
        notices.push(more);
    }
    Ok(Loaded {
        config: Arc::new(config),
        recording: Arc::new(recording),
        path,
        notices,
    })
}

/// What messages call a file.
fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}
