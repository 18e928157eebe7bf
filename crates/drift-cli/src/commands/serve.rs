//! `drift serve`: the mock server alone.

use crate::Exit;
use crate::args::ServeArguments;
use crate::terminal::{ACCENT, BAD, CAUTION, DIM, GOOD, count, cut, note, out, styled};
use anyhow::Context as _;
use drift_replay::MockRequest;
use drift_replay::drive::recorded_environments;
use drift_replay::replay::matcher;
use drift_replay::server::{Event, Listen, MockEvent, Server, ServerOptions};
use std::io::Write as _;

pub(crate) fn run(arguments: &ServeArguments) -> anyhow::Result<Exit> {
    let loaded = super::load(&arguments.place)?;
    let listen = match (&arguments.socket, arguments.tcp) {
        (Some(path), _) => Listen::Unix(path.clone()),
        (None, Some(address)) => Listen::Tcp(address),
        (None, None) => Listen::UnixFor(loaded.config.base_dir.clone()),
    };
    // Without a run there is one environment: the only one there is.
    let mut environments = recorded_environments(&loaded.recording)?;
    let env_vars = environments.pop_first().map(|(_, variables)| variables);
    let options = ServerOptions {
        env_vars: env_vars.unwrap_or_default(),
        // Nobody asks for the records of tests here.
        max_recorded_requests: 0,
        ..ServerOptions::default()
    };
    let answering = matcher(&loaded.recording);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads of the mock server")?;
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
        let (handle, mut events) = Server::start(&listen, answering, options)?;
        {
            let mut out = out();
            writeln!(out, "TUSK_DRIFT_MODE=REPLAY")?;
            // Whoever asks for all addresses serves containers, which reach this machine by a name.
            let is_for_containers = arguments.tcp.is_some_and(|tcp| tcp.ip().is_unspecified());
            let host = is_for_containers.then_some("host.docker.internal");
            for (name, value) in handle.address().environment(host) {
                writeln!(out, "{name}={value}")?;
            }
            out.flush()?;
        }
        let say = |text: String| {
            if !arguments.quiet {
                note(text);
            }
        };
        say(format!(
            "{} {} of {} on {}; Ctrl-C ends it",
            styled("serving", ACCENT),
            count(loaded.recording.span_count(), "span"),
            count(loaded.recording.traces().len(), "trace"),
            handle.address()
        ));
        let mut totals = Totals::default();
        let exit = loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        totals.count(&event);
                        if !arguments.quiet {
                            show(&event);
                        }
                    }
                    None => break Exit::Same,
                },
                _ = interrupt.recv() => break Exit::Interrupted,
                _ = terminate.recv() => break Exit::Same,
            }
        };
        handle.stop().await;
        say(format!(
            "{} answered, {} without an answer",
            count(totals.answered, "call"),
            totals.missed
        ));
        Ok(exit)
    })
}

#[derive(Default)]
struct Totals {
    answered: usize,
    missed: usize,
}

impl Totals {
    fn count(&mut self, event: &Event) {
        if let Event::Mock(mock) = event {
            if mock.answer.found {
                self.answered += 1;
            } else {
                self.missed += 1;
            }
        }
    }
}

fn show(event: &Event) {
    match event {
        Event::Connected { sdk, .. } => note(format!(
            "{} {} SDK {} of service {}",
            styled("connected", GOOD),
            sdk.runtime.as_str_name().to_lowercase(),
            sdk.version,
            sdk.service_id
        )),
        Event::Refused { reason, .. } => note(format!("{} {reason}", styled("refused", BAD))),
        Event::Mock(mock) => note(mock_line(mock)),
        Event::Alert { text, .. } => note(format!("{} {text}", styled("alert", CAUTION))),
        Event::Problem { message, .. } => note(format!("{} {message}", styled("problem", CAUTION))),
        Event::InboundSpan { .. } | Event::Disconnected { .. } | Event::TimeTravel { .. } => {}
    }
}

fn mock_line(mock: &MockEvent) -> String {
    let request = MockRequest::from_message(&mock.request);
    let what = match &request {
        Ok(request) => format!(
            "{} {}",
            request.span.package_name,
            crate::describe::what(&request.span)
        ),
        Err(error) => error.to_string(),
    };
    let level = mock.answer.match_level.as_ref();
    let (word, detail) = if mock.answer.found {
        let how = level.map(|level| level.match_description.clone());
        (styled("answered", GOOD), how.unwrap_or_default())
    } else {
        (styled("missed", BAD), mock.answer.error.clone())
    };
    format!("{word} {} {}", cut(&what, 70), styled(detail, DIM))
}
