//! What came of a run: of each test, of each environment, and of the whole.

use std::time::Duration;

use super::{HttpResponse, Notice, PlannedTest, RecordedRequest, RequestError, SendError};
use crate::coverage::Coverage;
use crate::server::{ListenError, Sdk, TestRecord};
use crate::service::{ServiceError, shown, without_output};
use crate::wording::{seconds, times, with_causes};

/// Why a test has no response.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// Its root span cannot be read.
    #[error("the recorded request cannot be read: {reason}")]
    Root {
        /// Why.
        reason: String,
    },
    /// No request can be made of its root span.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// No response came.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The service died while this test alone was under way.
    #[error("the service was lost during this test ({status})")]
    Crashed {
        /// How.
        status: String,
        /// The end of its output.
        output: String,
    },
    /// The service is not there any more.
    #[error("the test was not run: {reason}")]
    NotRun {
        /// Why.
        reason: String,
    },
}

impl TestError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            TestError::Root { .. } => "root_unreadable",
            TestError::Request(error) => error.code(),
            TestError::Send(error) => error.code(),
            TestError::Crashed { .. } => "service_crashed",
            TestError::NotRun { .. } => "not_run",
        }
    }
}

/// What came of one test. Every test of a run that is not cancelled has one.
#[derive(Debug)]
pub struct TestOutcome {
    /// Which test.
    pub test: PlannedTest,
    /// What was sent; `None` when there was nothing to send.
    pub request: Option<RecordedRequest>,
    /// The response, whatever its status.
    pub response: Result<HttpResponse, TestError>,
    /// Its outbound calls, their answers, and the inbound span if it came.
    pub record: TestRecord,
    /// Outbound calls and an inbound span that came after the test had ended.
    pub late: TestRecord,
    /// Of this test alone.
    pub coverage: Option<Coverage>,
    /// Whether the service died during this test, which was alone then.
    pub crashed: bool,
    /// Whether it was run again, because the service had died the first time.
    pub retried: bool,
    /// From its begin to its end.
    pub duration: Duration,
}

/// Why no test of an environment was run, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The mock server has nowhere to listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The service did not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The SDK and this engine do not fit. It would run on without mocks.
    #[error("the SDK of the service was refused: {reason}")]
    SdkRefused {
        /// What it was told.
        reason: String,
    },
    /// No SDK connected, and the plan requires one.
    #[error("{}", never_connected(*waited))]
    NeverConnected {
        /// How long was waited.
        waited: Duration,
    },
    /// The service did not come up, and had asked for what is not in the recording.
    #[error("{}; {source}", unanswered(calls, *in_sandbox))]
    BootCalls {
        /// The calls without an answer, each in a line.
        calls: Vec<String>,
        /// Whether it was in a sandbox, which may be the reason too.
        in_sandbox: bool,
        /// How it did not come up.
        source: Box<RunError>,
    },
    /// The service was lost so often that it is not started again.
    #[error("the service was lost {}, and is not started again; {}", times(*losses), shown(output))]
    GivenUp {
        /// How often it was lost.
        losses: usize,
        /// The end of its output, of its last start.
        output: String,
    },
    /// The service was lost, and did not start again.
    #[error("the service could not be started again: {source}")]
    NotRestarted {
        /// Why.
        source: Box<RunError>,
    },
}

impl RunError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RunError::Listen(error) => error.code(),
            RunError::Service(error) => error.code(),
            RunError::SdkRefused { .. } => "sdk_refused",
            RunError::NeverConnected { .. } => "never_connected",
            RunError::BootCalls { .. } => "boot_call_unanswered",
            RunError::GivenUp { .. } => "service_given_up",
            RunError::NotRestarted { .. } => "service_not_restarted",
        }
    }

    /// The reason in one line, for each of the tests that were not run: the output of
    /// the service is shown once, with the environment.
    pub(super) fn in_short(&self) -> String {
        without_output(&with_causes(self)).to_owned()
    }
}

/// What came of one environment.
#[derive(Debug)]
pub struct EnvironmentOutcome {
    /// Its name.
    pub name: String,
    /// Why its tests were not run, or those that were left when the service was given up.
    pub error: Option<RunError>,
    /// The SDKs that were connected when the tests began.
    pub sdks: Vec<Sdk>,
    /// Outbound calls of no test: those of the start, and of work in the background.
    pub outside: TestRecord,
    /// The end of what the service printed.
    pub service_output: String,
    /// How often it was started again.
    pub restarts: usize,
    /// How often it was lost: once more than it was started again, where it was given up
    /// or nothing was left to run.
    pub losses: usize,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct RunOutcome {
    /// In the order in which they were to run. Tests of an environment that failed
    /// have an outcome too; those that a cancelled run did not finish have none.
    pub tests: Vec<TestOutcome>,
    /// In the order in which they ran.
    pub environments: Vec<EnvironmentOutcome>,
    /// In the order in which they came up.
    pub notices: Vec<Notice>,
    /// Of all tests and the start, if it was asked for.
    pub coverage: Option<Coverage>,
    /// How the service failed in its sandbox, where it ran on without.
    pub sandbox_given_up: Option<String>,
    /// Whether the caller ended it.
    pub cancelled: bool,
    /// Events of the server that could not be passed on in time.
    pub dropped_events: u64,
}

/// A test that was not run, or not yet.
pub(super) fn not_run(test: PlannedTest, reason: &str) -> TestOutcome {
    TestOutcome {
        test,
        request: None,
        response: Err(TestError::NotRun {
            reason: reason.to_owned(),
        }),
        record: TestRecord::default(),
        late: TestRecord::default(),
        coverage: None,
        crashed: false,
        retried: false,
        duration: Duration::ZERO,
    }
}

/// The first of the calls that a start made in vain, and how they come into a recording.
fn unanswered(calls: &[String], in_sandbox: bool) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = calls.iter().take(SHOWN).map(String::as_str).collect();
    let more = match calls.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (call, has) = if calls.len() == 1 {
        ("call", "has")
    } else {
        ("calls", "have")
    };
    let or_port = match in_sandbox {
        true => {
            ". If it lacks a TCP port in its sandbox instead, replay.sandbox.allow_ports opens it"
        }
        false => "",
    };
    format!(
        "boot {call} {}{more} {has} no recorded answer: `drift record -- COMMAND` with the start command records the calls of a start too{or_port}",
        shown.join(", ")
    )
}

pub(super) fn never_connected(waited: Duration) -> String {
    format!(
        "no SDK connected within {}: is it initialised before all other imports, in the process that serves requests? Without it the service's outbound calls are not replayed",
        seconds(waited)
    )
}
