#![allow(
    clippy::unwrap_used,
    clippy::unreachable,
    reason = "a failed test is what a panic is for"
)]

use super::*;
use crate::server::{Answered, Answering, Event, ServerOptions};
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

struct Never;

impl Answering for Never {
    fn answer(&self, _: &contract::GetMockRequest) -> Answered {
        Answered::default()
    }
    fn begin_test(&self, _: &str) {}
}

/// Gives what it is told, then waits for ever.
struct Script(VecDeque<io::Result<Stream>>);

impl Accept for Script {
    async fn accept(&mut self) -> io::Result<Stream> {
        match self.0.pop_front() {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failing_accepts_are_told_pause_longer_each_time_and_then_go_on() {
    let (events, mut receiver) = mpsc::channel(16);
    let shared = Arc::new(Shared::new(
        Arc::new(Never),
        ServerOptions::default(),
        events,
    ));
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut script: VecDeque<_> = (0..3)
        .map(|_| Err(io::Error::from_raw_os_error(libc::EMFILE)))
        .collect();
    script.push_back(Ok(Stream::Unix(ours)));
    let begin = tokio::time::Instant::now();
    let accepting = tokio::spawn(accept_all(Script(script), Arc::clone(&shared)));
    for pause in ["0.01", "0.02", "0.04"] {
        let Some(Event::Problem { code, message, .. }) = receiver.recv().await else {
            unreachable!("three problems come first")
        };
        assert_eq!(code, "accept_failed");
        assert!(message.contains(&format!("in {pause} s")), "{message}");
    }
    drop(theirs);
    assert!(matches!(
        receiver.recv().await,
        Some(Event::Disconnected { connection: 1, .. })
    ));
    assert!(begin.elapsed() >= Duration::from_millis(70));
    shared.stop.send_replace(true);
    accepting.await.unwrap();
}
