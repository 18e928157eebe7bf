//! A class of spans, and the span of it that answers.

use super::alike::Scored;
use super::{Found, Outcome, Reach, Step};
use crate::forms::Form;
use crate::index::{Classes, IndexId};
use crate::load::SpanIndex;
use std::ops::Range;
use tusk_drift_schemas::tusk::drift::core::v1::{
    MatchLevel, MatchScope, MatchType, SimilarityCandidate,
};

/// A class of spans in an index: one range, or two where a trace has spans on
/// both sides of the service's start.
pub(super) struct Class<'c, C> {
    pub(super) classes: &'c C,
    pub(super) id: IndexId,
    pub(super) reach: Reach,
    pub(super) form: Form,
    /// Those on the request's side of the start come first.
    pub(super) ranges: [Range<u32>; 2],
}

impl<C: Classes> Class<'_, C> {
    pub(super) fn len(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// The last one in recorded order, of the preferred range.
    pub(super) fn last(&self) -> Option<u32> {
        self.ranges
            .iter()
            .find(|range| !range.is_empty())
            .map(|range| range.end - 1)
    }

    pub(super) fn step(&self, outcome: Outcome) -> Step {
        Step {
            reach: self.reach,
            form: self.form,
            candidates: self.len(),
            outcome,
        }
    }
}

/// A picked position.
pub(super) struct Pick {
    pub(super) span: u32,
    pub(super) replayed: bool,
}

pub(super) fn found<C: Classes>(
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
