//! Chooses the recorded answer to a live call. `docs/matching.md` has the rules,
//! each with an example.
//!
//! Leaves out what forms, guards and similarity are (their modules), and the
//! protocol (`server`).

mod alike;
mod answer;
mod class;
mod explain;
mod guards;
mod live;
mod search;

pub use answer::{Answer, Found, Outcome, Owner, Reach, Step};
pub use explain::{Candidate, Explanation, MAX_EXPLAINED, MAX_LISTED};
pub use search::{MAX_BYTES_AT_ONCE, MAX_READ_AT_ONCE, Unread};

use crate::forms::Form;
use crate::index::{Classes, GUARDED_FORMS, Index, IndexId, TestUse, guarded};
use crate::load::{Recording, SpanIndex};
use crate::request::MockRequest;
use class::{Class, Pick, found};
use guards::{GuardIndexes, Pool};
use live::Live;
use search::{Mode, Search, TakesLong};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// How many candidates of one class are compared by similarity.
pub const MAX_SCORED: usize = 50;

/// How many runners-up an answer names.
pub const MAX_TOP_CANDIDATES: usize = 5;

/// How to match.
#[derive(Clone, Debug)]
pub struct MatchOptions {
    /// Candidates of one class that are compared by similarity, [`MAX_SCORED`]
    /// by default; at least 1.
    pub max_scored: usize,
    /// Threads to build the index with; as many as there are processors by default.
    pub threads: Option<usize>,
}

impl Default for MatchOptions {
    fn default() -> Self {
        MatchOptions {
            max_scored: MAX_SCORED,
            threads: None,
        }
    }
}

/// Whose use it is, as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum OwnerKey {
    Trace(u32),
    Boot,
    Unknown,
}

/// Answers requests from a recording. All calls take `&self`: connections share it.
#[derive(Debug)]
pub struct Matcher {
    recording: Arc<Recording>,
    max_scored: usize,
    index: Index,
    guards: GuardIndexes,
    /// What each test has used. A request holds the lock of its test only while
    /// it picks and marks, and no other lock meanwhile.
    uses: RwLock<HashMap<OwnerKey, Arc<Mutex<TestUse>>>>,
}

impl Matcher {
    /// Builds the index of a recording.
    pub fn new(recording: Arc<Recording>, options: MatchOptions) -> Matcher {
        let threads = options
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        Matcher {
            index: Index::new(&recording, threads),
            guards: GuardIndexes::new(&recording),
            recording,
            max_scored: options.max_scored.max(1),
            uses: RwLock::default(),
        }
    }

    /// What it answers from.
    pub fn recording(&self) -> &Arc<Recording> {
        &self.recording
    }

    /// Forgets what a test has used. A test that begins must begin so, also
    /// when it is run again.
    pub fn begin_test(&self, trace_id: &str) {
        if let Some(trace) = self.recording.trace_number(trace_id) {
            self.forget(OwnerKey::Trace(trace));
        }
    }

    /// Forgets what was used outside of tests. A service that starts must
    /// start so, also when it starts again.
    pub fn begin_boot(&self) {
        self.forget(OwnerKey::Boot);
        self.forget(OwnerKey::Unknown);
    }

    fn forget(&self, owner: OwnerKey) {
        self.uses
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&owner);
    }

    fn use_of(&self, owner: OwnerKey) -> Arc<Mutex<TestUse>> {
        let known = self
            .uses
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&owner)
            .map(Arc::clone);
        known.unwrap_or_else(|| {
            let mut uses = self.uses.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(uses.entry(owner).or_default())
        })
    }

    /// The outbound spans of a trace that its test has not used.
    pub fn unused(&self, trace_id: &str) -> Vec<SpanIndex> {
        let Some(trace) = self.recording.trace(trace_id) else {
            return Vec::new();
        };
        let owner = self.recording.trace_number(trace_id).map(OwnerKey::Trace);
        let uses = owner.map(|owner| self.use_of(owner));
        let uses = uses
            .as_ref()
            .map(|uses| uses.lock().unwrap_or_else(PoisonError::into_inner));
        trace
            .spans()
            .filter(|span| self.recording.is_outbound(*span))
            .filter(|span| !uses.as_ref().is_some_and(|uses| uses.is_used(span.0)))
            .collect()
    }

    fn owner_of(&self, request: &MockRequest) -> (Owner, OwnerKey) {
        match &request.test_id {
            None => (Owner::Boot, OwnerKey::Boot),
            Some(test_id) => match self.recording.trace_number(test_id) {
                Some(trace) => (
                    Owner::Test {
                        trace_id: test_id.clone(),
                    },
                    OwnerKey::Trace(trace),
                ),
                None => (
                    Owner::Unknown {
                        test_id: test_id.clone(),
                    },
                    OwnerKey::Unknown,
                ),
            },
        }
    }

    /// Chooses the answer to a request, and marks it as used, in one step: two
    /// requests at the same time never get the same unused span.
    pub fn answer(&self, request: &MockRequest) -> Answer {
        let live = Live::new(request);
        let (owner, key) = self.owner_of(request);
        let mut search = Search::new(Mode::Mark);
        // Only a request that is to be answered at once ends otherwise.
        let found = self.find(&live, key, &mut search).unwrap_or_default();
        Matcher::answer_of(live, owner, found, search)
    }

    /// The same; `None`, and nothing marked, where more is to be read first than may be
    /// at once: more than [`MAX_READ_AT_ONCE`] spans for their guards, which is once for
    /// a trace, or lines of more than [`MAX_BYTES_AT_ONCE`] together, for their guards,
    /// to compare them, and for the answer.
    pub fn answer_at_once(&self, request: &MockRequest) -> Option<Answer> {
        let live = Live::new(request);
        let (owner, key) = self.owner_of(request);
        let mut search = Search::new(Mode::MarkAtOnce);
        let found = self.find(&live, key, &mut search).ok()?;
        Some(Matcher::answer_of(live, owner, found, search))
    }

    /// Takes back that an answer used its recorded call, which could not be read: it
    /// answers the next request, when it may be readable again.
    pub(crate) fn give_back(&self, request: &MockRequest, found: &Found) {
        if !found.replayed {
            let (_, key) = self.owner_of(request);
            let uses = self.use_of(key);
            let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.unmark(found.span.0);
        }
    }

    fn answer_of(live: Live<'_>, owner: Owner, found: Option<Found>, search: Search) -> Answer {
        Answer {
            found,
            explanation: Explanation {
                owner,
                forms: live.forms,
                steps: search.steps,
                problem: live.problem,
                unread: search.unread,
                found: None,
                guard: None,
                candidates: Vec::new(),
                candidate_count: 0,
            },
        }
    }

    fn find(
        &self,
        live: &Live<'_>,
        owner: OwnerKey,
        search: &mut Search,
    ) -> Result<Option<Found>, TakesLong> {
        let mut found = self.search(live, owner, search)?;
        if let (Some(found), Some(_)) = (&mut found, &search.unread) {
            let description = &mut found.level.match_description;
            description.push_str(", of those that could be read");
        }
        Ok(found)
    }

    fn search(
        &self,
        live: &Live<'_>,
        owner: OwnerKey,
        search: &mut Search,
    ) -> Result<Option<Found>, TakesLong> {
        let uses = self.use_of(owner);
        let trace = match owner {
            OwnerKey::Trace(trace) => self.recording.traces().get(trace as usize),
            OwnerKey::Boot | OwnerKey::Unknown => None,
        };
        let all = 0..u32::try_from(self.recording.span_count()).unwrap_or(u32::MAX);
        if let Some(trace) = trace {
            let reach = (Reach::Trace, trace.range());
            if let Some(found) = self.by_value(live, &uses, &reach, search)? {
                return Ok(Some(found));
            }
            if let Some(found) = self.by_reduced_value(live, &uses, &reach, search)? {
                return Ok(Some(found));
            }
        }
        let reach = (Reach::Suite, all);
        if let Some(found) = self.by_value(live, &uses, &reach, search)? {
            return Ok(Some(found));
        }
        if let Some(found) = self.by_reduced_value(live, &uses, &reach, search)? {
            return Ok(Some(found));
        }
        if let OwnerKey::Trace(number) = owner {
            let found = self.by_schema(live, &uses, Pool::Trace(number), search)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        if live.is_pre_app_start() {
            return self.by_schema(live, &uses, Pool::Boot, search);
        }
        Ok(None)
    }

    fn class<'c, C: Classes>(
        live: &Live<'_>,
        classes: &'c C,
        id: IndexId,
        key: u128,
        form: Form,
        (reach, spans): &(Reach, Range<u32>),
    ) -> Class<'c, C> {
        let own_side = live.is_pre_app_start();
        let other = match reach {
            Reach::Trace => classes.range(key, !own_side, spans),
            Reach::Suite | Reach::Boot => 0..0,
        };
        Class {
            classes,
            id,
            reach: *reach,
            form,
            ranges: [classes.range(key, own_side, spans), other],
        }
    }

    /// Equal values: unused by recorded hash, unused by our own hash, then the
    /// last of them.
    fn by_value(
        &self,
        live: &Live<'_>,
        uses: &Mutex<TestUse>,
        reach: &(Reach, Range<u32>),
        search: &mut Search,
    ) -> Result<Option<Found>, TakesLong> {
        let forms = [Form::RecordedValue, Form::Value];
        let indexes = forms.map(|form| (form, self.index.of(&self.recording, form)));
        let mut exhausted = None;
        let mut guard = uses.lock().unwrap_or_else(PoisonError::into_inner);
        for (form, classes) in &indexes {
            let id = form.position() as IndexId;
            let class = Matcher::class(live, classes, id, live.key(*form), *form, reach);
            if live.forms.key(*form).is_none() {
                search.steps.push(class.step(Outcome::NoForm));
                continue;
            }
            let Some(last) = class.last() else {
                search.steps.push(class.step(Outcome::Nothing));
                continue;
            };
            let unused = class
                .ranges
                .iter()
                .find_map(|range| guard.next_unused(id, classes, range.clone()));
            if let Some(span) = unused.and_then(|position| classes.span_at(position)) {
                // For its answer.
                search.may_read(&self.recording, [SpanIndex(span)])?;
                if search.marks() {
                    guard.mark(span);
                }
                search.steps.push(class.step(Outcome::Answers));
                let pick = Pick {
                    span,
                    replayed: false,
                };
                return Ok(Some(found(&class, pick, None, Vec::new(), 0)));
            }
            search.steps.push(class.step(Outcome::AllUsed));
            if exhausted.is_none() {
                exhausted = classes.span_at(last).map(|span| (class, span));
            }
        }
        let Some((class, span)) = exhausted else {
            return Ok(None);
        };
        search.may_read(&self.recording, [SpanIndex(span)])?;
        search.steps.push(class.step(Outcome::Answers));
        let pick = Pick {
            span,
            replayed: true,
        };
        Ok(Some(found(&class, pick, None, Vec::new(), 0)))
    }

    fn by_reduced_value(
        &self,
        live: &Live<'_>,
        uses: &Mutex<TestUse>,
        reach: &(Reach, Range<u32>),
        search: &mut Search,
    ) -> Result<Option<Found>, TakesLong> {
        let form = Form::ReducedValue;
        let classes = self.index.of(&self.recording, form);
        let id = form.position() as IndexId;
        let class = Matcher::class(live, &classes, id, live.key(form), form, reach);
        self.most_alike(
            live,
            uses,
            &class,
            // What was left out may be what tells two calls apart.
            live.forms.reduced_is_empty() || live.guard().reads_headers(),
            search,
        )
    }

    fn by_schema(
        &self,
        live: &Live<'_>,
        uses: &Mutex<TestUse>,
        pool: Pool,
        search: &mut Search,
    ) -> Result<Option<Found>, TakesLong> {
        let index = self.guards.of(&self.recording, pool, search)?;
        let (reach, place) = match pool {
            Pool::Trace(_) => (Reach::Trace, 1),
            Pool::Boot => (Reach::Boot, 2),
        };
        let first_id = (place + 2 * index.generation) * Form::COUNT as IndexId;
        let reach = (reach, 0..u32::MAX);
        for form in GUARDED_FORMS {
            let classes = index.spans.of(form);
            let id = first_id + form.position() as IndexId;
            let unread = index.unread(form, live.key(form));
            if let Some(why) = unread {
                search.could_not_read(|| why.clone());
            }
            let key = guarded(live.key(form), live.guard().key());
            let class = Matcher::class(live, &classes, id, key, form, &reach);
            let found = self.most_alike(live, uses, &class, true, search)?;
            if found.is_some() {
                return Ok(found);
            }
            if let (Some(_), Some(step)) = (unread, search.steps.last_mut())
                && step.outcome == Outcome::Nothing
            {
                step.outcome = Outcome::NoneCompatible;
            }
        }
        Ok(None)
    }
}
