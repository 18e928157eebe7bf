//! The guard indexes: each is made when its trace, or the start of the service,
//! is first asked for a schema, by reading its spans.

use super::search::{Search, TakesLong, Unread};
use crate::forms::Form;
use crate::guard::{Guard, GuardKey};
use crate::index::{GUARDED_FORMS, GuardIndex};
use crate::load::{LoadError, Recording, SpanIndex};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};

/// Of so many files that could not be read one span is tried again for a request: a
/// failure costs 5 to 10 µs, and a trace is in one file, or two.
const MAX_FILES_TRIED_AGAIN: usize = 64;

/// Spans that share a guard index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pool {
    Trace(u32),
    Boot,
}

/// The guard indexes of a recording.
#[derive(Debug)]
pub(super) struct GuardIndexes {
    /// What can answer before the start of the service: counted once, for to look
    /// for them takes long where a recording is large.
    boot: Vec<SpanIndex>,
    made: Mutex<HashMap<Pool, Arc<Slot>>>,
}

/// The guard index of one pool.
#[derive(Debug, Default)]
struct Slot {
    /// When nothing is left that may be read yet.
    complete: OnceLock<Arc<PoolIndex>>,
    /// Until then.
    made: Mutex<Option<Made>>,
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

    /// The guard index of a pool, made if it is not there, as far as the search may
    /// take. Nobody else is held up while it is made but who asks for the same one.
    ///
    /// Spans that cannot be read are not in it, and are tried again the next time.
    pub(super) fn of(
        &self,
        recording: &Recording,
        pool: Pool,
        search: &mut Search,
    ) -> Result<Arc<PoolIndex>, TakesLong> {
        let slot = self.slot(pool);
        if let Some(complete) = slot.complete.get() {
            return Ok(Arc::clone(complete));
        }
        let mut made = match slot.made.try_lock() {
            Ok(made) => made,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Whoever makes it may be reading a million spans.
            Err(TryLockError::WouldBlock) if search.is_at_once() => return Err(TakesLong),
            Err(TryLockError::WouldBlock) => {
                slot.made.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        // Who held it may have completed it.
        if let Some(complete) = slot.complete.get() {
            return Ok(Arc::clone(complete));
        }
        let mut generation = 0;
        if slot.made.is_poisoned() {
            // A fault of ours while spans were read: which were is not known.
            generation = made.take().map_or(0, |made| made.index.generation + 1);
            slot.made.clear_poison();
        }
        let read = |span: SpanIndex| Ok(Guard::of(&recording.span(span)?).key());
        let now = match &mut *made {
            Some(made) => {
                search.may_read_so_many(made.left())?;
                let left = made.unread.iter().flat_map(|left| &left.spans);
                search.may_read(recording, left.copied())?;
                made.read_again(recording, &read);
                made
            }
            none => {
                // Of a trace all its spans: to count the ones that can answer takes
                // long itself.
                search.may_read_so_many(self.count(recording, pool))?;
                let spans = self.spans(recording, pool);
                search.may_read(recording, spans.iter().copied())?;
                none.insert(Made::new(recording, &spans, &read, generation))
            }
        };
        let index = Arc::clone(&now.index);
        if now.unread.is_empty() {
            // Nobody else sets it, for that takes the lock.
            let _first = slot.complete.set(Arc::clone(&index));
            *made = None;
        }
        Ok(index)
    }

    fn slot(&self, pool: Pool) -> Arc<Slot> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(made.entry(pool).or_default())
    }

    fn count(&self, recording: &Recording, pool: Pool) -> usize {
        match pool {
            Pool::Trace(trace) => recording
                .traces()
                .get(trace as usize)
                .map_or(0, |trace| trace.span_count()),
            Pool::Boot => self.boot.len(),
        }
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
}

type ReadGuard<'r> = &'r dyn Fn(SpanIndex) -> Result<GuardKey, LoadError>;

/// The guard index of a pool, and what it lacks.
#[derive(Debug, Default)]
pub(super) struct PoolIndex {
    pub(super) spans: GuardIndex,
    /// How often it was made before, for the places of spans change with it.
    pub(super) generation: u32,
    /// By the keys of spans that could not be read, whose guards nobody knows.
    unread: HashMap<(Form, u128), Arc<Unread>>,
}

impl PoolIndex {
    /// Why a span of this form, which may answer, could not be read; if one could not.
    pub(super) fn unread(&self, form: Form, key: u128) -> Option<&Unread> {
        self.unread.get(&(form, key)).map(Arc::as_ref)
    }
}

/// Spans of one file that are not in an index, and why the first of them is not.
#[derive(Debug)]
struct Left {
    why: Arc<Unread>,
    spans: VecDeque<SpanIndex>,
}

impl Left {
    fn new(why: LoadError) -> Left {
        Left {
            why: Arc::new(Unread::of(&why)),
            spans: VecDeque::new(),
        }
    }
}

/// A guard index that is being made.
#[derive(Debug, Default)]
struct Made {
    index: Arc<PoolIndex>,
    guards: Vec<(SpanIndex, GuardKey)>,
    /// By file: what could not be read, and may be later.
    unread: VecDeque<Left>,
    /// The same that can no longer be read, for the file is another one now.
    lost: HashMap<u32, Left>,
}

impl Made {
    /// Reads spans once, for their guards. On one thread: a second one gained
    /// nothing that could be measured (1.5 to 2.7 s for 100,000 spans with one, 1.7
    /// to 8 s with two, `drift-replay-bench --part choose`, before files were kept
    /// open, two processors that other programs used as well), and the other clients
    /// keep a processor.
    fn new(
        recording: &Recording,
        spans: &[SpanIndex],
        read: ReadGuard<'_>,
        generation: u32,
    ) -> Made {
        let mut made = Made::default();
        let mut unread: BTreeMap<u32, Left> = BTreeMap::new();
        for span in spans {
            if let Err(why) = made.read(recording, *span, read) {
                unread
                    .entry(file_of(recording, *span))
                    .or_insert_with(|| Left::new(why))
                    .spans
                    .push_back(*span);
            }
        }
        made.unread.extend(unread.into_values());
        made.index(recording, generation);
        made
    }

    /// Tries one span of each file that could not be read, and all others of a file
    /// that can be again; of many files some, and others the next time. So what
    /// cannot be read for good is not read as a whole for each request.
    fn read_again(&mut self, recording: &Recording, read: ReadGuard<'_>) {
        let before = self.left();
        for _ in 0..self.unread.len().min(MAX_FILES_TRIED_AGAIN) {
            let Some(Left { why, mut spans }) = self.unread.pop_front() else {
                break;
            };
            let Some(first) = spans.pop_front() else {
                continue;
            };
            let mut why = why;
            match self.read(recording, first, read) {
                Ok(()) => spans.retain(|span| self.read(recording, *span, read).is_err()),
                Err(error) => {
                    why = Arc::new(Unread::of(&error));
                    // Where one place of a file is damaged, another one is tried the
                    // next time.
                    spans.push_back(first);
                }
            }
            if !spans.is_empty() {
                self.unread.push_back(Left { why, spans });
            }
        }
        if self.left() != before {
            let generation = self.index.generation + 1;
            self.index(recording, generation);
        }
    }

    /// How many spans may be read yet.
    fn left(&self) -> usize {
        self.unread.iter().map(|left| left.spans.len()).sum()
    }

    /// Reads a span.
    ///
    /// # Errors
    /// Why it could not be read, where it may be later.
    fn read(
        &mut self,
        recording: &Recording,
        span: SpanIndex,
        read: ReadGuard<'_>,
    ) -> Result<(), LoadError> {
        match read(span) {
            Ok(guard) => self.guards.push((span, guard)),
            Err(error @ LoadError::Unreadable { .. }) => return Err(error),
            Err(error) => self
                .lost
                .entry(file_of(recording, span))
                .or_insert_with(|| Left::new(error))
                .spans
                .push_back(span),
        }
        Ok(())
    }

    fn index(&mut self, recording: &Recording, generation: u32) {
        let mut unread = HashMap::new();
        for left in self.unread.iter().chain(self.lost.values()) {
            for span in &left.spans {
                for form in GUARDED_FORMS {
                    if let Some(key) = recording.key(form, *span) {
                        unread
                            .entry((form, key.number()))
                            .or_insert_with(|| Arc::clone(&left.why));
                    }
                }
            }
        }
        self.index = Arc::new(PoolIndex {
            spans: GuardIndex::new(recording, &self.guards),
            generation,
            unread,
        });
    }
}

fn file_of(recording: &Recording, span: SpanIndex) -> u32 {
    recording.entry(span).map_or(u32::MAX, |entry| entry.file)
}

#[cfg(test)]
#[path = "guards_tests.rs"]
mod tests;
