//! Runs recorded tests against the service: starts it, sends each recorded
//! request, collects the response and the outbound calls of the test, and goes
//! on when the service dies.
//!
//! What this module leaves out: whether a response is the recorded one.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, JoinSet};

use crate::config::SandboxMode;
use crate::coverage::Coverage;
use crate::server::{Answering, Event, Listen, Server, ServerHandle, ServerOptions, TestRecord};
use crate::service::{ServiceProcess, ServiceSpec, environment_for};
use crate::span::Span;
use attempt::{Attempt, attempt};
use observe::Notices;
use outcome::not_run;

mod attempt;
mod cancel;
mod coverage;
mod http;
mod late;
mod observe;
mod outcome;
mod plan;
mod request;
mod start;

pub use cancel::Cancel;
pub(crate) use http::decode;
pub use http::{HttpResponse, MAX_RESPONSE_BYTES, SendError, send_recorded_request};
pub use observe::{Notice, Observer, Unobserved};
pub use outcome::{EnvironmentOutcome, RunError, RunOutcome, TestError, TestOutcome};
pub use plan::{planned_tests, recorded_environments};
pub use request::{RecordedRequest, RequestError, TRACE_ID_HEADER};
pub use start::SandboxPlan;

/// The group of tests whose spans name no environment.
pub const DEFAULT_ENVIRONMENT: &str = "default";

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

/// Runs all tests of a plan, environment by environment, and gives what came of
/// each. Nothing is left running afterwards.
pub async fn run_tests(
    plan: Arc<RunPlan>,
    answering: Arc<dyn Answering>,
    observer: Arc<dyn Observer>,
    cancel: Cancel,
) -> RunOutcome {
    let notices = Arc::new(Notices::new(Arc::clone(&observer)));
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

/// An environment under way.
struct Stage {
    server: Arc<ServerHandle>,
    service: Option<ServiceProcess>,
    /// What the service gets.
    environment: BTreeMap<OsString, OsString>,
    restarts: usize,
    losses: usize,
    finished: BTreeMap<usize, TestOutcome>,
    /// Why nothing can be run any more.
    gone: Option<RunError>,
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
            losses: 0,
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
                let error = RunError::from(error);
                self.not_run(&tests, &error.in_short());
                report.error = Some(error);
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
            losses: 0,
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
                self.not_run(&tests, &error.in_short());
                report.error = Some(error);
            }
            Some(Ok(())) => {
                report.sdks = stage.server.connected();
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => {}
                    () = self.run_stage(&mut stage, tests.iter().copied().collect()) => {}
                }
                if stage.gone.is_none() {
                    tokio::select! {
                        biased;
                        () = cancel.cancelled() => {}
                        () = late::wait_for_late_calls(&stage, self.observer.as_ref()) => {}
                    }
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
        report.losses = stage.losses;
        report.error = report.error.or(stage.gone.take());
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
            stage.losses += 1;
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
        if let Some(reason) = stage.gone.as_ref().map(RunError::in_short) {
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
            if let Some(reason) = stage.gone.as_ref().map(RunError::in_short) {
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
                stage.losses += 1;
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
            stage.gone = Some(RunError::GivenUp {
                losses: stage.losses,
                output: stage.service_output(),
            });
            return;
        }
        stage.restarts += 1;
        self.sdk_seen |= stage.server.was_connected();
        stage.stop_service().await;
        if let Err(error) = self.start_service(stage).await {
            stage.gone = Some(RunError::NotRestarted {
                source: Box::new(error),
            });
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
