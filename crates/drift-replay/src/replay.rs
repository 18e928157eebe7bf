//! One replay from a configuration and a recording to results: what is run,
//! and what each outcome says about the service.

use crate::compare::{
    ActualResponse, compare_response, no_response, recorded_status, request_name,
};
use crate::config::{
    CommunicationKind, Config, ConfigError, ReadinessCheck, SandboxFile, SandboxMode,
};
use crate::drive::{
    EnvironmentOutcome, HttpResponse, PlannedTest, RecordedRequest, RequestError, RunOutcome,
    RunPlan, SandboxPlan, TestError, TestOutcome, planned_tests, recorded_environments,
};
use crate::filter::Filter;
use crate::load::{LoadError, Recording, Trace};
use crate::matcher::Matcher;
use crate::outbound::{
    CallState, LiveCall, MatchedSpan, OutboundOptions, OutboundReport, PoolQueries,
    check_outbound_among, shorten, without_answer,
};
use crate::report::{MatchEvent, Place, RunResults, SentRequest, TestResult, TestState};
use crate::request::MockRequest;
use crate::server::{Listen, MockEvent, Sdk, TestRecord};
use crate::service::{NoSandbox, PORT_INTERVAL, Readiness, Sandbox, ServiceSpec};
use crate::span::Span;
use crate::wording::{count, with_causes};
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tusk_drift_schemas::tusk::drift::core::v1::Runtime;

/// Of how many failed calls a test says so.
const MAX_FAILED_CALLS: usize = 5;

/// What a caller says over the configuration.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Which tests.
    pub filter: Filter,
    /// Only this trace, or traces whose id begins so.
    pub trace_id: Option<String>,
    /// How many requests may be under way at once.
    pub concurrency: Option<usize>,
    /// Whether coverage is collected.
    pub coverage: Option<bool>,
    /// Where all of the service's output goes too.
    pub log_file: Option<PathBuf>,
    /// Over `replay.sandbox.mode`.
    pub sandbox_mode: Option<SandboxMode>,
    /// Over `replay.sandbox.config_path`.
    pub sandbox_config: Option<PathBuf>,
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The configuration does not say how the service is started.
    #[error(
        "the configuration does not say how the service is started: set service.start.command in {}",
        config.as_ref().map_or_else(|| ".tusk/config.yaml".to_owned(), |file| file.display().to_string())
    )]
    NoStartCommand {
        /// The file that was read, if there is one.
        config: Option<PathBuf>,
    },
    /// A sandbox is required, and this system has none.
    #[error("the sandbox is required (strict); `--sandbox-mode auto` and `off` replay without it")]
    NoSandbox {
        /// Why it has none.
        source: NoSandbox,
    },
    /// The file of the sandbox cannot be used.
    #[error(transparent)]
    SandboxConfig(#[from] ConfigError),
    /// No trace has its request: whatever is run, no test would fail.
    #[error(
        "no request to the service is in the recording, only {} of it; record again, and let `drift record` wait until the files have stopped growing",
        count(*.spans, "call")
    )]
    NoTests {
        /// How many spans there are.
        spans: usize,
    },
    /// A span cannot be read any more.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl ReplayError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ReplayError::NoStartCommand { .. } => "no_start_command",
            ReplayError::NoSandbox { .. } => "no_sandbox",
            ReplayError::SandboxConfig(error) => error.code(),
            ReplayError::NoTests { .. } => "no_tests",
            ReplayError::Load(error) => error.code(),
        }
    }
}

/// The plan of a run, by the configuration. It has no tests where the options leave
/// none of those that are recorded.
///
/// # Errors
/// [`ReplayError`].
pub fn plan(
    config: &Config,
    recording: &Arc<Recording>,
    options: &ReplayOptions,
) -> Result<RunPlan, ReplayError> {
    if recording.traces().iter().all(|trace| trace.root.is_none()) {
        return Err(ReplayError::NoTests {
            spans: recording.span_count(),
        });
    }
    let command = config.service.start_command.clone();
    let command = command.ok_or_else(|| ReplayError::NoStartCommand {
        config: config.file.clone(),
    })?;
    let listen = listen(config, &command);
    let service = ServiceSpec {
        directory: Some(config.base_dir.clone()),
        port: config.service.port,
        stop_command: config.service.stop_command.clone(),
        log_file: options.log_file.clone(),
        ..with_readiness(ServiceSpec::default(), &config.service.readiness_check)
    };
    let in_container = is_container(&command);
    let sandbox = sandbox(config, options, in_container)?;
    let service = ServiceSpec { command, ..service };
    let tests = tests(recording, options)?;
    let coverage = options.coverage.unwrap_or(config.coverage.enabled);
    Ok(RunPlan {
        mock_host: in_container.then(|| "host.docker.internal".to_owned()),
        environments: recorded_environments(recording)?,
        concurrency: options
            .concurrency
            .unwrap_or(config.test_execution.concurrency)
            .max(1),
        test_timeout: config.test_execution.timeout,
        sandbox,
        coverage,
        ..RunPlan::new(tests, recording.clone(), service, listen)
    })
}

/// How long a readiness command may take, and the pause between two: as the
/// published program has it.
const READINESS_TIMEOUT: Duration = Duration::from_secs(10);
const READINESS_INTERVAL: Duration = Duration::from_secs(2);

fn with_readiness(spec: ServiceSpec, check: &ReadinessCheck) -> ServiceSpec {
    match &check.command {
        None => ServiceSpec {
            readiness: Readiness::PortAccepts {
                interval: check.interval.unwrap_or(PORT_INTERVAL),
            },
            ready_timeout: check.timeout.unwrap_or(spec.ready_timeout),
            ..spec
        },
        Some(command) => ServiceSpec {
            readiness: Readiness::Command {
                command: command.clone(),
                interval: check.interval.unwrap_or(READINESS_INTERVAL),
            },
            ready_timeout: check.timeout.unwrap_or(READINESS_TIMEOUT),
            ..spec
        },
    }
}

/// The sandbox, by the configuration and the file that it or the caller names.
fn sandbox(
    config: &Config,
    options: &ReplayOptions,
    in_container: bool,
) -> Result<SandboxPlan, ReplayError> {
    let mut plan = SandboxPlan {
        mode: options.sandbox_mode.unwrap_or(config.sandbox.mode),
        allow_ports: config.sandbox.allow_ports.clone(),
        notices: Vec::new(),
    };
    if plan.mode == SandboxMode::Off {
        return Ok(plan);
    }
    if plan.mode == SandboxMode::Strict {
        Sandbox::support().map_err(|source| ReplayError::NoSandbox { source })?;
    }
    if in_container {
        // What docker starts is a child of its daemon. Its client may need the network,
        // to ask a registry for instance.
        plan.notices.push(match plan.mode {
            SandboxMode::Strict => "the start command runs docker: only its client is in the sandbox, the containers are not".to_owned(),
            SandboxMode::Auto | SandboxMode::Off => {
                plan.mode = SandboxMode::Off;
                "the start command runs docker, whose containers no sandbox of ours holds, so there is none".to_owned()
            }
        });
    }
    let file = options.sandbox_config.as_ref();
    if let Some(path) = file.or(config.sandbox.config_path.as_ref()) {
        let file = SandboxFile::load(path)?;
        plan.allow_ports.extend(file.allow_ports);
        if !file.not_read.is_empty() {
            plan.notices.push(format!(
                "{}: not applied here, where a sandbox knows TCP ports alone: {}",
                path.display(),
                file.not_read.join(", ")
            ));
        }
    }
    Ok(plan)
}

/// Whether the service runs in a container, which reaches no Unix socket of ours.
fn is_container(command: &str) -> bool {
    ["docker ", "docker-compose "]
        .iter()
        .any(|program| command.contains(program))
}

fn listen(config: &Config, command: &str) -> Listen {
    let is_tcp = match config.service.communication {
        CommunicationKind::Tcp => true,
        CommunicationKind::Unix => false,
        CommunicationKind::Auto => is_container(command),
    };
    if !is_tcp {
        return Listen::UnixFor(config.base_dir.clone());
    }
    // A container does not reach the loopback address of its host.
    let ip = if is_container(command) {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::LOCALHOST
    };
    Listen::Tcp(SocketAddr::from((ip, config.service.tcp_port)))
}

fn tests(recording: &Recording, options: &ReplayOptions) -> Result<Vec<PlannedTest>, LoadError> {
    let mut failed = None;
    let is_meant = |trace: &Trace| -> Result<bool, LoadError> {
        let id = options.trace_id.as_deref().unwrap_or_default();
        if !trace.trace_id.starts_with(id) {
            return Ok(false);
        }
        match trace.root {
            Some(root) => Ok(options.filter.matches(&recording.span(root)?)),
            None => Ok(false),
        }
    };
    let meant: std::collections::HashSet<&str> = recording
        .traces()
        .iter()
        .filter(|trace| match is_meant(trace) {
            Ok(meant) => meant,
            Err(error) => {
                failed.get_or_insert(error);
                false
            }
        })
        .map(|trace| trace.trace_id.as_str())
        .collect();
    match failed {
        Some(error) => Err(error),
        None => Ok(planned_tests(recording, |trace| {
            meant.contains(trace.trace_id.as_str())
        })),
    }
}

/// What a run says about the service.
pub struct Judge {
    /// Rules, outbound checks, names.
    pub config: Arc<Config>,
    /// The recording that was replayed.
    pub recording: Arc<Recording>,
    pool_queries: PoolQueries,
}

impl Judge {
    /// With a configuration, of what was recorded.
    pub fn new(config: Arc<Config>, recording: Arc<Recording>) -> Judge {
        Judge {
            config,
            recording,
            pool_queries: PoolQueries::default(),
        }
    }

    /// One test: the response and the outbound calls beside the recorded ones.
    pub fn test(&self, outcome: &TestOutcome) -> TestResult {
        let mut result = TestResult {
            trace_id: outcome.test.trace_id.clone(),
            file: outcome.test.file.display().to_string(),
            environment: outcome.test.environment.clone(),
            duration_ms: millis(outcome.duration),
            crashed_server: outcome.crashed,
            retried_after_crash: outcome.retried,
            ..TestResult::default()
        };
        if let Some(request) = &outcome.request {
            result.notices.extend(request.notes.iter().cloned());
        }
        let spans = match self.spans_of(&outcome.test.trace_id) {
            Ok(spans) => spans,
            Err(error) => {
                result.state = TestState::Failed;
                result.error = Some(error.to_string());
                return result;
            }
        };
        let root = spans.iter().find(|span| span.is_root_span);
        let Some(root) = root else {
            result.state = TestState::Failed;
            result.error = Some("the recording has no root span of this test".to_owned());
            return result;
        };
        result.name = request_name(root);
        if let Some((method, target)) = result.name.clone().split_once(' ') {
            result.method = method.to_owned();
            result.target = target.to_owned();
        }
        result.recorded_duration_ms = root.duration_nanos.map(|nanos| nanos / 1_000_000);
        result.recorded_status = Some(recorded_status(root));
        self.response(root, outcome, &mut result);
        self.calls(&spans, outcome, &mut result);
        if result.state == TestState::Passed && !result.deviations.is_empty() {
            result.state = TestState::Deviated;
        }
        if matches!(result.state, TestState::Deviated | TestState::Failed) {
            result.request = outcome.request.as_ref().map(sent);
            self.failed_calls(outcome, &mut result);
        }
        result
    }

    /// How long calls of a test are worth waiting for that are recorded, and that nobody
    /// has asked for yet: those that began, when they were recorded, shortly before the
    /// response or behind it. As long behind it as they came then, and half a second;
    /// five seconds at most. `late` is what came since the test ended.
    pub fn late_calls(&self, outcome: &TestOutcome, late: &TestRecord) -> Option<Duration> {
        /// What is not waited for by the service may be asked for behind the response
        /// though it began before it.
        const BEFORE_MILLIS: i128 = 250;
        const SLACK_MILLIS: i128 = 500;
        const MAX_MILLIS: i128 = 5_000;
        if !self.config.outbound.missing || outcome.response.is_err() {
            return None;
        }
        let spans = self.spans_of(&outcome.test.trace_id).ok()?;
        let root = spans.iter().find(|span| span.is_root_span)?;
        let end = root.start_unix_nanos? + i128::from(root.duration_nanos?);
        let live = self.live_calls(outcome.record.mocks.iter().chain(&late.mocks));
        let millis_behind = self
            .outbound(&spans, &live, &self.config.outbound)
            .calls
            .iter()
            .filter(|call| call.state == CallState::Missing)
            .filter_map(|call| {
                let id = call.recorded_span_id.as_deref()?;
                let span = spans.iter().find(|span| span.span_id == id)?;
                Some((span.start_unix_nanos? - end) / 1_000_000)
            })
            .filter(|millis| *millis >= -BEFORE_MILLIS)
            .max()?;
        let millis = (millis_behind.max(0) + SLACK_MILLIS).min(MAX_MILLIS);
        u64::try_from(millis).ok().map(Duration::from_millis)
    }

    fn live_calls<'e>(&self, events: impl Iterator<Item = &'e Arc<MockEvent>>) -> Vec<LiveCall> {
        events.filter_map(|event| self.live_call(event)).collect()
    }

    /// The recorded calls of a test beside those that were made.
    fn outbound(
        &self,
        spans: &[Span],
        live: &[LiveCall],
        options: &OutboundOptions,
    ) -> OutboundReport {
        check_outbound_among(spans, live, options, &self.config.comparison, |span| {
            self.pool_queries.make_all_like(span, &self.recording)
        })
    }

    fn spans_of(&self, trace_id: &str) -> Result<Vec<Span>, LoadError> {
        let trace = self.recording.trace(trace_id);
        let indices = trace.into_iter().flat_map(Trace::spans);
        indices.map(|index| self.recording.span(index)).collect()
    }

    fn response(&self, root: &Span, outcome: &TestOutcome, result: &mut TestResult) {
        match &outcome.response {
            Ok(response) => {
                let comparison = compare_response(root, &actual(response), &self.config.comparison);
                result.actual_status = Some(i64::from(response.status));
                result.duration_ms = millis(response.duration);
                result.deviations = comparison.deviations;
                result.more_deviations = comparison.more;
                result.accepted = comparison.accepted;
                result.notices.extend(comparison.notices);
                result.notices.extend(response.encoding_problem.clone());
            }
            Err(TestError::Request(error @ RequestError::UnsupportedType { .. })) => {
                result.state = TestState::Skipped;
                result.notices.push(error.to_string());
            }
            Err(TestError::NotRun { reason }) => {
                result.state = TestState::Cancelled;
                result.error = Some(reason.clone());
            }
            Err(error) => {
                let why = with_causes(error);
                result.state = TestState::Failed;
                result.deviations = vec![no_response(root, &why)];
                result.error = Some(why);
                if let TestError::Crashed { output, .. } = error {
                    result.service_output = Some(output.clone());
                }
            }
        }
    }

    /// Without a response the calls are shown and not judged: the test stopped
    /// somewhere among them.
    fn calls(&self, spans: &[Span], outcome: &TestOutcome, result: &mut TestResult) {
        let events = || outcome.record.mocks.iter().chain(&outcome.late.mocks);
        let not_kept = outcome.record.mocks_not_kept + outcome.late.mocks_not_kept;
        let mut options = self.config.outbound.clone();
        if not_kept > 0 {
            options.missing = false;
            result.notices.push(format!(
                "{not_kept} more calls were answered and not kept; which recorded ones are missing is not judged"
            ));
        }
        let live = self.live_calls(events());
        let report = self.outbound(spans, &live, &options);
        if result.state != TestState::Cancelled {
            result.calls = report.calls;
        }
        if outcome.response.is_ok() {
            result.deviations.extend(report.deviations);
        }
        result.match_events = events().map(|event| match_event(event, &live)).collect();
    }

    /// Which calls were answered from recordings that hold no answer: this may be why
    /// the test is not as recorded.
    fn failed_calls(&self, outcome: &TestOutcome, result: &mut TestResult) {
        let mut said = HashSet::new();
        for event in outcome.record.mocks.iter().chain(&outcome.late.mocks) {
            let answer = event
                .matched
                .as_ref()
                .and_then(|answer| answer.found.as_ref());
            let recorded = answer.and_then(|found| self.recording.span(found.span).ok());
            let Some(span) = recorded.filter(|span| !said.contains(&span.span_id)) else {
                continue;
            };
            if let Some(why) = without_answer(&span) {
                let call = format!("{} {}", span.package_name, span.name);
                let id = &span.span_id;
                result
                    .notices
                    .push(format!("{} (span {id}): {why}", shorten(&call, 100)));
                said.insert(span.span_id);
            }
            if said.len() == MAX_FAILED_CALLS {
                return;
            }
        }
    }

    fn live_call(&self, event: &MockEvent) -> Option<LiveCall> {
        let request = MockRequest::from_message(&event.request).ok()?;
        let found = event
            .matched
            .as_ref()
            .and_then(|answer| answer.found.as_ref());
        let matched = found.and_then(|found| {
            let recorded = self.recording.span(found.span).ok()?;
            Some(MatchedSpan {
                trace_id: recorded.trace_id,
                span_id: recorded.span_id,
                level: found.level.clone(),
                is_pre_app_start: recorded.is_pre_app_start,
            })
        });
        Some(LiveCall {
            span: request.span,
            matched,
            why: event.answer.error.clone(),
        })
    }

    /// The results of a whole run, in the order of its tests.
    pub fn run(&self, outcome: &RunOutcome, tests: Vec<TestResult>, facts: RunFacts) -> RunResults {
        let sdk = outcome.environments.iter().flat_map(|e| &e.sdks).next();
        let notices = outcome.notices.iter().map(|notice| notice.message.clone());
        RunResults {
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            service: self.service_name(),
            sdk_version: sdk.map(|sdk| sdk.version.clone()),
            runtime: sdk.map(runtime),
            started_unix_nanos: facts.started_unix_nanos,
            duration_ms: millis(facts.duration),
            recording: facts.recording,
            place: facts.place,
            loaded: (self.recording.traces().len(), self.recording.span_count()),
            tests,
            notices: facts.notices.into_iter().chain(notices).collect(),
            errors: failed_environments(outcome)
                .filter_map(|environment| {
                    let error = with_causes(environment.error.as_ref()?);
                    Some(format!("environment {}: {error}", environment.name))
                })
                .collect(),
            losses: outcome.environments.iter().map(|it| it.losses).sum(),
            sandbox_given_up: outcome.sandbox_given_up.clone(),
            interrupted: outcome.cancelled,
        }
    }

    fn service_name(&self) -> String {
        let service = &self.config.service;
        let named = service.name.clone().or_else(|| service.id.clone());
        named
            .or_else(|| service.start_command.clone())
            .unwrap_or_default()
    }

    /// A test that a cancelled run did not come to.
    pub fn cancelled(&self, test: &PlannedTest) -> TestResult {
        let root = self
            .recording
            .trace(&test.trace_id)
            .and_then(|trace| trace.root);
        let root = root.and_then(|root| self.recording.span(root).ok());
        TestResult {
            trace_id: test.trace_id.clone(),
            name: root.as_ref().map(request_name).unwrap_or_default(),
            file: test.file.display().to_string(),
            environment: test.environment.clone(),
            state: TestState::Cancelled,
            ..TestResult::default()
        }
    }
}

/// What the results say that no test knows.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// When the run began.
    pub started_unix_nanos: i128,
    /// How long it took.
    pub duration: Duration,
    /// The trace directory, as its user names it.
    pub recording: String,
    /// Where recording and configuration were found.
    pub place: Place,
    /// Broken trace lines, what the configuration says that has no effect.
    pub notices: Vec<String>,
}

/// The environments that could not be tested, or not to their end.
pub fn failed_environments(outcome: &RunOutcome) -> impl Iterator<Item = &EnvironmentOutcome> {
    outcome
        .environments
        .iter()
        .filter(|environment| environment.error.is_some())
}

/// A matcher for a recording, with the defaults.
pub fn matcher(recording: &Arc<Recording>) -> Arc<Matcher> {
    Arc::new(Matcher::new(
        Arc::clone(recording),
        crate::MatchOptions::default(),
    ))
}

fn runtime(sdk: &Sdk) -> String {
    match sdk.runtime {
        Runtime::Node => "node",
        Runtime::Python => "python",
        _ => "unknown",
    }
    .to_owned()
}

/// The request as reports show it.
fn sent(request: &RecordedRequest) -> SentRequest {
    let headers = request.headers.iter();
    SentRequest {
        method: request.method.clone(),
        target: request.target.clone(),
        headers: headers
            .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
            .collect(),
        body: request.body.as_deref().map(|body| {
            std::str::from_utf8(body).map_or_else(
                |_| format!("({} bytes that are no text)", body.len()),
                str::to_owned,
            )
        }),
    }
}

/// The response as it is compared.
pub fn actual(response: &HttpResponse) -> ActualResponse {
    let headers = response.headers.iter();
    ActualResponse {
        status: response.status,
        headers: headers
            .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
            .collect(),
        body: response.body.to_vec(),
    }
}

fn match_event(event: &MockEvent, live: &[LiveCall]) -> MatchEvent {
    let asked = event.request.outbound_span.as_ref();
    let span_id = asked.map(|span| span.span_id.as_str()).unwrap_or_default();
    let known = live.iter().find(|call| call.span.span_id == span_id);
    let replay_span_json = asked.map(prost::Message::encode_to_vec);
    let replay_span_json =
        replay_span_json.and_then(|bytes| drift_rust_core::span_to_json(&bytes).ok());
    MatchEvent {
        replay_span_json: replay_span_json.unwrap_or_default(),
        matched_span_id: event
            .answer
            .found
            .then(|| event.answer.matched_span_id.clone()),
        match_level: event.answer.match_level.clone(),
        stack_trace: known
            .map(|call| call.span.stack_trace.clone())
            .unwrap_or_default(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
