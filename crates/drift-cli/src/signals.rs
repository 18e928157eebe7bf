//! The signals that end a command: Ctrl-C and Ctrl-\ (SIGQUIT), SIGTERM, and that
//! the terminal was closed. The service is in a process group of its own, so one that
//! is not handled here would leave it running.

use crate::Exit;
use anyhow::Context as _;
use signal_hook::consts;
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// The number of Ctrl-C.
pub(crate) const SIGINT: u8 = 2;

/// The first of them that came, if any has.
#[derive(Clone, Default)]
pub(crate) struct Stopped(Arc<AtomicU8>);

impl Stopped {
    /// How the program ends when it was told to.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            number => Some(Exit::Signal(number)),
        }
    }

    fn note(&self, signal: i32) {
        let number = u8::try_from(signal).unwrap_or_default();
        // The first one decides; later ones only hurry.
        let _first = self
            .0
            .compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Ends the program at once.
    pub(crate) fn exit_now(&self) -> ! {
        std::process::exit(128 + i32::from(self.0.load(Ordering::SeqCst)))
    }
}

/// Calls `told` for each signal, from a thread of its own.
pub(crate) fn on_signals(told: impl Fn(&Stopped) + Send + 'static) -> anyhow::Result<Stopped> {
    let mut signals = Signals::new([
        consts::SIGHUP,
        consts::SIGINT,
        consts::SIGQUIT,
        consts::SIGTERM,
    ])
    .context("cannot watch for Ctrl-C")?;
    let stopped = Stopped::default();
    let noted = stopped.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            noted.note(signal);
            told(&noted);
        }
    });
    Ok(stopped)
}
