//! `drift record`.

use crate::Exit;
use crate::args::RecordArguments;
use crate::describe;
use crate::signals::on_signals;
use crate::terminal::{ACCENT, BAD, CAUTION, DIM, GOOD, bytes, count, note, styled};
use anyhow::bail;
use drift_replay::Config;
use drift_replay::record::{RecordEvent, RecordOptions, RecordOutcome, record};
use drift_replay::report::Place;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

pub(crate) fn run(arguments: &RecordArguments) -> anyhow::Result<Exit> {
    if !(0.0..=1.0).contains(&arguments.sampling_rate) {
        bail!(
            "--sampling-rate {} is not between 0 and 1",
            arguments.sampling_rate
        );
    }
    let options = RecordOptions {
        command: arguments.command.clone(),
        trace_dir: trace_dir(arguments)?,
        sampling_rate: arguments.sampling_rate,
        settle: Duration::from_secs(arguments.settle),
        limit: arguments.for_seconds.map(Duration::from_secs),
        traces: arguments.traces,
    };
    let elsewhere = sdk_folder(arguments, &options.trace_dir);
    let bytes_before = elsewhere.as_deref().map(trace_bytes);
    let (sender, stops) = mpsc::channel();
    let stopped = on_signals(move |stopped| {
        // Nothing is left to stop when nobody listens any more.
        if sender.send(()).is_err() {
            stopped.exit_now();
        }
    })?;
    let outcome = record(&options, &stops, &mut |event| {
        if !arguments.quiet {
            show(&event, &options);
        }
    })?;
    if !arguments.quiet {
        let came_elsewhere = elsewhere.filter(|folder| Some(trace_bytes(folder)) != bytes_before);
        summary(&outcome, arguments, &options.trace_dir, came_elsewhere);
    }
    let of_command = outcome.ended.map(describe::exit_code).map(Exit::Of);
    Ok(stopped.exit().or(of_command).unwrap_or(Exit::Same))
}

/// Where the SDK writes if nobody told it anything, where another folder is watched:
/// neither an option nor a variable of ours changes what it reads in its configuration.
fn sdk_folder(arguments: &RecordArguments, watched: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let home = std::env::var("HOME").ok().map(PathBuf::from);
    let variable = |name: &str| match name {
        "TUSK_TRACES_DIR" => None,
        _ => std::env::var(name).ok(),
    };
    // What is wrong with it is no reason not to record into a folder that was named.
    let config = Config::discover(&here, home.as_deref(), &variable).ok();
    let folder = match config {
        Some(config) => config.traces_dir,
        None => here.join(".tusk/traces"),
    };
    let is_chosen = arguments.trace_dir.is_some() || std::env::var_os("TUSK_TRACES_DIR").is_some();
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| here.join(path));
    (is_chosen && real(&folder) != real(watched)).then_some(folder)
}

/// The bytes of all trace files of a folder; 0 for one that is not there.
fn trace_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_trace = |path: &Path| path.extension().is_some_and(|ending| ending == "jsonl");
    entries
        .map(|entry| entry.path())
        .filter(|path| is_trace(path))
        .filter_map(|path| Some(path.metadata().ok()?.len()))
        .sum()
}

/// Where the SDK will write: it takes `traces.dir` from the folder it runs in.
fn trace_dir(arguments: &RecordArguments) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &arguments.trace_dir {
        return Ok(folder.clone());
    }
    Ok(super::config(None)?.traces_dir)
}

fn show(event: &RecordEvent<'_>, options: &RecordOptions) {
    match event {
        RecordEvent::Started { process } => note(format!(
            "{} process {process}, traces in {}; Ctrl-C ends it",
            styled("recording", ACCENT),
            options.trace_dir.display()
        )),
        RecordEvent::Trace { root, calls } => note(format!(
            "{} {}",
            styled("recorded", GOOD),
            describe::request_line(root, *calls)
        )),
        RecordEvent::BrokenLine { file, line, reason } => note(format!(
            "{} {}:{line}: {reason}",
            styled("broken line", BAD),
            file.display()
        )),
        RecordEvent::Settling => note(styled(
            format!(
                "waiting until the trace files have not grown for {} s; Ctrl-C again does not wait",
                options.settle.as_secs()
            ),
            DIM,
        )),
        RecordEvent::Killed => note(styled(
            "the service did not leave on SIGTERM and was killed",
            CAUTION,
        )),
    }
}

fn summary(
    outcome: &RecordOutcome,
    arguments: &RecordArguments,
    trace_dir: &Path,
    came_elsewhere: Option<PathBuf>,
) {
    if let Some(status) = outcome.ended {
        let how = drift_replay::process_group::describe(status);
        note(format!("the command ended by itself with {how}"));
    }
    if outcome.spans == 0 {
        let why = match came_elsewhere {
            Some(folder) => format!(
                "the SDK wrote to {}: the folder of --trace-dir or TUSK_TRACES_DIR is only watched; \
                 set traces.dir of .tusk/config.yaml, which the SDK reads",
                folder.display()
            ),
            None => "does the service initialise its Tusk Drift SDK before it imports other \
                     libraries, and did it get a request?"
                .to_owned(),
        };
        note(styled(
            format!("nothing was recorded in {}: {why}", trace_dir.display()),
            CAUTION,
        ));
        return;
    }
    note(format!(
        "{}, {}, {} in {}",
        count(outcome.traces, "trace"),
        count(outcome.spans, "span"),
        bytes(outcome.bytes),
        trace_dir.display()
    ));
    let place = Place {
        trace_dir: arguments.trace_dir.clone(),
        ..Place::default()
    };
    if let (Ok(traces), Ok(replay)) = (place.whole("drift traces"), place.whole("drift replay")) {
        note(styled(format!("next: {traces}, {replay}"), DIM));
    }
}
