//! The calls that a service makes, beside those that it made when it was
//! recorded: missing ones, new ones, more of them, another order. Which answer
//! a call gets is decided in `matcher`; this module judges the whole.

use crate::compare::{Change, Deviation, DeviationCode, differences};
use crate::redact::{names_of, needs_surroundings};
use crate::rules::Rules;
use crate::span::{Span, SpanKind};
use crate::tree::Json;
use regex::Regex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tusk_drift_schemas::tusk::drift::core::v1::{MatchLevel, MatchScope, MatchType};

mod asked;
mod failures;
mod pooled;
mod sentences;
mod shown;

pub use asked::not_asked;
pub use failures::without_answer;
pub(crate) use pooled::PoolQueries;
use sentences::statement;
pub use sentences::summary;
pub(crate) use sentences::{sentence, shorten};
use shown::Place;
pub use shown::redact_differences;

/// Which findings are deviations.
#[derive(Clone, Debug)]
pub struct OutboundOptions {
    /// `outbound.missing`, default true: recorded calls that are not made.
    pub missing: bool,
    /// `outbound.new`, default true: calls that the recording does not have.
    pub new: bool,
    /// `outbound.more_often`, default true: a recorded call made again.
    pub more_often: bool,
    /// `outbound.order`, default true: calls in another order.
    pub order: bool,
    /// `outbound.changed`, default false: a call that was answered by a recorded
    /// one with another input. The difference is shown either way.
    pub changed: bool,
    /// `outbound.ignore`: calls that are never judged.
    pub ignore: Vec<OutboundIgnore>,
}

impl Default for OutboundOptions {
    fn default() -> Self {
        OutboundOptions {
            missing: true,
            new: true,
            more_often: true,
            order: true,
            changed: false,
            ignore: Vec::new(),
        }
    }
}

/// Calls that are never judged: of a package, with a name that matches, or both.
#[derive(Clone, Debug)]
pub struct OutboundIgnore {
    /// The package, whole.
    pub package: Option<String>,
    /// Matched with the summary and with the span's name.
    pub name: Option<Regex>,
}

impl OutboundOptions {
    fn ignores(&self, span: &Span) -> bool {
        self.ignore.iter().any(|entry| {
            let package = entry
                .package
                .as_ref()
                .is_none_or(|package| *package == span.package_name);
            let name = entry.name.as_ref().is_none_or(|pattern| {
                pattern.is_match(&span.name) || pattern.is_match(&summary(span))
            });
            package && name && (entry.package.is_some() || entry.name.is_some())
        })
    }
}

/// The recorded span that answered a live call.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedSpan {
    /// Its trace, 32 hex digits; empty when that is not known.
    pub trace_id: String,
    /// Its id, 16 hex digits.
    pub span_id: String,
    /// How it was found, with similarity and runners-up.
    pub level: MatchLevel,
    /// Whether it was recorded before the service was ready.
    pub is_pre_app_start: bool,
}

/// One call that the service made during the test, in the order they came.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveCall {
    /// What was asked.
    pub span: Span,
    /// What answered; `None` when nothing did.
    pub matched: Option<MatchedSpan>,
    /// Of a miss, why: what the matcher said, one line.
    pub why: String,
}

/// What became of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallState {
    /// Made as recorded.
    Matched,
    /// Made with another input, and answered by the nearest recorded call.
    MatchedLoosely,
    /// Recorded, and not made.
    Missing,
    /// Made, and not in the recording of this test.
    New,
    /// Made more often than recorded; answered by the recorded call again.
    MoreOften,
    /// Recorded, but of a kind that SDKs do not ask for in replay.
    NotAsked,
    /// Named in `outbound.ignore`.
    Ignored,
}

impl CallState {
    /// The permanent name in results.
    pub const fn as_str(self) -> &'static str {
        match self {
            CallState::Matched => "matched",
            CallState::MatchedLoosely => "matched_loosely",
            CallState::Missing => "missing",
            CallState::New => "new",
            CallState::MoreOften => "more_often",
            CallState::NotAsked => "not_asked",
            CallState::Ignored => "ignored",
        }
    }
}

/// One difference between the recorded and the live input of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputDifference {
    /// What happened.
    pub change: Change,
    /// Where in the input, bodies decoded: `$.body.total`.
    pub path: String,
    /// The recorded JSON.
    pub recorded: Option<String>,
    /// The JSON now.
    pub actual: Option<String>,
    /// The code of the rule that would accept it in a response, if one would.
    pub accepted_by: Option<&'static str>,
    /// Where the two values stand, if that may say that they are secrets.
    places: [Option<Place>; 2],
}

/// One call of the joint list, recorded and live ones in one order.
#[derive(Clone, Debug, PartialEq)]
pub struct CallReport {
    /// What became of it.
    pub state: CallState,
    /// `GET https://host/path`, a query, `GET key`.
    pub summary: String,
    /// The package.
    pub package: String,
    /// The operation.
    pub submodule: String,
    /// The recorded span that it is, or that answered it.
    pub recorded_span_id: Option<String>,
    /// The trace of that span, when it is not the test's own.
    pub other_trace_id: Option<String>,
    /// Its place among the recorded calls of the trace, from 1.
    pub recorded_position: Option<usize>,
    /// Its place among the live calls, from 1.
    pub live_position: Option<usize>,
    /// The name of the recorded parent.
    pub parent: Option<String>,
    /// How it was matched: the type's name in the contract, in lower case.
    pub match_type: Option<&'static str>,
    /// `trace` or `global`.
    pub match_scope: Option<&'static str>,
    /// Why it was matched, or why not.
    pub why: String,
    /// Of the match, when there were several candidates.
    pub similarity: Option<f32>,
    /// Span ids and similarities of the runners-up.
    pub runners_up: Vec<(String, f32)>,
    /// How the inputs differ.
    pub input_differences: Vec<InputDifference>,
    /// Whether it is made at another place in the order.
    pub out_of_order: bool,
    /// How long the recorded call took.
    pub recorded_duration_nanos: Option<u64>,
}

/// All calls of one test, and what is not as recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutboundReport {
    /// Recorded calls by start, live ones that they do not have behind the call
    /// that came before them.
    pub calls: Vec<CallReport>,
    /// By place in `calls`; [`Deviation::call`] is the index.
    pub deviations: Vec<Deviation>,
    /// Recorded spans that SDKs do not ask for, so that they cannot be missing.
    pub not_asked: usize,
}

/// Live calls per test whose order is examined; of a test with more, only the
/// first so many, since the examination is quadratic.
pub const MAX_ORDERED_CALLS: usize = 2_000;

/// Judges the calls of one test.
///
/// `recorded` are the spans of the test's trace in any order, `live` the calls
/// in the order they came. Deterministic; the same lists give the same report.
pub fn check_outbound(
    recorded: &[Span],
    live: &[LiveCall],
    options: &OutboundOptions,
    rules: &Rules,
) -> OutboundReport {
    check_outbound_among(recorded, live, options, rules, |_| false)
}

/// As [`check_outbound`], where other traces are known: `is_any_pools` is that of
/// [`not_asked`].
pub(crate) fn check_outbound_among(
    recorded: &[Span],
    live: &[LiveCall],
    options: &OutboundOptions,
    rules: &Rules,
    is_any_pools: impl Fn(&Span) -> bool,
) -> OutboundReport {
    let by_id = by_id(recorded);
    let mut calls: Vec<&Span> = recorded.iter().filter(|span| is_judged(span)).collect();
    // Lines are not in the order of calls; the sort is stable for equal times.
    calls.sort_by_key(|span| span.start_unix_nanos);
    let position: HashMap<&str, usize> = calls
        .iter()
        .enumerate()
        .map(|(index, span)| (span.span_id.as_str(), index))
        .collect();
    let mut answered = HashSet::new();
    let judged: Vec<Judged> = live
        .iter()
        .map(|call| judge(call, &position, &by_id, &mut answered, options))
        .collect();
    let out_of_order = if options.order {
        moved(&judged, &calls)
    } else {
        Vec::new()
    };
    let mut used = vec![false; calls.len()];
    for one in &judged {
        if let Some(slot) = one.recorded.and_then(|index| used.get_mut(index)) {
            *slot = true;
        }
    }

    let is_answered = |span: &Span| {
        let place = position.get(span.span_id.as_str());
        place.is_some_and(|place| used.get(*place) == Some(&true))
    };
    let not_asked = asked::not_asked(&calls, &by_id, is_answered, is_any_pools);

    // Live calls that have no place in the recording stand behind the recorded
    // call that came before them.
    let mut report = OutboundReport::default();
    let mut behind: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    let mut own: HashMap<usize, usize> = HashMap::new();
    let mut last = None;
    for (index, one) in judged.iter().enumerate() {
        match one.recorded {
            Some(place) if one.first => {
                own.insert(place, index);
                last = Some(place);
            }
            _ => behind.entry(last).or_default().push(index),
        }
    }
    let context = Context {
        calls: &calls,
        by_id: &by_id,
        live,
        judged: &judged,
        rules,
    };
    for index in behind.remove(&None).unwrap_or_default() {
        report.calls.extend(context.live_call(index, false));
    }
    for (place, span) in calls.iter().enumerate() {
        match own.get(&place) {
            Some(index) => {
                let moved = out_of_order.contains(index);
                report.calls.extend(context.live_call(*index, moved));
            }
            None => {
                let state = if options.ignores(span) {
                    CallState::Ignored
                } else if not_asked.contains(span.span_id.as_str()) {
                    CallState::NotAsked
                } else {
                    CallState::Missing
                };
                report.calls.push(context.recorded_call(place, span, state));
            }
        }
        for index in behind.remove(&Some(place)).unwrap_or_default() {
            report.calls.extend(context.live_call(index, false));
        }
    }
    report.not_asked = report
        .calls
        .iter()
        .filter(|call| call.state == CallState::NotAsked)
        .count();
    for index in 0..report.calls.len() {
        deviations_of(index, &report.calls, options, &mut report.deviations);
    }
    report
}

/// The spans of a trace by their ids.
pub(crate) fn by_id(spans: &[Span]) -> HashMap<&str, &Span> {
    spans
        .iter()
        .map(|span| (span.span_id.as_str(), span))
        .collect()
}

/// Whether a recorded span is a call to judge at all.
fn is_judged(span: &Span) -> bool {
    is_call(span) && !span.is_pre_app_start
}

/// Whether a recorded span is a call that the service made.
fn is_call(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Client | SpanKind::Producer)
        && !span.is_root_span
        && span.name != "ENV_VARS_SNAPSHOT"
}

/// The span above one, if its trace has it.
fn parent_of<'s>(span: &Span, by_id: &HashMap<&str, &'s Span>) -> Option<&'s Span> {
    let parent = span.parent_span_id.as_str();
    by_id.get(parent).copied().filter(|_| !parent.is_empty())
}

/// A live call and the recorded call of this trace that it is.
struct Judged {
    /// Index among the recorded calls.
    recorded: Option<usize>,
    /// Whether it is the first that this recorded call answered.
    first: bool,
    state: CallState,
}

fn judge<'l>(
    call: &'l LiveCall,
    position: &HashMap<&str, usize>,
    by_id: &HashMap<&str, &Span>,
    answered: &mut HashSet<&'l str>,
    options: &OutboundOptions,
) -> Judged {
    let matched = call.matched.as_ref();
    let own = matched.filter(|found| {
        by_id
            .get(found.span_id.as_str())
            .is_some_and(|span| found.trace_id.is_empty() || span.trace_id == found.trace_id)
    });
    let place = own.and_then(|found| position.get(found.span_id.as_str()).copied());
    let repeated = matched.is_some_and(|found| !answered.insert(&found.span_id));
    let state = if options.ignores(&call.span) {
        CallState::Ignored
    } else {
        match matched {
            None => CallState::New,
            // A span that was recorded while the service started, or no call at
            // all, belongs to no place of this trace; that it is known is enough.
            Some(found) if found.is_pre_app_start => CallState::Matched,
            Some(_) if own.is_none() => CallState::New,
            Some(_) if repeated => CallState::MoreOften,
            Some(found) if is_exact(&found.level) => CallState::Matched,
            Some(_) => CallState::MatchedLoosely,
        }
    };
    Judged {
        recorded: place,
        first: place.is_some() && !repeated,
        state,
    }
}

fn is_exact(level: &MatchLevel) -> bool {
    matches!(
        MatchType::try_from(level.match_type),
        Ok(MatchType::InputValueHash | MatchType::InputValueHashReducedSchema)
    )
}

/// Whether the recording says that `a` was over when `b` began. Calls that ran
/// at the same time have no order.
fn was_before(a: &Span, b: &Span) -> bool {
    let (Some(start), Some(duration), Some(next)) =
        (a.start_unix_nanos, a.duration_nanos, b.start_unix_nanos)
    else {
        return false;
    };
    // Times cut to milliseconds hide what happened within one.
    let slack = if start % 1_000_000 == 0 && next % 1_000_000 == 0 {
        1_000_000
    } else {
        0
    };
    start + i128::from(duration) + slack <= next
}

/// The live calls that do not stand in the recorded order: the smallest set
/// that a longest ordered chain leaves out.
fn moved(judged: &[Judged], calls: &[&Span]) -> Vec<usize> {
    let sequence: Vec<(usize, &Span)> = judged
        .iter()
        .enumerate()
        .filter(|(_, one)| one.first && one.state != CallState::Ignored)
        .filter_map(|(index, one)| Some((index, *calls.get(one.recorded?)?)))
        .take(MAX_ORDERED_CALLS)
        .collect();
    let inverted = |earlier: &Span, later: &Span| was_before(later, earlier);
    let any = sequence
        .iter()
        .enumerate()
        .any(|(at, (_, a))| sequence.iter().skip(at + 1).any(|(_, b)| inverted(a, b)));
    if !any {
        return Vec::new();
    }
    // The longest chain in which no neighbours are inverted.
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(sequence.len());
    for (at, (_, span)) in sequence.iter().enumerate() {
        let mut chain = (1, None);
        for (before, (_, earlier)) in sequence.iter().enumerate().take(at) {
            let length = best.get(before).map_or(0, |(length, _)| *length);
            if length + 1 > chain.0 && !inverted(earlier, span) {
                chain = (length + 1, Some(before));
            }
        }
        best.push(chain);
    }
    let longest = best.iter().map(|(length, _)| *length).max().unwrap_or(0);
    let mut at = best.iter().position(|(length, _)| *length == longest);
    let mut kept: Vec<usize> = Vec::new();
    while let Some(index) = at {
        kept.push(index);
        at = best.get(index).and_then(|(_, before)| *before);
    }
    kept.reverse();
    // Having no order is not transitive, so members of the chain may still be
    // inverted: the later one leaves it.
    let mut chain: Vec<usize> = Vec::new();
    for index in kept {
        let Some((_, span)) = sequence.get(index) else {
            continue;
        };
        let fits = chain.iter().all(|before| {
            sequence
                .get(*before)
                .is_none_or(|(_, earlier)| !inverted(earlier, span))
        });
        if fits {
            chain.push(index);
        }
    }
    // What was left out may still fit between.
    let mut left_out = Vec::new();
    for (at, (index, span)) in sequence.iter().enumerate() {
        if chain.contains(&at) {
            continue;
        }
        let fits = chain.iter().all(|other| {
            sequence.get(*other).is_none_or(|(_, kept)| {
                if *other < at {
                    !inverted(kept, span)
                } else {
                    !inverted(span, kept)
                }
            })
        });
        if fits {
            chain.push(at);
        } else {
            left_out.push(*index);
        }
    }
    left_out
}

struct Context<'c> {
    calls: &'c [&'c Span],
    by_id: &'c HashMap<&'c str, &'c Span>,
    live: &'c [LiveCall],
    judged: &'c [Judged],
    rules: &'c Rules,
}

impl Context<'_> {
    fn recorded_call(&self, place: usize, span: &Span, state: CallState) -> CallReport {
        let why = match state {
            CallState::Missing => "recorded, and not asked for".to_owned(),
            CallState::NotAsked => {
                "recorded, but SDKs do not ask for such a span in replay".to_owned()
            }
            _ => "named in outbound.ignore".to_owned(),
        };
        CallReport {
            state,
            summary: summary(span),
            package: span.package_name.clone(),
            submodule: span.submodule_name.clone(),
            recorded_span_id: Some(span.span_id.clone()),
            other_trace_id: None,
            recorded_position: Some(place + 1),
            live_position: None,
            parent: self.parent(span),
            match_type: None,
            match_scope: None,
            why,
            similarity: None,
            runners_up: Vec::new(),
            input_differences: Vec::new(),
            out_of_order: false,
            recorded_duration_nanos: span.duration_nanos,
        }
    }

    fn parent(&self, span: &Span) -> Option<String> {
        parent_of(span, self.by_id).map(|parent| parent.name.clone())
    }

    fn live_call(&self, index: usize, out_of_order: bool) -> Option<CallReport> {
        let call = self.live.get(index)?;
        let judged = self.judged.get(index)?;
        let matched = call.matched.as_ref();
        let span = judged
            .recorded
            .and_then(|place| self.calls.get(place).copied());
        let level = matched.map(|found| &found.level);
        let exactly_equal =
            level.is_some_and(|level| level.match_type == MatchType::InputValueHash as i32);
        let other_trace_id = matched
            .filter(|found| {
                self.by_id.get(found.span_id.as_str()).is_none_or(|span| {
                    !found.trace_id.is_empty() && span.trace_id != found.trace_id
                })
            })
            .map(|found| found.trace_id.clone());
        Some(CallReport {
            state: judged.state,
            summary: summary(&call.span),
            package: call.span.package_name.clone(),
            submodule: call.span.submodule_name.clone(),
            recorded_span_id: matched.map(|found| found.span_id.clone()),
            other_trace_id,
            recorded_position: judged.recorded.map(|place| place + 1),
            live_position: Some(index + 1),
            parent: span.and_then(|span| self.parent(span)),
            match_type: level.map(|level| type_name(level.match_type)),
            match_scope: level.map(|level| {
                if level.match_scope == MatchScope::Global as i32 {
                    "global"
                } else {
                    "trace"
                }
            }),
            why: match level {
                Some(level) => level.match_description.clone(),
                None => call.why.clone(),
            },
            similarity: level.and_then(|level| level.similarity_score),
            runners_up: level
                .map(|level| {
                    level
                        .top_candidates
                        .iter()
                        .map(|one| (one.span_id.clone(), one.score))
                        .collect()
                })
                .unwrap_or_default(),
            input_differences: match span {
                Some(span) if !exactly_equal => input_differences(span, &call.span, self.rules),
                _ => Vec::new(),
            },
            out_of_order,
            recorded_duration_nanos: span.and_then(|span| span.duration_nanos),
        })
    }
}

fn type_name(number: i32) -> &'static str {
    match MatchType::try_from(number) {
        Ok(MatchType::InputValueHash) => "input_value_hash",
        Ok(MatchType::InputValueHashReducedSchema) => "input_value_hash_reduced_schema",
        Ok(MatchType::InputSchemaHash) => "input_schema_hash",
        Ok(MatchType::InputSchemaHashReducedSchema) => "input_schema_hash_reduced_schema",
        Ok(MatchType::Fuzzy) => "fuzzy",
        Ok(MatchType::Fallback) => "fallback",
        Ok(MatchType::Unspecified) | Err(_) => "unspecified",
    }
}

fn deviations_of(
    index: usize,
    calls: &[CallReport],
    options: &OutboundOptions,
    deviations: &mut Vec<Deviation>,
) {
    let Some(call) = calls.get(index) else { return };
    let mut add = |code, change| {
        let side = |has_not: Change| (change != has_not).then(|| call.summary.clone());
        let (recorded, actual) = (side(Change::Added), side(Change::Removed));
        let description = sentence(code, index, calls).unwrap_or_default();
        deviations.push(Deviation {
            call: Some(index),
            ..Deviation::new(code, "outbound", recorded, actual, description)
        });
    };
    match call.state {
        CallState::Missing if options.missing => add(DeviationCode::CallMissing, Change::Removed),
        CallState::New if options.new => add(DeviationCode::CallNew, Change::Added),
        CallState::MoreOften if options.more_often => {
            add(DeviationCode::CallMoreOften, Change::Added);
        }
        CallState::MatchedLoosely if options.changed => {
            add(DeviationCode::CallChanged, Change::Changed);
        }
        _ => {}
    }
    if call.out_of_order {
        add(DeviationCode::CallOrder, Change::Changed);
    }
}

/// How the input of a live call differs from a recorded one, bodies decoded.
///
/// What the body's size and digests say is no difference of its own, and the
/// headers of [`HeaderRules::ignored`](crate::rules::HeaderRules::ignored) are not
/// looked at.
pub fn input_differences(recorded: &Span, live: &Span, rules: &Rules) -> Vec<InputDifference> {
    let input = |span: &Span| Recorded::of(&span.input_value, &span.input_schema);
    value_differences(input(recorded), input(live), rules)
}

/// How the output of one call differs from that of another, as
/// [`input_differences`] does it.
pub fn output_differences(left: &Span, right: &Span, rules: &Rules) -> Vec<InputDifference> {
    let output = |span: &Span| Recorded::of(&span.output_value, &span.output_schema);
    value_differences(output(left), output(right), rules)
}

/// A value as it was recorded, and what its schema says.
struct Recorded {
    value: Json,
    schema: Option<Json>,
}

impl Recorded {
    fn of(value: &Option<String>, schema: &Option<String>) -> Option<Recorded> {
        let parse = |text: &Option<String>| Json::parse(text.as_deref()?.as_bytes());
        Some(Recorded {
            value: parse(value)?,
            schema: parse(schema),
        })
    }

    /// The value with its body as text or JSON instead of base64.
    fn decoded(mut self) -> Json {
        let encoding =
            crate::compare::schema_number(self.schema.as_ref(), "body", "encoding", "encoding");
        let is_http = self.value.get("headers").is_some() || encoding == Some(1);
        if let Some(body) = self.value.get_mut("body")
            && let Some(text) = body.as_str()
            && is_http
        {
            let bytes = crate::compare::decode_text(text);
            match Json::parse(&bytes) {
                Some(value @ (Json::Object(_) | Json::Array(_))) => *body = value,
                _ => {
                    if let Ok(text) = String::from_utf8(bytes) {
                        *body = Json::String(text);
                    }
                }
            }
        }
        self.value
    }
}

fn value_differences(
    left: Option<Recorded>,
    right: Option<Recorded>,
    rules: &Rules,
) -> Vec<InputDifference> {
    let (Some(left), Some(right)) = (left, right) else {
        return Vec::new();
    };
    let same_body = left.value.get("body") == right.value.get("body");
    // Rules by path are about responses; the forms and names hold here too.
    let forms = Rules {
        rules: Vec::new(),
        ..rules.clone()
    };
    let (left, right) = (left.decoded(), right.decoded());
    let found = differences(&left, &right, &forms, "").all;
    let root = |value: Json| needs_surroundings(&value).then(|| Arc::new(value));
    let (left, right) = (root(left), root(right));
    let place = |root: &Option<Arc<Json>>, path: String| {
        let root = Arc::clone(root.as_ref()?);
        Some(Place { root, path })
    };
    found
        .into_iter()
        .filter(|difference| !says_nothing(&difference.path, same_body, rules))
        .map(|difference| InputDifference {
            places: [
                place(&left, difference.path.clone()),
                place(&right, difference.actual_path),
            ],
            change: difference.change,
            path: difference.path,
            recorded: difference.recorded.as_ref().map(Json::text),
            actual: difference.actual.as_ref().map(Json::text),
            accepted_by: difference.reason.map(|reason| reason.code),
        })
        .collect()
}

/// Headers that are made from the body.
const HEADERS_OF_BODIES: &[&str] = &[
    "content-digest",
    "content-length",
    "content-md5",
    "digest",
    "etag",
    "repr-digest",
];

/// Whether a difference only says that the bodies differ, or stands in a header
/// that is never looked at.
fn says_nothing(path: &str, same_body: bool, rules: &Rules) -> bool {
    let names = names_of(path);
    match names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["bodySize"] => !same_body,
        ["headers", header] => {
            let header = header.to_ascii_lowercase();
            rules.headers.ignored.contains(&header)
                || (!same_body && HEADERS_OF_BODIES.contains(&header.as_str()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
