//! Asks the SDKs for coverage, and says what is missing where a service gives none.

use super::observe::Notices;
use crate::coverage::Coverage;
use crate::protocol::is_older;
use crate::server::{Sdk, ServerHandle};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tusk_drift_schemas::tusk::drift::core::v1::Runtime;

/// How long one snapshot of coverage may take, and the first one.
const COVERAGE_TIMEOUT: Duration = Duration::from_secs(60);
const BASELINE_TIMEOUT: Duration = Duration::from_secs(90);
const BASELINE_TRIES: usize = 4;
const BASELINE_PAUSE: Duration = Duration::from_millis(200);

/// Node SDKs before this version do not know the question, and never answer it.
const FIRST_NODE_SDK: &str = "0.1.28";

/// Adds all lines that can be covered, and what the start has run.
///
/// # Errors
/// Why the service gives none, with the next step where there is one.
pub(super) async fn baseline(server: &ServerHandle, coverage: &mut Coverage) -> Result<(), String> {
    let old_node =
        |sdk: &Sdk| sdk.runtime == Runtime::Node && is_older(&sdk.version, FIRST_NODE_SDK);
    if let Some(sdk) = server.connected().into_iter().find(old_node) {
        return Err(format!(
            "its Node SDK {} cannot, {FIRST_NODE_SDK} is the first that can",
            sdk.version
        ));
    }
    let deadline = Instant::now() + BASELINE_TIMEOUT;
    let mut problems = Vec::new();
    for attempt in 0..BASELINE_TRIES {
        if attempt > 0 {
            tokio::time::sleep(BASELINE_PAUSE).await;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        problems.clear();
        let mut any = false;
        for answer in server.coverage_snapshot(true, left).await {
            match answer {
                Ok(snapshot) => {
                    any = true;
                    coverage.add(&snapshot);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if any {
            return Ok(());
        }
    }
    if problems.is_empty() {
        return Err("no SDK is connected".to_owned());
    }
    let next = next_step(&server.connected(), &problems);
    Err(format!("{}{next}", problems.join("; ")))
}

/// What to do about it.
fn next_step(sdks: &[Sdk], problems: &[String]) -> &'static str {
    // What the Python SDK says when it could not import `coverage` at its start.
    let not_initialized = problems
        .iter()
        .any(|problem| problem.to_lowercase().contains("not initialized"));
    if sdks.iter().any(|sdk| sdk.runtime == Runtime::Python) && not_initialized {
        "; is the package `coverage` missing where the service runs? `pip install coverage` there"
    } else if sdks.iter().any(|sdk| sdk.runtime == Runtime::Node) {
        "; does the start command pass TUSK_COVERAGE and NODE_V8_COVERAGE on to the service?"
    } else {
        ""
    }
}

/// What ran since the last question.
pub(super) async fn of_test(server: &ServerHandle, notices: &Notices) -> Coverage {
    let mut of_test = Coverage::default();
    for answer in server.coverage_snapshot(false, COVERAGE_TIMEOUT).await {
        match answer {
            Ok(snapshot) => of_test.add(&snapshot),
            Err(problem) => notices.add_once(
                "coverage_failed",
                format!("a process gave no coverage: {problem}"),
            ),
        }
    }
    of_test
}

/// A directory for V8's own coverage files, removed at the end.
pub(super) struct CoverageFolder(PathBuf);

impl CoverageFolder {
    pub(super) fn new() -> CoverageFolder {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("drift-coverage-{}-{number}", std::process::id());
        CoverageFolder(std::env::temp_dir().join(name))
    }

    pub(super) fn environment(&self) -> [(String, String); 3] {
        [
            ("TUSK_COVERAGE".to_owned(), "true".to_owned()),
            (
                "NODE_V8_COVERAGE".to_owned(),
                self.0.to_string_lossy().into_owned(),
            ),
            ("TS_NODE_EMIT".to_owned(), "true".to_owned()),
        ]
    }
}

impl Drop for CoverageFolder {
    fn drop(&mut self) {
        // Node makes it; a Python service leaves none.
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}
