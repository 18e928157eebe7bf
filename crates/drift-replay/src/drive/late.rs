//! Calls that a service makes when it has answered: in the background, in a hook
//! behind the response, or without waiting for them. They are asked for when their
//! test is over, and are waited for once, when all tests have run.

use std::time::{Duration, Instant};

use super::{Observer, Stage};

/// How often it is looked whether something came.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until the calls that are still expected have come, or their time is over.
pub(super) async fn wait_for_late_calls(stage: &Stage, observer: &dyn Observer) {
    let begin = Instant::now();
    let of_test = |trace_id: &str| stage.server.late_of(trace_id);
    let mut waiting: Vec<_> = stage
        .finished
        .values()
        .filter_map(|outcome| {
            let late = of_test(&outcome.test.trace_id);
            let patience = observer.late_calls(outcome, &late)?;
            Some((outcome, late.mocks.len(), patience))
        })
        .collect();
    while !waiting.is_empty() {
        tokio::time::sleep(PAUSE).await;
        let waited = begin.elapsed();
        waiting.retain_mut(|(outcome, seen, patience)| {
            let late = of_test(&outcome.test.trace_id);
            if late.mocks.len() != *seen {
                *seen = late.mocks.len();
                match observer.late_calls(outcome, &late) {
                    Some(now) => *patience = now,
                    None => return false,
                }
            }
            waited < *patience
        });
    }
}
