//! The start of the service: in its sandbox where the plan wants one, until it can
//! be tested.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::observe::Notices;
use super::outcome::never_connected;
use super::{Run, RunError, RunPlan, Stage, coverage};
use crate::config::SandboxMode;
use crate::outbound::summary;
use crate::request::MockRequest;
use crate::server::{Address, Handshake, MockEvent, ServerHandle};
use crate::service::{Sandbox, ServiceError, ServiceProcess, ServiceSpec};
use crate::span::Span;
use crate::wording::seconds;

/// Whether the service is confined, and what its processes may connect to over
/// TCP besides its own port and that of the mock server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxPlan {
    /// Whether.
    pub mode: SandboxMode,
    /// More ports.
    pub allow_ports: Vec<u16>,
    /// What to tell of it when the run begins.
    pub notices: Vec<String>,
}

impl SandboxPlan {
    /// None.
    pub fn off() -> SandboxPlan {
        SandboxPlan {
            mode: SandboxMode::Off,
            allow_ports: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// The mode that holds on this system; tells what there is to tell.
    pub(super) fn begin(&self, notices: &Notices) -> SandboxMode {
        for notice in &self.notices {
            notices.add("sandbox", notice.clone());
        }
        if self.mode == SandboxMode::Auto
            && let Err(error) = Sandbox::support()
        {
            notices.add(
                "no_sandbox",
                format!("the service runs without a sandbox: {error}"),
            );
            return SandboxMode::Off;
        }
        self.mode
    }
}

/// The sandbox of a service that is served at this address.
fn sandbox(plan: &RunPlan, server: &Address) -> Sandbox {
    let mock = match server {
        Address::Tcp(address) => Some(address.port()),
        Address::Unix(_) => None,
    };
    let more = plan.sandbox.allow_ports.iter().copied();
    Sandbox::new(more.chain(mock).chain([plan.service.port]))
}

/// What a shell ends with when its command cannot be executed, and when there is none
/// of that name: no sandbox keeps a program from being started.
const NOT_STARTED: [i32; 2] = [126, 127];

/// How the service failed to come up, where its sandbox may be the reason.
fn failed_in_sandbox(error: &RunError) -> Option<String> {
    match error {
        RunError::Service(ServiceError::ExitedEarly {
            exit_code: Some(code),
            ..
        }) if NOT_STARTED.contains(code) => None,
        RunError::Service(ServiceError::ExitedEarly { status, .. }) => {
            Some(format!("it ended with {status}"))
        }
        RunError::Service(ServiceError::NotReady { timeout, .. }) => {
            Some(format!("it was not ready after {}", seconds(*timeout)))
        }
        RunError::Service(ServiceError::NoSandbox(error)) => Some(error.to_string()),
        _ => None,
    }
}

/// A call as an error may name it: that is one text, in which secrets are found by the
/// forms of texts and URLs, and not those of statements and commands.
fn named(span: &Span) -> String {
    if span.package_name == "http" {
        summary(span)
    } else {
        format!("{} of the package {}", span.name, span.package_name)
    }
}

/// A start that failed, with what it had asked for in vain, which is the likely reason.
fn with_boot_calls(error: RunError, unanswered: &[Arc<MockEvent>], in_sandbox: bool) -> RunError {
    let did_not_come_up = matches!(
        error,
        RunError::Service(ServiceError::ExitedEarly { .. } | ServiceError::NotReady { .. })
    );
    if !did_not_come_up || unanswered.is_empty() {
        return error;
    }
    let mut calls = Vec::new();
    for event in unanswered {
        let call = match MockRequest::from_message(&event.request) {
            Ok(request) => named(&request.span),
            Err(_) => "(unreadable)".to_owned(),
        };
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    RunError::BootCalls {
        calls,
        in_sandbox,
        source: Box::new(error),
    }
}

impl Run {
    /// Starts the service and waits until it can be tested. Where a sandbox is not
    /// required, a service that does not come up in it is started once more without,
    /// and so is every later one of the run; not one whose command is not there, and
    /// not one that lacked a recorded answer: without a sandbox it might ask a real server.
    pub(super) async fn start_service(&mut self, stage: &mut Stage) -> Result<(), RunError> {
        let sandbox =
            (self.sandbox != SandboxMode::Off).then(|| sandbox(&self.plan, stage.server.address()));
        let started = self.start_in(stage, sandbox).await;
        let failed = started.as_ref().err().and_then(failed_in_sandbox);
        match failed {
            Some(how) if self.sandbox == SandboxMode::Auto => {
                self.sandbox = SandboxMode::Off;
                self.outcome.sandbox_given_up = Some(how.clone());
                self.notices.add(
                    "sandbox_given_up",
                    format!(
                        "the service did not come up in its sandbox ({how}), and is started again without"
                    ),
                );
                stage.stop_service().await;
                self.start_in(stage, None).await
            }
            _ => started,
        }
    }

    async fn start_in(
        &mut self,
        stage: &mut Stage,
        sandbox: Option<Sandbox>,
    ) -> Result<(), RunError> {
        let before = stage.server.outside_count();
        let in_sandbox = sandbox.is_some();
        let started = self.try_start_in(stage, sandbox).await;
        started.map_err(|error| {
            let unanswered = stage.server.unanswered_outside(before);
            with_boot_calls(error, &unanswered, in_sandbox)
        })
    }

    async fn try_start_in(
        &mut self,
        stage: &mut Stage,
        sandbox: Option<Sandbox>,
    ) -> Result<(), RunError> {
        let begin = Instant::now();
        stage.server.begin_service();
        let spec = ServiceSpec {
            sandbox: sandbox.clone(),
            ..self.plan.service.clone()
        };
        let service = ServiceProcess::start(spec, stage.environment.clone()).await?;
        let service = stage.service.insert(service);
        service.wait_ready().await?;
        self.observer
            .service_ready(begin.elapsed(), sandbox.as_ref());
        // The first start has shown that there is none, and each crash would cost the wait.
        let waits = stage.restarts == 0 || self.sdk_seen;
        let timeout = if waits {
            self.plan.connect_timeout
        } else {
            Duration::ZERO
        };
        match wait_connected(&stage.server, service, timeout).await? {
            Handshake::Connected(_) => {}
            Handshake::Refused(reason) => return Err(RunError::SdkRefused { reason }),
            Handshake::None => {
                if self.plan.require_sdk {
                    return Err(RunError::NeverConnected { waited: timeout });
                }
                if waits {
                    self.notices
                        .add("never_connected", never_connected(timeout));
                }
            }
        }
        stage.collects_coverage = false;
        if let Some(coverage) = &mut self.outcome.coverage {
            match coverage::baseline(&stage.server, coverage).await {
                Ok(()) => stage.collects_coverage = true,
                Err(reason) => self.notices.add_once(
                    "coverage_failed",
                    format!("the service gives no coverage: {reason}"),
                ),
            }
        }
        Ok(())
    }
}

/// Waits for an SDK as long as the service lives.
async fn wait_connected(
    server: &ServerHandle,
    service: &mut ServiceProcess,
    timeout: Duration,
) -> Result<Handshake, ServiceError> {
    const LOOK: Duration = Duration::from_millis(200);
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let found = server.wait_connected(left.min(LOOK)).await;
        if found != Handshake::None {
            return Ok(found);
        }
        if !service.is_alive() {
            // Says how it ended, with its output.
            service.wait_ready().await?;
        }
        if left.is_zero() {
            return Ok(Handshake::None);
        }
    }
}
