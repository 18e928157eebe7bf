//! One test, run once.

use std::sync::Arc;
use std::time::Instant;

use super::observe::Notices;
use super::outcome::not_run;
use super::{RecordedRequest, RunPlan, TestError, TestOutcome, coverage, send_recorded_request};
use crate::server::ServerHandle;

/// What one attempt at a test gave.
pub(super) struct Attempt {
    pub(super) index: usize,
    pub(super) outcome: TestOutcome,
}

impl Attempt {
    pub(super) fn may_be_a_crash(&self) -> bool {
        matches!(&self.outcome.response, Err(TestError::Send(error)) if error.may_be_a_crash())
    }
}

/// Runs one test once. `None` when there is no such test.
pub(super) async fn attempt(
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
