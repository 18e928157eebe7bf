//! Runs recorded tests against the service: starts it, sends each recorded
//! request, collects the response and the outbound calls of the test, and goes
//! on when the service dies.
//!
//! What this module leaves out: whether a response is the recorded one.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::config::SandboxMode;
use crate::coverage::Coverage;
use crate::server::{
    Answering, Event, Listen, ListenError, Sdk, Server, ServerHandle, ServerOptions, TestRecord,
};
use crate::service::{Sandbox, ServiceError, ServiceProcess, ServiceSpec, environment_for};
use crate::span::Span;
use crate::wording::{count, seconds};

mod coverage;
mod http;
mod plan;
mod request;
mod start;

pub use http::{HttpResponse, MAX_RESPONSE_BYTES, SendError, send_recorded_request};
pub use plan::{planned_tests, recorded_environments};
pub use request::{RecordedRequest, RequestError, TRACE_ID_HEADER};
pub use start::SandboxPlan;

/// The group of tests whose spans name no environment.
pub const DEFAULT_ENVIRONMENT: &str = "default";

/// How many different alerts and problems of the server become notices.
const MAX_SERVER_NOTICES: usize = 100;

/// One test: the root span of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTest {
    /// Its trace.
    pub trace_id: String,
    /// The file that it was read from; tests run in the order of these.
    pub file: Arc<PathBuf>,
    /// Where it was recorded; `None`, and nothing, count as [`DEFAULT_ENVIRONMENT`].
    pub environment: Option<String>,
}

/// Gives the root spans of tests when they are due.
pub trait Roots: Send + Sync + 'static {
    /// The root span of a test, whole.
    ///
    /// # Errors
    /// Why it cannot be read, for people.
    fn root(&self, test: &PlannedTest) -> Result<Span, String>;
}

/// What is run, and how.
pub struct RunPlan {
    /// The tests, in any order.
    pub tests: Vec<PlannedTest>,
    /// Where their root spans are.
    pub roots: Arc<dyn Roots>,
    /// The service. Its sandbox is made for each start.
    pub service: ServiceSpec,
    /// What its processes may connect to.
    pub sandbox: SandboxPlan,
    /// Where the mock server listens.
    pub listen: Listen,
    /// The name by which the service reaches it over TCP; `None` on this machine.
    pub mock_host: Option<String>,
    /// Its limits. The environment variables are filled in for each environment.
    pub server: ServerOptions,
    /// Recorded environment variables, by environment.
    pub environments: BTreeMap<String, BTreeMap<String, String>>,
    /// The environment to start from: ours.
    pub own_environment: Vec<(OsString, OsString)>,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// Whether the clocks of Python services are set to the time of the recording.
    pub time_travel: bool,
    /// How long one response may take.
    pub test_timeout: Duration,
    /// How long to wait for an SDK after the service is ready.
    pub connect_timeout: Duration,
    /// Whether a service whose SDK never connects is not tested. Its outbound calls
    /// are not replayed then, so they may leave the machine.
    pub require_sdk: bool,
    /// How long to wait for the inbound span after a response; `None` for not at all.
    pub inbound_span_timeout: Option<Duration>,
    /// Whether coverage is collected.
    pub coverage: bool,
    /// How often the service is started again after it died, in one environment.
    pub max_restarts: usize,
}

impl RunPlan {
    /// A plan with the defaults of everything else.
    pub fn new(
        tests: Vec<PlannedTest>,
        roots: Arc<dyn Roots>,
        service: ServiceSpec,
        listen: Listen,
    ) -> RunPlan {
        RunPlan {
            tests,
            roots,
            service,
            sandbox: SandboxPlan::off(),
            listen,
            mock_host: None,
            server: ServerOptions::default(),
            environments: BTreeMap::new(),
            own_environment: std::env::vars_os().collect(),
            concurrency: 1,
            time_travel: true,
            test_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            require_sdk: false,
            inbound_span_timeout: None,
            coverage: false,
            max_restarts: 10,
        }
    }

    /// The tests of each environment, by their index: within it in the order of
    /// their files, environments in the order of their first test.
    fn groups(&self) -> Vec<(String, Vec<usize>)> {
        let mut order: Vec<(usize, &PlannedTest)> = self.tests.iter().enumerate().collect();
        order.sort_by(|(_, left), (_, right)| {
            (&left.file, &left.trace_id).cmp(&(&right.file, &right.trace_id))
        });
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for (index, test) in order {
            let name = test
                .environment
                .as_deref()
                .filter(|name| !name.is_empty())
                .unwrap_or(DEFAULT_ENVIRONMENT);
            match groups.iter_mut().find(|(found, _)| found == name) {
                Some((_, tests)) => tests.push(index),
                None => groups.push((name.to_owned(), vec![index])),
            }
        }
        groups
    }
}

/// Something to tell the user that is not the result of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Stable.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

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

/// Why no test of an environment was run.
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
}

impl RunError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RunError::Listen(error) => error.code(),
            RunError::Service(error) => error.code(),
            RunError::SdkRefused { .. } => "sdk_refused",
            RunError::NeverConnected { .. } => "never_connected",
        }
    }
}

fn never_connected(waited: Duration) -> String {
    format!(
        "no SDK connected within {}: is it initialised before all other imports, in the process that serves requests? Without it the service's outbound calls are not replayed",
        seconds(waited)
    )
}

/// What came of one environment.
#[derive(Debug)]
pub struct EnvironmentOutcome {
    /// Its name.
    pub name: String,
    /// Why its tests were not run.
    pub error: Option<RunError>,
    /// The SDKs that were connected when the tests began.
    pub sdks: Vec<Sdk>,
    /// Outbound calls of no test: those of the start, and of work in the background.
    pub outside: TestRecord,
    /// The end of what the service printed.
    pub service_output: String,
    /// How often it was started again.
    pub restarts: usize,
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
    /// Whether the caller ended it.
    pub cancelled: bool,
    /// Events of the server that could not be passed on in time.
    pub dropped_events: u64,
}

/// Told of a run while it goes on. Its methods must return soon.
pub trait Observer: Send + Sync + 'static {
    /// An environment begins, with so many tests.
    fn environment(&self, _name: &str, _tests: usize) {}
    /// The service is ready; it took so long, and runs in this sandbox.
    fn service_ready(&self, _took: Duration, _sandbox: Option<&Sandbox>) {}
    /// A test ended for good; each is told once.
    fn test_finished(&self, _outcome: &TestOutcome) {}
    /// Something to tell.
    fn notice(&self, _notice: &Notice) {}
    /// Something happened on the mock server.
    fn event(&self, _event: &Event) {}
}

/// An [`Observer`] that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// Ends a run from outside: what is under way is given up, the service stopped.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<watch::Sender<Wanted>>);

/// What the caller wants of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Results,
    End,
    EndNow,
}

impl Default for Cancel {
    fn default() -> Self {
        Cancel(Arc::new(watch::Sender::new(Wanted::Results)))
    }
}

impl Cancel {
    /// Ends the run; more than once is once.
    pub fn cancel(&self) {
        self.want(Wanted::End);
    }

    /// Ends the run without waiting for the service: it and its stop command are
    /// killed.
    pub fn hurry(&self) {
        self.want(Wanted::EndNow);
    }

    /// Whether it was ended.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow() >= Wanted::End
    }

    /// Whether nothing is waited for any more.
    pub fn is_hurried(&self) -> bool {
        *self.0.borrow() >= Wanted::EndNow
    }

    /// Waits until it is ended.
    pub async fn cancelled(&self) {
        self.wait(Wanted::End).await;
    }

    async fn hurried(&self) {
        self.wait(Wanted::EndNow).await;
    }

    fn want(&self, wanted: Wanted) {
        self.0.send_modify(|before| *before = wanted.max(*before));
    }

    async fn wait(&self, least: Wanted) {
        let mut receiver = self.0.subscribe();
        // Its sender is in `self`, so this ends only when it says so.
        let _told = receiver.wait_for(|wanted| *wanted >= least).await;
    }
}

/// Runs all tests of a plan, environment by environment, and gives what came of
/// each. Nothing is left running afterwards.
pub async fn run_tests(
    plan: Arc<RunPlan>,
    answering: Arc<dyn Answering>,
    observer: Arc<dyn Observer>,
    cancel: Cancel,
) -> RunOutcome {
    let notices = Arc::new(Notices {
        kept: Mutex::default(),
        observer: Arc::clone(&observer),
    });
    let mut run = Run {
        sandbox: plan.sandbox.begin(&notices),
        notices,
        plan: Arc::clone(&plan),
        answering,
        observer,
        cancel,
        outcome: RunOutcome::default(),
        told_of_concurrency: false,
        sdk_seen: false,
    };
    if plan.coverage {
        run.outcome.coverage = Some(Coverage::default());
        if plan.concurrency > 1 {
            run.notices.add(
                "concurrency_forced",
                "coverage counts one test at a time, so the concurrency is 1".to_owned(),
            );
            run.told_of_concurrency = true;
        }
    }
    for (name, tests) in plan.groups() {
        if run.cancel.is_cancelled() {
            break;
        }
        run.observer.environment(&name, tests.len());
        run.environment(name, tests).await;
    }
    run.outcome.cancelled = run.cancel.is_cancelled();
    run.outcome.notices = run.notices.take();
    run.outcome
}

/// Collects notices, and passes them on.
struct Notices {
    kept: Mutex<Vec<Notice>>,
    observer: Arc<dyn Observer>,
}

impl Notices {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Notice>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, code: &'static str, message: String) {
        let notice = Notice { code, message };
        self.observer.notice(&notice);
        self.lock().push(notice);
    }

    /// Adds what the server told, each text once and not too many.
    fn add_once(&self, code: &'static str, message: String) {
        let kept = self.lock();
        let known = kept
            .iter()
            .any(|notice| notice.code == code && notice.message == message);
        let full = kept.len() >= MAX_SERVER_NOTICES;
        drop(kept);
        if !known && !full {
            self.add(code, message);
        }
    }

    fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.lock())
    }
}

struct Run {
    plan: Arc<RunPlan>,
    answering: Arc<dyn Answering>,
    observer: Arc<dyn Observer>,
    notices: Arc<Notices>,
    cancel: Cancel,
    /// Of the next start.
    sandbox: SandboxMode,
    outcome: RunOutcome,
    told_of_concurrency: bool,
    /// Whether an SDK connected to a service that has ended.
    sdk_seen: bool,
}

/// What one attempt at a test gave.
struct Attempt {
    index: usize,
    outcome: TestOutcome,
}

impl Attempt {
    fn may_be_a_crash(&self) -> bool {
        matches!(&self.outcome.response, Err(TestError::Send(error)) if error.may_be_a_crash())
    }
}

/// An environment under way.
struct Stage {
    server: Arc<ServerHandle>,
    service: Option<ServiceProcess>,
    /// What the service gets.
    environment: BTreeMap<OsString, OsString>,
    restarts: usize,
    finished: BTreeMap<usize, TestOutcome>,
    /// Why nothing can be run any more.
    gone: Option<String>,
    output: String,
    /// Whether the service gave the coverage of its start, and is asked for that of
    /// each test.
    collects_coverage: bool,
}

impl Run {
    async fn environment(&mut self, name: String, tests: Vec<usize>) {
        let mut report = EnvironmentOutcome {
            name,
            error: None,
            sdks: Vec::new(),
            outside: TestRecord::default(),
            service_output: String::new(),
            restarts: 0,
        };
        let recorded = self
            .plan
            .environments
            .get(&report.name)
            .cloned()
            .unwrap_or_default();
        let options = ServerOptions {
            env_vars: recorded.clone(),
            ..self.plan.server.clone()
        };
        let started = Server::start(&self.plan.listen, Arc::clone(&self.answering), options);
        let (server, events) = match started {
            Ok(started) => started,
            Err(error) => {
                self.not_run(&tests, &error.to_string());
                report.error = Some(error.into());
                self.outcome.environments.push(report);
                return;
            }
        };
        let passing_on = self.pass_on(events);
        let coverage_folder = self.plan.coverage.then(coverage::CoverageFolder::new);
        let mut engine = server.address().environment(self.plan.mock_host.as_deref());
        if let Some(folder) = &coverage_folder {
            engine.extend(folder.environment());
        }
        engine.push(("TUSK_DRIFT_MODE".to_owned(), "REPLAY".to_owned()));
        let mut stage = Stage {
            server: Arc::new(server),
            service: None,
            environment: environment_for(
                self.plan.own_environment.iter().cloned(),
                &recorded,
                &engine,
            ),
            restarts: 0,
            finished: BTreeMap::new(),
            gone: None,
            output: String::new(),
            collects_coverage: false,
        };
        let cancel = self.cancel.clone();
        let started = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            started = self.start_service(&mut stage) => Some(started),
        };
        match started {
            None => {}
            Some(Err(error)) => {
                self.not_run(&tests, &error.to_string());
                report.error = Some(error);
            }
            Some(Ok(())) => {
                report.sdks = stage.server.connected();
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => {}
                    () = self.run_stage(&mut stage, tests.iter().copied().collect()) => {}
                }
            }
        }
        tokio::select! {
            biased;
            // A service that is dropped is killed.
            () = cancel.hurried() => stage.service = None,
            () = stage.stop_service() => {}
        }
        self.sdk_seen |= stage.server.was_connected();
        report.outside = stage.server.take_outside();
        let mut late = stage.server.take_late();
        report.service_output = stage.output;
        report.restarts = stage.restarts;
        self.outcome.dropped_events += stage.server.dropped_events();
        // Attempts that were given up hold the server too; dropping it is enough then.
        if let Some(server) = Arc::into_inner(stage.server) {
            server.stop().await;
            let _ended = passing_on.await;
        }
        for index in tests {
            if let Some(mut outcome) = stage.finished.remove(&index) {
                outcome.late = late.remove(&outcome.test.trace_id).unwrap_or_default();
                self.outcome.tests.push(outcome);
            }
        }
        self.outcome.environments.push(report);
    }

    /// Passes the server's events on until it ends.
    fn pass_on(&self, mut events: tokio::sync::mpsc::Receiver<Event>) -> JoinHandle<()> {
        let observer = Arc::clone(&self.observer);
        let notices = Arc::clone(&self.notices);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                observer.event(&event);
                match event {
                    Event::Alert { text, .. } => notices.add_once("alert", text),
                    // A process that ends looks like this; if it should not have ended, the
                    // test that it was needed for says so.
                    Event::Problem {
                        code: "connection_broken" | "truncated_frame",
                        ..
                    } => {}
                    Event::Problem { code, message, .. } => notices.add_once(code, message),
                    Event::Connected { .. }
                    | Event::Refused { .. }
                    | Event::Mock(_)
                    | Event::InboundSpan { .. }
                    | Event::Disconnected { .. }
                    | Event::TimeTravel { .. } => {}
                }
            }
        })
    }

    /// Gives tests that cannot be run their outcome.
    fn not_run(&mut self, tests: &[usize], reason: &str) {
        for index in tests {
            if let Some(test) = self.plan.tests.get(*index) {
                let outcome = not_run(test.clone(), reason);
                self.observer.test_finished(&outcome);
                self.outcome.tests.push(outcome);
            }
        }
    }

    /// Runs the tests of an environment, each to exactly one outcome.
    async fn run_stage(&mut self, stage: &mut Stage, mut waiting: VecDeque<usize>) {
        while !waiting.is_empty() && stage.gone.is_none() {
            let unfinished = self.until_a_crash(stage, &mut waiting).await;
            if unfinished.is_empty() {
                continue;
            }
            self.notices.add(
                "service_crashed",
                format!(
                    "the service was lost ({}); {} not finished, run again one by one",
                    stage.service_status().await,
                    counted(unfinished.len())
                ),
            );
            let down = self.one_by_one(stage, unfinished).await;
            if down && !waiting.is_empty() && stage.gone.is_none() {
                self.restart(stage).await;
            }
        }
        if let Some(reason) = stage.gone.clone() {
            for index in waiting {
                self.finish_not_run(stage, index, &reason, false);
            }
        }
    }

    /// Runs tests at once, as many as are allowed, until all are done or the
    /// service has died; gives those that it took with it.
    async fn until_a_crash(
        &mut self,
        stage: &mut Stage,
        waiting: &mut VecDeque<usize>,
    ) -> Vec<usize> {
        let mut running = JoinSet::new();
        let mut crashed = false;
        let mut unfinished = Vec::new();
        let mut begun = Vec::new();
        loop {
            while !crashed && running.len() < self.limit(&stage.server) {
                let Some(index) = waiting.pop_front() else {
                    break;
                };
                begun.push(index);
                running.spawn(attempt(
                    Arc::clone(&self.plan),
                    Arc::clone(&stage.server),
                    Arc::clone(&self.notices),
                    stage.collects_coverage,
                    index,
                ));
            }
            let Some(joined) = running.join_next().await else {
                break;
            };
            let Ok(Some(attempt)) = joined else { continue };
            if attempt.may_be_a_crash() && (crashed || !stage.is_healthy().await) {
                crashed = true;
                unfinished.push(attempt.index);
            } else {
                self.finish(stage, attempt, Finish::default());
            }
        }
        // A fault of ours ends an attempt, and not the run.
        for index in begun {
            if !unfinished.contains(&index) && !stage.finished.contains_key(&index) {
                self.finish_not_run(stage, index, "drift failed inside", false);
            }
        }
        unfinished.sort_unstable_by_key(|index| {
            self.plan
                .tests
                .get(*index)
                .map(|test| (&test.file, &test.trace_id))
        });
        unfinished
    }

    /// Runs tests again after a crash, each alone, so that the one that brings the
    /// service down is known; whether it is down in the end.
    async fn one_by_one(&mut self, stage: &mut Stage, unfinished: Vec<usize>) -> bool {
        let mut down = true;
        for index in unfinished {
            if down && stage.gone.is_none() {
                self.restart(stage).await;
                down = false;
            }
            if let Some(reason) = stage.gone.clone() {
                self.finish_not_run(stage, index, &reason, true);
                continue;
            }
            let attempted = attempt(
                Arc::clone(&self.plan),
                Arc::clone(&stage.server),
                Arc::clone(&self.notices),
                stage.collects_coverage,
                index,
            )
            .await;
            let Some(mut attempt) = attempted else {
                continue;
            };
            let mut how = Finish {
                retried: true,
                crashed: false,
            };
            if attempt.may_be_a_crash() && !stage.is_healthy().await {
                how.crashed = true;
                down = true;
                attempt.outcome.response = Err(TestError::Crashed {
                    status: stage.service_status().await,
                    output: stage.service_output(),
                });
            }
            self.finish(stage, attempt, how);
        }
        down
    }

    async fn restart(&mut self, stage: &mut Stage) {
        if stage.restarts >= self.plan.max_restarts {
            stage.gone = Some(format!(
                "the service was lost {}, and is not started again",
                count(stage.restarts + 1, "time")
            ));
            return;
        }
        stage.restarts += 1;
        self.sdk_seen |= stage.server.was_connected();
        stage.stop_service().await;
        if let Err(error) = self.start_service(stage).await {
            stage.gone = Some(format!("the service could not be started again: {error}"));
        }
    }

    fn finish(&mut self, stage: &mut Stage, attempt: Attempt, how: Finish) {
        let Attempt { index, mut outcome } = attempt;
        outcome.retried = how.retried;
        outcome.crashed = how.crashed;
        if let (Some(all), Some(of_test)) = (&mut self.outcome.coverage, &outcome.coverage) {
            all.merge(of_test);
        }
        self.observer.test_finished(&outcome);
        stage.finished.insert(index, outcome);
    }

    fn finish_not_run(&mut self, stage: &mut Stage, index: usize, reason: &str, retried: bool) {
        if let Some(test) = self.plan.tests.get(index) {
            let outcome = not_run(test.clone(), reason);
            let how = Finish {
                retried,
                crashed: false,
            };
            self.finish(stage, Attempt { index, outcome }, how);
        }
    }

    /// How many tests may be under way now.
    fn limit(&mut self, server: &ServerHandle) -> usize {
        let wanted = self.plan.concurrency.max(1);
        if self.plan.coverage {
            return 1;
        }
        if wanted > 1 && self.plan.time_travel && server.has_python() {
            if !self.told_of_concurrency {
                self.told_of_concurrency = true;
                self.notices.add(
                    "concurrency_forced",
                    "the clock of a Python service is one for all its requests, so the concurrency is 1; without time travel it can be more".to_owned(),
                );
            }
            return 1;
        }
        wanted
    }
}

/// How a test ended.
#[derive(Clone, Copy, Default)]
struct Finish {
    retried: bool,
    crashed: bool,
}

fn counted(tests: usize) -> String {
    if tests == 1 {
        "1 test was".to_owned()
    } else {
        format!("{tests} tests were")
    }
}

fn not_run(test: PlannedTest, reason: &str) -> TestOutcome {
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

impl Stage {
    /// Whether the service can go on. Asked twice: a process that dies closes its
    /// connections a moment before it is gone.
    async fn is_healthy(&mut self) -> bool {
        const MOMENT: Duration = Duration::from_millis(50);
        let Some(service) = &mut self.service else {
            return false;
        };
        if !service.is_healthy().await {
            return false;
        }
        tokio::time::sleep(MOMENT).await;
        service.is_healthy().await
    }

    /// How it ended. A process that dies closes its port before it is gone, so its
    /// end is waited for a moment.
    async fn service_status(&mut self) -> String {
        const LOOK: Duration = Duration::from_millis(20);
        let deadline = Instant::now() + Duration::from_secs(1);
        while let Some(service) = &mut self.service {
            if let Some(status) = service.exit_status() {
                return status;
            }
            if Instant::now() >= deadline {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        "it runs, and no longer passes its readiness check".to_owned()
    }

    fn service_output(&self) -> String {
        self.service
            .as_ref()
            .map(ServiceProcess::output)
            .unwrap_or_default()
    }

    async fn stop_service(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.end().await;
            self.output = service.output();
        }
    }
}

/// Runs one test once. `None` when there is no such test.
async fn attempt(
    plan: Arc<RunPlan>,
    server: Arc<ServerHandle>,
    notices: Arc<Notices>,
    collects_coverage: bool,
    index: usize,
) -> Option<Attempt> {
    let test = plan.tests.get(index)?.clone();
    let begin = Instant::now();
    let mut outcome = not_run(test.clone(), "");
    let roots = Arc::clone(&plan.roots);
    let root = {
        let test = test.clone();
        tokio::task::spawn_blocking(move || roots.root(&test)).await
    };
    let root = match root {
        Ok(Ok(root)) => Ok(root),
        Ok(Err(reason)) => Err(reason),
        Err(error) => Err(error.to_string()),
    };
    let root = match root {
        Ok(root) => root,
        Err(reason) => {
            outcome.response = Err(TestError::Root { reason });
            return Some(Attempt { index, outcome });
        }
    };
    let request = match RecordedRequest::of_span(&root, &test.trace_id) {
        Ok(request) => request,
        Err(error) => {
            outcome.response = Err(error.into());
            return Some(Attempt { index, outcome });
        }
    };
    server.begin_test(&test.trace_id);
    if let (true, Some(nanos)) = (plan.time_travel, root.start_unix_nanos) {
        let seconds = seconds_of(nanos);
        for failure in server
            .time_travel(&test.trace_id, seconds, "server_span")
            .await
        {
            notices.add_once(
                "time_travel_failed",
                format!("a Python process did not set its clock: {failure}"),
            );
        }
    }
    let sent = send_recorded_request(plan.service.port, &request, plan.test_timeout).await;
    if let (Ok(_), Some(timeout)) = (&sent, plan.inbound_span_timeout) {
        // Whether it came stands in the record.
        let _came = server.wait_inbound_span(&test.trace_id, timeout).await;
    }
    if collects_coverage && sent.is_ok() {
        outcome.coverage = Some(coverage::of_test(&server, &notices).await);
    }
    outcome.request = Some(request);
    outcome.response = sent.map_err(TestError::from);
    outcome.record = server.end_test(&test.trace_id);
    outcome.duration = begin.elapsed();
    Some(Attempt { index, outcome })
}

/// Seconds since the epoch, to the microsecond that a double can hold today.
fn seconds_of(unix_nanos: i128) -> f64 {
    let micros = i64::try_from(unix_nanos / 1000).unwrap_or(0);
    #[allow(
        clippy::cast_precision_loss,
        reason = "microseconds fit a double's 53 bits until the year 2255"
    )]
    let seconds = micros as f64 / 1e6;
    seconds
}
