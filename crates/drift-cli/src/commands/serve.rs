//! `drift serve`: the mock server alone.

use crate::Exit;
use crate::args::ServeArguments;
use crate::signals::on_signals;
use crate::terminal::{ACCENT, BAD, CAUTION, DIM, GOOD, count, cut, note, out, styled};
use anyhow::Context as _;
use drift_replay::MockRequest;
use drift_replay::drive::recorded_environments;
use drift_replay::replay::matcher;
use drift_replay::server::{Event, Listen, MockEvent, Server, ServerOptions};
use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};

pub(crate) fn run(arguments: &ServeArguments) -> anyhow::Result<Exit> {
    let tcp = arguments.tcp.as_deref().map(tcp_address).transpose()?;
    let loaded = super::load(&arguments.place)?;
    let listen = match (&arguments.socket, tcp) {
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
        let (sender, mut signals) = tokio::sync::mpsc::unbounded_channel();
        let stopped = on_signals(move |stopped| {
            if sender.send(()).is_err() {
                stopped.exit_now();
            }
        })?;
        let (handle, mut events) = Server::start(&listen, answering, options)?;
        {
            let mut out = out();
            writeln!(out, "TUSK_DRIFT_MODE=REPLAY")?;
            // Whoever asks for all addresses serves containers, which reach this machine by a name.
            let is_for_containers = tcp.is_some_and(|tcp| tcp.ip().is_unspecified());
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
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        totals.count(&event);
                        if !arguments.quiet {
                            show(&event);
                        }
                    }
                    None => break,
                },
                _ = signals.recv() => break,
            }
        }
        tokio::select! {
            () = handle.stop() => {}
            // Again: clients that have not read their answers are not waited for.
            _ = signals.recv() => {}
        }
        say(format!(
            "{} answered, {} without an answer",
            count(totals.answered, "call"),
            totals.missed
        ));
        Ok(stopped.exit().unwrap_or(Exit::Same))
    })
}

/// The address to listen on. A name is good for this machine only: what the network can
/// reach has to be asked for by its address.
fn tcp_address(text: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty())
        .with_context(|| format!("--tcp {text}: expected HOST:PORT, such as localhost:9001"))?;
    let port: u16 = port
        .parse()
        .ok()
        .with_context(|| format!("--tcp {text}: `{port}` is not a port from 0 to 65535"))?;
    let mut found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .with_context(|| format!("--tcp {text}: no address is known for `{host}`"))?
        .collect();
    // A service that is told a name may try its IPv4 address alone.
    found.sort_by_key(SocketAddr::is_ipv6);
    let local = found.iter().find(|address| address.ip().is_loopback());
    local.copied().with_context(|| match found.first() {
        Some(address) => format!(
            "--tcp {text}: `{host}` is {}, which the network can reach; to open the recording to it, say so by the address: --tcp {address}",
            address.ip()
        ),
        None => format!("--tcp {text}: no address is known for `{host}`"),
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
