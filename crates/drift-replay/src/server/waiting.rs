//! How much waits to be sent on all connections together, and who waits until it
//! is less.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The sum over all connections.
pub(super) struct Waiting {
    total_bytes: AtomicUsize,
    limit_bytes: usize,
    /// Told when the sum falls below the limit.
    fallen: Notify,
}

impl Waiting {
    pub(super) fn new(limit_bytes: usize) -> Arc<Waiting> {
        Arc::new(Waiting {
            total_bytes: AtomicUsize::new(0),
            // At 0 nothing could ever fall below it.
            limit_bytes: limit_bytes.max(1),
            fallen: Notify::new(),
        })
    }

    pub(super) fn is_full(&self) -> bool {
        // Relaxed here and below: nothing else is read by what the sum says, and
        // `Notify` orders its own.
        self.total_bytes.load(Ordering::Relaxed) >= self.limit_bytes
    }

    /// Waits until the sum is below the limit.
    pub(super) async fn has_room(&self) {
        loop {
            // Before the sum is looked at: one that falls meanwhile wakes this.
            let fallen = self.fallen.notified();
            if !self.is_full() {
                return;
            }
            fallen.await;
        }
    }
}

/// One connection's part of the sum; nothing when it is dropped.
pub(super) struct Share {
    waiting: Arc<Waiting>,
    bytes: usize,
}

impl Share {
    pub(super) fn of(waiting: &Arc<Waiting>) -> Share {
        Share {
            waiting: Arc::clone(waiting),
            bytes: 0,
        }
    }

    pub(super) fn set(&mut self, bytes: usize) {
        let total = &self.waiting.total_bytes;
        let limit = self.waiting.limit_bytes;
        if let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) {
            total.fetch_add(more, Ordering::Relaxed);
        } else if let Some(less) = self.bytes.checked_sub(bytes).filter(|less| *less > 0) {
            let before = total.fetch_sub(less, Ordering::Relaxed);
            if before >= limit && before - less < limit {
                self.waiting.fallen.notify_waiters();
            }
        }
        self.bytes = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}
