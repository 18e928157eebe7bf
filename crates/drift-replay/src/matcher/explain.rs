//! Why a request was answered as it was, and why the nearest candidates lost.

use super::live::{Live, Values, read_input};
use super::search::{Mode, Search};
use super::{Found, Matcher, Owner, OwnerKey, Step, Unread};
use crate::forms::{Form, Forms};
use crate::guard::{Guard, Mismatch};
use crate::load::SpanIndex;
use crate::request::MockRequest;
use crate::similarity;
use crate::span::{Place, Span};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::PoisonError;

/// How many candidates an explanation compares, and how many of them it lists.
pub const MAX_EXPLAINED: usize = 200;
/// See [`MAX_EXPLAINED`].
pub const MAX_LISTED: usize = 10;

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
    /// Why a recorded call that may answer could not be read, if one could not: then
    /// another answers than would otherwise, or none. It is tried again for the next
    /// request where its file may be readable then.
    pub unread: Option<Unread>,
    /// What would answer; only of [`Matcher::explain`].
    pub found: Option<Found>,
    /// What the guard demands; only of [`Matcher::explain`].
    pub guard: Option<String>,
    /// Why the nearest candidates lost, the most alike first, at most
    /// [`MAX_LISTED`]; only of [`Matcher::explain`].
    pub candidates: Vec<Candidate>,
    /// Spans of the same package and kind that could have answered, of which
    /// at most [`MAX_EXPLAINED`] were compared, those of an equal value or schema
    /// before the others; only of [`Matcher::explain`].
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
        let ignored = ignored.join(", ");
        if !differing.is_empty() {
            reasons.push(format!("the value differs in {}", differing.join(", ")));
            if !ignored.is_empty() {
                reasons.push(format!("and, of no importance, in {ignored}"));
            }
        } else if !ignored.is_empty() {
            reasons.push(format!(
                "the value differs only in what has no importance: {ignored}"
            ));
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

impl Matcher {
    /// What [`answer`](Self::answer) would do now, and why; marks nothing.
    pub fn explain(&self, request: &MockRequest) -> Explanation {
        let live = Live::new(request);
        let (owner, key) = self.owner_of(request);
        let mut search = Search::new(Mode::Look);
        // Only a request that is to be answered at once ends otherwise.
        let found = self.find(&live, key, &mut search).unwrap_or_default();
        let (candidates, candidate_count) = self.candidates(&live, key, found.as_ref());
        Explanation {
            owner,
            forms: live.forms,
            steps: search.steps,
            unread: search.unread,
            found,
            guard: Some(live.guard().describe()),
            candidates,
            candidate_count,
            problem: live.problem,
        }
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
        let asked = Form::ALL.map(|form| (live.key(form), self.recording.keys(form)));
        // Which forms are not equal, the first form counting most.
        let unequal_forms = |number: SpanIndex| {
            asked.iter().fold(0_u8, |unequal, (key, recorded)| {
                let is_equal = *key != 0 && recorded.get(number.0 as usize) == Some(key);
                unequal << 1 | u8::from(!is_equal)
            })
        };
        let mut ranked: Vec<(u8, SpanIndex)> = range
            .map(SpanIndex)
            .filter(|number| {
                self.recording.entry(*number).is_some_and(|entry| {
                    entry.is_candidate()
                        && Some(entry.package as usize) == package
                        && entry.kind == span.kind
                        && (all_sides || entry.is_pre_app_start() == span.is_pre_app_start)
                })
            })
            .map(|number| (unequal_forms(number), number))
            .collect();
        let count = ranked.len();
        // Those of an equal value or schema are the nearest, wherever they stand, and
        // only what is compared is read.
        ranked.sort_unstable();
        ranked.truncate(MAX_EXPLAINED);
        let mut numbers: Vec<SpanIndex> = ranked.into_iter().map(|(_, number)| number).collect();
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
                // However alike, what the guard excludes is farther than what it lets pass.
                .then(left.mismatch.is_some().cmp(&right.mismatch.is_some()))
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
    let input = read_input(recorded).ok().flatten();
    let forms = Forms::of(
        input.as_ref(),
        &recorded.input_value_hash,
        &recorded.input_schema_hash,
    );
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
