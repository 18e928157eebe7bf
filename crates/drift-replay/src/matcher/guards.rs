//! The guard indexes: made when a trace, or the start of the service, is first
//! asked for a schema.

use super::Matcher;
use crate::guard::Guard;
use crate::index::GuardIndex;
use crate::load::SpanIndex;

/// Spans that share a guard index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pool {
    Trace(u32),
    Boot,
}

impl Matcher {
    /// Reads the spans of a pool once, for their guards.
    pub(super) fn guard_index(&self, pool: Pool) -> GuardIndex {
        let range = match pool {
            Pool::Trace(trace) => self
                .recording
                .traces()
                .get(trace as usize)
                .map_or(0..0, |trace| trace.range()),
            Pool::Boot => 0..u32::try_from(self.recording.span_count()).unwrap_or(u32::MAX),
        };
        let guards: Vec<_> = range
            .map(SpanIndex)
            .filter(|span| {
                self.recording.entry(*span).is_some_and(|entry| {
                    entry.is_candidate() && (pool != Pool::Boot || entry.is_pre_app_start())
                })
            })
            .filter_map(|span| Some((span, Guard::of(&self.recording.span(span).ok()?).key())))
            .collect();
        GuardIndex::new(&self.recording, &guards)
    }
}
