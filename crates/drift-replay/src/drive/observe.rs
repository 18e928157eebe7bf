//! What is told of a run while it goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::TestOutcome;
use crate::server::{Event, TestRecord};
use crate::service::Sandbox;

/// How many different alerts and problems of the server become notices.
const MAX_SERVER_NOTICES: usize = 100;

/// Something to tell the user that is not the result of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Stable.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// Told of a run while it goes on. Its methods must return soon.
pub trait Observer: Send + Sync + 'static {
    /// An environment begins, with so many tests.
    fn environment(&self, _name: &str, _tests: usize) {}
    /// The service is ready; it took so long, and runs in this sandbox.
    fn service_ready(&self, _took: Duration, _sandbox: Option<&Sandbox>) {}
    /// A test ended for good; each is told once.
    fn test_finished(&self, _outcome: &TestOutcome) {}
    /// How long, when all tests have run, calls of this one are waited for that have not
    /// come yet: `late` holds those that came since it ended. `None` when it has all.
    fn late_calls(&self, _outcome: &TestOutcome, _late: &TestRecord) -> Option<Duration> {
        None
    }
    /// Something to tell.
    fn notice(&self, _notice: &Notice) {}
    /// Something happened on the mock server.
    fn event(&self, _event: &Event) {}
}

/// An [`Observer`] that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// Collects notices, and passes them on.
pub(super) struct Notices {
    kept: Mutex<Vec<Notice>>,
    observer: Arc<dyn Observer>,
}

impl Notices {
    pub(super) fn new(observer: Arc<dyn Observer>) -> Notices {
        Notices {
            kept: Mutex::default(),
            observer,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Notice>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, code: &'static str, message: String) {
        let notice = Notice { code, message };
        self.observer.notice(&notice);
        self.lock().push(notice);
    }

    /// Adds what the server told, each text once and not too many.
    pub(super) fn add_once(&self, code: &'static str, message: String) {
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

    pub(super) fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.lock())
    }
}
