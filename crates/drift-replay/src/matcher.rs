//! Chooses the recorded answer to a live call. `docs/matching.md` has the rules,
//! each with an example.
//!
//! Leaves out what forms, guards and similarity are (their modules), and the
//! protocol (`server`).

use crate::forms::{Form, FormReader, Forms, Input};
use crate::guard::{Guard, Mismatch};
use crate::index::{Classes, GuardIndex, Index, IndexId, TestUse, guarded};
use crate::load::{Recording, SpanIndex, scope, scoped};
use crate::request::MockRequest;
use crate::similarity;
use crate::span::{Place, Span};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use tusk_drift_schemas::tusk::drift::core::v1::{
    MatchLevel, MatchScope, MatchType, SimilarityCandidate,
};

/// How many candidates of one class are compared by similarity.
pub const MAX_SCORED: usize = 50;

/// How many runners-up an answer names.
pub const MAX_TOP_CANDIDATES: usize = 5;

/// How many candidates an explanation compares, and how many of them it lists.
pub const MAX_EXPLAINED: usize = 200;
/// See [`MAX_EXPLAINED`].
pub const MAX_LISTED: usize = 10;

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

/// Whose request it is, and so whose use of spans counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A test: the trace that the request names.
    Test {
        /// Its identifier.
        trace_id: String,
    },
    /// No test: the service called before it was ready, or outside a request.
    Boot,
    /// The request names a trace that was not recorded; only other traces can
    /// answer it.
    Unknown {
        /// As named.
        test_id: String,
    },
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Test { trace_id } => write!(f, "test {trace_id}"),
            Owner::Boot => write!(
                f,
                "no test (before the service was ready, or outside a request)"
            ),
            Owner::Unknown { test_id } => {
                write!(f, "test {test_id}, which names no recorded trace")
            }
        }
    }
}

/// Which spans a class is looked for among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The trace of the request's test.
    Trace,
    /// All traces, spans that are on the same side of the service's start.
    Suite,
    /// All spans before the service's start.
    Boot,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reach::Trace => "in the trace",
            Reach::Suite => "in all traces",
            Reach::Boot => "among the calls before the service was ready",
        })
    }
}

/// One class that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Among which spans.
    pub reach: Reach,
    /// By which form.
    pub form: Form,
    /// Spans of the class: of the same package and kind, with the same form
    /// and, where a guard is asked for, an equal guard key.
    pub candidates: usize,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request has no such form: no value, or no schema.
    NoForm,
    /// No span has the same.
    Nothing,
    /// All of them were used; a later class, or the last of them, may answer.
    AllUsed,
    /// None of those that were compared has a compatible guard, or could be read.
    NoneCompatible,
    /// One of them answers.
    Answers,
}

/// The chosen span.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The span.
    pub span: SpanIndex,
    /// As the contract has it.
    pub level: MatchLevel,
    /// Whether it had answered before in this test.
    pub replayed: bool,
    /// Candidates of its class that were not compared, see [`MAX_SCORED`];
    /// used ones may be among them.
    pub not_compared: usize,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `None`: nothing recorded answers it.
    pub found: Option<Found>,
    /// Why.
    pub explanation: Explanation,
}

/// Why a request was answered as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Whose request it is.
    pub owner: Owner,
    /// The forms of the request.
    pub forms: Forms,
    /// The classes that were looked at, in order.
    pub steps: Vec<Step>,
    /// What is wrong with the request's input, when it cannot be read; then
    /// only its recorded hashes count.
    pub problem: Option<String>,
    /// What would answer; only of [`Matcher::explain`].
    pub found: Option<Found>,
    /// What the guard demands; only of [`Matcher::explain`].
    pub guard: Option<String>,
    /// Why the nearest candidates lost, the most alike first, at most
    /// [`MAX_LISTED`]; only of [`Matcher::explain`].
    pub candidates: Vec<Candidate>,
    /// Spans of the same package and kind that could have answered, of which
    /// at most [`MAX_EXPLAINED`] were compared; only of [`Matcher::explain`].
    pub candidate_count: usize,
}

/// A span that could have answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The span.
    pub span: SpanIndex,
    /// Its identifier.
    pub span_id: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// How alike the inputs are, from 0 to 1.
    pub similarity: f64,
    /// Whether the test has used it.
    pub used: bool,
    /// Members of the input that differ, decoded; `$` when one is no object.
    pub differing: Vec<String>,
    /// Of these, the ones that the schema gives importance 0.
    pub ignored: Vec<String>,
    /// Whether the schemas are equal.
    pub same_schema: bool,
    /// Why its guard excludes it.
    pub mismatch: Option<Mismatch>,
    /// Whether this span answers the request.
    pub answers: bool,
}

impl Candidate {
    /// One line for people: why it answers or not.
    pub fn why(&self) -> String {
        if self.answers {
            return "answers".to_owned();
        }
        let mut reasons = Vec::new();
        let (ignored, differing): (Vec<&str>, Vec<&str>) = self
            .differing
            .iter()
            .map(String::as_str)
            .partition(|name| self.ignored.iter().any(|ignored| ignored == name));
        if !differing.is_empty() {
            reasons.push(format!("the value differs in {}", differing.join(", ")));
        }
        if !ignored.is_empty() {
            reasons.push(format!("and, of no importance, in {}", ignored.join(", ")));
        }
        if let Some(mismatch) = &self.mismatch {
            reasons.push(mismatch.to_string());
        } else if !differing.is_empty() && !self.same_schema {
            reasons.push("the schema differs".to_owned());
        }
        if self.used {
            reasons.push("was used already".to_owned());
        }
        match reasons.is_empty() {
            true => "another one comes first".to_owned(),
            false => reasons.join("; "),
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

/// Spans that share a guard index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pool {
    Trace(u32),
    Boot,
}

/// Answers requests from a recording. All calls take `&self`: connections share it.
#[derive(Debug)]
pub struct Matcher {
    recording: Arc<Recording>,
    max_scored: usize,
    index: Index,
    /// Built when a trace is first asked for a schema.
    guards: Mutex<HashMap<Pool, Arc<OnceLock<GuardIndex>>>>,
    /// What each test has used. A request holds the lock of its test only while
    /// it picks and marks, and no other lock meanwhile.
    uses: RwLock<HashMap<OwnerKey, Arc<Mutex<TestUse>>>>,
}

thread_local! {
    static FORMS: RefCell<FormReader> = RefCell::new(FormReader::default());
}

/// A live request, and what is computed of it when it is needed.
struct Live<'r> {
    request: &'r MockRequest,
    input: Option<Input>,
    forms: Forms,
    /// What the keys of its package and kind are mixed with.
    scope: u128,
    problem: Option<String>,
    values: OnceLock<Values>,
    guard: OnceLock<Guard>,
}

/// An input for comparing: whole, and without what has no importance.
struct Values {
    whole: Value,
    reduced: Option<Value>,
}

impl Values {
    fn of(input: Option<&Input>) -> Values {
        // What serde_json does not read, for it is too deep, is compared as text.
        let read = |text: &str| {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        };
        Values {
            whole: input.map_or(Value::Null, |input| read(&input.json)),
            reduced: input.and_then(|input| input.reduced_json.as_deref().map(read)),
        }
    }

    fn reduced(&self) -> &Value {
        self.reduced.as_ref().unwrap_or(&self.whole)
    }
}

impl<'r> Live<'r> {
    fn new(request: &'r MockRequest) -> Live<'r> {
        let span = &request.span;
        let read = FORMS.with_borrow_mut(|forms| {
            forms.input(span.input_value.as_deref(), span.input_schema.as_deref())
        });
        let (input, problem) = match read {
            Ok(input) => (input, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Live {
            request,
            forms: Forms::of(
                input.as_ref(),
                &span.input_value_hash,
                &span.input_schema_hash,
            ),
            input,
            scope: scope(&span.package_name, span.kind),
            problem,
            values: OnceLock::new(),
            guard: OnceLock::new(),
        }
    }

    fn key(&self, form: Form) -> u128 {
        scoped(
            self.forms.key(form).map_or(0, |key| key.number()),
            self.scope,
        )
    }

    fn values(&self) -> &Values {
        self.values.get_or_init(|| Values::of(self.input.as_ref()))
    }

    fn guard(&self) -> &Guard {
        self.guard.get_or_init(|| Guard::of(&self.request.span))
    }

    fn is_pre_app_start(&self) -> bool {
        self.request.span.is_pre_app_start
    }
}

/// A class of spans in an index: one range, or two where a trace has spans on
/// both sides of the service's start.
struct Class<'c, C> {
    classes: &'c C,
    id: IndexId,
    reach: Reach,
    form: Form,
    /// Those on the request's side of the start come first.
    ranges: [Range<u32>; 2],
}

impl<C: Classes> Class<'_, C> {
    fn len(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// The last one in recorded order, of the preferred range.
    fn last(&self) -> Option<u32> {
        self.ranges
            .iter()
            .find(|range| !range.is_empty())
            .map(|range| range.end - 1)
    }

    fn step(&self, outcome: Outcome) -> Step {
        Step {
            reach: self.reach,
            form: self.form,
            candidates: self.len(),
            outcome,
        }
    }
}

/// A picked position.
struct Pick {
    span: u32,
    replayed: bool,
}

/// A candidate that was compared.
struct Scored {
    position: u32,
    span: u32,
    span_id: String,
    /// What counts first, and what counts between equals.
    score: f64,
    second: f64,
}

/// Whether a request changes what is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Mark,
    Look,
}

impl Matcher {
    /// Builds the index of a recording.
    pub fn new(recording: Arc<Recording>, options: MatchOptions) -> Matcher {
        let threads = options
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        Matcher {
            index: Index::new(&recording, threads),
            recording,
            max_scored: options.max_scored.max(1),
            guards: Mutex::default(),
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
        let mut steps = Vec::new();
        let found = self.search(&live, key, Mode::Mark, &mut steps);
        Answer {
            found,
            explanation: Explanation {
                owner,
                forms: live.forms,
                steps,
                problem: live.problem,
                found: None,
                guard: None,
                candidates: Vec::new(),
                candidate_count: 0,
            },
        }
    }

    /// What [`answer`](Self::answer) would do now, and why; marks nothing.
    pub fn explain(&self, request: &MockRequest) -> Explanation {
        let live = Live::new(request);
        let (owner, key) = self.owner_of(request);
        let mut steps = Vec::new();
        let found = self.search(&live, key, Mode::Look, &mut steps);
        let (candidates, candidate_count) = self.candidates(&live, key, found.as_ref());
        Explanation {
            owner,
            forms: live.forms,
            steps,
            found,
            guard: Some(live.guard().describe()),
            candidates,
            candidate_count,
            problem: live.problem,
        }
    }

    fn search(
        &self,
        live: &Live<'_>,
        owner: OwnerKey,
        mode: Mode,
        steps: &mut Vec<Step>,
    ) -> Option<Found> {
        let uses = self.use_of(owner);
        let trace = match owner {
            OwnerKey::Trace(trace) => self.recording.traces().get(trace as usize),
            OwnerKey::Boot | OwnerKey::Unknown => None,
        };
        let all = 0..u32::try_from(self.recording.span_count()).unwrap_or(u32::MAX);
        if let Some(trace) = trace {
            let reach = (Reach::Trace, trace.range());
            if let Some(found) = self.by_value(live, &uses, &reach, mode, steps) {
                return Some(found);
            }
            if let Some(found) = self.by_reduced_value(live, &uses, &reach, mode, steps) {
                return Some(found);
            }
        }
        let reach = (Reach::Suite, all);
        if let Some(found) = self.by_value(live, &uses, &reach, mode, steps) {
            return Some(found);
        }
        if let Some(found) = self.by_reduced_value(live, &uses, &reach, mode, steps) {
            return Some(found);
        }
        if let OwnerKey::Trace(number) = owner {
            let found = self.by_schema(live, &uses, Pool::Trace(number), mode, steps);
            if found.is_some() {
                return found;
            }
        }
        if live.is_pre_app_start() {
            return self.by_schema(live, &uses, Pool::Boot, mode, steps);
        }
        None
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
        mode: Mode,
        steps: &mut Vec<Step>,
    ) -> Option<Found> {
        let forms = [Form::RecordedValue, Form::Value];
        let indexes = forms.map(|form| (form, self.index.of(&self.recording, form)));
        let mut exhausted = None;
        let mut guard = uses.lock().unwrap_or_else(PoisonError::into_inner);
        for (form, classes) in &indexes {
            let id = form.position() as IndexId;
            let class = Matcher::class(live, classes, id, live.key(*form), *form, reach);
            if live.forms.key(*form).is_none() {
                steps.push(class.step(Outcome::NoForm));
                continue;
            }
            let Some(last) = class.last() else {
                steps.push(class.step(Outcome::Nothing));
                continue;
            };
            let unused = class
                .ranges
                .iter()
                .find_map(|range| guard.next_unused(id, classes, range.clone()));
            if let Some(span) = unused.and_then(|position| classes.span_at(position)) {
                if mode == Mode::Mark {
                    guard.mark(span);
                }
                steps.push(class.step(Outcome::Answers));
                let pick = Pick {
                    span,
                    replayed: false,
                };
                return Some(found(&class, pick, None, Vec::new(), 0));
            }
            steps.push(class.step(Outcome::AllUsed));
            if exhausted.is_none() {
                exhausted = classes.span_at(last).map(|span| (class, span));
            }
        }
        let (class, span) = exhausted?;
        steps.push(class.step(Outcome::Answers));
        let pick = Pick {
            span,
            replayed: true,
        };
        Some(found(&class, pick, None, Vec::new(), 0))
    }

    fn by_reduced_value(
        &self,
        live: &Live<'_>,
        uses: &Mutex<TestUse>,
        reach: &(Reach, Range<u32>),
        mode: Mode,
        steps: &mut Vec<Step>,
    ) -> Option<Found> {
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
            mode,
            steps,
        )
    }

    fn by_schema(
        &self,
        live: &Live<'_>,
        uses: &Mutex<TestUse>,
        pool: Pool,
        mode: Mode,
        steps: &mut Vec<Step>,
    ) -> Option<Found> {
        let (reach, first_id) = match pool {
            Pool::Trace(_) => (Reach::Trace, Form::COUNT as IndexId),
            Pool::Boot => (Reach::Boot, 2 * Form::COUNT as IndexId),
        };
        let slot = Arc::clone(
            self.guards
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(pool)
                .or_default(),
        );
        let index = slot.get_or_init(|| self.guard_index(pool));
        let reach = (reach, 0..u32::MAX);
        for form in [Form::RecordedSchema, Form::Schema, Form::ReducedSchema] {
            let classes = index.of(form);
            let id = first_id + form.position() as IndexId;
            let key = guarded(live.key(form), live.guard().key());
            let class = Matcher::class(live, &classes, id, key, form, &reach);
            let found = self.most_alike(live, uses, &class, true, mode, steps);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Reads the spans of a pool once, for their guards.
    fn guard_index(&self, pool: Pool) -> GuardIndex {
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

    /// The span of a class that is most like the request: among the unused ones,
    /// else among the used ones.
    fn most_alike<C: Classes>(
        &self,
        live: &Live<'_>,
        uses: &Mutex<TestUse>,
        class: &Class<'_, C>,
        guarded: bool,
        mode: Mode,
        steps: &mut Vec<Step>,
    ) -> Option<Found> {
        if live.forms.key(class.form).is_none() {
            steps.push(class.step(Outcome::NoForm));
            return None;
        }
        if class.len() == 0 {
            steps.push(class.step(Outcome::Nothing));
            return None;
        }
        loop {
            let (unused, more) = {
                let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
                let (unused, more) = self.unused_of(&mut uses, class);
                if let ([only], false, 0) = (unused.as_slice(), guarded, more) {
                    let span = class.classes.span_at(*only)?;
                    if mode == Mode::Mark {
                        uses.mark(span);
                        set_last(&mut uses, class, *only);
                    }
                    steps.push(class.step(Outcome::Answers));
                    let pick = Pick {
                        span,
                        replayed: false,
                    };
                    return Some(found(class, pick, None, Vec::new(), 0));
                }
                (unused, more)
            };
            // Reading and comparing candidates needs no lock.
            let compared = unused.len();
            let mut scored = self.score(live, class, &unused, guarded);
            let mut replayed = false;
            let mut more = more;
            if scored.is_empty() {
                // Nothing unused, or nothing of it compatible: the last ones.
                let last = self.last_of(class);
                more = class.len() - last.len();
                scored = self.score(live, class, &last, guarded);
                replayed = true;
                // Of equals the last one answers: a poll loop stays in its last state.
                sort(&mut scored, |left, right| {
                    right.position.cmp(&left.position)
                });
            } else {
                sort(&mut scored, |left, right| {
                    left.position.cmp(&right.position)
                });
            }
            if scored.is_empty() {
                steps.push(class.step(Outcome::NoneCompatible));
                return None;
            }
            let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
            let winner = scored
                .iter()
                .position(|candidate| replayed || !uses.is_used(candidate.span));
            // All were taken by other requests meanwhile: look again. Each
            // round uses up spans, so there are few rounds.
            let Some(winner) = winner else { continue };
            let winner = scored.remove(winner);
            let was_used = uses.is_used(winner.span);
            if mode == Mode::Mark {
                uses.mark(winner.span);
                set_last(&mut uses, class, winner.position);
            }
            drop(uses);
            steps.push(class.step(Outcome::Answers));
            let only_one = compared <= 1 && !replayed && more == 0;
            let similarity = (!only_one).then_some(winner.score);
            scored.truncate(MAX_TOP_CANDIDATES);
            let pick = Pick {
                span: winner.span,
                replayed: was_used,
            };
            return Some(found(class, pick, similarity, scored, more));
        }
    }

    /// Unused positions of a class, at most as many as are compared: the ones
    /// that follow the last used one in recorded order, then from the first
    /// one on; and how many positions of the class were not looked at.
    fn unused_of<C: Classes>(&self, uses: &mut TestUse, class: &Class<'_, C>) -> (Vec<u32>, usize) {
        let mut unused = Vec::new();
        let mut left = 0;
        for range in &class.ranges {
            let anchor = match uses.last_of(class.id, range.start) {
                Some(last) => last + 1,
                None => range.start,
            };
            for part in [anchor..range.end, range.start..anchor.min(range.end)] {
                let mut at = part.start;
                while let Some(position) = uses.next_unused(class.id, class.classes, at..part.end) {
                    if unused.len() == self.max_scored {
                        left += (part.end - position) as usize;
                        break;
                    }
                    unused.push(position);
                    at = position + 1;
                }
            }
        }
        (unused, left)
    }

    /// The last positions of a class, at most as many as are compared.
    fn last_of<C: Classes>(&self, class: &Class<'_, C>) -> Vec<u32> {
        let ranges = class.ranges.iter().flat_map(|range| range.clone().rev());
        ranges.take(self.max_scored).collect()
    }

    /// Compares candidates; leaves out those whose guard excludes them, and
    /// those that can no longer be read.
    fn score<C: Classes>(
        &self,
        live: &Live<'_>,
        class: &Class<'_, C>,
        positions: &[u32],
        guarded: bool,
    ) -> Vec<Scored> {
        positions
            .iter()
            .filter_map(|position| {
                let number = class.classes.span_at(*position)?;
                let span = self.recording.span(SpanIndex(number)).ok()?;
                if guarded && Guard::of(&span).compatible(live.guard()).is_err() {
                    return None;
                }
                let (score, second) = if positions.len() == 1 {
                    (1.0, 1.0)
                } else {
                    let values = read_values(&span);
                    let whole = similarity::score(&live.values().whole, &values.whole);
                    match class.form {
                        // What counts is equal; what differs is what was dropped.
                        Form::ReducedValue => (whole, whole),
                        _ => (
                            similarity::score(live.values().reduced(), values.reduced()),
                            whole,
                        ),
                    }
                };
                Some(Scored {
                    position: *position,
                    span: number,
                    span_id: span.span_id,
                    score,
                    second,
                })
            })
            .collect()
    }

    /// Candidates of an explanation.
    fn candidates(
        &self,
        live: &Live<'_>,
        owner: OwnerKey,
        found: Option<&Found>,
    ) -> (Vec<Candidate>, usize) {
        let trace = match owner {
            OwnerKey::Trace(trace) => self.recording.traces().get(trace as usize),
            OwnerKey::Boot | OwnerKey::Unknown => None,
        };
        let (range, all_sides) = match trace {
            Some(trace) => (trace.range(), true),
            None => (
                0..u32::try_from(self.recording.span_count()).unwrap_or(u32::MAX),
                false,
            ),
        };
        let span = &live.request.span;
        let package = self
            .recording
            .packages()
            .iter()
            .position(|package| *package == span.package_name);
        let mut count = 0;
        let mut numbers: Vec<SpanIndex> = Vec::new();
        let others = range.map(SpanIndex).filter(|number| {
            self.recording.entry(*number).is_some_and(|entry| {
                entry.is_candidate()
                    && Some(entry.package as usize) == package
                    && entry.kind == span.kind
                    && (all_sides || entry.is_pre_app_start() == span.is_pre_app_start)
            })
        });
        for number in others {
            count += 1;
            if numbers.len() < MAX_EXPLAINED {
                numbers.push(number);
            }
        }
        if let Some(found) = found
            && !numbers.contains(&found.span)
        {
            numbers.push(found.span);
        }
        let uses = self.use_of(owner);
        let used: HashSet<u32> = {
            let uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
            let used = numbers.iter().filter(|number| uses.is_used(number.0));
            used.map(|number| number.0).collect()
        };
        let mut candidates: Vec<Candidate> = numbers
            .into_iter()
            .filter_map(|number| {
                let recorded = self.recording.span(number).ok()?;
                Some(explain_one(
                    live,
                    number,
                    &recorded,
                    used.contains(&number.0),
                    found,
                ))
            })
            .collect();
        candidates.sort_by(|left, right| {
            right
                .answers
                .cmp(&left.answers)
                .then(right.similarity.total_cmp(&left.similarity))
                .then(left.span.cmp(&right.span))
        });
        candidates.truncate(MAX_LISTED);
        (candidates, count)
    }
}

fn explain_one(
    live: &Live<'_>,
    number: SpanIndex,
    recorded: &Span,
    used: bool,
    found: Option<&Found>,
) -> Candidate {
    let (forms, input) = FORMS.with_borrow_mut(|reader| {
        let input = reader
            .input(
                recorded.input_value.as_deref(),
                recorded.input_schema.as_deref(),
            )
            .ok()
            .flatten();
        let forms = Forms::of(
            input.as_ref(),
            &recorded.input_value_hash,
            &recorded.input_schema_hash,
        );
        (forms, input)
    });
    let values = Values::of(input.as_ref());
    let differing = differing_members(&live.values().whole, &values.whole);
    let counted = differing_members(live.values().reduced(), values.reduced());
    let ignored = differing
        .iter()
        .filter(|name| !counted.contains(name))
        .cloned()
        .collect();
    Candidate {
        span: number,
        span_id: recorded.span_id.clone(),
        name: recorded.name.clone(),
        place: recorded.place.clone(),
        similarity: similarity::score(&live.values().whole, &values.whole),
        used,
        differing,
        ignored,
        same_schema: [Form::Schema, Form::ReducedSchema]
            .into_iter()
            .any(|form| forms.key(form).is_some() && forms.key(form) == live.forms.key(form)),
        mismatch: Guard::of(recorded).compatible(live.guard()).err(),
        answers: found.is_some_and(|found| found.span == number),
    }
}

/// The top-level members that differ; `$` when one of the two is no object.
fn differing_members(left: &Value, right: &Value) -> Vec<String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let mut names: Vec<String> = left
                .iter()
                .filter(|(name, value)| right.get(*name) != Some(value))
                .map(|(name, _)| name.clone())
                .chain(
                    right
                        .keys()
                        .filter(|name| !left.contains_key(*name))
                        .cloned(),
                )
                .collect();
            names.sort();
            names
        }
        (left, right) if left == right => Vec::new(),
        _ => vec!["$".to_owned()],
    }
}

fn read_values(span: &Span) -> Values {
    FORMS.with_borrow_mut(|reader| {
        let input = reader
            .input(span.input_value.as_deref(), span.input_schema.as_deref())
            .ok()
            .flatten();
        Values::of(input.as_ref())
    })
}

/// The best first; between equals, `between` decides.
fn sort(scored: &mut [Scored], between: impl Fn(&Scored, &Scored) -> std::cmp::Ordering) {
    scored.sort_by(|left, right| {
        right
            .score
            .total_cmp(&left.score)
            .then(right.second.total_cmp(&left.second))
            .then_with(|| between(left, right))
    });
}

fn set_last<C: Classes>(uses: &mut TestUse, class: &Class<'_, C>, position: u32) {
    for range in &class.ranges {
        if range.contains(&position) {
            uses.set_last(class.id, range.start, position);
        }
    }
}

fn found<C: Classes>(
    class: &Class<'_, C>,
    pick: Pick,
    similarity: Option<f64>,
    runners_up: Vec<Scored>,
    not_compared: usize,
) -> Found {
    let (match_type, what) = match class.form {
        Form::RecordedValue => (
            MatchType::InputValueHash,
            "equal recorded hash of the input",
        ),
        Form::Value => (MatchType::InputValueHash, "equal input"),
        Form::ReducedValue => (
            MatchType::InputValueHashReducedSchema,
            "equal input but for members without importance",
        ),
        Form::RecordedSchema => (
            MatchType::InputSchemaHash,
            "equal recorded hash of the input's schema, same target",
        ),
        Form::Schema => (
            MatchType::InputSchemaHash,
            "equal schema of the input, same target",
        ),
        Form::ReducedSchema => (
            MatchType::InputSchemaHashReducedSchema,
            "equal schema of the input but for members without importance, same target",
        ),
    };
    let scope = match class.reach {
        Reach::Trace => MatchScope::Trace,
        Reach::Suite | Reach::Boot => MatchScope::Global,
    };
    let mut description = format!("{what}, {}", class.reach);
    if similarity.is_some() {
        description.push_str(", the most alike");
    }
    if not_compared > 0 {
        description.push_str(&format!(
            " of {} candidates, {not_compared} of them not compared",
            class.len()
        ));
    }
    if pick.replayed {
        description.push_str(", used before");
    }
    Found {
        span: SpanIndex(pick.span),
        level: MatchLevel {
            match_type: match_type.into(),
            match_scope: scope.into(),
            match_description: description,
            similarity_score: similarity.map(|score| score as f32),
            top_candidates: runners_up
                .into_iter()
                .map(|candidate| SimilarityCandidate {
                    span_id: candidate.span_id,
                    score: candidate.score as f32,
                })
                .collect(),
        },
        replayed: pick.replayed,
        not_compared,
    }
}
