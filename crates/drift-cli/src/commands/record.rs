//! `drift record`.

use crate::Exit;
use crate::args::RecordArguments;
use crate::describe;
use crate::signals::on_signals;
use crate::terminal::{ACCENT, BAD, CAUTION, DIM, GOOD, bytes, count, note, styled};
use anyhow::bail;
use drift_replay::record::{RecordEvent, RecordOptions, RecordOutcome, record};
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
        summary(&outcome, &options.trace_dir);
    }
    let of_command = outcome.ended.map(describe::exit_code).map(Exit::Of);
    Ok(stopped.exit().or(of_command).unwrap_or(Exit::Same))
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

fn summary(outcome: &RecordOutcome, trace_dir: &Path) {
    if let Some(status) = outcome.ended {
        let how = drift_replay::process_group::describe(status);
        note(format!("the command ended by itself with {how}"));
    }
    if outcome.spans == 0 {
        note(styled(
            format!(
                "nothing was recorded in {}: does the service initialise its Tusk Drift SDK before it imports \
                 other libraries, and did it get a request?",
                trace_dir.display()
            ),
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
    note(styled("next: drift traces, drift replay", DIM));
}
