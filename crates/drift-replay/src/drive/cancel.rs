//! The end of a run from outside.

use std::sync::Arc;

use tokio::sync::watch;

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

    pub(super) async fn hurried(&self) {
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
