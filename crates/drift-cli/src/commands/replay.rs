//! `drift replay`.

use super::{Loaded, last_run};
use crate::Exit;
use crate::args::{OutputFormat, ReplayArguments, SandboxModeName, SavedFormat};
use crate::describe;
use crate::files;
use crate::results::{Shown, Style, summary, test_lines};
use crate::signals::{SIGINT, Stopped, on_signals};
use crate::terminal::{ACCENT, BAD, CAUTION, DIM, clean, count, duration, note, out, styled};
use anyhow::{Context as _, bail};
use drift_replay::compare::ActualResponse;
use drift_replay::config::SandboxMode;
use drift_replay::coverage::Selection;
use drift_replay::drive::{Cancel, Notice, Observer, RunOutcome, RunPlan, TestOutcome, run_tests};
use drift_replay::filter::Filter;
use drift_replay::outbound::CallState;
use drift_replay::redact::Redactor;
use drift_replay::replay::{self, Judge, ReplayOptions, RunFacts, actual, failed_environments};
use drift_replay::report::{
    Place, ReplayFlags, RunResults, TestResult, TestState, to_agent_files, to_html, to_json,
    to_junit, to_published_results, to_published_stdout,
};
use drift_replay::server::TestRecord;
use drift_replay::service::Sandbox;
use drift_replay::wording::with_causes;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) fn run(arguments: &ReplayArguments) -> anyhow::Result<Exit> {
    let mut loaded = super::load(&arguments.place)?;
    check_files(arguments, &loaded)?;
    let config = Arc::clone(&loaded.config);
    let options = options(arguments, &loaded)?;
    loaded.place.replay = ReplayFlags {
        sandbox_mode: options.sandbox_mode,
        sandbox_config: options.sandbox_config.clone(),
        coverage: options.coverage == Some(true),
    };
    let plan = replay::plan(&config, &loaded.recording, &options)?;
    let measured = Selection::new(
        &config.coverage.include,
        &config.coverage.exclude,
        &config.base_dir,
    )?;
    if plan.tests.is_empty() {
        note("no recorded request matches; nothing to replay");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads of the mock server")?;
    let judge = Arc::new(Judge::new(
        Arc::clone(&config),
        Arc::clone(&loaded.recording),
    ));
    let cancel = Cancel::default();
    let is_running = Arc::new(AtomicBool::new(false));
    let stopped = on_signals({
        let (cancel, is_running) = (cancel.clone(), Arc::clone(&is_running));
        move |stopped| match (cancel.is_cancelled(), cancel.is_hurried()) {
            (false, _) => cancel.cancel(),
            (true, false) if is_running.load(Ordering::SeqCst) => cancel.hurry(),
            // The service is gone; whoever asks again does not want what was done.
            (true, _) => stopped.exit_now(),
        }
    })?;
    let session = Session {
        arguments,
        loaded: &loaded,
        plan: Arc::new(plan),
        judge,
        measured,
        runtime,
        cancel,
        is_running,
        stopped,
    };
    let ended = match arguments.learn {
        Some(runs) => session.learn(usize::from(runs)),
        None => session.once(),
    };
    // Of a service that was not started there is nothing to keep.
    if let Some(log) = &session.plan.service.log_file
        && std::fs::metadata(log).is_ok_and(|found| found.len() == 0)
    {
        let _gone = std::fs::remove_file(log);
    }
    ended
}

/// What is to be written can be, before the service is started for it.
fn check_files(arguments: &ReplayArguments, loaded: &Loaded) -> anyhow::Result<()> {
    for (option, path) in [
        ("--report", &arguments.report),
        ("--junit", &arguments.junit),
        ("--coverage-output", &arguments.coverage_output),
    ] {
        if let Some(path) = path {
            files::check(option, path)?;
        }
    }
    if arguments.save_results.is_some() {
        let folder = arguments.results_dir.as_ref();
        let folder = folder.unwrap_or(&loaded.config.results_dir);
        files::check_folder("--results-dir", folder)?;
    }
    Ok(())
}

fn options(arguments: &ReplayArguments, loaded: &Loaded) -> anyhow::Result<ReplayOptions> {
    let mut filter = Filter::parse(arguments.filter.as_deref().unwrap_or_default())?;
    if let Some(id) = &arguments.trace_id {
        // Says so where there is none, or more than one.
        let redactor = Redactor::new(loaded.config.redaction.clone());
        super::find_trace(&loaded.recording, id, &loaded.place, &redactor)?;
    }
    if let Some(file) = &arguments.trace_file {
        filter = filter.with_file(&file_of_recording(loaded, file)?);
    }
    let log_file = if arguments.enable_service_logs {
        let folder = loaded.config.base_dir.join(".tusk/logs");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Some(new_log(&folder)?)
    } else {
        None
    };
    let coverage = arguments.show_coverage || arguments.coverage_output.is_some();
    Ok(ReplayOptions {
        filter,
        trace_id: arguments.trace_id.clone(),
        concurrency: arguments.concurrency.map(usize::from),
        coverage: coverage.then_some(true),
        log_file,
        sandbox_mode: arguments.sandbox_mode.map(|mode| match mode {
            SandboxModeName::Strict => SandboxMode::Strict,
            SandboxModeName::Auto => SandboxMode::Auto,
            SandboxModeName::Off => SandboxMode::Off,
        }),
        sandbox_config: arguments.sandbox_config.clone(),
    })
}

/// The path that the recording has a file by. One that exists is meant itself, and no
/// other of its name; a name that is of no file here is looked for in the recording.
fn file_of_recording(loaded: &Loaded, asked: &Path) -> anyhow::Result<PathBuf> {
    let name = asked.file_name().context("--trace-file names no file")?;
    let files: BTreeSet<&Path> = loaded
        .recording
        .traces()
        .iter()
        .map(|trace| trace.file.as_path())
        .collect();
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let meant: Vec<&Path> = match real(asked) {
        Some(asked) => {
            // Several paths to one file are links to the same traces.
            let is_it = |file: &&Path| real(file).as_ref() == Some(&asked);
            files.into_iter().find(is_it).into_iter().collect()
        }
        None if asked == Path::new(name) => {
            let is_called_so = |file: &&Path| file.file_name() == Some(name);
            files.into_iter().filter(is_called_so).collect()
        }
        None => Vec::new(),
    };
    match meant.as_slice() {
        [file] => Ok(file.to_path_buf()),
        [] => bail!(
            "no trace of {} is in {}; a file that is somewhere else is replayed with --trace-dir {}",
            asked.display(),
            loaded.path.display(),
            asked.display()
        ),
        several => {
            let mut text = format!(
                "{} of the recording are called {}; give the path of one",
                count(several.len(), "file"),
                asked.display()
            );
            for file in several.iter().take(super::MOST_CANDIDATES) {
                text.push_str(&format!("\n  {}", file.display()));
            }
            let more = several.len().saturating_sub(super::MOST_CANDIDATES);
            if more > 0 {
                text.push_str(&format!("\n  and {more} more"));
            }
            Err(anyhow::Error::msg(text))
        }
    }
}

struct Session<'a> {
    arguments: &'a ReplayArguments,
    loaded: &'a Loaded,
    plan: Arc<RunPlan>,
    judge: Arc<Judge>,
    /// The files whose coverage is wanted.
    measured: Selection,
    runtime: tokio::runtime::Runtime,
    cancel: Cancel,
    /// Whether a service may be running.
    is_running: Arc<AtomicBool>,
    stopped: Stopped,
}

impl Session<'_> {
    fn style(&self) -> Style {
        Style {
            verbose: self.arguments.verbose || (self.arguments.debug && !self.arguments.quiet),
            quiet: self.arguments.quiet,
        }
    }

    /// Whether tests are printed as they end: not where standard output is for a program.
    fn prints_tests(&self) -> bool {
        !self.arguments.json && self.arguments.output_format != Some(OutputFormat::Json)
    }

    /// Runs all tests once, and judges them.
    fn run(&self, prints: bool) -> (RunOutcome, RunResults, Arc<Watcher>) {
        let started = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let clock = Instant::now();
        let watcher = Arc::new(Watcher {
            judge: Arc::clone(&self.judge),
            place: self.loaded.place.clone(),
            redactor: Redactor::new(self.loaded.config.redaction.clone()),
            shown: Shown::new(self.style(), prints, self.plan.tests.len()),
            quiet: self.arguments.quiet,
            told: Mutex::default(),
        });
        let matcher = replay::matcher(&self.loaded.recording);
        let observer: Arc<dyn Observer> = watcher.clone();
        self.is_running.store(true, Ordering::SeqCst);
        let outcome = self.runtime.block_on(run_tests(
            Arc::clone(&self.plan),
            matcher,
            observer,
            self.cancel.clone(),
        ));
        self.is_running.store(false, Ordering::SeqCst);
        watcher.shown.clear();
        // Calls that came after a test had ended are known only now, so judge again.
        let mut judged: HashMap<String, TestResult> = outcome
            .tests
            .iter()
            .map(|test| (test.test.trace_id.clone(), self.judge.test(test)))
            .collect();
        let mut order: Vec<_> = self.plan.tests.iter().collect();
        order.sort_by(|left, right| {
            (&left.file, &left.trace_id).cmp(&(&right.file, &right.trace_id))
        });
        let tests = order
            .into_iter()
            .map(|test| {
                judged
                    .remove(&test.trace_id)
                    .unwrap_or_else(|| self.judge.cancelled(test))
            })
            .collect();
        let facts = RunFacts {
            started_unix_nanos: i128::try_from(started.as_nanos()).unwrap_or_default(),
            duration: clock.elapsed(),
            recording: self.loaded.path.display().to_string(),
            place: self.loaded.place.clone(),
            notices: self.loaded.notices.clone(),
        };
        let results = self.judge.run(&outcome, tests, facts);
        watcher.tell_the_rest(&results);
        watcher.shown.clear();
        (outcome, results, watcher)
    }

    fn once(&self) -> anyhow::Result<Exit> {
        let (outcome, unredacted, watcher) = self.run(self.prints_tests());
        // A failed write must not lose what the others can still keep.
        if let Err(error) = last_run::save(&self.loaded.config.base_dir, &outcome) {
            let what = "drift explain will not know the calls of this run";
            note(format!("{} {what}: {error:#}", styled("notice:", CAUTION)));
        }
        let results = unredacted.redact(&watcher.redactor);
        for error in &results.errors {
            note(format!("{} {}", styled("error:", BAD.bold()), clean(error)));
        }
        // Whoever read our output may have gone; the files and the exit code remain.
        let mut written = vec![match self.print(&results) {
            Err(error) if crate::is_closed_pipe(&error) => Ok(()),
            printed => printed,
        }];
        let files = self.files(&results);
        written.extend(
            files
                .into_iter()
                .map(|file| files::write(file.label, &file.path, &file.text?)),
        );
        written.push(self.coverage(&outcome));

        let mut failed: Vec<anyhow::Error> = written.into_iter().filter_map(Result::err).collect();
        if let Some(last) = failed.pop() {
            failed.iter().for_each(crate::terminal::error);
            return Err(last);
        }
        Ok(if outcome.cancelled {
            self.interrupted()
        } else {
            exit(&results)
        })
    }

    /// How a cancelled run ends: only a signal cancels.
    fn interrupted(&self) -> Exit {
        self.stopped.exit().unwrap_or(Exit::Signal(SIGINT))
    }

    fn print(&self, results: &RunResults) -> anyhow::Result<()> {
        if self.arguments.json {
            writeln!(out(), "{:#}", to_json(results))?;
        } else if self.arguments.output_format == Some(OutputFormat::Json) {
            for test in &results.tests {
                writeln!(out(), "{:#}", to_published_stdout(test))?;
            }
        } else {
            let mut out = out();
            write!(out, "{}", summary(results, self.style()))?;
        }
        if !self.prints_tests() && !self.arguments.quiet {
            let totals = results.totals();
            note(format!(
                "{}: {} passed, {} deviated, {} failed, {} not run",
                count(totals.tests, "test"),
                totals.passed,
                totals.deviated,
                totals.failed,
                totals.cancelled + totals.skipped
            ));
        }
        Ok(())
    }

    /// The files that were asked for.
    fn files(&self, results: &RunResults) -> Vec<Asked> {
        let asked = |label, path, text| Asked { label, path, text };
        let mut files = Vec::new();
        if let Some(path) = &self.arguments.report {
            files.push(asked(Some("report"), path.clone(), Ok(to_html(results))));
        }
        if let Some(path) = &self.arguments.junit {
            let text = to_junit(results).context("cannot make the JUnit XML");
            files.push(asked(Some("junit"), path.clone(), text));
        }
        if let Some(format) = self.arguments.save_results {
            let folder = self.arguments.results_dir.clone();
            let folder = folder.unwrap_or_else(|| self.loaded.config.results_dir.clone());
            let folder = run_folder(&folder);
            let saved = match format {
                SavedFormat::Json => {
                    let text = format!("{:#}\n", to_published_results(results));
                    vec![("results.json".to_owned(), text)]
                }
                SavedFormat::Agent => to_agent_files(results),
            };
            // The first leads to the others.
            let labels = std::iter::once(Some("results")).chain(std::iter::repeat(None));
            files.extend(
                labels
                    .zip(saved)
                    .map(|(label, (name, text))| asked(label, folder.join(name), Ok(text))),
            );
        }
        files
    }

    fn coverage(&self, outcome: &RunOutcome) -> anyhow::Result<()> {
        let Some(coverage) = &outcome.coverage else {
            return Ok(());
        };
        let mut coverage = coverage.clone();
        let is_there = !coverage.files().is_empty();
        coverage.retain(|path| self.measured.keeps(path));
        let (covered, all) = coverage.line_totals();
        match (covered * 100).checked_div(all) {
            Some(percent) => note(format!("coverage: {covered} of {all} lines, {percent} %")),
            None if is_there => note(styled(
                "no coverage: coverage.include and coverage.exclude leave no file",
                CAUTION,
            )),
            // A notice has said why.
            None => note(styled("no coverage: the service gave none", CAUTION)),
        }
        let Some(path) = &self.arguments.coverage_output else {
            return Ok(());
        };
        let prefix = self.loaded.config.coverage.strip_path_prefix.clone();
        files::write(
            Some("coverage"),
            path,
            &coverage.to_lcov(&prefix.unwrap_or_default()),
        )
    }

    /// Replays several times, and proposes rules for what varies by itself.
    fn learn(&self, runs: usize) -> anyhow::Result<Exit> {
        let redactor = Redactor::new(self.loaded.config.redaction.clone());
        let mut answers: Vec<HashMap<String, ActualResponse>> = Vec::new();
        for number in 1..=runs {
            if !self.arguments.quiet {
                note(format!("{} {number} of {runs}", styled("run", ACCENT)));
            }
            let (outcome, _, _) = self.run(false);
            if outcome.cancelled {
                let done = count(number - 1, "run");
                note(format!(
                    "stopped after {done}; rules are proposed when all have run"
                ));
                return Ok(self.interrupted());
            }
            let failed = failed_environments(&outcome).find_map(|environment| {
                let error = environment.error.as_ref()?;
                let error = redactor.text(&with_causes(error));
                Some(format!("environment {}: {error}", environment.name))
            });
            if let Some(failed) = failed {
                anyhow::bail!(failed);
            }
            let responses = outcome.tests.iter().filter_map(|test| {
                let response = test.response.as_ref().ok()?;
                Some((test.test.trace_id.clone(), actual(response)))
            });
            answers.push(responses.collect());
        }
        let mut roots = Vec::new();
        for test in &self.plan.tests {
            let root = self
                .loaded
                .recording
                .trace(&test.trace_id)
                .and_then(|trace| trace.root);
            if let Some(root) = root {
                roots.push((test.trace_id.clone(), self.loaded.recording.span(root)?));
            }
        }
        let learned_runs: Vec<Vec<_>> = answers
            .iter()
            .map(|answers| {
                let of_run = roots.iter().filter_map(|(id, root)| {
                    let actual = answers.get(id)?;
                    Some(drift_replay::compare::LearnedTest { root, actual })
                });
                of_run.collect()
            })
            .collect();
        let learned = drift_replay::compare::learn(&learned_runs, &self.loaded.config.comparison)
            .redact(&redactor);
        let mut out = out();
        write!(out, "{}", learned.to_yaml())?;
        for text in &learned.unlearnable {
            note(format!(
                "{} {}",
                styled("varies, and no rule can cover it:", CAUTION),
                clean(text)
            ));
        }
        for text in &learned.constant {
            note(format!(
                "{} {}",
                styled("differs in every run alike:", BAD),
                clean(text)
            ));
        }
        note(match learned.rules.len() {
            0 => format!("{}: nothing varies by itself", count(runs, "run")),
            rules => format!(
                "{}; paste the proposals into the configuration",
                count(rules, "rule")
            ),
        });
        Ok(if learned.constant.is_empty() {
            Exit::Same
        } else {
            Exit::Different
        })
    }
}

/// A file that was asked for.
struct Asked {
    /// What its line says that it is; `None` for a part of another.
    label: Option<&'static str>,
    path: PathBuf,
    text: anyhow::Result<String>,
}

fn exit(results: &RunResults) -> Exit {
    let totals = results.totals();
    if totals.deviated + totals.failed > 0 {
        Exit::Different
    } else if !results.errors.is_empty() || results.tests.iter().any(TestResult::could_not_run) {
        // What should have run and did not has not passed.
        Exit::Of(crate::WRONG_USE)
    } else {
        Exit::Same
    }
}

/// `run-20261125-215644` under the results, with a number behind it where that is there already.
fn run_folder(results: &Path) -> PathBuf {
    let name = format!("run-{}", describe::file_time(SystemTime::now()));
    let first = results.join(&name);
    let numbered = (1_u32..).map(|number| results.join(format!("{name}-{number}")));
    std::iter::once(first)
        .chain(numbered)
        .find(|folder| !folder.exists())
        .unwrap_or_else(|| results.join(name))
}

/// `tusk-replay-20261125-215644.log`, empty, with a number behind it where another run
/// has made that one.
fn new_log(folder: &Path) -> anyhow::Result<PathBuf> {
    let name = format!("tusk-replay-{}", describe::file_time(SystemTime::now()));
    let mut number = 0_u32;
    loop {
        let path = folder.join(match number {
            0 => format!("{name}.log"),
            number => format!("{name}-{number}.log"),
        });
        match std::fs::File::create_new(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot write {}", path.display()));
            }
        }
    }
}

/// Prints tests as they end.
struct Watcher {
    judge: Arc<Judge>,
    place: Place,
    redactor: Redactor,
    shown: Shown,
    quiet: bool,
    told: Mutex<Told>,
}

/// What was said of the tests so far.
#[derive(Default)]
struct Told {
    finished: usize,
    /// Of each test that was printed, its state and how much deviated.
    printed: HashMap<String, (TestState, usize)>,
    /// Tests that lack calls, which may still come: they are printed when it is known.
    held: HashSet<String>,
}

fn verdict(test: &TestResult) -> (TestState, usize) {
    (test.state, test.deviations.len())
}

impl Watcher {
    /// Prints the tests that were held back, and those of which calls behind their
    /// responses made something else.
    fn tell_the_rest(&self, results: &RunResults) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = |test: &&TestResult| {
            let printed = told.printed.get(&test.trace_id);
            printed.is_some_and(|printed| *printed != verdict(test))
        };
        let (held, changed): (Vec<_>, Vec<_>) = (
            results
                .tests
                .iter()
                .filter(|test| told.held.contains(&test.trace_id))
                .collect(),
            results.tests.iter().filter(changed).collect(),
        );
        told.held.clear();
        let finished = told.finished;
        drop(told);
        for test in held {
            self.print(finished, test);
        }
        if !changed.is_empty() && self.shown.prints_tests {
            self.shown.note(format!(
                "{} calls came after the responses, and decide otherwise:",
                styled("notice:", CAUTION)
            ));
        }
        for test in changed {
            self.print(finished, test);
        }
    }

    fn print(&self, finished: usize, test: &TestResult) {
        let redacted = RunResults {
            tests: vec![test.clone()],
            ..RunResults::default()
        };
        if let Some(test) = redacted.redact(&self.redactor).tests.first() {
            let lines = test_lines(test, &self.place, self.shown.style);
            self.shown.test(finished, lines);
        }
    }
}

impl Observer for Watcher {
    fn environment(&self, name: &str, tests: usize) {
        if !self.quiet {
            let text = format!(
                "environment {}: {}, starting the service",
                clean(name),
                count(tests, "test")
            );
            self.shown.note(styled(text, DIM));
        }
    }

    fn service_ready(&self, took: Duration, sandbox: Option<&Sandbox>) {
        if !self.quiet {
            let took = duration(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            let sandbox = sandbox.map_or_else(String::new, |it| format!("; sandbox: {it}"));
            let text = format!("the service was ready after {took}{sandbox}");
            self.shown.note(styled(text, DIM));
        }
    }

    fn test_finished(&self, outcome: &TestOutcome) {
        let test = self.judge.test(outcome);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.finished += 1;
        let finished = told.finished;
        // Only of these the recording is read once more.
        let lacks_calls = test
            .calls
            .iter()
            .any(|call| call.state == CallState::Missing);
        let late_calls = || self.judge.late_calls(outcome, &TestRecord::default());
        if lacks_calls && late_calls().is_some() {
            told.held.insert(test.trace_id);
            drop(told);
            self.shown.test(finished, String::new());
            return;
        }
        told.printed.insert(test.trace_id.clone(), verdict(&test));
        drop(told);
        self.print(finished, &test);
    }

    fn late_calls(&self, outcome: &TestOutcome, late: &TestRecord) -> Option<Duration> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_held = told.held.contains(&outcome.test.trace_id);
        drop(told);
        is_held.then(|| self.judge.late_calls(outcome, late))?
    }

    fn notice(&self, notice: &Notice) {
        self.shown.note(format!(
            "{} {}",
            styled("notice:", CAUTION),
            clean(&self.redactor.text(&notice.message))
        ));
    }
}
