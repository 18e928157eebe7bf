//! `drift record`.

use crate::Exit;
use crate::args::RecordArguments;
use crate::describe;
use crate::terminal::{ACCENT, BAD, CAUTION, DIM, GOOD, bytes, count, note, styled};
use anyhow::{Context as _, bail};
use drift_replay::record::{RecordEvent, RecordOptions, RecordOutcome, Stop, record};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    let interrupted = Arc::new(AtomicBool::new(false));
    let stops = stops(Arc::clone(&interrupted)).context("cannot watch for Ctrl-C")?;
    let outcome = record(&options, &stops, &mut |event| {
        if !arguments.quiet {
            show(&event, &options);
        }
    })?;
    if !arguments.quiet {
        summary(&outcome, &options.trace_dir);
    }
    Ok(match outcome.ended {
        _ if interrupted.load(Ordering::SeqCst) => Exit::Interrupted,
        Some(status) => Exit::Of(describe::exit_code(status)),
        None => Exit::Same,
    })
}

/// Where the SDK will write: it takes `traces.dir` from the folder it runs in.
fn trace_dir(arguments: &RecordArguments) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &arguments.trace_dir {
        return Ok(folder.clone());
    }
    Ok(super::config(None)?.traces_dir)
}

/// The first Ctrl-C, SIGTERM or closed terminal ends the recording, the second does not wait.
fn stops(interrupted: Arc<AtomicBool>) -> anyhow::Result<mpsc::Receiver<Stop>> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut stop = Stop::WhenSettled;
        for signal in signals.forever() {
            if signal == SIGINT {
                interrupted.store(true, Ordering::SeqCst);
            }
            if sender.send(stop).is_err() {
                break;
            }
            stop = Stop::Now;
        }
    });
    Ok(receiver)
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
