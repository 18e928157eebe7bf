//! How a recorded call answers: by which form, from where, and which one.

use super::{Call, number_of};
use drift_replay::{Answer, Matcher};
use tusk_drift_schemas::tusk::drift::core::v1::{MatchScope, MatchType};

/// The match type and scope of an answer, and the number of its span.
pub(crate) fn level(matcher: &Matcher, answer: &Answer) -> Option<(MatchType, MatchScope, u32)> {
    let level = &answer.found.as_ref()?.level;
    Some((
        level.match_type(),
        level.match_scope(),
        number_of(matcher, answer)?,
    ))
}

pub(crate) fn ask(
    matcher: &Matcher,
    call: &Call,
    test: Option<u8>,
) -> Option<(MatchType, MatchScope, u32)> {
    level(matcher, &matcher.answer(&call.request(test)))
}

pub(crate) const VALUE: (MatchType, MatchScope) = (MatchType::InputValueHash, MatchScope::Trace);
pub(crate) const VALUE_GLOBAL: (MatchType, MatchScope) =
    (MatchType::InputValueHash, MatchScope::Global);
pub(crate) const REDUCED: (MatchType, MatchScope) =
    (MatchType::InputValueHashReducedSchema, MatchScope::Trace);
pub(crate) const REDUCED_GLOBAL: (MatchType, MatchScope) =
    (MatchType::InputValueHashReducedSchema, MatchScope::Global);
pub(crate) const SCHEMA: (MatchType, MatchScope) = (MatchType::InputSchemaHash, MatchScope::Trace);
pub(crate) const SCHEMA_GLOBAL: (MatchType, MatchScope) =
    (MatchType::InputSchemaHash, MatchScope::Global);
pub(crate) const REDUCED_SCHEMA: (MatchType, MatchScope) =
    (MatchType::InputSchemaHashReducedSchema, MatchScope::Trace);

pub(crate) fn with(
    (match_type, scope): (MatchType, MatchScope),
    span: u32,
) -> Option<(MatchType, MatchScope, u32)> {
    Some((match_type, scope, span))
}
