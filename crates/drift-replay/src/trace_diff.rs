//! Two traces side by side: which calls both make, and how their inputs and
//! outputs differ. Identifiers and times are not compared, they always differ; nor
//! are calls that replay never asks for, whether a driver connects for instance.

use crate::guard::{Guard, GuardKey};
use crate::load::Recording;
use crate::outbound::{
    InputDifference, PoolQueries, by_id, input_differences, not_asked, output_differences,
};
use crate::rules::Rules;
use crate::span::Span;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What always differs in the root's input: where the request came from.
const NOT_COMPARED: [&str; 2] = ["$.remoteAddress", "$.remotePort"];

/// A span of one trace and the span of the other that is the same call.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanPair {
    /// Of the left trace; `None` when only the right one makes the call.
    pub left: Option<Span>,
    /// Of the right trace; `None` when only the left one makes the call.
    pub right: Option<Span>,
    /// What differs in the inputs, bodies decoded.
    pub input: Vec<InputDifference>,
    /// What differs in the outputs, bodies decoded.
    pub output: Vec<InputDifference>,
}

impl SpanPair {
    /// Whether both have the call and no rule is needed to call it equal.
    pub fn is_equal(&self) -> bool {
        let differs = |found: &[InputDifference]| found.iter().any(|one| one.accepted_by.is_none());
        self.left.is_some()
            && self.right.is_some()
            && !differs(&self.input)
            && !differs(&self.output)
    }
}

/// One of the two traces.
#[derive(Clone, Copy, Debug)]
pub struct TraceSide<'a> {
    /// All its spans, in any order.
    pub spans: &'a [Span],
    /// The recording that it is from, where that is known: the other traces tell of
    /// some queries of a driver that they are a pool's, which replay does not ask for.
    pub recording: Option<&'a Recording>,
}

/// Pairs the spans of two traces and compares the pairs.
///
/// The roots are a pair. Calls are paired in the order of their start, those of
/// an equal guard (method, host and path; the structure of a statement; a
/// command and its key) that come in the same order on both sides; those that
/// [`not_asked`] finds are left out. The result is in that order, calls of
/// the left trace alone before those of the right.
pub fn diff_traces(left: &[Span], right: &[Span], rules: &Rules) -> Vec<SpanPair> {
    let alone = |spans| TraceSide {
        spans,
        recording: None,
    };
    diff_recorded_traces(alone(left), alone(right), rules)
}

/// As [`diff_traces`], where the recordings of the traces are known.
pub fn diff_recorded_traces(
    left: TraceSide<'_>,
    right: TraceSide<'_>,
    rules: &Rules,
) -> Vec<SpanPair> {
    let (left_root, left_calls) = root_and_calls(left);
    let (right_root, right_calls) = root_and_calls(right);
    let mut pairs = Vec::new();
    if left_root.is_some() || right_root.is_some() {
        pairs.push(pair(left_root, right_root, rules));
    }
    let keys = |calls: &[&Span]| -> Vec<GuardKey> {
        calls.iter().map(|span| Guard::of(span).key()).collect()
    };
    let operations = capture_diff_slices(Algorithm::Myers, &keys(&left_calls), &keys(&right_calls));
    for operation in operations {
        let (lefts, rights) = (operation.old_range(), operation.new_range());
        let is_equal = matches!(operation, DiffOp::Equal { .. });
        let lefts = left_calls.get(lefts).unwrap_or_default();
        let rights = right_calls.get(rights).unwrap_or_default();
        if is_equal {
            let both = lefts.iter().zip(rights);
            pairs.extend(both.map(|(left, right)| pair(Some(left), Some(right), rules)));
        } else {
            pairs.extend(lefts.iter().map(|span| pair(Some(span), None, rules)));
            pairs.extend(rights.iter().map(|span| pair(None, Some(span), rules)));
        }
    }
    pairs
}

/// The root, and what is asked for besides by its start; spans without one keep
/// their order behind it.
fn root_and_calls(side: TraceSide<'_>) -> (Option<&Span>, Vec<&Span>) {
    let root = side.spans.iter().find(|span| span.is_root_span);
    let by_id = by_id(side.spans);
    let mut calls: Vec<&Span> = side.spans.iter().collect();
    calls.retain(|span| !span.is_root_span);
    let pool_queries = PoolQueries::default();
    let is_any_pools = |span: &Span| {
        side.recording
            .is_some_and(|recording| pool_queries.make_all_like(span, recording))
    };
    let not_asked = not_asked(&calls, &by_id, |_| false, is_any_pools);
    calls.retain(|span| !not_asked.contains(span.span_id.as_str()));
    calls.sort_by_key(|span| span.start_unix_nanos.unwrap_or(i128::MAX));
    (root, calls)
}

fn pair(left: Option<&Span>, right: Option<&Span>, rules: &Rules) -> SpanPair {
    let (mut input, output) = match (left, right) {
        (Some(left), Some(right)) => (
            input_differences(left, right, rules),
            output_differences(left, right, rules),
        ),
        _ => (Vec::new(), Vec::new()),
    };
    input.retain(|difference| !NOT_COMPARED.contains(&difference.path.as_str()));
    SpanPair {
        left: left.cloned(),
        right: right.cloned(),
        input,
        output,
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        reason = "a test fails where it looks for what is not there"
    )]
    use super::*;

    fn call(start: i128, path: &str, output: &str) -> Span {
        Span {
            package_name: "http".to_owned(),
            package_type: 1,
            kind: crate::SpanKind::Client,
            start_unix_nanos: Some(start),
            input_value: Some(format!(
                r#"{{"method":"GET","hostname":"up","path":"{path}","headers":{{}}}}"#
            )),
            output_value: Some(output.to_owned()),
            ..Span::default()
        }
    }

    fn paths(differences: &[InputDifference]) -> Vec<&str> {
        differences.iter().map(|one| one.path.as_str()).collect()
    }

    fn root(port: u32, target: &str) -> Span {
        Span {
            is_root_span: true,
            kind: crate::SpanKind::Server,
            input_value: Some(format!(
                r#"{{"method":"GET","target":"{target}","remotePort":{port}}}"#
            )),
            output_value: Some(r#"{"statusCode":200}"#.to_owned()),
            ..Span::default()
        }
    }

    #[test]
    fn the_same_calls_at_other_times_and_from_another_port_are_equal() {
        let left = [root(1, "/a"), call(5, "/x", "{}"), call(3, "/y", "{}")];
        let right = [call(10, "/y", "{}"), call(20, "/x", "{}"), root(2, "/a")];
        let pairs = diff_traces(&left, &right, &Rules::default());
        assert_eq!(pairs.len(), 3);
        assert!(pairs.iter().all(SpanPair::is_equal), "{pairs:?}");
    }

    #[test]
    fn a_call_that_only_one_side_makes_stands_alone_at_its_place() {
        let left = [call(1, "/x", "{}"), call(2, "/y", "{}")];
        let right = [
            call(1, "/x", "{}"),
            call(2, "/new", "{}"),
            call(3, "/y", "{}"),
        ];
        let pairs = diff_traces(&left, &right, &Rules::default());
        let alone: Vec<bool> = pairs.iter().map(|pair| pair.left.is_none()).collect();
        assert_eq!(alone, [false, true, false]);
        assert!(!pairs[1].is_equal());
    }

    #[test]
    fn an_answer_that_differs_is_shown_by_path_with_its_body_decoded() {
        // {"id":7} and {"id":8}
        let left = [call(
            1,
            "/x",
            r#"{"statusCode":200,"headers":{},"body":"eyJpZCI6N30="}"#,
        )];
        let right = [call(
            1,
            "/x",
            r#"{"statusCode":200,"headers":{},"body":"eyJpZCI6OH0="}"#,
        )];
        let pairs = diff_traces(&left, &right, &Rules::default());
        assert_eq!(paths(&pairs[0].output), ["$.body.id"]);
        assert_eq!(pairs[0].output[0].recorded.as_deref(), Some("7"));
    }

    /// `{statusCode, headers, body, bodySize}` with what a server derives from the body.
    fn answer(body: &str, size: u32, date: &str) -> String {
        format!(
            r#"{{"statusCode":200,"headers":{{"Content-Length":"{size}","ETag":"W/{size}","Date":"{date}"}},"body":"{body}","bodySize":{size}}}"#
        )
    }

    #[test]
    fn a_body_that_differs_is_one_difference_with_its_size_and_digests() {
        // {"id":7} and {"id":1234}, on two days.
        let left = [call(1, "/x", &answer("eyJpZCI6N30=", 8, "Mon"))];
        let right = [call(1, "/x", &answer("eyJpZCI6MTIzNH0=", 11, "Tue"))];
        let pairs = diff_traces(&left, &right, &Rules::default());
        assert_eq!(paths(&pairs[0].output), ["$.body.id"]);
    }

    #[test]
    fn a_size_that_differs_alone_is_a_difference() {
        let left = [call(1, "/x", &answer("eyJpZCI6N30=", 8, "Mon"))];
        let right = [call(1, "/x", &answer("eyJpZCI6N30=", 9, "Mon"))];
        let pairs = diff_traces(&left, &right, &Rules::default());
        assert_eq!(paths(&pairs[0].output), ["$.bodySize", "$.headers.ETag"]);
    }

    /// A query of pg-pool with what its driver does inside, if it has to connect.
    fn pool_query(connects: bool) -> Vec<Span> {
        let span = |id: &str, parent: &str, package: &str, operation: &str, start| Span {
            span_id: id.to_owned(),
            parent_span_id: parent.to_owned(),
            package_name: package.to_owned(),
            name: format!("{package}.{operation}"),
            submodule_name: operation.to_owned(),
            kind: crate::SpanKind::Client,
            start_unix_nanos: Some(start),
            duration_nanos: Some(if id == "a" { 9_000_000 } else { 1_000_000 }),
            input_value: Some(r#"{"text":"SELECT 1","values":[]}"#.to_owned()),
            ..Span::default()
        };
        let mut spans = vec![span("a", "", "pg-pool", "query", 1_000_000_000)];
        if connects {
            spans.push(span("b", "a", "pg-pool", "connect", 1_000_100_000));
            spans.push(span("c", "b", "pg", "connect", 1_000_200_000));
            // After the connect that it has as its parent, and in the query all the same.
            spans.push(span("d", "c", "pg", "query", 1_007_000_000));
        }
        spans
    }

    #[test]
    fn connects_and_calls_inside_other_calls_are_left_out_as_in_replay() {
        let pairs = diff_traces(&pool_query(true), &pool_query(false), &Rules::default());
        assert_eq!(pairs.len(), 1, "{pairs:?}");
        assert!(pairs[0].is_equal());
        let at_start: Vec<Span> = pool_query(true)
            .into_iter()
            .map(|span| Span {
                is_pre_app_start: true,
                ..span
            })
            .collect();
        let pairs = diff_traces(&at_start, &pool_query(false), &Rules::default());
        assert_eq!(pairs.len(), 1, "{pairs:?}");
    }

    #[test]
    fn a_circle_of_parents_loses_no_call() {
        let mut spans = vec![
            call(1, "/x", "{}"),
            call(2, "/y", "{}"),
            call(3, "/z", "{}"),
        ];
        for (span, (id, parent)) in spans.iter_mut().zip([("1", "2"), ("2", "1"), ("3", "3")]) {
            (span.span_id, span.parent_span_id) = (id.to_owned(), parent.to_owned());
        }
        assert_eq!(diff_traces(&spans, &spans, &Rules::default()).len(), 3);
    }
}
