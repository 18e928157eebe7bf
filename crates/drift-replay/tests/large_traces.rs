//! A request that makes drift read a long trace, or long lines: it says so before,
//! it is answered all the same, and nobody else waits for it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

mod sdk;
mod support;

use std::sync::Arc;

use drift_replay::matcher::{MAX_BYTES_AT_ONCE, MAX_READ_AT_ONCE, MAX_SCORED};
use drift_replay::server::{Server, ServerOptions};
use drift_replay::{MatchOptions, Matcher};
use sdk::recorded::*;
use sdk::{Client, Question};
use support::{Call, matcher_of, matcher_with, number_of, trace_id};
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

fn post(place: usize, id: usize) -> Call {
    Call::http(
        "POST",
        &format!("/{place}"),
        "{}",
        &format!("{{\"id\":{id}}}"),
    )
}

/// Calls to different places, numbered from 1.
fn calls(count: usize) -> Vec<Call> {
    (1..=count).map(|place| post(place, place)).collect()
}

/// A call that equals none of these: the one to the same place answers it.
fn changed(place: usize) -> Call {
    post(place, 0)
}

fn number(matcher: &Matcher, answer: &drift_replay::Answer) -> Option<usize> {
    number_of(matcher, answer).map(|number| number as usize)
}

#[test]
fn a_request_that_makes_drift_read_a_long_trace_says_so_and_marks_nothing() {
    let last = MAX_READ_AT_ONCE + 1;
    let (_directory, matcher) = matcher_of("long-trace", &[(1, calls(last))]);
    let request = changed(last).request(Some(1));
    for _ in 0..2 {
        assert_eq!(matcher.answer_at_once(&request), None);
    }
    assert_eq!(matcher.unused(&trace_id(1)).len(), last);
    // What an equal call answers needs no guard.
    let equal = matcher.answer_at_once(&post(1, 1).request(Some(1)));
    assert_eq!(equal.and_then(|equal| number(&matcher, &equal)), Some(1));
    let answer = matcher.answer(&request);
    assert_eq!(number(&matcher, &answer), Some(last));
    // It was read once, for all requests to come.
    matcher.begin_test(&trace_id(1));
    assert_eq!(matcher.answer_at_once(&request), Some(answer));
}

#[test]
fn a_request_that_makes_drift_read_a_short_trace_is_answered_at_once() {
    let (_directory, matcher) = matcher_of(
        "short-trace",
        &[(1, calls(MAX_READ_AT_ONCE)), (2, calls(MAX_READ_AT_ONCE))],
    );
    for (trace, first) in [(1, 0), (2, MAX_READ_AT_ONCE)] {
        let request = changed(7).request(Some(trace));
        let at_once = matcher.answer_at_once(&request).unwrap();
        assert_eq!(number(&matcher, &at_once), Some(first + 7));
        matcher.begin_test(&trace_id(trace));
        assert_eq!(at_once, matcher.answer(&request));
    }
}

#[test]
fn a_request_that_makes_drift_read_all_calls_of_a_long_start_says_so() {
    for (count, at_once) in [(MAX_READ_AT_ONCE, true), (MAX_READ_AT_ONCE + 1, false)] {
        let boot: Vec<Call> = calls(count).into_iter().map(Call::before_start).collect();
        // Calls after the start are not read for it.
        let (_directory, matcher) = matcher_of("long-start", &[(1, boot), (2, calls(200))]);
        let request = changed(7).before_start().request(None);
        assert_eq!(matcher.answer_at_once(&request).is_some(), at_once);
        assert_eq!(number(&matcher, &matcher.answer(&request)), Some(7));
        assert!(matcher.answer_at_once(&request).is_some());
    }
}

/// A call to one place, of at least so many bytes as it is recorded, told apart by a
/// header if by anything.
fn large(id: usize, bytes: usize, header: &str) -> Call {
    let body = format!("{{\"id\":{id},\"text\":\"{}\"}}", "x".repeat(bytes * 3 / 4));
    Call::http(
        "POST",
        "/large",
        &format!("{{\"x-id\":\"{header}\"}}"),
        &body,
    )
}

/// Asks at once, which must not do; then it is answered by this one.
fn answers_later(matcher: &Matcher, call: &Call, expected: usize) {
    let request = call.request(Some(1));
    let unused = matcher.unused(&trace_id(1));
    assert_eq!(matcher.answer_at_once(&request), None);
    assert_eq!(matcher.unused(&trace_id(1)), unused);
    let answer = matcher.answer(&request);
    assert_eq!(number(matcher, &answer), Some(expected));
}

#[test]
fn a_request_that_makes_drift_read_a_short_trace_of_long_lines_says_so() {
    const CALLS: usize = 8;
    let recorded = |bytes: usize| -> Vec<Call> {
        let other =
            (2..=CALLS).map(|id| Call::http("PUT", &format!("/{id}"), "{}", &"y".repeat(bytes)));
        [post(1, 1)].into_iter().chain(other).collect()
    };
    let (_directory, matcher) = matcher_of(
        "long-lines",
        &[(1, recorded(MAX_BYTES_AT_ONCE / (CALLS - 1)))],
    );
    answers_later(&matcher, &changed(1), 1);
    // They were read once, for all requests to come.
    assert!(
        matcher
            .answer_at_once(&changed(1).request(Some(1)))
            .is_some()
    );
    let (_directory, matcher) = matcher_of(
        "shorter-lines",
        &[(1, recorded(MAX_BYTES_AT_ONCE / CALLS / 2))],
    );
    assert!(
        matcher
            .answer_at_once(&changed(1).request(Some(1)))
            .is_some()
    );
}

#[test]
fn a_request_that_is_compared_with_long_calls_says_so() {
    let each = MAX_BYTES_AT_ONCE / MAX_SCORED + 1;
    // Equal but for what does not count, and of the same shape.
    for (body, header) in [(0, "live"), (7, "0")] {
        let recorded = |count: usize| (1..=count).map(|_| large(0, each, "0")).collect();
        let live = large(body, each, header);
        let (_directory, matcher) = matcher_of("long-calls", &[(1, recorded(MAX_SCORED))]);
        answers_later(&matcher, &live, 1);
        answers_later(&matcher, &live, 2);
        let few = recorded(MAX_SCORED / 4);
        let (_directory, matcher) = matcher_of("few-long-calls", &[(1, few)]);
        assert!(matcher.answer_at_once(&live.request(Some(1))).is_some());
    }
}

#[test]
fn a_request_that_is_compared_with_many_short_calls_says_so() {
    let call = |header: usize| Call::http("GET", "/", &format!("{{\"n\":{header}}}"), "");
    let options = MatchOptions {
        max_scored: 1000,
        ..MatchOptions::default()
    };
    for (count, at_once) in [(100, true), (300, false)] {
        let recorded = (1..=count).map(call).collect();
        let (_directory, matcher) = matcher_with("many-short", &[(1, recorded)], options.clone());
        let answer = matcher.answer_at_once(&call(0).request(Some(1)));
        assert_eq!(answer.is_some(), at_once);
    }
}

#[test]
fn a_request_whose_recorded_answer_is_long_says_so() {
    let long = large(1, MAX_BYTES_AT_ONCE, "0");
    let recorded = vec![long.clone(), post(1, 1), long.clone()];
    let (_directory, matcher) = matcher_of("long-answer", &[(1, recorded)]);
    // Unused, and used.
    for expected in [1, 3, 3] {
        answers_later(&matcher, &long, expected);
    }
    let short = matcher.answer_at_once(&post(1, 1).request(Some(1)));
    assert_eq!(short.and_then(|short| number(&matcher, &short)), Some(2));
    // The only candidate, which is not compared.
    let (_directory, matcher) = matcher_of("one-long-answer", &[(1, vec![long])]);
    answers_later(&matcher, &large(1, MAX_BYTES_AT_ONCE, "1"), 1);
}

/// The message that an SDK sends for a call.
fn message(request_id: &str, call: &Call) -> contract::SdkMessage {
    contract::SdkMessage {
        r#type: 2,
        request_id: request_id.to_owned(),
        payload: Some(Question::GetMockRequest(call.message(request_id, Some(1)))),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_that_waited_for_a_long_trace_are_answered_before_those_behind_them() {
    const REQUESTS: usize = 40;
    // All to one place, so that the recorded order alone tells which answers which.
    let recorded = (1..=MAX_READ_AT_ONCE * 10).map(|id| post(1, id)).collect();
    let (_directory, matcher) = matcher_of("in-order", &[(1, recorded)]);
    let (server, _events) =
        Server::start(&loopback(), Arc::new(matcher), ServerOptions::default()).unwrap();
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        for number in 1..=REQUESTS {
            client.send(&message(&format!("{number}"), &changed(1)));
        }
        for number in 1..=REQUESTS {
            let answer = client.receive_mock();
            assert_eq!(answer.request_id, format!("{number}"));
            assert_eq!(answer.matched_span_id, format!("{number:016x}"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_that_makes_drift_read_a_long_trace_is_answered_on_its_socket() {
    let last = MAX_READ_AT_ONCE * 10;
    let (_directory, matcher) = matcher_of("served", &[(1, calls(last))]);
    let (server, _events) =
        Server::start(&loopback(), Arc::new(matcher), ServerOptions::default()).unwrap();
    let address = server.address().clone();
    blocking(move || {
        let mut client = Client::new(&address);
        // Both wait for one reading of the trace.
        for place in [last - 1, last] {
            client.send(&message(&format!("{place}"), &changed(place)));
        }
        for place in [last - 1, last] {
            let answer = client.receive_mock();
            assert_eq!(answer.request_id, format!("{place}"));
            assert_eq!(answer.matched_span_id, format!("{place:016x}"));
        }
    })
    .await;
}
