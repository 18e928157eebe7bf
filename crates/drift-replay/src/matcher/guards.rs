//! The guard indexes: each is made when its trace, or the start of the service,
//! is first asked for a schema, by reading its spans.

use crate::guard::{Guard, GuardKey};
use crate::index::GuardIndex;
use crate::load::{Recording, SpanIndex};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many spans [`answer_at_once`](super::Matcher::answer_at_once) reads for
/// their guards: 1 to 2 ms, at 15 µs a span (`drift-replay-bench --part choose`).
pub const MAX_READ_AT_ONCE: usize = 100;

/// Spans that share a guard index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pool {
    Trace(u32),
    Boot,
}

/// The guard index of a pool is not made yet, and making it takes long.
#[derive(Debug)]
pub(super) struct TakesLong;

/// The guard indexes of a recording.
#[derive(Debug)]
pub(super) struct GuardIndexes {
    /// What can answer before the start of the service: counted once, for to look
    /// for them takes long where a recording is large.
    boot: Vec<SpanIndex>,
    made: Mutex<HashMap<Pool, Arc<OnceLock<Arc<GuardIndex>>>>>,
}

impl GuardIndexes {
    pub(super) fn new(recording: &Recording) -> GuardIndexes {
        let boot = recording
            .entries()
            .iter()
            .zip(0_u32..)
            .filter(|(entry, _)| entry.is_candidate() && entry.is_pre_app_start())
            .map(|(_, span)| SpanIndex(span))
            .collect();
        GuardIndexes {
            boot,
            made: Mutex::default(),
        }
    }

    /// The guard index of a pool, made if it is not there. Nobody else is held up
    /// while it is made but who asks for the same one.
    pub(super) fn of(&self, recording: &Recording, pool: Pool) -> Arc<GuardIndex> {
        let slot = self.slot(pool);
        Arc::clone(slot.get_or_init(|| {
            let spans = self.spans(recording, pool);
            Arc::new(GuardIndexes::make(recording, &spans))
        }))
    }

    /// The same, as far as no more than [`MAX_READ_AT_ONCE`] spans are read for it.
    pub(super) fn of_at_once(
        &self,
        recording: &Recording,
        pool: Pool,
    ) -> Result<Arc<GuardIndex>, TakesLong> {
        if let Some(made) = self.slot(pool).get() {
            return Ok(Arc::clone(made));
        }
        // Of a trace all its spans: to count the ones that can answer takes long
        // itself.
        let spans = match pool {
            Pool::Trace(trace) => recording
                .traces()
                .get(trace as usize)
                .map_or(0, |trace| trace.span_count()),
            Pool::Boot => self.boot.len(),
        };
        match spans > MAX_READ_AT_ONCE {
            true => Err(TakesLong),
            false => Ok(self.of(recording, pool)),
        }
    }

    fn slot(&self, pool: Pool) -> Arc<OnceLock<Arc<GuardIndex>>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(made.entry(pool).or_default())
    }

    fn spans(&self, recording: &Recording, pool: Pool) -> Vec<SpanIndex> {
        match pool {
            Pool::Trace(trace) => recording
                .traces()
                .get(trace as usize)
                .into_iter()
                .flat_map(|trace| trace.spans())
                .filter(|span| recording.is_outbound(*span))
                .collect(),
            Pool::Boot => self.boot.clone(),
        }
    }

    /// Reads spans once, for their guards. On one thread: a second one gained
    /// nothing that could be measured (1.5 to 2.7 s for 100,000 spans with one, 1.7
    /// to 8 s with two, `drift-replay-bench --part choose`, before files were kept
    /// open, two processors that other programs used as well), and the other clients
    /// keep a processor.
    fn make(recording: &Recording, spans: &[SpanIndex]) -> GuardIndex {
        let guards: Vec<(SpanIndex, GuardKey)> = spans
            .iter()
            .filter_map(|span| Some((*span, Guard::of(&recording.span(*span).ok()?).key())))
            .collect();
        GuardIndex::new(recording, &guards)
    }
}
