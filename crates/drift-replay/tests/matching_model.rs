//! The classes of equal values, beside a slow and obvious search.

mod support;

use drift_replay::{MatchOptions, Matcher};
use proptest::prelude::*;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use support::{Call, Directory, number_of, trace_id};

/// What the exact classes must do, done slowly.
struct Model {
    /// Trace, start, line, package, value, before the start.
    spans: Vec<(u8, i64, u32, usize, u8, bool)>,
    used: HashSet<(Option<u8>, u32)>,
}

impl Model {
    fn answer(
        &mut self,
        test: Option<u8>,
        package: usize,
        value: u8,
        before: bool,
    ) -> Option<(u32, bool)> {
        let known = test.filter(|test| self.spans.iter().any(|span| span.0 == *test));
        let owner = match (test, known) {
            (Some(_), None) => Some(u8::MAX),
            _ => test,
        };
        let mut spans = self.spans.clone();
        spans.sort_by_key(|span| (span.0, span.1, span.2));
        let equal: Vec<_> = spans
            .iter()
            .filter(|span| span.3 == package && span.4 == value)
            .collect();
        let own = |side: bool| {
            equal
                .iter()
                .filter(move |span| Some(span.0) == known && span.5 == side)
                .map(|span| span.2)
        };
        let suite = equal
            .iter()
            .filter(|span| span.5 == before)
            .map(|span| span.2);
        let groups: [Vec<u32>; 2] = [own(before).chain(own(!before)).collect(), suite.collect()];
        let last_of_own = own(before).next_back().or(own(!before).next_back());
        for (place, group) in groups.iter().enumerate() {
            if let Some(span) = group
                .iter()
                .find(|span| !self.used.contains(&(owner, **span)))
            {
                self.used.insert((owner, *span));
                return Some((*span, false));
            }
            let last = if place == 0 {
                last_of_own
            } else {
                group.last().copied()
            };
            if let Some(last) = last {
                return Some((last, true));
            }
        }
        None
    }
}

const PACKAGES: [&str; 2] = ["redis", "ioredis"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exact_classes_answer_as_a_slow_search_does(
        spans in prop::collection::vec((0..3_u8, 0..3_i64, 0..2_usize, 0..3_u8, any::<bool>()), 1..40),
        requests in prop::collection::vec((prop::option::of(0..4_u8), 0..2_usize, 0..4_u8, any::<bool>(), 0..20_u8), 1..80),
    ) {
        let call = |package: usize, value: u8, before: bool| Call {
            schema: None,
            is_pre_app_start: before,
            ..Call::new(PACKAGES.get(package).copied().unwrap_or_default(), &format!("{{\"value\":{value}}}"), "{}").unhashed()
        };
        let directory = Directory::new("model");
        let mut model = Model { spans: Vec::new(), used: HashSet::new() };
        for trace in 0..3 {
            let mut lines = String::new();
            for (number, (_, start, package, value, before)) in spans.iter().enumerate().filter(|(_, span)| span.0 == trace) {
                let number = number as u32 + 1;
                lines += &call(*package, *value, *before).at(start + 1).line(trace, number);
                model.spans.push((trace, *start, number, *package, *value, *before));
            }
            directory.write(&format!("{trace}.jsonl"), lines);
        }
        let matcher = Matcher::new(Arc::new(directory.load()), MatchOptions::default());
        for (test, package, value, before, begins) in requests {
            if let (0, Some(test)) = (begins, test) {
                matcher.begin_test(&trace_id(test));
                if model.spans.iter().any(|span| span.0 == test) {
                    model.used.retain(|(owner, _)| *owner != Some(test));
                }
            }
            let answer = matcher.answer(&call(package, value, before).request(test));
            let replayed = answer.found.as_ref().is_some_and(|found| found.replayed);
            let found = number_of(&matcher, &answer).map(|number| (number, replayed));
            prop_assert_eq!(found, model.answer(test, package, value, before));
        }
        let all: BTreeSet<u32> = model.spans.iter().map(|span| span.2).collect();
        prop_assert_eq!(all.len(), matcher.recording().span_count());
    }
}
